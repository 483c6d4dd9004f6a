// Messages 1 to 12 of a proof of accuracy or of inference.
#include "verifier_check.hpp"

namespace pyml {
namespace {

using namespace verifying;

struct Inference {
  Fr evaluation;
  std::uint64_t label;
};

class AccuracyCheck : public Check {
 public:
  static std::size_t words(const Layout& l) {
    const std::size_t points = 2 + 2 * (l.stage1 + 1 + l.stage2), label = l.shape.data_in_witness ? 0 : 1;
    return points + 1 + round_words(l.rows.degrees_a) + l.rows.masks_a + label + 1 + round_words(l.rows.degrees_b) + 1 +
           l.rows.masks_b + 2 + 2 * l.n + 1 + kOpeningWords;
  }

  AccuracyCheck(Reader& reader, const Layout& layout, const Claimed& claimed, const Inference* inference)
      : Check(reader, layout.n, layout.rows, layout.K), l_(layout), claimed_(claimed), inference_(inference) {}

  Verdict run(std::uint64_t count) {
    read_commitments(l_.stage1, l_.stage2);
    read_first(l_.v, number(count), l_.L + 5);
    main_ = in_.absorb_scalars(l_.rows.masks_a + (inference_ ? 0 : 1));
    if (inference_) {  // the label is public, and Y computed from it
      label_value_ = eq_index(inference_->label, rho(l_.nc + l_.ni), l_.nc);
    } else {
      label_value_ = main_.back();
      main_.pop_back();
    }
    mu_ = in_.challenge();
    const Fr value_a = left_ - main_summand();
    const Fr sum_b = in_.absorb_scalars(1)[0];
    Fr left = product_targets() + sum_b;
    r_ = in_.rounds(l_.rows.degrees_b, left);
    weight_b_ = r_.back() - r_.back().square();
    factors_ = in_.absorb_scalars(1 + l_.rows.masks_b);
    const Fr value_b = left - product_summand();
    read_cover_sums();
    gather(value_a, sum_b, value_b);
    run_last();
    return open(weigh());
  }

 private:
  const Fr& sent(std::size_t layer, std::size_t k) const { return main_[4 * layer + k]; }
  const Fr& sent(std::size_t k) const { return main_[4 * l_.L + k]; }  // GM, ML, GT, M, c, Z
  unsigned width_variables(std::size_t l) const { return l == 0 ? l_.nx : l_.nh[l - 1]; }
  const Fr* inputs(std::size_t l) const { return r_.data() + (r_.size() - l_.nk[l]); }
  Fr high_factor(std::size_t l) const {
    const unsigned t = width_variables(l);
    return l_.nk[l] == t ? Fr::one() : Fr::one() - inputs(l)[t];
  }
  std::vector<Fr> join(const Fr* a, unsigned n, const Fr* b, unsigned m) const {
    std::vector<Fr> point(a, a + n);
    point.insert(point.end(), b, b + m);
    return point;
  }

  Fr main_summand() const {
    const unsigned B = l_.shape.limb_bits;
    Fr total = Fr::zero();
    for (std::size_t l = 0; l < l_.L; l++) {
      const unsigned t = l_.nh[l] + l_.ni;
      const Fr &g = sent(l, 0), d0 = alpha_ + sent(l, 1);
      const Fr d1 = alpha_ + sent(l, 2) + beta_ * sent(l, 3) + beta_.square();
      total += share(t) * (g + lambda(l + 1) * eq_last(t) * (g * d0 * d1 - d0 - d1));
    }
    const Fr &GM = sent(0), &ML = sent(1), &GT = sent(2), &M = sent(3), &c = sent(4), &Z = sent(5), &Y = label_value_;
    const unsigned tz = l_.nc + l_.ni, tm = l_.nq + tz;
    Fr w = Fr::zero();
    for (std::size_t q = 0; q < l_.shape.margin_limbs; q++) w += power_of_two(B * q) * eq_index(q, rho(tm), l_.nq);
    total += share(tm) * (GM + lambda(l_.L + 1) * eq_last(tm) * (GM * (alpha_ + ML) - Fr::one()) -
                          lambda(l_.L + 3) * eq_last(tz) * w * ML);
    total += share(l_.table) * (lambda(l_.L + 2) * eq_last(l_.table) * (GT * table_row() - M) - GT);
    std::vector<Fr> asked = eq_table(tau(tz), l_.nc);
    const std::vector<Fr> at = eq_table(rho(tz), l_.nc);
    const std::size_t classes = l_.shape.widths.back();
    const Fr a = vec::sum(asked.data(), classes), e = vec::dot(asked.data(), at.data(), classes);
    const Fr eq_ni = eq_last(l_.ni);
    const Fr margin = (a * Y - e) * Z + e * Y - a * half_power(l_.nc);
    total += share(tz) * c * (lambda(l_.L + 3) * eq_ni * margin + lambda(l_.L + 5) * Y);
    return total + share(l_.ni) * lambda(l_.L + 4) * eq_ni * (c.square() - c);
  }

