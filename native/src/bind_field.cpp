// Field vectors for Python: for tests and for small work around the prover, which keeps its vectors in C++.
#include <nanobind/stl/string.h>

#include <string>

#include "binding.hpp"
#include "pyml/vec.hpp"

namespace pyml::binding {
namespace {

// Calls work(F{}) with the field that `field` names.
template <class Work>
nb::object in_field(const std::string& field, const Work& work) {
  if (field == "fr") return work(Fr::zero());
  if (field == "fq") return work(Fq::zero());
  throw nb::value_error("field must be \"fr\" or \"fq\"");
}

// Two vectors in, one out.
template <class Compute>
nb::object map_two(const std::string& field, nb::handle a, nb::handle b, const Compute& compute) {
  return in_field(field, [&](auto zero) {
    using F = decltype(zero);
    const Secret<F> x = require_vector<F>(a, "a"), y = require_vector<F>(b, "b");
    require_equal_lengths(x.size(), y.size(), "a and b");
    Secret<F> out(x.size());
    {
      const nb::gil_scoped_release released;
      compute(out.data(), x.data(), y.data(), x.size());
    }
    return to_array(out.data(), out.size());
  });
}

}  // namespace

void bind_field(nb::module_& m) {
  m.def("vec_add", [](const std::string& field, nb::handle a, nb::handle b) {
    return map_two(field, a, b, [](auto* out, auto* x, auto* y, std::size_t n) { vec::add(out, x, y, n); });
  }, nb::arg("field"), nb::arg("a"), nb::arg("b"), "a + b, element by element.");
  m.def("vec_sub", [](const std::string& field, nb::handle a, nb::handle b) {
    return map_two(field, a, b, [](auto* out, auto* x, auto* y, std::size_t n) { vec::sub(out, x, y, n); });
  }, nb::arg("field"), nb::arg("a"), nb::arg("b"), "a - b, element by element.");
  m.def("vec_mul", [](const std::string& field, nb::handle a, nb::handle b) {
    return map_two(field, a, b, [](auto* out, auto* x, auto* y, std::size_t n) { vec::mul(out, x, y, n); });
  }, nb::arg("field"), nb::arg("a"), nb::arg("b"), "a * b, element by element.");
  m.def("vec_mul_add", [](const std::string& field, nb::handle sum, nb::handle a, nb::handle b) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      Secret<F> out = require_vector<F>(sum, "sum");
      const Secret<F> x = require_vector<F>(a, "a"), y = require_vector<F>(b, "b");
      require_equal_lengths(x.size(), y.size(), "a and b");
      require_equal_lengths(out.size(), x.size(), "sum and a");
      vec::mul_add(out.data(), x.data(), y.data(), x.size());
      return to_array(out.data(), out.size());
    });
  }, nb::arg("field"), nb::arg("sum"), nb::arg("a"), nb::arg("b"), "sum + a * b, element by element.");
  m.def("vec_scale", [](const std::string& field, nb::handle a, nb::handle s) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      Secret<F> out = require_vector<F>(a, "a");
      vec::scale(out.data(), out.data(), require_scalar<F>(s, "s"), out.size());
      return to_array(out.data(), out.size());
    });
  }, nb::arg("field"), nb::arg("a"), nb::arg("s"), "s * a.");
  m.def("vec_add_scalar", [](const std::string& field, nb::handle a, nb::handle s) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      Secret<F> out = require_vector<F>(a, "a");
      vec::add_scalar(out.data(), out.data(), require_scalar<F>(s, "s"), out.size());
      return to_array(out.data(), out.size());
    });
  }, nb::arg("field"), nb::arg("a"), nb::arg("s"), "a + s.");
  m.def("vec_axpy", [](const std::string& field, nb::handle sum, nb::handle s, nb::handle a) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      Secret<F> out = require_vector<F>(sum, "sum");
      const Secret<F> x = require_vector<F>(a, "a");
      require_equal_lengths(out.size(), x.size(), "sum and a");
      vec::axpy(out.data(), require_scalar<F>(s, "s"), x.data(), x.size());
      return to_array(out.data(), out.size());
    });
  }, nb::arg("field"), nb::arg("sum"), nb::arg("s"), nb::arg("a"), "sum + s * a.");
  m.def("vec_fold", [](const std::string& field, nb::handle low, nb::handle high, nb::handle r) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      const Secret<F> x = require_vector<F>(low, "low"), y = require_vector<F>(high, "high");
      require_equal_lengths(x.size(), y.size(), "low and high");
      Secret<F> out(x.size());
      vec::fold(out.data(), x.data(), y.data(), require_scalar<F>(r, "r"), x.size());
      return to_array(out.data(), out.size());
    });
  }, nb::arg("field"), nb::arg("low"), nb::arg("high"), nb::arg("r"), "low + r * (high - low).");
  m.def("vec_dot", [](const std::string& field, nb::handle a, nb::handle b) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      const Secret<F> x = require_vector<F>(a, "a"), y = require_vector<F>(b, "b");
      require_equal_lengths(x.size(), y.size(), "a and b");
      return nb::object(to_bytes(vec::dot(x.data(), y.data(), x.size())));
    });
  }, nb::arg("field"), nb::arg("a"), nb::arg("b"), "The sum of a * b, 32 bytes.");
  m.def("vec_sum", [](const std::string& field, nb::handle a) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      const Secret<F> x = require_vector<F>(a, "a");
      return nb::object(to_bytes(vec::sum(x.data(), x.size())));
    });
  }, nb::arg("field"), nb::arg("a"), "The sum of a, 32 bytes.");
  m.def("vec_inverse", [](const std::string& field, nb::handle a) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      Secret<F> out = require_vector<F>(a, "a");
      vec::batch_inverse(out.data(), out.size());
      return to_array(out.data(), out.size());
    });
  }, nb::arg("field"), nb::arg("a"), "1 / a, element by element; 0 for 0.");
  m.def("vec_horner", [](const std::string& field, nb::handle a, nb::handle x) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      const Secret<F> coefficients = require_vector<F>(a, "a");
      return nb::object(to_bytes(vec::horner(coefficients.data(), coefficients.size(), require_scalar<F>(x, "x"))));
    });
  }, nb::arg("field"), nb::arg("a"), nb::arg("x"), "The polynomial with these coefficients at x, 32 bytes.");
  m.def("vec_powers", [](const std::string& field, nb::handle x, std::size_t n) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      if (n > std::size_t(1) << 26) throw nb::value_error("n must be at most 2^26");
      Secret<F> out(n);
      vec::powers(out.data(), require_scalar<F>(x, "x"), n);
      return to_array(out.data(), n);
    });
  }, nb::arg("field"), nb::arg("x"), nb::arg("n"), "1, x, x^2, …, n of them.");
  m.def("vec_from_i32", [](const std::string& field, nb::handle values) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      const Secret<std::int32_t> integers = require_i32(values, "values");
      Secret<F> out(integers.size());
      vec::from_i32(out.data(), integers.data(), integers.size());
      return to_array(out.data(), out.size());
    });
  }, nb::arg("field"), nb::arg("values"), "Signed integers as field elements.");
  m.def("reduce_bytes", [](const std::string& field, nb::handle bytes) {
    return in_field(field, [&](auto zero) {
      using F = decltype(zero);
      return nb::object(to_bytes(F::reduce_bytes(require_bytes(bytes, "bytes", 32))));
    });
  }, nb::arg("field"), nb::arg("bytes"), "32 big-endian bytes modulo the field's modulus.");
}

}  // namespace pyml::binding
