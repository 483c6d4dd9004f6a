#include <algorithm>
#include <memory>

#include "binding.hpp"

namespace pyml::binding {
namespace {

using AnyArray = nb::ndarray<nb::ro>;

AnyArray require_array(nb::handle object, const char* name, nb::dlpack::dtype type, const char* wanted) {
  AnyArray array;
  // No conversion: a list or an array of another type would be copied behind the caller's back.
  if (!nb::try_cast<AnyArray>(object, array, false) || array.device_type() != nb::device::cpu::value ||
      array.dtype() != type)
    throw nb::type_error((std::string(name) + " must be a NumPy array of " + wanted).c_str());
  return array;
}

bool is_c_order(const AnyArray& array) {
  std::int64_t stride = 1;
  for (std::size_t d = array.ndim(); d-- > 0;) {
    if (array.shape(d) > 1 && array.stride(d) != stride) return false;
    stride *= static_cast<std::int64_t>(array.shape(d));
  }
  return true;
}

[[noreturn]] void refuse(const char* name, const std::string& why) {
  throw nb::value_error((std::string(name) + " " + why).c_str());
}

}  // namespace

const std::uint8_t* require_bytes(nb::handle object, const char* name, std::size_t n) {
  if (!nb::isinstance<nb::bytes>(object)) throw nb::type_error((std::string(name) + " must be bytes").c_str());
  const auto bytes = nb::borrow<nb::bytes>(object);
  if (n && bytes.size() != n)
    refuse(name, "must have " + std::to_string(n) + " bytes, not " + std::to_string(bytes.size()));
  return static_cast<const std::uint8_t*>(bytes.data());
}

template <class F>
F require_scalar(nb::handle object, const char* name) {
  F a;
  if (!F::from_bytes(require_bytes(object, name, 32), a)) refuse(name, "is not below the modulus");
  return a;
}

template <class F>
Secret<F> require_vector(nb::handle object, const char* name, const char* wanted) {
  const AnyArray array = require_array(object, name, nb::dtype<std::uint64_t>(), wanted);
  if (array.ndim() != 2 || array.shape(1) != 4) refuse(name, "must have shape [n, 4]");
  if (!is_c_order(array)) refuse(name, "must be in C order");
  const auto* limbs = static_cast<const std::uint64_t*>(array.data());
  Secret<F> out(array.shape(0));
  for (std::size_t i = 0; i < out.size(); i++) {
    const Limbs l{{limbs[4 * i], limbs[4 * i + 1], limbs[4 * i + 2], limbs[4 * i + 3]}};
    if (!F::from_limbs(l, out[i])) refuse(name, "is not below the modulus in row " + std::to_string(i));
  }
  return out;
}

Secret<std::int32_t> require_i32(nb::handle object, const char* name) {
  const AnyArray array = require_array(object, name, nb::dtype<std::int32_t>(), "int32");
  if (array.ndim() != 1) refuse(name, "must have shape [n]");
  if (!is_c_order(array)) refuse(name, "must be in C order");
  Secret<std::int32_t> out(array.shape(0));
  std::copy_n(static_cast<const std::int32_t*>(array.data()), out.size(), out.data());
  return out;
}

bool is_i32(nb::handle object) {
  AnyArray array;
  return nb::try_cast<AnyArray>(object, array, false) && array.dtype() == nb::dtype<std::int32_t>();
}

Affine require_point(nb::handle object, const char* name) {
  Affine p;
  if (!decode(require_bytes(object, name, 64), p)) refuse(name, "is not a point of the curve");
  return p;
}

std::vector<Affine> require_points(nb::handle object, const char* name) {
  const std::uint8_t* bytes = require_bytes(object, name, 0);
  const std::size_t length = nb::borrow<nb::bytes>(object).size();
  if (length % 64) refuse(name, "must have 64 bytes for each point");
  std::vector<Affine> points(length / 64);
  for (std::size_t i = 0; i < points.size(); i++)
    if (!decode(bytes + 64 * i, points[i])) refuse(name, "is not a point of the curve at place " + std::to_string(i));
  return points;
}

void require_equal_lengths(std::size_t a, std::size_t b, const char* names) {
  if (a != b) refuse(names, "must have equal lengths, not " + std::to_string(a) + " and " + std::to_string(b));
}

nb::bytes to_bytes(const Affine& p) {
  std::uint8_t out[64];
  encode(p, out);
  return nb::bytes(out, sizeof out);
}

template <class F>
nb::object to_array(const F* a, std::size_t n) {
  auto limbs = std::make_unique<std::uint64_t[]>(4 * n);
  for (std::size_t i = 0; i < n; i++) {
    const Limbs l = a[i].to_limbs();
    for (int k = 0; k < 4; k++) limbs[4 * i + static_cast<std::size_t>(k)] = l.v[k];
  }
  std::uint64_t* memory = limbs.release();
  nb::capsule owner(memory, [](void* p) noexcept { delete[] static_cast<std::uint64_t*>(p); });
  return nb::cast(nb::ndarray<nb::numpy, std::uint64_t, nb::shape<-1, 4>>(memory, {n, 4}, owner));
}

#define PYML_INSTANTIATE(F)                                        \
  template F require_scalar<F>(nb::handle, const char*);           \
  template Secret<F> require_vector<F>(nb::handle, const char*, const char*);   \
  template nb::object to_array<F>(const F*, std::size_t);
PYML_INSTANTIATE(Fr)
PYML_INSTANTIATE(Fq)
#undef PYML_INSTANTIATE

}  // namespace pyml::binding