  Fr table_row() const {
    const unsigned B = l_.shape.limb_bits;
    const Fr* x = rho(l_.table);
    Fr low = Fr::zero(), factor = Fr::one();
    for (unsigned k = 0; k + 1 < B; k++, factor = factor.doubled()) low += factor * x[k];
    return alpha_ + low + factor * x[B - 1] + x[B] * (beta_ * x[B - 1] * low + beta_.square());
  }

  Fr product_targets() const {
    const unsigned B = l_.shape.limb_bits;
    Fr total = Fr::zero(), factor = Fr::one();
    for (std::size_t l = 0; l < l_.L; l++, factor *= mu_)
      total += factor * power_of_two(l_.shape.shifts[l]) * half_power(B) *
               (sent(l, 1) + power_of_two(B) * sent(l, 2) - power_of_two(2 * B - 1));
    return total + factor * sent(5);
  }

  Fr product_summand() const {
    Fr total = Fr::zero(), factor = Fr::one();
    for (std::size_t l = 0; l < l_.shape.layers(); l++, factor *= mu_) {
      const Fr bias = number(l_.shape.bias_units[l]) * eq_index(l_.shape.widths[l], inputs(l), l_.nk[l]);
      total += half_power(r_.size() - l_.nk[l]) * factor * (factors_[2 * l] + bias) * factors_[2 * l + 1];
    }
    return total;
  }

  // Every claim in the order of section 6, with its coefficient.
  void gather(const Fr& value_a, const Fr& sum_b, const Fr& value_b) {
    for (std::size_t k = 0; k + 1 < main_.size(); k++) {  // Z, the last, is committed nowhere
      main_coefficients_.push_back(add_claim(main_[k]));
      add_mask(rows_.row_masks_a(), k, main_coefficients_[k] * weight_a_);
    }
    if (!inference_) label_coefficient_ = add_claim(label_value_);
    for (std::size_t k = 0; k < factors_.size(); k++) {
      factor_coefficients_.push_back(add_claim(factors_[k]));
      if (k > 0) add_mask(rows_.row_masks_b(), k - 1, factor_coefficients_[k] * weight_b_);
    }
    add_first_masks(value_a);
    const Fr sum = add_claim(sum_b);
    add_cube_sum_form(mask_form_.data(), rows_.row_b(), rows_.degrees_b, sum);
    Fr factor = -sum * weight_a_;
    for (std::size_t l = 0; l < l_.L; l++, factor *= mu_) {
      const Fr high = factor * power_of_two(l_.shape.shifts[l]);
      add_mask(rows_.row_masks_a(), 4 * l + 1, high * half_power(l_.shape.limb_bits));
      add_mask(rows_.row_masks_a(), 4 * l + 2, high);
    }
    add_mask(rows_.row_masks_a(), 4 * l_.L + 5, factor);
    add_value_form(mask_form_.data(), rows_.row_b(), rows_.degrees_b, r_, add_claim(value_b));
    add_cover();
    if (!inference_) return;
    evaluation_coefficient_ = add_claim(inference_->evaluation - power(claimed_.context, l_.shape.widths[0]));
    beyond_coefficient_ = add_claim(Fr::zero());
  }

  Weighted weigh() const {
    std::vector<Fr> weights1(l_.stage1 + 1, Fr::zero()), weights2(l_.stage2, Fr::zero()), data(l_.data, Fr::zero());
    Fr model = Fr::zero();
    weigh_masks(weights1);
    const auto at_rho = [&](const Column& c) { return column_weight(c, rho(c.variables)); };
    for (std::size_t l = 0; l < l_.L; l++) {
      weights2[l_.G[l].polynomial] += main_coefficients_[4 * l] * at_rho(l_.G[l]);
      std::size_t k = 4 * l + 1;
      for (const Column* c : {&l_.L0[l], &l_.L1[l], &l_.R[l]})
        weights1[c->polynomial] += main_coefficients_[k++] * at_rho(*c);
    }
    const Fr* next = main_coefficients_.data() + 4 * l_.L;
    weights2[l_.GM.polynomial] += next[0] * at_rho(l_.GM);
    weights1[l_.ML.polynomial] += next[1] * at_rho(l_.ML);
    weights2[l_.GT.polynomial] += next[2] * at_rho(l_.GT);
    weights1[l_.M.polynomial] += next[3] * at_rho(l_.M);
    weights1[l_.c.polynomial] += next[4] * at_rho(l_.c);
    if (inference_) {
      weights1[l_.XI.polynomial] += input_weight();
    } else {
      data[l_.Y.polynomial] += label_coefficient_ * at_rho(l_.Y);
      const std::vector<Fr> low = join(inputs(0), l_.nlow, rho(l_.ni), l_.ni);
      for (std::size_t chunk = 0; chunk < l_.chunks; chunk++)
        data[l_.X[chunk].polynomial] += factor_coefficients_[0] * high_factor(0) *
                                        eq_index(chunk, inputs(0) + l_.nlow, l_.nx - l_.nlow) *
                                        column_weight(l_.X[chunk], low.data());
    }
    for (std::size_t l = 0; l < l_.shape.layers(); l++) {
      const unsigned nh = l_.nh[l];
      const std::vector<Fr> point = join(rho(nh + l_.ni), nh, inputs(l), l_.nk[l]);
      model += factor_coefficients_[2 * l + 1] * column_weight(l_.W[l], point.data());
      if (l == 0) continue;
      const Column& R = l_.R[l - 1];
      const std::vector<Fr> entering = join(inputs(l), l_.nh[l - 1], rho(l_.ni), l_.ni);
      weights1[R.polynomial] += factor_coefficients_[2 * l] * high_factor(l) * column_weight(R, entering.data());
    }
    Weighted terms;
    for (std::size_t p = 0; p < weights1.size(); p++) terms.add(first_[p], weights1[p]);
    for (std::size_t p = 0; p < weights2.size(); p++) terms.add(second_[p], weights2[p]);
    for (std::size_t p = 0; p < data.size(); p++) terms.add(claimed_.data[p], data[p]);
    terms.add(claimed_.commitment, model);
    return terms;
  }

