// The prover of accuracy and of inference: messages 1 to 12, each a step of the table in section 5 of
// circuits/native_accuracy/SPEC.md.
#include <algorithm>

#include "pyml/accumulator.hpp"
#include "pyml/chunks.hpp"
#include "pyml/key.hpp"
#include "pyml/lookup.hpp"
#include "pyml/protocol.hpp"
#include "pyml/sumcheck_a.hpp"
#include "pyml/threads.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

Secret<Fr> to_scalars(const std::int32_t* values, std::size_t n) {
  Secret<Fr> out(n);
  parallel_for(n, 8192, [&](std::size_t begin, std::size_t end) {
    vec::from_i32(out.data() + begin, values + begin, end - begin);
  });
  return out;
}

Secret<Fr> to_scalars(const Secret<std::int64_t>& values) {
  Secret<Fr> out(values.size());
  parallel_for(values.size(), 8192, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) out[i] = Fr::from_i64(values[i]);
  });
  return out;
}

Secret<Fr> to_secret(const std::vector<Fr>& values) {
  Secret<Fr> out(values.size());
  std::copy(values.begin(), values.end(), out.data());
  return out;
}

std::vector<Fr> joined(const Fr* a, std::size_t n, const Fr* b, std::size_t m) {
  std::vector<Fr> point(a, a + n);
  point.insert(point.end(), b, b + m);
  return point;
}

// GT = M / DT, in the table's row.
struct TableRelation {
  Fr scale;
  Fr operator()(const Fr* e) const { return scale * e[3] * (e[0] * e[1] - e[2]) - e[0]; }
};

struct ScaledProduct {
  Fr scale;
  Fr operator()(const Fr* e) const { return scale * e[0] * e[1]; }
};

class AccuracyProver : public Protocol {
 public:
  AccuracyProver(const Layout& layout, const Srs& srs, const std::vector<Affine>& data, const Samples& samples,
                 Witness witness, const Secrets& secrets, Phases phases)
      : Protocol(layout.n, layout.rows, layout.K, layout.stage1, layout.stage2, srs, secrets, std::move(phases)),
        layout_(layout), shape_(layout.shape), samples_(samples), data_(data), witness_(std::move(witness)),
        masks_of_layers_(layout.L) {
    if (shape_.data_in_witness) return;
    labels_.assign(layout.Y.size(), 0);
    for (std::size_t i = 0; i < shape_.samples; i++) labels_[(i << layout.nc) + label(i)] = 1;
  }

  Proof run(const Context& context) {
    send_witness(context);
    send_helpers();
    prove_constraints();
    prove_products();
    send_cover_sums();
    prove_claims();
    Proof proof;
    proof.bytes = messages_.proof();
    proof.count = witness_.count;
    proof.timings = phases_.timings();
    return proof;
  }

 private:
  struct LayerMasks {
    Fr G, L0, L1, R;
  };
  struct Answers {
    Fr GM, ML, GT, M, c, Z, Y;
  };

  std::size_t label(std::size_t i) const { return static_cast<std::size_t>(samples_.labels[i]); }
  const std::int32_t* column(const Column& c) const { return witness_.column(c, n_); }
  Fr* helper(const Column& c) { return helpers_.data() + c.place(n_); }
  const Fr* tau(unsigned variables) const { return tau_.data() + (layout_.v - variables); }
  const Fr* rho(unsigned variables) const { return constraints_.point.data() + (layout_.v - variables); }
  // The last coordinates of SC-B's point, those of the inputs of layer l.
  const Fr* inputs(std::size_t l) const { return products_.point.data() + (layout_.nk_max - layout_.nk[l]); }
  unsigned width_variables(std::size_t l) const { return l == 0 ? layout_.nx : layout_.nh[l - 1]; }

