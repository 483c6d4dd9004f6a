// Prover and verifier for Python. Only pyml/zk/native/prover.py and compiled_verifier.py call them, which have checked
// what a user can get wrong; here every length is checked again, for nothing that Python passes may make this code read
// beyond an array.
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <utility>

#include "binding.hpp"
#include "pyml/prover.hpp"
#include "pyml/srs.hpp"
#include "pyml/verifier.hpp"

namespace pyml::binding {
namespace {

using Array = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;

[[noreturn]] void refuse(const std::string& line) { throw nb::value_error(line.c_str()); }

Shape read_shape(std::size_t samples, std::vector<std::size_t> widths, std::vector<unsigned> shifts,
                 std::vector<std::uint64_t> bias_units, std::array<unsigned, 4> sizes, bool data_in_witness) {
  Shape shape;
  shape.samples = samples;
  shape.widths = std::move(widths);
  shape.shifts = std::move(shifts);
  shape.bias_units = std::move(bias_units);
  shape.limb_bits = sizes[0];
  shape.margin_limbs = sizes[1];
  shape.degree = sizes[2];
  shape.weight_bits = sizes[3];
  shape.data_in_witness = data_in_witness;
  shape.require_valid();
  return shape;
}

// Labels become places in memory, so they are copied: nobody may change them behind the checks while the lock is free.
struct OwnedSamples : Samples {
  std::vector<std::int64_t> own_labels;
};

OwnedSamples read_samples(const Array& inputs, const Array& labels) {
  OwnedSamples samples;
  const bool small = inputs.dtype() == nb::dtype<std::uint8_t>();
  if (inputs.ndim() != 2 || !(small || inputs.dtype() == nb::dtype<std::uint16_t>()))
    refuse("inputs must be a NumPy array of uint8 or uint16 [samples, features]");
  if (labels.ndim() != 1 || labels.dtype() != nb::dtype<std::int64_t>() || labels.shape(0) != inputs.shape(0))
    refuse("labels must be a NumPy array of int64 [samples]");
  samples.data = inputs.data();
  samples.rows = inputs.shape(0);
  samples.width = inputs.shape(1);
  samples.bytes = small ? 1 : 2;
  const auto* given = static_cast<const std::int64_t*>(labels.data());
  samples.own_labels.assign(given, given + samples.rows);
  samples.labels = samples.own_labels.data();
  return samples;
}

Weights read_weights(const Shape& shape, const std::vector<Array>& layers) {
  Weights weights;
  if (layers.size() != shape.layers()) refuse("there must be one matrix of weights for each layer");
  for (std::size_t l = 0; l < layers.size(); l++) {
    const Array& layer = layers[l];
    if (layer.ndim() != 2 || layer.dtype() != nb::dtype<std::int32_t>() || layer.shape(0) != shape.widths[l] + 1 ||
        layer.shape(1) != shape.widths[l + 1])
      refuse("layer " + std::to_string(l + 1) + " must be a NumPy array of int32 [inputs + 1, outputs]");
    weights.push_back(static_cast<const std::int32_t*>(layer.data()));
  }
  return weights;
}

// Python's function of the count and the first points, which may raise.
Context read_context(const nb::object& function) {
  return [function](std::size_t count, const std::vector<Affine>& points) {
    const nb::gil_scoped_acquire held;
    nb::list encoded;
    for (const Affine& p : points) encoded.append(to_bytes(p));
    return require_scalar<Fr>(function(count, encoded), "context");
  };
}

// Between phases a signal is looked for and the caller told; what either raises ends the proof.
Phases read_phases(const nb::object& notice) {
  return Phases([notice](const char* phase) {
    const nb::gil_scoped_acquire held;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    if (!notice.is_none()) notice(phase);
  });
}

nb::tuple to_tuple(const Proof& proof) {
  nb::dict timings;
  for (const auto& [phase, seconds] : proof.timings) timings[phase.c_str()] = seconds;
  return nb::make_tuple(nb::bytes(proof.bytes.data(), proof.bytes.size()), proof.count, timings);
}

struct SecretScalar {
  Secrets secrets;
  SecretScalar(nb::handle seed, nb::handle blind)
      : secrets{require_bytes(seed, "seed", 32), require_scalar<Fr>(blind, "blind")} {}
  ~SecretScalar() { wipe(&secrets.model_blind, sizeof(Fr)); }
};

nb::object accuracy(const Shape& shape, const Srs& srs, nb::handle data, const Array& inputs, const Array& labels,
                    const std::vector<Array>& layers, nb::handle blind, nb::handle seed, const nb::object& context,
                    const nb::object& notice) {
  const OwnedSamples samples = read_samples(inputs, labels);
  const Weights weights = read_weights(shape, layers);
  const std::vector<Affine> points = require_points(data, "data");
  const SecretScalar secret(seed, blind);
  const Context bound = read_context(context);
  Phases phases = read_phases(notice);
  Proof proof;
  {
    const nb::gil_scoped_release released;
    proof = prove_accuracy(shape, srs, points, samples, weights, secret.secrets, bound, std::move(phases));
  }
  return to_tuple(proof);
}

nb::object weights(const Shape& shape, const Srs& srs, const std::vector<Array>& layers, nb::handle blind,
                   nb::handle seed, const nb::object& context, const nb::object& notice) {
  const Weights matrices = read_weights(shape, layers);
  const SecretScalar secret(seed, blind);
  const Context bound = read_context(context);
  Phases phases = read_phases(notice);
  Proof proof;
  {
    const nb::gil_scoped_release released;
    proof = prove_weights(shape, srs, matrices, secret.secrets, bound, std::move(phases));
  }
  return to_tuple(proof);
}

Claimed read_claimed(const Shape& shape, nb::handle data, nb::handle tau_g2, nb::handle commitment,
                     nb::handle context) {
  Claimed claimed;
  claimed.shape = shape;
  claimed.data = require_points(data, "data");
  const std::uint8_t* g2 = require_bytes(tau_g2, "tau_g2", claimed.tau_g2.size());
  std::copy(g2, g2 + claimed.tau_g2.size(), claimed.tau_g2.begin());
  claimed.commitment = require_point(commitment, "commitment");
  claimed.context = require_scalar<Fr>(context, "context");
  return claimed;
}

// (name of the refusal or None, left, right)
template <class Verify>
nb::tuple decide(nb::handle proof, const Verify& verify) {
  const std::uint8_t* bytes = require_bytes(proof, "proof", 0);
  const Verdict verdict = verify(bytes, nb::borrow<nb::bytes>(proof).size());
  nb::object refusal = nb::none();
  if (verdict.refusal) refusal = nb::str(verdict.refusal);
  return nb::make_tuple(refusal, to_bytes(verdict.left), to_bytes(verdict.right));
}

void bind_verifier(nb::module_& m) {
  m.def("verify_accuracy", [](const Shape& shape, nb::handle data, nb::handle tau_g2, nb::handle commitment,
                              nb::handle context, std::uint64_t count, nb::handle proof) {
    const Claimed claimed = read_claimed(shape, data, tau_g2, commitment, context);
    return decide(proof, [&](const std::uint8_t* p, std::size_t n) { return verify_accuracy(claimed, count, p, n); });
  }, nb::arg("shape"), nb::arg("data"), nb::arg("tau_g2"), nb::arg("commitment"), nb::arg("context"), nb::arg("count"),
     nb::arg("proof"), "(refusal or None, left, right): valid if None and e(left, G2) = e(right, tau G2).");
  m.def("verify_inference", [](const Shape& shape, nb::handle tau_g2, nb::handle commitment, nb::handle context,
                               nb::handle evaluation, std::uint64_t label, nb::handle proof) {
    const Claimed claimed = read_claimed(shape, nb::bytes("", 0), tau_g2, commitment, context);
    const Fr value = require_scalar<Fr>(evaluation, "evaluation");
    return decide(proof,
                  [&](const std::uint8_t* p, std::size_t n) { return verify_inference(claimed, value, label, p, n); });
  }, nb::arg("shape"), nb::arg("tau_g2"), nb::arg("commitment"), nb::arg("context"), nb::arg("evaluation"),
     nb::arg("label"), nb::arg("proof"), "As verify_accuracy.");
  m.def("verify_weights", [](const Shape& shape, nb::handle tau_g2, nb::handle commitment, nb::handle context,
                             nb::handle proof) {
    const Claimed claimed = read_claimed(shape, nb::bytes("", 0), tau_g2, commitment, context);
    return decide(proof, [&](const std::uint8_t* p, std::size_t n) { return verify_weights(claimed, p, n); });
  }, nb::arg("shape"), nb::arg("tau_g2"), nb::arg("commitment"), nb::arg("context"), nb::arg("proof"),
     "As verify_accuracy.");
}

const char* kind_name(Refusal::Kind kind) {
  switch (kind) {
    case Refusal::Kind::circuit: return "circuit";
    case Refusal::Kind::input: return "input";
    case Refusal::Kind::model: return "model";
    case Refusal::Kind::powers: return "powers";
    case Refusal::Kind::proof: return "proof";
  }
  return "proof";
}

}  // namespace

void bind_prover(nb::module_& m) {
  // args: the kind of mistake, then the line.
  PyObject* const refusal = PyErr_NewException("pyml_native.Refusal", PyExc_ValueError, nullptr);
  m.attr("Refusal") = nb::steal(refusal);  // the module keeps it alive for the translator
  nb::register_exception_translator([](const std::exception_ptr& p, void* type) {
    try {
      std::rethrow_exception(p);
    } catch (const Refusal& r) {
      PyErr_SetObject(static_cast<PyObject*>(type), nb::make_tuple(kind_name(r.kind), r.what()).ptr());
    }
  }, refusal);
  nb::class_<Shape>(m, "Shape", "Public parameters of a proof; pyml/zk/native/shape.py has the checked ones.")
      .def("__init__", [](Shape* self, std::size_t samples, std::vector<std::size_t> widths,
                          std::vector<unsigned> shifts, std::vector<std::uint64_t> bias_units,
                          std::tuple<unsigned, unsigned, unsigned, unsigned> sizes, bool data_in_witness) {
        const auto [limb_bits, margin_limbs, degree, weight_bits] = sizes;
        new (self) Shape(read_shape(samples, std::move(widths), std::move(shifts), std::move(bias_units),
                                    {limb_bits, margin_limbs, degree, weight_bits}, data_in_witness));
      }, nb::arg("samples"), nb::arg("widths"), nb::arg("shifts"), nb::arg("bias_units"), nb::arg("sizes"),
         nb::arg("data_in_witness"), "sizes: limb_bits, margin_limbs, degree, weight_bits.");
  m.def("commit_data", [](const Shape& shape, const Srs& srs, const Array& inputs, const Array& labels) {
    const OwnedSamples samples = read_samples(inputs, labels);
    std::vector<Affine> points;
    {
      const nb::gil_scoped_release released;
      points = commit_data(shape, srs, samples);
    }
    nb::list encoded;
    for (const Affine& p : points) encoded.append(to_bytes(p));
    return encoded;
  }, nb::arg("shape"), nb::arg("srs"), nb::arg("inputs"), nb::arg("labels"), "Points of X and Y, 64 bytes each.");
  m.def("commit_model", [](const Shape& shape, const Srs& srs, const std::vector<Array>& layers, nb::handle blind) {
    const Weights matrices = read_weights(shape, layers);
    const Fr scalar = require_scalar<Fr>(blind, "blind");
    Affine point;
    {
      const nb::gil_scoped_release released;
      point = commit_model(shape, srs, matrices, scalar);
    }
    return to_bytes(point);
  }, nb::arg("shape"), nb::arg("srs"), nb::arg("layers"), nb::arg("blind"), "C_W, 64 bytes.");
  m.def("prove_accuracy", &accuracy, nb::arg("shape"), nb::arg("srs"), nb::arg("data"), nb::arg("inputs"),
        nb::arg("labels"), nb::arg("layers"), nb::arg("blind"), nb::arg("seed"), nb::arg("context"),
        nb::arg("notice").none(),
        "(proof, count, seconds of each phase); also a proof of inference, as the shape says.");
  m.def("prove_weights", &weights, nb::arg("shape"), nb::arg("srs"), nb::arg("layers"), nb::arg("blind"),
        nb::arg("seed"), nb::arg("context"), nb::arg("notice").none(), "(proof, 0, seconds of each phase).");
  bind_verifier(m);
}

}  // namespace pyml::binding
