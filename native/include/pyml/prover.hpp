// The prover: commitments, proofs of accuracy and of inference, and the proof of weights.
//
// Source: circuits/native_accuracy/SPEC.md. The transcript is byte for byte that of the Python reference under one
// seed.
//
//   commit_data(shape, srs, samples)             points of the verifying key; infinity for a polynomial that is zero
//   commit_model(shape, srs, weights, blind)     C_W
//   prove_accuracy(...), prove_weights(...)      Proof; prove_accuracy also proves inference, as the shape says
//
// Mistakes of the caller are Refusals, before any long work. A std::logic_error is a bug of this prover.
#pragma once
#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "pyml/layout.hpp"
#include "pyml/phases.hpp"
#include "pyml/srs.hpp"
#include "pyml/witness.hpp"

namespace pyml {

// The context challenge of the registry, from what is proved: the count, and the first points of the proof (C_W; for
// inference also that of the sample).
using Context = std::function<Fr(std::size_t count, const std::vector<Affine>& points)>;

struct Secrets {
  const std::uint8_t* seed32 = nullptr;  // serves one proof only
  Fr model_blind;
};

struct Proof {
  std::vector<std::uint8_t> bytes;
  std::size_t count = 0;
  std::vector<std::pair<std::string, double>> timings;  // seconds of each phase
};

std::vector<Affine> commit_data(const Shape& shape, const Srs& srs, const Samples& samples);
Affine commit_model(const Shape& shape, const Srs& srs, const Weights& weights, const Fr& blind);

Proof prove_accuracy(const Shape& shape, const Srs& srs, const std::vector<Affine>& data, const Samples& samples,
                     const Weights& weights, const Secrets& secrets, const Context& context, Phases phases);
Proof prove_weights(const Shape& shape, const Srs& srs, const Weights& weights, const Secrets& secrets,
                    const Context& context, Phases phases);

}  // namespace pyml
