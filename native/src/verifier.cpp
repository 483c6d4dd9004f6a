#include "pyml/verifier.hpp"

#include <algorithm>

#include "pyml/key.hpp"
#include "pyml/masks.hpp"
#include "pyml/msm.hpp"
#include "pyml/multilinear.hpp"
#include "pyml/transcript.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

struct Refused {
  const char* name;
};

Fr power(const Fr& x, std::uint64_t exponent) {
  const std::uint64_t limbs[4] = {exponent, 0, 0, 0};
  return x.pow(limbs, 64);
}

Fr number(std::uint64_t x) { return Fr::from_u64(x); }

// Reads a proof of a known length word by word; each message is absorbed before a challenge is drawn.
class Reader {
 public:
  Reader(const std::uint8_t* proof, std::size_t length, std::size_t words) : at_(proof), end_(proof + length) {
    if (length != 32 * words) throw Refused{"LENGTH"};
  }

  void start(const Digest& state) { state_ = state; }
  Affine point() {
    Affine p;
    if (!decode(take(64), p) || p.is_infinity()) throw Refused{"POINT"};
    return p;
  }
  Fr scalar() {
    Fr a;
    if (!Fr::from_bytes(take(32), a)) throw Refused{"SCALAR"};
    return a;
  }
  std::vector<Affine> absorb_points(std::size_t n) {
    const std::uint8_t* begin = at_;
    std::vector<Affine> points;
    for (std::size_t i = 0; i < n; i++) points.push_back(point());
    absorb(begin);
    return points;
  }
  std::vector<Fr> absorb_scalars(std::size_t n) {
    const std::uint8_t* begin = at_;
    std::vector<Fr> scalars;
    for (std::size_t i = 0; i < n; i++) scalars.push_back(scalar());
    absorb(begin);
    return scalars;
  }
  Fr challenge() const { return Fr::reduce_bytes(state_.data()); }
  Fr squeeze() {
    state_ = keccak256(state_.data(), state_.size());
    return challenge();
  }
  std::vector<Fr> squeeze_tau(std::size_t n) {
    std::vector<Fr> tau{challenge()};
    while (tau.size() < n) tau.push_back(squeeze());
    return tau;
  }
  // The rounds of a sumcheck; the point, and the claim at it.
  std::vector<Fr> rounds(const std::vector<unsigned>& degrees, Fr& claim) {
    std::vector<Fr> at;
    for (unsigned degree : degrees) {
      std::vector<Fr> c = absorb_scalars(degree);
      const Fr linear = claim - c[0] - vec::sum(c.data(), c.size());
      c.insert(c.begin() + 1, linear);
      const Fr x = challenge();
      claim = vec::horner(c.data(), c.size(), x);
      at.push_back(x);
    }
    return at;
  }

 private:
  const std::uint8_t* take(std::size_t n) {
    if (static_cast<std::size_t>(end_ - at_) < n) throw Refused{"LENGTH"};
    const std::uint8_t* begin = at_;
    at_ += n;
    return begin;
  }
  void absorb(const std::uint8_t* begin) {
    Keccak256 hash;
    hash.absorb(state_.data(), state_.size());
    hash.absorb(begin, static_cast<std::size_t>(at_ - begin));
    state_ = hash.digest();
  }

  const std::uint8_t *at_, *end_;
  Digest state_{};
};

struct Weighted {
  std::vector<Affine> points;
  std::vector<Fr> scalars;
  void add(const Affine& p, const Fr& s) {
    points.push_back(p);
    scalars.push_back(s);
  }
  Affine sum() const { return to_affine(msm(points.data(), scalars.data(), points.size())); }
};

// What the proofs have in common: from gamma on every claim adds to the total, and to w_p(sigma) once sigma is known.
class Check {
 protected:
  Check(Reader& reader, unsigned n, const MaskRows& rows, const Column& K) : in_(reader), n_(n), rows_(rows), K_(K) {}