  // Message 1, and the state that the transcript starts from.
  void send_witness(const Context& context) {
    phases_.begin("commit");
    const Affine model = hide(srs_.commit(witness_.model.data(), witness_.model.size()), secrets_.model_blind);
    const std::vector<Affine> points = commit_stage1(witness_.stage1.data(), witness_.stage1.size());
    std::vector<Affine> bound{model};
    if (shape_.data_in_witness) bound.push_back(points[0]);
    rho_context_ = context(witness_.count, bound);
    const Digest key = accuracy_key(layout_, data_, srs_.tau_g2());
    Words start;
    start.add_bytes(key.data(), key.size()).add(model).add(rho_context_);
    if (shape_.data_in_witness) {
      evaluation_ = Fr::one();  // of the monic polynomial with these features
      for (std::size_t k = samples_.width; k-- > 0;)
        evaluation_ = evaluation_ * rho_context_ + Fr::from_u64(samples_.at(0, k));
      start.add(evaluation_).add(std::uint64_t(label(0)));
    } else {
      start.add(std::uint64_t(witness_.count));
    }
    messages_.start(start.digest());
    messages_.append(model);
    messages_.send_points(points);
    lookup_ = draw_lookup();
  }

  // Message 2.
  void send_helpers() {
    phases_.begin("helpers");
    helpers_ = Secret<Fr>(layout_.used2);
    const std::size_t rows = std::size_t(1) << shape_.limb_bits;
    const std::vector<Fr> limbs = shifted(lookup_.alpha, rows);
    const std::vector<Fr> pairs = activation_table(lookup_.alpha, lookup_.beta, shape_.limb_bits);
    for (std::size_t l = 0; l < layout_.L; l++) {
      const std::size_t n = layout_.G[l].size();
      D0_.push_back(look_up(column(layout_.L0[l]), n, limbs));
      D1_.push_back(look_up(column(layout_.L1[l]), n, pairs));
      invert_pairs_into(D0_[l].data(), D1_[l].data(), n, helper(layout_.G[l]));
    }
    DM_ = look_up(column(layout_.ML), layout_.ML.size(), limbs);
    invert_into(DM_.data(), DM_.size(), helper(layout_.GM));
    DT_ = table_denominators(lookup_.alpha, lookup_.beta, shape_.limb_bits);
    divide_into(column(layout_.M), DT_.data(), DT_.size(), helper(layout_.GT));
    phases_.begin("commit helpers");
    send_stage2(helpers_.data(), helpers_.size());
    draw_tau(layout_.v);
  }

  Table helper_table(const Column& c) { return Table::of(helper(c), c.size()); }

  void name_masks() {
    for (std::size_t l = 0; l < layout_.L; l++)
      masks_of_layers_[l] = {masks_.evaluation_a(4 * l), masks_.evaluation_a(4 * l + 1),
                             masks_.evaluation_a(4 * l + 2), masks_.evaluation_a(4 * l + 3)};
    const std::size_t j = 4 * layout_.L;
    answer_masks_ = {masks_.evaluation_a(j),     masks_.evaluation_a(j + 1), masks_.evaluation_a(j + 2),
                     masks_.evaluation_a(j + 3), masks_.evaluation_a(j + 4), masks_.evaluation_a(j + 5), Fr::zero()};
  }

  // Messages 3 to 5.
  void prove_constraints() {
    phases_.begin("constraints");
    name_masks();
    Terms terms;
    std::vector<LayerTerm*> layers;
    for (std::size_t l = 0; l < layout_.L; l++) {
      const unsigned t = layout_.G[l].variables;
      const LayerMasks& m = masks_of_layers_[l];
      auto term = std::make_unique<LayerTerm>(t, tau(t), lambda(l + 1), helper_table(layout_.G[l]),
                                              Table(std::move(D0_[l])), Table(std::move(D1_[l])),
                                              std::vector<Fr>{m.G, m.L0, m.L1 + lookup_.beta * m.R});
      layers.push_back(term.get());
      terms.push_back(std::move(term));
    }
    auto margins = margin_term();
    auto table = table_term();
    auto answers = answer_term();
    MarginTerm* const margin = margins.get();
    const auto* const counts = table.get();
    AnswerTerm* const answer = answers.get();
    terms.push_back(std::move(margins));
    terms.push_back(std::move(table));
    terms.push_back(std::move(answers));

    constraints_ = run_first(terms, lambda(layout_.L + 5) * Fr::from_u64(witness_.count));
    weight_a_ = constraints_.last_weight();
    for (std::size_t l = 0; l < layout_.L; l++) open_layer(l, *layers[l]);
    const Answers& m = answer_masks_;
    opened_ = {margin->GM[0] + weight_a_ * m.GM,
               margin->D[0] - lookup_.alpha + weight_a_ * m.ML,
               counts->columns[0][0] + weight_a_ * m.GT,
               counts->columns[2][0] + weight_a_ * m.M,
               answer->c[0] + weight_a_ * m.c,
               answer->Z[0] + weight_a_ * m.Z,
               answer->Y[0]};
    std::vector<Fr> message;
    for (const LayerMasks& o : opened_layers_) message.insert(message.end(), {o.G, o.L0, o.L1, o.R});
    message.insert(message.end(), {opened_.GM, opened_.ML, opened_.GT, opened_.M, opened_.c, opened_.Z});
    if (!shape_.data_in_witness) message.push_back(opened_.Y);
    messages_.send(message);
  }

