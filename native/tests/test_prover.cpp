// The prover on small random networks: for the sanitizers, which see every line of it here, and for what Python cannot
// ask. That its bytes are the reference's is tested in Python, on the golden vectors.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "check.hpp"
#include "pyml/chacha.hpp"
#include "pyml/prover.hpp"
#include "pyml/sumcheck.hpp"
#include "pyml/threads.hpp"
#include "pyml/verifier.hpp"

using namespace pyml;

namespace {

constexpr unsigned kDegree = 10;
constexpr std::uint64_t kTau = 31337;

Srs make_powers() {
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

const Srs& powers() {
  static const Srs srs = make_powers();
  return srs;
}

Shape make_shape(std::size_t samples, std::vector<std::size_t> widths, unsigned degree, bool inference = false) {
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

}  // namespace

// The pairing, which needs no pairing where tau is known.
static bool is_valid(const Verdict& verdict) {
  return !verdict.refusal && verdict.left == to_affine(multiply(verdict.right, Fr::from_u64(kTau)));
}

PYML_TEST(chacha_is_that_of_rfc_8439) {  // appendix A.1, test vectors 1 and 3
  std::uint32_t key[8] = {};
  std::uint8_t block[64];
  chacha20_block(key, 0, block);
  const std::uint8_t first[8] = {0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90};
  CHECK(!std::memcmp(block, first, sizeof first));
  key[7] = 0x01000000;
  chacha20_block(key, 1, block);
  const std::uint8_t third[8] = {0x3a, 0xeb, 0x52, 0x24, 0xec, 0xf8, 0x49, 0x92};
  CHECK(!std::memcmp(block, third, sizeof third));
}

PYML_TEST(rounds_are_interpolated) {
  std::mt19937_64 random(1);
  for (unsigned degree = 1; degree < kMostCoefficients; degree++) {
    RoundPolynomial p = zero_polynomial();
    for (unsigned k = 0; k <= degree; k++) p[k] = testing::random_element<Fr>(random);
    Fr values[kMostCoefficients];
    for (unsigned x = 0; x <= degree; x++) values[x] = evaluate(p, Fr::from_u64(x));
    CHECK(interpolate(values, degree) == p);
    CHECK(interpolate(values, degree, p[degree]) == p);
  }
}

PYML_TEST(every_kind_of_layout_is_proved) {
  const Statement statements[] = {
      Statement(make_shape(5, {4, 3, 3}, 9), 1),        Statement(make_shape(6, {5, 8, 5, 4}, 10), 2),
      Statement(make_shape(4, {4, 3}, 8), 3),           Statement(make_shape(20, {50, 4, 3}, 9), 4),
      Statement(make_shape(1, {3, 2, 2}, 9), 5),        Statement(make_shape(33, {1, 1, 2}, 10), 6),
      Statement(make_shape(1, {3, 4, 3}, 9, true), 7),
  };
  for (const Statement& each : statements) {
    if (each.shape.data_in_witness) {  // a label that the network answers, if it answers any
      Statement inference = each;
      inference.weights.clear();
      for (const auto& matrix : inference.matrices) inference.weights.push_back(matrix.data());
      inference.samples.data = inference.inputs.data();
      inference.samples.labels = inference.labels.data();
      std::size_t answered = 0;
      for (std::int64_t label = 0; label < 3; label++) {
        inference.labels[0] = label;
        try {
          const Proof proof = inference.prove();
          answered += proof.count;
          Fr evaluation = Fr::one();
          for (std::size_t k = inference.inputs.size(); k-- > 0;)
            evaluation = evaluation * Fr::from_u64(2) + Fr::from_u64(inference.inputs[k]);
          const Claimed claimed = inference.claimed();
          const auto named = static_cast<std::uint64_t>(label);
          CHECK(is_valid(verify_inference(claimed, evaluation, named, proof.bytes.data(), proof.bytes.size())));
          CHECK(!is_valid(verify_inference(claimed, evaluation, (named + 1) % 3, proof.bytes.data(), proof.bytes.size())));
        } catch (const Refusal& refusal) {
          CHECK(refusal.kind == Refusal::Kind::input);
        }
      }
      CHECK(answered <= 1);
      continue;
    }
    std::vector<std::string> told;
    const Proof proof = each.prove(&told);
    CHECK(proof.bytes.size() % 32 == 0 && proof.count <= each.shape.samples);
    CHECK(told.size() == proof.timings.size());
    const std::size_t before = thread_count();
    for (std::size_t threads : {1, 3}) {
      set_thread_count(threads);
      CHECK(each.prove().bytes == proof.bytes);
    }
    set_thread_count(before);
    CHECK(is_valid(verify_accuracy(each.claimed(), proof.count, proof.bytes.data(), proof.bytes.size())));
    Claimed range = each.claimed();
    const Proof ranged = each.prove_range();
    CHECK(is_valid(verify_weights(range, ranged.bytes.data(), ranged.bytes.size())));
  }
}

PYML_TEST(mutated_proofs_are_refused) {
  const Statement statement(make_shape(5, {4, 3, 3}, 9), 1);
  const Claimed claimed = statement.claimed();
  const Proof proofs[2] = {statement.prove(), statement.prove_range()};
  std::mt19937_64 random(9);
  for (int run = 0; run < 300; run++) {
    const Proof& proof = proofs[run % 2];
    std::vector<std::uint8_t> bytes = proof.bytes;
    const std::size_t at = random() % bytes.size();
    switch (random() % 4) {
      case 0: bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1 << random() % 8)); break;
      case 1: bytes.resize(at); break;
      case 2: bytes.push_back(static_cast<std::uint8_t>(random())); break;
      default: std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at / 32 * 32), 32, std::uint8_t(0xff));
    }
    const Verdict verdict = run % 2 ? verify_weights(claimed, bytes.data(), bytes.size())
                                    : verify_accuracy(claimed, proof.count, bytes.data(), bytes.size());
    CHECK(!is_valid(verdict));
  }
  CHECK(!is_valid(verify_accuracy(claimed, proofs[0].count + 1, proofs[0].bytes.data(), proofs[0].bytes.size())));
}