  void read_commitments(std::size_t stage1, std::size_t stage2) {
    first_ = in_.absorb_points(stage1 + 1);
    alpha_ = in_.challenge();
    beta_ = in_.squeeze();
    second_ = in_.absorb_points(stage2);
  }
  void read_first(std::size_t v, const Fr& lambda_claim_factor, std::size_t lambda_power) {
    tau_ = in_.squeeze_tau(v);
    lambda_ = in_.squeeze();
    sum_a_ = in_.absorb_scalars(1)[0];
    left_ = lambda_claim_factor * power(lambda_, lambda_power) + sum_a_;
    rho_ = in_.rounds(rows_.degrees_a, left_);
    weight_a_ = rho_.back() - rho_.back().square();
  }
  void read_cover_sums() {
    theta_ = in_.challenge();
    cover_sums_ = in_.absorb_scalars(2);
    gamma_ = in_.challenge();
    next_ = Fr::one();
    mask_form_.assign(K_.size(), Fr::zero());
  }

  Fr add_claim(const Fr& value) {
    const Fr coefficient = next_;
    total_ += coefficient * value;
    next_ *= gamma_;
    return coefficient;
  }
  void add_mask(std::size_t row, std::size_t j, const Fr& weight) { mask_form_[row * MaskRows::kWidth + j] += weight; }
  void add_first_masks(const Fr& value_a) {
    add_cube_sum_form(mask_form_.data(), 0, rows_.degrees_a, add_claim(sum_a_));
    add_value_form(mask_form_.data(), 0, rows_.degrees_a, rho_, add_claim(value_a));
  }
  void add_cover() {
    cover_ = add_claim(cover_sums_[0]);
    const Fr spare = add_claim(cover_sums_[1]);
    for (std::size_t j = 0; j < MaskRows::kSpares; j++) add_mask(rows_.row_spare(), j, spare);
  }

  const Fr* rho(unsigned t) const { return rho_.data() + (rho_.size() - t); }
  const Fr* tau(unsigned t) const { return tau_.data() + (tau_.size() - t); }
  Fr eq_last(unsigned t) const { return eq_value(tau(t), rho(t), t); }
  Fr share(unsigned t) const { return half_power(rho_.size() - t); }
  Fr lambda(std::size_t k) const { return power(lambda_, k); }

  Fr prefix(const Column& c) const {
    return eq_index(c.offset >> c.variables, sigma_.data() + c.variables, n_ - c.variables);
  }
  Fr column_weight(const Column& c, const Fr* point) const {
    return eq_value(point, sigma_.data(), c.variables) * prefix(c);
  }
  void run_last() {
    Fr claim = total_;
    sigma_ = in_.rounds(std::vector<unsigned>(n_, 2), claim);
    value_ = claim;
    blind_ = in_.absorb_scalars(1)[0];
  }
  // The commitments of the first stages with their weights; those of columns are added by the caller.
  void weigh_masks(std::vector<Fr>& weights1) const {
    const std::vector<Fr> table = eq_table(sigma_.data(), K_.variables);
    weights1[K_.polynomial] += vec::dot(table.data(), mask_form_.data(), table.size()) * prefix(K_);
    Fr cover = Fr::zero(), theta = Fr::one();
    cover += theta;
    for (const Fr& x : sigma_) {
      theta *= theta_;
      cover += theta * x;
    }
    weights1.back() += cover_ * cover;
  }
  Verdict open(Weighted terms);

  Reader& in_;
  unsigned n_;
  const MaskRows& rows_;
  const Column& K_;
  std::vector<Affine> first_, second_;
  Fr alpha_, beta_, lambda_, sum_a_, left_, weight_a_, theta_, gamma_, next_, cover_, value_, blind_;
  Fr total_ = Fr::zero();
  std::vector<Fr> tau_, rho_, cover_sums_, sigma_, mask_form_;
};

// The sum of x^k eq(k, u): the product of 1 - u_i + u_i x^(2^i).
Fr geometric(Fr x, const Fr* u, std::size_t n) {
  Fr product = Fr::one();
  for (std::size_t i = 0; i < n; i++) {
    product *= Fr::one() - u[i] + u[i] * x;
    x = x.square();
  }
  return product;
}