  std::unique_ptr<MarginTerm> margin_term() {
    // Weight of a limb: 2^(Bq) for q < m, times eq of class and sample.
    const unsigned t = layout_.ML.variables, logits = layout_.logits();
    const std::size_t slots = std::size_t(1) << layout_.nq;
    Secret<Fr> weight(layout_.ML.size());
    const std::vector<Fr> eq = eq_table(tau(logits), logits);
    std::vector<Fr> powers(slots, Fr::zero());
    for (std::size_t q = 0; q < shape_.margin_limbs; q++) powers[q] = power_of_two(shape_.limb_bits * q);
    parallel_for(eq.size(), 4096, [&](std::size_t begin, std::size_t end) {
      for (std::size_t k = begin; k < end; k++)
        for (std::size_t q = 0; q < shape_.margin_limbs; q++) weight[(k << layout_.nq) + q] = powers[q] * eq[k];
    });
    return std::make_unique<MarginTerm>(t, tau(t), lambda(layout_.L + 1), lambda(layout_.L + 3), lookup_.alpha,
                                        helper_table(layout_.GM), Table(std::move(DM_)), Table(std::move(weight)),
                                        std::vector<Fr>{answer_masks_.GM, answer_masks_.ML});
  }

  std::unique_ptr<DenseTerm<TableRelation>> table_term() {
    const unsigned t = layout_.table;
    std::vector<Table> columns;
    columns.push_back(helper_table(layout_.GT));
    columns.emplace_back(std::move(DT_));
    columns.emplace_back(to_scalars(column(layout_.M), layout_.M.size()));
    columns.emplace_back(eq_weights(tau(t), t, Fr::one()));
    return dense_term(t, 3, TableRelation{lambda(layout_.L + 2)}, std::move(columns),
                      {answer_masks_.GT, Fr::zero(), answer_masks_.M});
  }

  std::unique_ptr<AnswerTerm> answer_term() {
    const unsigned ni = layout_.ni, nc = layout_.nc;
    std::vector<Fr> e = eq_table(tau(nc + ni), nc);
    std::fill(e.begin() + static_cast<std::ptrdiff_t>(shape_.widths.back()), e.end(), Fr::zero());
    AnswerScalars scalars;
    scalars.margin = lambda(layout_.L + 3);
    scalars.boolean = lambda(layout_.L + 4) * half_power(nc);  // c has nc variables fewer
    scalars.count = lambda(layout_.L + 5);
    scalars.a = vec::sum(e.data(), e.size());
    scalars.a_share = scalars.a * half_power(nc);
    Secret<Fr> Y(std::size_t(1) << layout_.logits());
    for (std::size_t i = 0; i < shape_.samples; i++) Y[(i << nc) + label(i)] = Fr::one();
    return std::make_unique<AnswerTerm>(nc, ni, scalars, Table(to_scalars(column(layout_.c), layout_.c.size())),
                                        Table(eq_weights(tau(ni), ni, Fr::one())), Table(std::move(Y)),
                                        Table(to_scalars(witness_.logits)), Table(to_secret(e)), answer_masks_.c,
                                        answer_masks_.Z);
  }

  void open_layer(std::size_t l, const LayerTerm& term) {
    const LayerMasks& m = masks_of_layers_[l];
    const unsigned t = term.variables();
    LayerMasks o;
    o.G = term.G[0] + weight_a_ * m.G;
    o.L0 = term.D0[0] - lookup_.alpha + weight_a_ * m.L0;
    const Fr R = evaluate(column(layout_.R[l]), rho(t), t);
    o.L1 = term.D1[0] - lookup_.alpha - lookup_.beta.square() - lookup_.beta * R + weight_a_ * m.L1;
    o.R = R + weight_a_ * m.R;
    opened_layers_.push_back(o);
  }

