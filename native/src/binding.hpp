// What the Python bindings share: checked arguments and results. Every mistake of a caller becomes a ValueError or
// TypeError of one line that names the argument and never shows its contents.
//
//   require_bytes(object, name, n)    bytes of that length (any length for n = 0)
//   require_scalar<F>(object, name)   32 canonical big-endian bytes
//   require_vector<F>(object, name)   NumPy uint64 [n, 4], C order, canonical little-endian limbs
//   require_i32(object, name)         NumPy int32 [n], C order; a copy, for another thread of Python may write meanwhile
//   require_point(object, name)       64 bytes, canonical, on the curve; infinity allowed
//   require_points(object, name)      64 bytes each
//   to_bytes(F), to_bytes(Affine), to_array(F*, n)
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "pyml/curve.hpp"
#include "pyml/field.hpp"
#include "pyml/secret.hpp"

namespace pyml::binding {

namespace nb = nanobind;

const std::uint8_t* require_bytes(nb::handle object, const char* name, std::size_t n);
template <class F> F require_scalar(nb::handle object, const char* name);
template <class F>
Secret<F> require_vector(nb::handle object, const char* name, const char* wanted = "uint64");
Secret<std::int32_t> require_i32(nb::handle object, const char* name);
bool is_i32(nb::handle object);
Affine require_point(nb::handle object, const char* name);
std::vector<Affine> require_points(nb::handle object, const char* name);
void require_equal_lengths(std::size_t a, std::size_t b, const char* names);

nb::bytes to_bytes(const Affine& p);
template <class F> nb::bytes to_bytes(const F& a) {
  std::uint8_t out[32];
  a.to_bytes(out);
  return nb::bytes(out, sizeof out);
}
template <class F> nb::object to_array(const F* a, std::size_t n);

}  // namespace pyml::binding
