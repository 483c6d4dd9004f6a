// The prover on small random networks: for the sanitizers, which see every line of it here, and for what Python cannot
// ask. That its bytes are the reference's is tested in Python, on the golden vectors.
#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"
#include "pyml/chacha.hpp"
#include "pyml/layout.hpp"
#include "pyml/sumcheck.hpp"
#include "pyml/threads.hpp"
#include "toy_statement.hpp"

using namespace pyml;
using namespace pyml::testing;

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

PYML_TEST(columns_lie_apart_or_a_shape_is_refused) {
  std::mt19937_64 random(4);
  std::size_t laid_out = 0;
  for (int run = 0; run < 2000; run++) {
    std::vector<std::size_t> widths(2 + random() % 4);
    for (std::size_t& width : widths) width = random() % 100 ? 1 + random() % 40 : 0;
    Shape shape = make_shape(random() % 70, widths, 4 + static_cast<unsigned>(random() % 10), random() % 8 == 0);
    shape.limb_bits = 5 + static_cast<unsigned>(random() % 4);  // a shift of 6 does not go with 5
    shape.margin_limbs = static_cast<unsigned>(random() % 6);
    try {
      const Layout layout(shape);
      std::vector<Column> stages[3];
      for (const auto* columns : {&layout.L0, &layout.L1, &layout.R})
        stages[0].insert(stages[0].end(), columns->begin(), columns->end());
      stages[0].insert(stages[0].end(), {layout.ML, layout.c, layout.M, layout.K});
      if (shape.data_in_witness) stages[0].push_back(layout.XI);
      stages[1] = layout.G;
      stages[1].insert(stages[1].end(), {layout.GM, layout.GT});
      stages[2] = layout.X;
      if (!shape.data_in_witness) stages[2].push_back(layout.Y);
      const std::size_t polynomials[3] = {layout.stage1, layout.stage2, layout.data};
      for (int s = 0; s < 3; s++) {
        std::vector<Column>& columns = stages[s];
        std::sort(columns.begin(), columns.end(),
                  [&](const Column& a, const Column& b) { return a.place(layout.n) < b.place(layout.n); });
        for (std::size_t k = 0; k < columns.size(); k++) {
          CHECK(columns[k].offset % columns[k].size() == 0 && columns[k].polynomial < polynomials[s]);
          CHECK(columns[k].offset + columns[k].size() <= layout.coefficients());
          if (k > 0) CHECK(columns[k - 1].place(layout.n) + columns[k - 1].size() <= columns[k].place(layout.n));
        }
      }
      laid_out++;
    } catch (const Refusal& refusal) {
      CHECK(refusal.kind == Refusal::Kind::circuit);
    }
  }
  CHECK(laid_out > 100);
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
          const std::uint64_t wrong = (named + 1) % 3;
          CHECK(!is_valid(verify_inference(claimed, evaluation, wrong, proof.bytes.data(), proof.bytes.size())));
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
