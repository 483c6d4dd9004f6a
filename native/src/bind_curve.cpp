// Points, multi-scalar multiplication and powers of tau for Python.
#include <nanobind/stl/string.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "binding.hpp"
#include "pyml/msm.hpp"
#include "pyml/srs.hpp"
#include "pyml/vec.hpp"

namespace pyml::binding {
namespace {

// The sum in the form that fits the array's type: int32 [n], or uint64 [n, 4] of canonical limbs.
template <class Small, class Full>
nb::bytes multiply_array(nb::handle values, std::size_t most, const Small& small, const Full& full) {
  Affine result;
  const auto require_fit = [&](std::size_t n) {
    if (n > most)
      throw nb::value_error(("values must be at most as many as there are points: " + std::to_string(n) + " and " +
                             std::to_string(most)).c_str());
  };
  if (is_i32(values)) {
    const Secret<std::int32_t> integers = require_i32(values, "values");
    require_fit(integers.size());
    const nb::gil_scoped_release released;
    result = to_affine(small(integers.data(), integers.size()));
  } else {
    const Secret<Fr> scalars = require_vector<Fr>(values, "values", "int32 or uint64");
    require_fit(scalars.size());
    const nb::gil_scoped_release released;
    result = to_affine(full(scalars.data(), scalars.size()));
  }
  return to_bytes(result);
}

nb::bytes multiply_points(nb::handle points, nb::handle values) {
  const std::vector<Affine> p = require_points(points, "points");
  return multiply_array(
      values, p.size(), [&](const std::int32_t* v, std::size_t n) { return msm_i32(p.data(), v, n); },
      [&](const Fr* v, std::size_t n) { return msm(p.data(), v, n); });
}

// tau^begin · G, tau^(begin + 1) · G, … as halo2's raw files hold them.
nb::bytes raw_powers(nb::handle tau, std::size_t begin, std::size_t count) {
  const Fr t = require_scalar<Fr>(tau, "tau");
  if (begin > std::size_t(1) << 26 || count > std::size_t(1) << 22)
    throw nb::value_error("begin must be at most 2^26 and count at most 2^22");
  std::vector<Affine> points(count);
  {
    const nb::gil_scoped_release released;
    std::vector<Fr> powers(count);
    vec::powers(powers.data(), t, count);
    const std::uint64_t exponent[4] = {begin, 0, 0, 0};
    vec::scale(powers.data(), powers.data(), t.pow(exponent, 64), count);
    fixed_base_multiply(powers.data(), count, points.data());
  }
  return nb::bytes(points.data(), count * sizeof(Affine));
}

// L_i(tau) · G for i = begin …: L_i(tau) = w^i (tau^n - 1) / (n (tau - w^i)), w = 7^((r - 1) / n), n = 2^degree.
nb::bytes raw_lagrange(nb::handle tau, unsigned degree, std::size_t begin, std::size_t count) {
  const Fr t = require_scalar<Fr>(tau, "tau");
  if (degree > 26 || begin + count > std::size_t(1) << degree)
    throw nb::value_error("degree must be at most 26, and begin + count at most 2^degree");
  std::vector<Affine> points(count);
  {
    const nb::gil_scoped_release released;
    std::uint64_t exponent[4];  // (r - 1) / 2^degree
    for (int i = 0; i < 4; i++)
      exponent[i] = degree ? Fr::p()[i] >> degree | (i < 3 ? Fr::p()[i + 1] << (64 - degree) : 0) : Fr::p()[i];
    if (degree == 0) exponent[0] -= 1;
    const Fr root = Fr::from_u64(7).pow(exponent, 254);
    const std::uint64_t start[4] = {begin, 0, 0, 0};
    std::vector<Fr> values(count), denominators(count);
    vec::powers(values.data(), root, count);
    vec::scale(values.data(), values.data(), root.pow(start, 64), count);
    for (std::size_t i = 0; i < count; i++) denominators[i] = t - values[i];
    vec::batch_inverse(denominators.data(), count);
    Fr vanishing = t, size = Fr::from_u64(std::uint64_t(1) << degree);
    for (unsigned i = 0; i < degree; i++) vanishing = vanishing.square();
    vanishing -= Fr::one();
    vec::mul(values.data(), values.data(), denominators.data(), count);
    vec::scale(values.data(), values.data(), vanishing * size.inverse(), count);
    fixed_base_multiply(values.data(), count, points.data());
  }
  return nb::bytes(points.data(), count * sizeof(Affine));
}

void bind_srs(nb::module_& m) {
  nb::exception<SrsError>(m, "SrsError", PyExc_ValueError);
  nb::class_<Srs>(m, "Srs", "Powers of tau in memory, read from a file in halo2's raw format.")
      .def("__init__", [](Srs* self, const std::string& path, std::size_t count) {
        const nb::gil_scoped_release released;
        new (self) Srs(Srs::read(path, count));
      }, nb::arg("path"), nb::arg("count") = 0, "Reads the first `count` powers; 0 means all.")
      .def("__len__", &Srs::size)
      .def_prop_ro("degree", &Srs::degree)
      .def_prop_ro("g2", [](const Srs& s) { return nb::bytes(s.g2().data(), s.g2().size()); })
      .def_prop_ro("tau_g2", [](const Srs& s) { return nb::bytes(s.tau_g2().data(), s.tau_g2().size()); })
      .def("point", [](const Srs& s, std::size_t i) {
        if (i >= s.size()) throw nb::index_error("there are fewer powers");
        return to_bytes(s.points()[i]);
      }, nb::arg("i"), "tau^i · G, 64 bytes.")
      .def("require_valid", &Srs::require_valid, nb::call_guard<nb::gil_scoped_release>(),
           "Raises SrsError unless every point is finite, reduced and on the curve, and the first the generator.")
      .def("combination", [](const Srs& s, nb::handle seed) {
        std::array<std::uint8_t, 32> bytes;
        const std::uint8_t* in = require_bytes(seed, "seed", 32);
        std::copy(in, in + 32, bytes.begin());
        if (s.size() < 2) throw nb::value_error("a combination needs two powers");
        Srs::Combination c;
        {
          const nb::gil_scoped_release released;
          c = s.combination(bytes);
        }
        return nb::make_tuple(to_bytes(c.lower), to_bytes(c.upper));
      }, nb::arg("seed"), "Sums of r_i tau^i · G and of r_i tau^(i + 1) · G with 128-bit r_i from the seed.")
      .def("commit", [](const Srs& s, nb::handle values) {
        return multiply_array(
            values, s.size(), [&](const std::int32_t* v, std::size_t n) { return s.commit(v, n); },
            [&](const Fr* v, std::size_t n) { return s.commit(v, n); });
      }, nb::arg("values"), "Sum of values[i] tau^i · G; int32 [n] or uint64 [n, 4] canonical limbs.");
}

}  // namespace

void bind_curve(nb::module_& m) {
  m.def("point_add", [](nb::handle p, nb::handle q) {
    const Affine left = require_point(p, "p"), right = require_point(q, "q");
    return to_bytes(add(left, right));
  }, nb::arg("p"), nb::arg("q"), "p + q.");
  m.def("point_negate", [](nb::handle p) { return to_bytes(negate(require_point(p, "p"))); }, nb::arg("p"), "-p.");
  m.def("point_multiply", [](nb::handle p, nb::handle s) {
    const Affine point = require_point(p, "p");
    return to_bytes(to_affine(multiply(point, require_scalar<Fr>(s, "s"))));
  }, nb::arg("p"), nb::arg("s"), "s · p; not constant in time.");
  m.def("blinding_generator", [] { return to_bytes(blinding_generator()); }, "H, which blinds commitments.");
  m.def("hash_to_curve", [](nb::handle seed) {
    const std::uint8_t* bytes = require_bytes(seed, "seed", 0);
    return to_bytes(hash_to_curve(bytes, nb::borrow<nb::bytes>(seed).size()));
  }, nb::arg("seed"), "hash_to_g1 of pyml/crypto/bn254_group.py.");
  m.def("msm", &multiply_points, nb::arg("points"), nb::arg("values"),
        "Sum of values[i] · points[i]; points are 64 bytes each, values int32 [n] or uint64 [n, 4].");
  m.def("unsafe_raw_powers", &raw_powers, nb::arg("tau"), nb::arg("begin"), nb::arg("count"),
        "Powers of a tau that the caller knows, and could forge with: development chains only.");
  m.def("unsafe_raw_lagrange", &raw_lagrange, nb::arg("tau"), nb::arg("degree"), nb::arg("begin"), nb::arg("count"),
        "The same in Lagrange form: development chains only.");
  bind_srs(m);
}

}  // namespace pyml::binding