Verdict Check::open(Weighted terms) {
  const std::size_t half = (n_ + 1) / 2;
  const Affine h = in_.absorb_points(1)[0];
  const Fr a = in_.challenge();
  const std::vector<Affine> gq = in_.absorb_points(2);
  const Fr xi = in_.challenge();
  const std::vector<Affine> sd = in_.absorb_points(2);
  const Fr z = in_.challenge();
  const std::vector<Fr> e = in_.absorb_scalars(7);
  const Fr delta = in_.challenge();
  const std::vector<Affine> po = in_.absorb_points(2);
  const Fr y = in_.challenge();
  const Affine last = in_.absorb_points(1)[0];
  const Fr omega = in_.challenge();
  const Fr zi = in_.scalar(), hint = in_.scalar();
  if (z * zi != Fr::one()) throw Refused{"HINT_INVERSE_Z"};
  if ((z - zi) * (z - a) * (zi - a) * hint != Fr::one()) throw Refused{"HINT_DIFFERENCES"};

  const Fr *u1 = sigma_.data(), *u2 = sigma_.data() + half;
  const std::size_t t2 = n_ - half;
  const Fr inner = e[0] * geometric(zi, u1, half) + e[1] * geometric(z, u1, half) +
                   xi * (e[2] * geometric(zi, u2, t2) + e[3] * geometric(z, u2, t2));
  if (inner != (e[4] + xi * value_).doubled() + z * e[5] + zi * e[6]) throw Refused{"INNER_PRODUCTS"};

  const Fr zb = power(z, std::uint64_t(1) << half);
  const Fr from_z = y - z, from_zi = y - zi, from_a = y - a;
  const Fr by_zz = hint * (z - a) * (zi - a);            // 1 / (z - 1/z)
  const Fr by_za = hint * (z - zi) * (zi - a);           // 1 / (z - a)
  const Fr by_zia = hint * (z - zi) * (z - a);           // 1 / (1/z - a)
  const Fr r_g = (e[0] * from_zi - e[1] * from_z) * by_zz, r_s = (e[5] * from_zi - e[6] * from_z) * by_zz;
  const Fr r_h = e[2] * from_zi * from_a * by_zz * by_za - e[3] * from_z * from_a * by_zz * by_zia +
                 e[4] * from_z * from_zi * by_za * by_zia;
  const Fr at_g = delta * from_a, at_s = delta * at_g, at_d = delta.square() * delta * from_zi * from_a;
  const Fr constant = e[0] + omega * (r_h + at_g * r_g + at_s * r_s + at_d * zb * zi * e[1]);
  terms.add(blinding_generator(), -blind_);
  terms.add(gq[1], a - zb);
  terms.add(po[0], z);
  terms.add(h, omega);
  terms.add(gq[0], omega * at_g);
  terms.add(sd[0], omega * at_s);
  terms.add(sd[1], omega * at_d);
  terms.add(po[1], -(omega * from_z * from_zi * from_a));
  terms.add(last, omega * y);
  terms.add(generator(), -constant);
  Weighted right;
  right.add(po[0], Fr::one());
  right.add(last, omega);
  return Verdict{nullptr, terms.sum(), right.sum()};
}

constexpr std::size_t kOpeningWords = 2 + 4 + 4 + 7 + 4 + 2 + 2;

std::size_t round_words(const std::vector<unsigned>& degrees) {
  std::size_t words = 0;
  for (unsigned degree : degrees) words += degree;
  return words;
}

struct Inference {
  Fr evaluation;
  std::uint64_t label;
};

class AccuracyCheck : public Check {
 public:
  static std::size_t words(const Layout& l) {
    return 2 + 2 * (l.stage1 + 1 + l.stage2) + 1 + round_words(l.rows.degrees_a) + l.rows.masks_a +
           (l.shape.data_in_witness ? 0 : 1) + 1 + round_words(l.rows.degrees_b) + 1 + l.rows.masks_b + 2 + 2 * l.n + 1 +
           kOpeningWords;
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
      const Fr &g = sent(l, 0), d0 = alpha_ + sent(l, 1), d1 = alpha_ + sent(l, 2) + beta_ * sent(l, 3) + beta_.square();
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
      for (const Column* c : {&l_.L0[l], &l_.L1[l], &l_.R[l]}) weights1[c->polynomial] += main_coefficients_[k++] * at_rho(*c);
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
    return (factor_coefficients_[0] * at_r + evaluation_coefficient_ * all + beyond_coefficient_ * beyond) * prefix(l_.XI);
  }

  const Layout& l_;
  const Claimed& claimed_;
  const Inference* inference_;
  std::vector<Fr> main_, factors_, r_, main_coefficients_, factor_coefficients_;
  Fr label_value_, mu_, weight_b_, label_coefficient_, evaluation_coefficient_, beyond_coefficient_;
};

class WeightsCheck : public Check {
 public:
  static std::size_t words(const WeightsLayout& l) {
    return 2 + 2 * (l.stage1 + 1 + l.stage2) + 1 + round_words(l.rows.degrees_a) + 4 + 2 + 2 * l.n + 1 + kOpeningWords;
  }