  // Messages 6 to 8.
  void prove_products() {
    phases_.begin("products");
    mu_ = messages_.challenge();
    Libra libra(masks_.column.data(), layout_.rows.row_b(), layout_.rows.degrees_b);
    Fr claim = Fr::zero(), power = Fr::one();
    sum_b_ = libra.cube_sum();
    mask_b_factors_.clear();
    for (std::size_t l = 0; l < layout_.L; l++, power *= mu_) {
      const Fr high = power_of_two(shape_.shifts[l]), low = high * half_power(shape_.limb_bits);
      const Fr offset = power_of_two(2 * shape_.limb_bits - 1) * low;
      claim += power * (low * opened_layers_[l].L0 + high * opened_layers_[l].L1 - offset);
      mask_b_factors_.push_back({4 * l + 1, weight_a_ * power * low});
      mask_b_factors_.push_back({4 * l + 2, weight_a_ * power * high});
    }
    claim += power * opened_.Z;
    mask_b_factors_.push_back({4 * layout_.L + 5, weight_a_ * power});
    for (const auto& [mask, factor] : mask_b_factors_) sum_b_ -= factor * masks_.evaluation_a(mask);
    messages_.send({sum_b_});

    Terms terms;
    std::vector<const DenseTerm<ScaledProduct>*> layers;
    power = Fr::one();
    for (std::size_t l = 0; l < shape_.layers(); l++, power *= mu_) {
      auto term = product_term(l, power);
      layers.push_back(term.get());
      terms.push_back(std::move(term));
    }
    products_ = run_sumcheck(messages_, terms, layout_.rows.degrees_b, libra, claim + sum_b_);
    value_b_ = libra.value();
    weight_b_ = products_.last_weight();
    std::vector<Fr> message;
    for (std::size_t l = 0; l < layers.size(); l++) {
      const Fr bias = bias_unit(l) * eq_index(shape_.widths[l], inputs(l), layout_.nk[l]);
      factors_.push_back(layers[l]->columns[0][0] - bias + weight_b_ * layers[l]->masks[0]);
      factors_.push_back(layers[l]->columns[1][0] + weight_b_ * layers[l]->masks[1]);
    }
    messages_.send(factors_);
  }

  Fr bias_unit(std::size_t l) const { return Fr::from_u64(shape_.bias_units[l]); }

  // The inputs of layer l at the samples' point, the bias unit behind them, times the weights at the outputs' point.
  std::unique_ptr<DenseTerm<ScaledProduct>> product_term(std::size_t l, const Fr& power) {
    const std::size_t width = shape_.widths[l], size = std::size_t(1) << layout_.nk[l];
    const unsigned nh = layout_.nh[l];
    const std::vector<Fr> samples = eq_table(rho(layout_.ni), layout_.ni);
    Secret<Fr> activations(size), weights(size);
    if (l > 0)
      combine_rows(column(layout_.R[l - 1]), samples.size(), std::size_t(1) << layout_.nh[l - 1], width, samples.data(),
                   activations.data());
    else if (samples_.bytes == 1)
      combine_rows(samples_.bytes8(), shape_.samples, width, width, samples.data(), activations.data());
    else
      combine_rows(samples_.bytes16(), shape_.samples, width, width, samples.data(), activations.data());
    activations[width] = bias_unit(l);

    const std::vector<Fr> outputs = eq_table(rho(nh + layout_.ni), nh);
    const std::int32_t* model = witness_.model.data() + layout_.W[l].offset;
    parallel_for(width + 1, 64, [&](std::size_t begin, std::size_t end) {
      for (std::size_t k = begin; k < end; k++) {
        Accumulator sum;
        for (std::size_t m = 0; m < outputs.size(); m++) sum.add(model[m + (k << nh)], outputs[m]);
        weights[k] = sum.value();
      }
    });
    std::vector<Table> columns;
    columns.emplace_back(std::move(activations));
    columns.emplace_back(std::move(weights));
    const Fr input_mask = l > 0 ? masks_.evaluation_b(2 * l - 1) : Fr::zero();
    return dense_term(layout_.nk[l], 2, ScaledProduct{power}, std::move(columns),
                      {input_mask, masks_.evaluation_b(2 * l)});
  }

