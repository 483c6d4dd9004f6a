// The prover that all weights are small integers, once for each commitment: section 9 of
// circuits/native_accuracy/SPEC.md. W is one column here, and every entry plus 2^(w-1) a row of the table
// 0 ... 2^w - 1.
#include <algorithm>

#include "pyml/key.hpp"
#include "pyml/lookup.hpp"
#include "pyml/protocol.hpp"
#include "pyml/threads.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

// GW D - 1 = 0 for D = alpha + W + 2^(w-1), and W = 0 outside the layers; entries are GW, D, eq, 1 - valid.
struct WeightRelation {
  Fr lambda, cube, shift;  // shift = alpha + 2^(w-1)
  Fr operator()(const Fr* e) const {
    return e[0] + e[2] * (lambda * (e[0] * e[1] - Fr::one()) + cube * e[3] * (e[1] - shift));
  }
};

// GT DT - M = 0; entries are GT, DT, M, eq.
struct CountRelation {
  Fr scale;
  Fr operator()(const Fr* e) const { return scale * e[3] * (e[0] * e[1] - e[2]) - e[0]; }
};

class WeightsProver : public Protocol {
 public:
  WeightsProver(const WeightsLayout& layout, const Srs& srs, Secret<std::int32_t> model, const Secrets& secrets,
                Phases phases)
      : Protocol(layout.n, layout.rows, layout.K, layout.stage1, layout.stage2, srs, secrets, std::move(phases)),
        layout_(layout), half_(std::int32_t(1) << (layout.shape.weight_bits - 1)), W_(layout.weights.size()),
        stage1_(layout.used1) {
    std::copy(model.begin(), model.end(), W_.data());
    for (std::int32_t weight : W_) stage1_[layout.M.place(n_) + static_cast<std::size_t>(weight + half_)]++;
  }

  Proof run(const Context& context) {
    send_witness(context);
    send_helpers();
    prove_constraints();
    send_cover_sums();
    prove_claims();
    Proof proof;
    proof.bytes = messages_.proof();
    proof.timings = phases_.timings();
    return proof;
  }

 private:
  Fr* helper(const Column& c) { return helpers_.data() + c.place(n_); }
  const std::int32_t* counts() const { return stage1_.data() + layout_.M.place(n_); }

  void send_witness(const Context& context) {
    phases_.begin("commit");
    const Affine model = hide(srs_.commit(W_.data(), W_.size()), secrets_.model_blind);
    const std::vector<Affine> points = commit_stage1(stage1_.data(), stage1_.size());
    const Digest key = weights_key(layout_, srs_.tau_g2());
    Words start;
    start.add_bytes(key.data(), key.size()).add(model).add(context(0, {model}));
    messages_.start(start.digest());
    messages_.append(model);
    messages_.send_points(points);
    alpha_ = draw_lookup().alpha;
  }

  void send_helpers() {
    phases_.begin("helpers");
    helpers_ = Secret<Fr>(layout_.used2);
    const std::vector<Fr> table = shifted(alpha_, 2 * static_cast<std::size_t>(half_));
    D_ = Secret<Fr>(W_.size());
    for (std::size_t i = 0; i < W_.size(); i++) D_[i] = table[static_cast<std::size_t>(W_[i] + half_)];
    DT_ = Secret<Fr>(table.size());
    std::copy(table.begin(), table.end(), DT_.data());
    invert_into(D_.data(), D_.size(), helper(layout_.GW));
    divide_into(counts(), DT_.data(), DT_.size(), helper(layout_.GT));
    send_stage2(helpers_.data(), helpers_.size());
    draw_tau(layout_.v);
  }

  Table helper_table(const Column& c) { return Table::of(helper(c), c.size()); }

  Table invalid_places() const {
    Secret<Fr> out(W_.size());
    std::fill(out.begin(), out.end(), Fr::one());
    const std::vector<std::size_t>& widths = layout_.shape.widths;
    for (std::size_t l = 0; l < layout_.W.size(); l++)
      for (std::size_t k = 0; k <= widths[l]; k++) {
        Fr* row = out.data() + layout_.W[l].offset + (k << layout_.nh[l]);
        std::fill(row, row + widths[l + 1], Fr::zero());
      }
    return Table(std::move(out));
  }