PYML_TEST(mistakes_are_refused) {
  Statement statement(make_shape(5, {4, 3, 3}, 9), 1);
  statement.labels[2] = 3;
  CHECK_THROWS(statement.prove(), Refusal);
  statement.labels[2] = -1;
  CHECK_THROWS(statement.prove(), Refusal);
  statement.labels[2] = 0;
  statement.matrices[0][0] = 8;
  CHECK_THROWS(statement.prove(), Refusal);
  CHECK_THROWS(statement.prove_range(), Refusal);
  statement.matrices[0][0] = 0;
  statement.samples.rows = 4;
  CHECK_THROWS(statement.prove(), Refusal);
  statement.samples.rows = 5;
  std::fill(statement.matrices[0].begin(), statement.matrices[0].end(), 7);
  statement.shape.shifts[0] = 0;
  CHECK_THROWS(statement.prove(), Refusal);  // a pre-activation overflows
  statement.shape.shifts[0] = 6;
  statement.shape.margin_limbs = 1;
  statement.shape.bias_units[1] = 64;
  const auto prove_each = [&] {
    for (std::int64_t label : {0, 1, 2}) {
      std::fill(statement.labels.begin(), statement.labels.end(), label);
      statement.prove();
    }
  };
  CHECK_THROWS(prove_each(), Refusal);  // a margin does
  statement.shape.margin_limbs = 3;
  prove_each();
  statement.shape.degree = 11;
  CHECK_THROWS(statement.prove(), Refusal);  // more coefficients than powers
  statement.shape.degree = 9;
  CHECK(statement.prove().count <= 5);
}

PYML_TEST(a_caller_can_stop_a_proof) {
  const Statement statement(make_shape(5, {4, 3, 3}, 9), 1);
  struct Stop {};
  const std::vector<Affine> data = commit_data(statement.shape, powers(), statement.samples);
  for (const char* at : {"witness", "helpers", "claims", "open"}) {
    Phases phases([at](const char* phase) {
      if (!std::strcmp(at, phase)) throw Stop();
    });
    CHECK_THROWS(prove_accuracy(statement.shape, powers(), data, statement.samples, statement.weights,
                                Statement::secrets(), Statement::context(), std::move(phases)),
                 Stop);
  }
}