  // Messages 10 to 12.
  void prove_claims() {
    phases_.begin("claims");
    const std::size_t data = model_polynomial() + 1;
    start_claims(data + layout_.data);
    for (std::size_t l = 0; l < layout_.L; l++) {
      const LayerMasks& o = opened_layers_[l];
      claim_column(place2(layout_.G[l]), helper(layout_.G[l]), o.G, 4 * l);
      claim_column(place1(layout_.L0[l]), column(layout_.L0[l]), o.L0, 4 * l + 1);
      claim_column(place1(layout_.L1[l]), column(layout_.L1[l]), o.L1, 4 * l + 2);
      claim_column(place1(layout_.R[l]), column(layout_.R[l]), o.R, 4 * l + 3);
    }
    const std::size_t j = 4 * layout_.L;
    claim_column(place2(layout_.GM), helper(layout_.GM), opened_.GM, j);
    claim_column(place1(layout_.ML), column(layout_.ML), opened_.ML, j + 1);
    claim_column(place2(layout_.GT), helper(layout_.GT), opened_.GT, j + 2);
    claim_column(place1(layout_.M), column(layout_.M), opened_.M, j + 3);
    claim_column(place1(layout_.c), column(layout_.c), opened_.c, j + 4);
    if (!shape_.data_in_witness)
      claims_->column(Place(layout_.Y, data), labels_.data(), claims_->add(opened_.Y));
    claims_->add_columns(constraints_.point);
    const Fr input = claims_->add(factors_[0]);
    if (!shape_.data_in_witness) claim_chunks(data, input);
    for (std::size_t l = 0; l < shape_.layers(); l++) {
      if (l > 0) claim_activations(l);
      claim_weights(l);
    }
    add_first_mask_claims(constraints_);
    const Fr sum = claims_->add(sum_b_);
    add_cube_sum_form(mask_weights_.data(), layout_.rows.row_b(), layout_.rows.degrees_b, sum);
    for (const auto& [mask, factor] : mask_b_factors_) mask_a_weight(mask) -= sum * factor;
    add_value_form(mask_weights_.data(), layout_.rows.row_b(), layout_.rows.degrees_b, products_.point,
                   claims_->add(value_b_));
    add_cover_claims();
    if (shape_.data_in_witness) claim_input(input);
    const Fr value = run_claims(secrets_.model_blind, model_polynomial());
    phases_.begin("combine");
    finish(combine(data), value);
  }

  Fr& mask_a_weight(std::size_t mask) { return mask_weights_[layout_.rows.row_masks_a() * MaskRows::kWidth + mask]; }
  Fr& mask_b_weight(std::size_t mask) { return mask_weights_[layout_.rows.row_masks_b() * MaskRows::kWidth + mask]; }

  void claim_column(const Place& place, Entries entries, const Fr& value, std::size_t mask) {
    const Fr coefficient = claims_->add(value);
    claims_->column(place, entries, coefficient);
    mask_a_weight(mask) += coefficient * weight_a_;
  }

  // 1 - the highest input coordinate, where the layer's inputs end at half of its table.
  Fr high_factor(std::size_t l) const {
    const unsigned t = width_variables(l);
    return layout_.nk[l] == t ? Fr::one() : Fr::one() - inputs(l)[t];
  }

  void claim_chunks(std::size_t data, const Fr& coefficient) {
    const unsigned nlow = layout_.nlow, ni = layout_.ni;
    std::vector<Fr> factors;
    Part part;
    part.variables = nlow + ni;
    for (std::size_t chunk = 0; chunk < layout_.chunks; chunk++) {
      factors.push_back(eq_index(chunk, inputs(0) + nlow, layout_.nx - nlow));
      // Several chunks fill a polynomial each, so that none of them is asked for by itself.
      part.members.push_back({data + layout_.X[chunk].polynomial, layout_.X[chunk].offset, factors.back(), {}});
    }
    Secret<Fr> values(std::size_t(1) << part.variables);
    add_chunks(samples_, layout_, factors, values.data());
    part.values = Table(std::move(values));
    const std::vector<Fr> point = joined(inputs(0), nlow, rho(ni), ni);
    part.weights = Table(eq_weights(point.data(), part.variables, coefficient * high_factor(0)));
    claims_->combination.add(std::move(part));
  }