  WeightsCheck(Reader& reader, const WeightsLayout& layout, const Claimed& claimed)
      : Check(reader, layout.n, layout.rows, layout.K), l_(layout), claimed_(claimed) {}

  Verdict run() {
    read_commitments(l_.stage1, l_.stage2);
    read_first(l_.v, Fr::zero(), 0);
    const std::vector<Fr> sent = in_.absorb_scalars(4);
    const Fr value_a = left_ - summand(sent[0], sent[1], sent[2], sent[3]);
    read_cover_sums();
    std::vector<Fr> coefficients;
    for (std::size_t k = 0; k < 4; k++) {
      coefficients.push_back(add_claim(sent[k]));
      add_mask(rows_.row_masks_a(), k, coefficients[k] * weight_a_);
    }
    add_first_masks(value_a);
    add_cover();
    run_last();
    std::vector<Fr> weights1(l_.stage1 + 1, Fr::zero()), weights2(l_.stage2, Fr::zero());
    weigh_masks(weights1);
    const auto at_rho = [&](const Column& c) { return column_weight(c, rho(c.variables)); };
    weights2[l_.GW.polynomial] += coefficients[0] * at_rho(l_.GW);
    weights2[l_.GT.polynomial] += coefficients[2] * at_rho(l_.GT);
    weights1[l_.M.polynomial] += coefficients[3] * at_rho(l_.M);
    Weighted terms;
    for (std::size_t p = 0; p < weights1.size(); p++) terms.add(first_[p], weights1[p]);
    for (std::size_t p = 0; p < weights2.size(); p++) terms.add(second_[p], weights2[p]);
    terms.add(claimed_.commitment, coefficients[1] * at_rho(l_.weights));
    return open(terms);
  }

 private:
  Fr summand(const Fr& GW, const Fr& W, const Fr& GT, const Fr& M) const {
    const unsigned w = l_.shape.weight_bits, nw = l_.nw;
    const Fr range = GW * (alpha_ + W + power_of_two(w - 1)) - Fr::one();
    Fr row = alpha_, factor = Fr::one();
    for (unsigned k = 0; k < w; k++, factor = factor.doubled()) row += factor * rho(w)[k];
    const Fr weights = GW + eq_last(nw) * (lambda(1) * range + lambda(3) * (Fr::one() - valid()) * W);
    return share(nw) * weights + share(w) * (lambda(2) * eq_last(w) * (GT * row - M) - GT);
  }

  // Where a weight or a bias lies: sum over the layers of [output < d_l] [input <= d_(l-1)] at their place in W.
  Fr valid() const {
    const Fr* point = rho(l_.nw);
    Fr total = Fr::zero();
    for (std::size_t l = 0; l < l_.W.size(); l++) {
      const Column& c = l_.W[l];
      const std::vector<Fr> outputs = eq_table(point, l_.nh[l]), inputs = eq_table(point + l_.nh[l], l_.nk[l]);
      total += vec::sum(outputs.data(), l_.shape.widths[l + 1]) * vec::sum(inputs.data(), l_.shape.widths[l] + 1) *
               eq_index(c.offset >> c.variables, point + c.variables, l_.nw - c.variables);
    }
    return total;
  }

  const WeightsLayout& l_;
  const Claimed& claimed_;
};

template <class Body>
Verdict decide(const Body& body) {
  try {
    return body();
  } catch (const Refused& refused) {
    return Verdict{refused.name, Affine::infinity(), Affine::infinity()};
  }
}

void require_commitment(Reader& reader, const Affine& commitment) {
  if (reader.point() != commitment) throw Refused{"COMMITMENT"};
}

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
  if (!layout.shape.data_in_witness) throw Refusal(Refusal::Kind::circuit, "the verifying key is for another statement");
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

Verdict verify_weights(const Claimed& claimed, const std::uint8_t* proof, std::size_t length) {
  const WeightsLayout layout(claimed.shape);
  return decide([&] {
    Reader reader(proof, length, WeightsCheck::words(layout));
    require_commitment(reader, claimed.commitment);
    Words start;
    const Digest key = weights_key(layout, claimed.tau_g2);
    start.add_bytes(key.data(), key.size()).add(claimed.commitment).add(claimed.context);
    reader.start(start.digest());
    return WeightsCheck(reader, layout, claimed).run();
  });
}

}  // namespace pyml
