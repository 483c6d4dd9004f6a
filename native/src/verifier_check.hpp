// What the verifiers of the proofs have in common: reading and absorbing, claims, and the opening.
//
// Source: circuits/native_accuracy/SPEC.md, sections 5, 6 (SC-C), 7 (weights on K and S) and 8.
#pragma once
#include <vector>

#include "pyml/key.hpp"
#include "pyml/masks.hpp"
#include "pyml/msm.hpp"
#include "pyml/multilinear.hpp"
#include "pyml/transcript.hpp"
#include "pyml/vec.hpp"
#include "pyml/verifier.hpp"

namespace pyml::verifying {

struct Refused {
  const char* name;
};

inline Fr power(const Fr& x, std::uint64_t exponent) {
  const std::uint64_t limbs[4] = {exponent, 0, 0, 0};
  return x.pow(limbs, 64);
}

inline Fr number(std::uint64_t x) { return Fr::from_u64(x); }

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

// Message 12 and the hints.
constexpr std::size_t kOpeningWords = 2 + 4 + 4 + 7 + 4 + 2 + 2;

std::size_t round_words(const std::vector<unsigned>& degrees);
// The sum of x^k eq(k, u): the product of 1 - u_i + u_i x^(2^i).
Fr geometric(Fr x, const Fr* u, std::size_t n);

template <class Body>
Verdict decide(const Body& body) {
  try {
    return body();
  } catch (const Refused& refused) {
    return Verdict{refused.name, Affine::infinity(), Affine::infinity()};
  }
}

inline void require_commitment(Reader& reader, const Affine& commitment) {
  if (reader.point() != commitment) throw Refused{"COMMITMENT"};
}

}  // namespace pyml::verifying