  void prove_constraints() {
    phases_.begin("constraints");
    const unsigned nw = layout_.nw, w = layout_.shape.weight_bits;
    const Fr mask_GW = masks_.evaluation_a(0), mask_W = masks_.evaluation_a(1), mask_GT = masks_.evaluation_a(2),
             mask_M = masks_.evaluation_a(3);
    const Fr shift = alpha_ + Fr::from_i64(half_);
    std::vector<Table> weights, counted;
    weights.push_back(helper_table(layout_.GW));
    weights.emplace_back(std::move(D_));
    weights.emplace_back(eq_weights(tau_.data() + (layout_.v - nw), nw, Fr::one()));
    weights.push_back(invalid_places());
    auto weight_term =
        dense_term(nw, 3, WeightRelation{lambda(1), lambda(3), shift}, std::move(weights), {mask_GW, mask_W});
    Secret<Fr> M(layout_.M.size());
    vec::from_i32(M.data(), counts(), M.size());
    counted.push_back(helper_table(layout_.GT));
    counted.emplace_back(std::move(DT_));
    counted.emplace_back(std::move(M));
    counted.emplace_back(eq_weights(tau_.data() + (layout_.v - w), w, Fr::one()));
    auto count_term =
        dense_term(w, 3, CountRelation{lambda(2)}, std::move(counted), {mask_GT, Fr::zero(), mask_M});
    const auto *weight = weight_term.get();
    const auto *count = count_term.get();
    Terms terms;
    terms.push_back(std::move(weight_term));
    terms.push_back(std::move(count_term));

    constraints_ = run_first(terms, Fr::zero());
    weight_a_ = constraints_.last_weight();
    opened_ = {weight->columns[0][0] + weight_a_ * mask_GW, weight->columns[1][0] - shift + weight_a_ * mask_W,
               count->columns[0][0] + weight_a_ * mask_GT, count->columns[2][0] + weight_a_ * mask_M};
    messages_.send(opened_);
  }

  void prove_claims() {
    phases_.begin("claims");
    start_claims(model_polynomial() + 1);
    const Place places[4] = {place2(layout_.GW), Place(layout_.weights, model_polynomial()), place2(layout_.GT),
                             place1(layout_.M)};
    const Entries entries[4] = {helper(layout_.GW), W_.data(), helper(layout_.GT), counts()};
    for (std::size_t k = 0; k < 4; k++) {
      const Fr coefficient = claims_->add(opened_[k]);
      claims_->column(places[k], entries[k], coefficient);
      mask_weights_[layout_.rows.row_masks_a() * MaskRows::kWidth + k] += coefficient * weight_a_;
    }
    claims_->add_columns(constraints_.point);
    add_first_mask_claims(constraints_);
    add_cover_claims();
    const Fr value = run_claims(secrets_.model_blind, model_polynomial());
    Secret<Fr> F(coefficients());
    add_stages(F, stage1_.data(), stage1_.size(), helpers_.data(), helpers_.size());
    add_integers(F, model_polynomial(), W_.data(), W_.size());
    finish(std::move(F), value);
  }

  const WeightsLayout& layout_;
  std::int32_t half_;
  Secret<std::int32_t> W_, stage1_;
  Secret<Fr> helpers_, D_, DT_;
  Fr alpha_, weight_a_;
  Outcome constraints_;
  std::vector<Fr> opened_;  // GW, W, GT, M
};

}  // namespace

Proof prove_weights(const Shape& shape, const Srs& srs, const Weights& weights, const Secrets& secrets,
                    const Context& context, Phases phases) {
  const WeightsLayout layout(shape);
  require_powers(srs, layout.n);
  Secret<std::int32_t> model = lay_model(layout, shape, weights);
  phases.begin("masks");
  return WeightsProver(layout, srs, std::move(model), secrets, std::move(phases)).run(context);
}

}  // namespace pyml
