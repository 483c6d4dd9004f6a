// Small random networks with powers of a known tau, for tests of the prover and for the fuzzer of proofs.
#pragma once
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "pyml/prover.hpp"
#include "pyml/verifier.hpp"

namespace pyml::testing {

constexpr unsigned kDegree = 10;
constexpr std::uint64_t kTau = 31337;

inline Srs make_powers() {
  const std::size_t n = std::size_t(1) << kDegree;
  std::vector<Fr> powers(n, Fr::one());
  for (std::size_t i = 1; i < n; i++) powers[i] = powers[i - 1] * Fr::from_u64(kTau);
  std::vector<Affine> points(n);
  fixed_base_multiply(powers.data(), n, points.data());
  std::vector<std::uint8_t> file(4 + 128 * n + 256);
  file[0] = kDegree;
  std::memcpy(file.data() + 4, points.data(), 64 * n);
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  const std::unique_ptr<std::FILE, Close> stream(fmemopen(file.data(), file.size(), "rb"));
  CHECK(stream);
  return Srs::read(stream.get());
}

inline const Srs& powers() {
  static const Srs srs = make_powers();
  return srs;
}

inline Shape make_shape(std::size_t samples, std::vector<std::size_t> widths, unsigned degree, bool inference = false) {
  Shape shape;
  shape.samples = samples;
  shape.widths = std::move(widths);
  shape.shifts.assign(shape.hidden_layers(), 6);
  shape.bias_units.assign(shape.layers(), 2);
  shape.limb_bits = 6;
  shape.margin_limbs = 3;
  shape.degree = degree;
  shape.weight_bits = 4;
  shape.data_in_witness = inference;
  return shape;
}

struct Statement {
  explicit Statement(Shape given, unsigned seed) : shape(std::move(given)) {
    std::mt19937_64 random(seed);
    inputs.resize(shape.samples * shape.widths[0]);
    for (std::uint8_t& x : inputs) x = static_cast<std::uint8_t>(random() % 4);
    labels.resize(shape.samples);
    for (std::int64_t& y : labels) y = static_cast<std::int64_t>(random() % shape.widths.back());
    for (std::size_t l = 0; l < shape.layers(); l++) {
      matrices.emplace_back((shape.widths[l] + 1) * shape.widths[l + 1]);
      for (std::int32_t& w : matrices.back()) w = static_cast<std::int32_t>(random() % 16) - 8;
    }
    for (const auto& matrix : matrices) weights.push_back(matrix.data());
    samples.data = inputs.data();
    samples.rows = shape.samples;
    samples.width = shape.widths[0];
    samples.labels = labels.data();
  }

  Proof prove(std::vector<std::string>* told = nullptr) const {
    const std::vector<Affine> data =
        shape.data_in_witness ? std::vector<Affine>{} : commit_data(shape, powers(), samples);
    Phases phases([told](const char* phase) {
      if (told) told->push_back(phase);
    });
    return prove_accuracy(shape, powers(), data, samples, weights, secrets(), context(), std::move(phases));
  }
  Proof prove_range() const { return prove_weights(shape, powers(), weights, secrets(), context(), Phases()); }

  static Context context() {
    return [](std::size_t, const std::vector<Affine>& points) { return Fr::from_u64(points.size()); };
  }
  static Secrets secrets() {
    static const std::uint8_t seed[32] = {1, 2, 3};
    return Secrets{seed, Fr::from_u64(99)};
  }

  Claimed claimed() const {
    Claimed claimed;
    claimed.shape = shape;
    if (!shape.data_in_witness) claimed.data = commit_data(shape, powers(), samples);
    claimed.tau_g2 = powers().tau_g2();
    claimed.commitment = commit_model(shape, powers(), weights, secrets().model_blind);
    claimed.context = Fr::from_u64(shape.data_in_witness ? 2 : 1);
    return claimed;
  }

  Shape shape;
  std::vector<std::uint8_t> inputs;
  std::vector<std::int64_t> labels;
  std::vector<std::vector<std::int32_t>> matrices;
  Weights weights;
  Samples samples;
};

// The pairing, which needs no pairing where tau is known.
inline bool is_valid(const Verdict& verdict) {
  return !verdict.refusal && verdict.left == to_affine(multiply(verdict.right, Fr::from_u64(kTau)));
}

}  // namespace pyml::testing