  // XI: at r, all powers of the context, and those beyond the features.
  Fr input_weight() const {
    const Fr* sigma = sigma_.data();
    const std::size_t features = l_.shape.widths[0];
    const Fr all = geometric(claimed_.context, sigma, l_.nx);
    // Bit by bit of the number of features, from the highest: indexes that first differ from it by a 1 lie beyond.
    Fr beyond = Fr::zero(), same = Fr::one();
    for (unsigned j = l_.nx; j-- > 0 && features >> l_.nx == 0;) {
      const Fr one = sigma[j] * power(claimed_.context, std::uint64_t(1) << j);
      if (features >> j & 1) {
        same *= one;
      } else {
        beyond += same * one * geometric(claimed_.context, sigma, j);
        same *= Fr::one() - sigma[j];
      }
    }
    if (features >> l_.nx == 0) beyond += same;
    const Fr at_r = eq_value(inputs(0), sigma, l_.nx) * high_factor(0);
    const Fr weight = factor_coefficients_[0] * at_r + evaluation_coefficient_ * all + beyond_coefficient_ * beyond;
    return weight * prefix(l_.XI);
  }

  const Layout& l_;
  const Claimed& claimed_;
  const Inference* inference_;
  std::vector<Fr> main_, factors_, r_, main_coefficients_, factor_coefficients_;
  Fr label_value_, mu_, weight_b_, label_coefficient_, evaluation_coefficient_, beyond_coefficient_;
};

Layout require_layout(const Claimed& claimed) {
  Layout layout(claimed.shape);
  if (claimed.data.size() != layout.data)
    throw Refusal(Refusal::Kind::circuit, "the verifying key has another number of data commitments");
  return layout;
}

}  // namespace

Verdict verify_accuracy(const Claimed& claimed, std::uint64_t count, const std::uint8_t* proof, std::size_t length) {
  const Layout layout = require_layout(claimed);
  if (layout.shape.data_in_witness) throw Refusal(Refusal::Kind::circuit, "the verifying key is for another statement");
  return decide([&] {
    if (count > layout.shape.samples) throw Refused{"STATEMENT"};
    Reader reader(proof, length, AccuracyCheck::words(layout));
    require_commitment(reader, claimed.commitment);
    Words start;
    const Digest key = accuracy_key(layout, claimed.data, claimed.tau_g2);
    start.add_bytes(key.data(), key.size()).add(claimed.commitment).add(claimed.context).add(count);
    reader.start(start.digest());
    return AccuracyCheck(reader, layout, claimed, nullptr).run(count);
  });
}

Verdict verify_inference(const Claimed& claimed, const Fr& evaluation, std::uint64_t label, const std::uint8_t* proof,
                         std::size_t length) {
  const Layout layout = require_layout(claimed);
  if (!layout.shape.data_in_witness)
    throw Refusal(Refusal::Kind::circuit, "the verifying key is for another statement");
  return decide([&] {
    if (label >= layout.shape.widths.back()) throw Refused{"STATEMENT"};
    Reader reader(proof, length, AccuracyCheck::words(layout));
    require_commitment(reader, claimed.commitment);
    Words start;
    const Digest key = accuracy_key(layout, claimed.data, claimed.tau_g2);
    start.add_bytes(key.data(), key.size()).add(claimed.commitment).add(claimed.context).add(evaluation).add(label);
    reader.start(start.digest());
    const Inference inference{evaluation, label};
    return AccuracyCheck(reader, layout, claimed, &inference).run(1);
  });
}

}  // namespace pyml