  void claim_activations(std::size_t l) {
    const unsigned nh = layout_.nh[l - 1], ni = layout_.ni;
    const Fr coefficient = claims_->add(factors_[2 * l]);
    const std::vector<Fr> point = joined(inputs(l), nh, rho(ni), ni);
    const Column& R = layout_.R[l - 1];
    claims_->part(place1(R), column(R), eq_weights(point.data(), nh + ni, coefficient * high_factor(l)));
    mask_b_weight(2 * l - 1) += coefficient * weight_b_;
  }

  void claim_weights(std::size_t l) {
    const unsigned nh = layout_.nh[l], nk = layout_.nk[l];
    const Fr coefficient = claims_->add(factors_[2 * l + 1]);
    const std::vector<Fr> point = joined(rho(nh + layout_.ni), nh, inputs(l), nk);
    claims_->part(Place(layout_.W[l], model_polynomial()), witness_.model.data() + layout_.W[l].offset,
                  eq_weights(point.data(), nh + nk, coefficient));
    mask_b_weight(2 * l) += coefficient * weight_b_;
  }

  // Inference: X at r, the evaluation at the context, and nothing beyond the features.
  void claim_input(const Fr& coefficient) {
    const unsigned nx = layout_.nx;
    Secret<Fr> weights = eq_weights(inputs(0), nx, coefficient * high_factor(0));
    std::vector<Fr> powers(std::max<std::size_t>(weights.size(), samples_.width + 1));
    vec::powers(powers.data(), rho_context_, powers.size());
    const Fr whole = claims_->add(evaluation_ - powers[samples_.width]), beyond = claims_->add(Fr::zero());
    for (std::size_t k = 0; k < weights.size(); k++)
      weights[k] += (k < samples_.width ? whole : whole + beyond) * powers[k];
    claims_->part(place1(layout_.XI), column(layout_.XI), std::move(weights));
  }

  // F = sum of w_p(sigma) P_p.
  Secret<Fr> combine(std::size_t data) {
    Secret<Fr> F(coefficients());
    add_stages(F, witness_.stage1.data(), witness_.stage1.size(), helpers_.data(), helpers_.size());
    add_integers(F, model_polynomial(), witness_.model.data(), witness_.model.size());
    witness_.stage1.clear();
    helpers_.clear();
    if (shape_.data_in_witness) return F;
    std::vector<Fr> factors;
    for (const Column& chunk : layout_.X) factors.push_back(claims_->combination.weight(data + chunk.polynomial));
    add_chunks(samples_, layout_, factors, F.data() + layout_.X[0].offset);
    const Fr weight = claims_->combination.weight(data + layout_.Y.polynomial);
    for (std::size_t i = 0; i < shape_.samples; i++) F[layout_.Y.offset + (i << layout_.nc) + label(i)] += weight;
    return F;
  }

  const Layout& layout_;
  const Shape& shape_;
  const Samples& samples_;
  const std::vector<Affine>& data_;
  Witness witness_;
  std::vector<std::int32_t> labels_;  // Y

  Fr rho_context_, evaluation_;
  Lookup lookup_;
  Secret<Fr> helpers_, DM_, DT_;
  std::vector<Secret<Fr>> D0_, D1_;
  std::vector<LayerMasks> masks_of_layers_, opened_layers_;
  Answers answer_masks_, opened_;
  Outcome constraints_, products_;
  Fr weight_a_, weight_b_, mu_, sum_b_, value_b_;
  std::vector<std::pair<std::size_t, Fr>> mask_b_factors_;  // mask of message 5, its factor in K_B
  std::vector<Fr> factors_;                                 // message 8
};

}  // namespace

Proof prove_accuracy(const Shape& shape, const Srs& srs, const std::vector<Affine>& data, const Samples& samples,
                     const Weights& weights, const Secrets& secrets, const Context& context, Phases phases) {
  const Layout layout(shape);
  require_powers(srs, layout.n);
  if (data.size() != layout.data)
    throw Refusal(Refusal::Kind::circuit, "the verifying key has another number of data commitments; expected " +
                                              std::to_string(layout.data) + "; got " + std::to_string(data.size()));
  phases.begin("witness");
  Witness witness = build_witness(layout, samples, weights);
  if (shape.data_in_witness && witness.count != 1)
    throw Refusal(Refusal::Kind::input, "the network does not answer this label");
  phases.begin("masks");
  return AccuracyProver(layout, srs, data, samples, std::move(witness), secrets, std::move(phases)).run(context);
}

}  // namespace pyml
