#include "pyml/protocol.hpp"

#include <algorithm>

#include "pyml/accumulator.hpp"
#include "pyml/mercury.hpp"
#include "pyml/msm.hpp"
#include "pyml/threads.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

constexpr std::size_t kGrain = 8192;

// theta^1 ... theta^n: the weight of S at x is 1 + sum of theta^(t+1) x_t.
std::vector<Fr> theta_powers(const Fr& theta, unsigned n) {
  std::vector<Fr> powers(n);
  Fr power = theta;
  for (Fr& each : powers) {
    each = power;
    power *= theta;
  }
  return powers;
}

void cover_weights(const Fr& theta, unsigned n, const Fr& factor, Fr* out) {
  out[0] = factor;
  const std::vector<Fr> powers = theta_powers(theta, n);
  for (unsigned t = 0; t < n; t++) {
    const std::size_t size = std::size_t(1) << t;
    vec::add_scalar(out + size, out, factor * powers[t], size);
  }
}

Fr cover_sum(const Secret<Fr>& cover, const Fr& theta, unsigned n) {
  const unsigned low = n / 2;  // the weight splits into one of the lower and one of the upper variables
  std::vector<Fr> inner(std::size_t(1) << low), outer(std::size_t(1) << n >> low);
  cover_weights(theta, low, Fr::one(), inner.data());
  const std::vector<Fr> powers = theta_powers(theta, n);
  outer[0] = Fr::zero();
  for (unsigned t = low; t < n; t++)
    vec::add_scalar(outer.data() + (std::size_t(1) << (t - low)), outer.data(), powers[t], std::size_t(1) << (t - low));
  Fr total;
  parallel_sums(outer.size(), std::max<std::size_t>(1, kGrain >> low), 1, &total,
                [&](std::size_t begin, std::size_t end, Fr* out) {
                  for (std::size_t h = begin; h < end; h++) {
                    const Fr* row = cover.data() + (h << low);
                    out[0] += vec::dot(row, inner.data(), inner.size()) + outer[h] * vec::sum(row, inner.size());
                  }
                });
  return total;
}

}  // namespace

Affine hide(const Xyzz& commitment, const Fr& blind) {
  return to_affine(add(commitment, multiply(blinding_generator(), blind)));
}

void require_powers(const Srs& srs, unsigned degree) {
  if (srs.size() < std::size_t(1) << degree)
    throw Refusal(Refusal::Kind::powers, "too few powers of tau for this shape; expected at least 2^" +
                                             std::to_string(degree) + "; got " + std::to_string(srs.size()));
}

Protocol::Protocol(unsigned n, const MaskRows& rows, const Column& K, std::size_t stage1, std::size_t stage2,
                   const Srs& srs, const Secrets& secrets, Phases phases)
    : n_(n), srs_(srs), secrets_(secrets), phases_(std::move(phases)),
      masks_(secrets.seed32, rows, std::size_t(1) << n, stage1 + 1 + stage2), mask_weights_(K.size()), rows_(rows),
      K_(K), stage1_(stage1), stage2_(stage2) {}

std::vector<Affine> Protocol::commit_stage1(const std::int32_t* values, std::size_t used) const {
  std::vector<Affine> points;
  for (std::size_t p = 0; p < stage1_; p++) {
    const std::size_t begin = p << n_, length = std::min(coefficients(), used > begin ? used - begin : 0);
    Xyzz sum = srs_.commit(values + begin, length);
    if (K_.polynomial == p)  // among small integers it holds zeros
      sum = add(sum, msm(srs_.points() + K_.offset, masks_.column.data(), K_.size()));
    points.push_back(hide(sum, masks_.blinds[p]));
  }
  points.push_back(hide(srs_.commit(masks_.cover.data(), coefficients()), masks_.blinds[stage1_]));
  return points;
}

void Protocol::send_stage2(const Fr* values, std::size_t used) {
  std::vector<Affine> points;
  for (std::size_t p = 0; p < stage2_; p++) {
    const std::size_t begin = p << n_, length = std::min(coefficients(), used - begin);
    points.push_back(hide(srs_.commit(values + begin, length), masks_.blinds[stage1_ + 1 + p]));
  }
  messages_.send_points(points);
}

Protocol::Lookup Protocol::draw_lookup() {
  const Fr alpha = messages_.challenge();
  return Lookup{alpha, messages_.squeeze()};
}

void Protocol::draw_tau(std::size_t rounds) {
  constexpr std::size_t kPowers = 32;
  tau_.push_back(messages_.challenge());
  while (tau_.size() < rounds) tau_.push_back(messages_.squeeze());
  const Fr lambda = messages_.squeeze();
  lambda_powers_.resize(kPowers);
  vec::powers(lambda_powers_.data(), lambda, kPowers);
}

Outcome Protocol::run_first(const Terms& terms, const Fr& claim) {
  Libra libra(masks_.column.data(), 0, rows_.degrees_a);
  sum_a_ = libra.cube_sum();
  messages_.send({sum_a_});
  Outcome outcome = run_sumcheck(messages_, terms, rows_.degrees_a, libra, claim + sum_a_);
  value_a_ = libra.value();
  return outcome;
}

void Protocol::send_cover_sums() {
  theta_ = messages_.challenge();
  cover_sum_ = cover_sum(masks_.cover, theta_, n_);
  spare_sum_ = masks_.spare_sum();
  messages_.send({cover_sum_, spare_sum_});
}

void Protocol::start_claims(std::size_t polynomials) {
  claims_ = std::make_unique<Claims>(n_, polynomials, messages_.challenge());
}

void Protocol::add_first_mask_claims(const Outcome& outcome) {
  add_cube_sum_form(mask_weights_.data(), 0, rows_.degrees_a, claims_->add(sum_a_));
  add_value_form(mask_weights_.data(), 0, rows_.degrees_a, outcome.point, claims_->add(value_a_));
}

void Protocol::add_cover_claims() {
  Column whole;
  whole.variables = n_;
  Secret<Fr> weights(coefficients());
  cover_weights(theta_, n_, claims_->add(cover_sum_), weights.data());
  claims_->part(Place(whole, cover_polynomial()), masks_.cover.data(), std::move(weights));
  const Fr coefficient = claims_->add(spare_sum_);
  for (std::size_t j = 0; j < MaskRows::kSpares; j++)
    mask_weights_[rows_.row_spare() * MaskRows::kWidth + j] += coefficient;
}

Fr Protocol::run_claims(const Fr& model_blind, std::size_t model) {
  claims_->part(place1(K_), masks_.column.data(), std::move(mask_weights_));
  const Fr value = claims_->combination.run(messages_, claims_->total());
  Fr blind = claims_->combination.weight(model) * model_blind;
  for (std::size_t p = 0; p < masks_.blinds.size(); p++) blind += claims_->combination.weight(p) * masks_.blinds[p];
  messages_.send({blind});
  return value;
}

void Protocol::add_integers(Secret<Fr>& F, std::size_t polynomial, const std::int32_t* values, std::size_t used) const {
  const Fr weight = claims_->combination.weight(polynomial);
  parallel_for(used, kGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      if (values[i] == 0) continue;
      Accumulator product;
      product.add(values[i], weight);
      F[i] += product.value();
    }
  });
}

void Protocol::add_stages(Secret<Fr>& F, const std::int32_t* stage1, std::size_t used1, const Fr* stage2,
                          std::size_t used2) const {
  const auto add_scalars = [&](std::size_t polynomial, std::size_t offset, const Fr* values, std::size_t n) {
    const Fr weight = claims_->combination.weight(polynomial);
    parallel_for(n, kGrain, [&](std::size_t begin, std::size_t end) {
      vec::axpy(F.data() + offset + begin, weight, values + begin, end - begin);
    });
  };
  for (std::size_t p = 0; p < stage1_; p++) {
    const std::size_t begin = p << n_;
    if (used1 > begin) add_integers(F, p, stage1 + begin, std::min(coefficients(), used1 - begin));
  }
  add_scalars(K_.polynomial, K_.offset, masks_.column.data(), K_.size());
  add_scalars(cover_polynomial(), 0, masks_.cover.data(), coefficients());
  for (std::size_t p = 0; p < stage2_; p++) {
    const std::size_t begin = p << n_;
    add_scalars(first_of_stage2() + p, 0, stage2 + begin, std::min(coefficients(), used2 - begin));
  }
}

void Protocol::finish(Secret<Fr> F, const Fr& value) {
  masks_.cover.clear();
  open_mercury(messages_, srs_, std::move(F), claims_->combination.point(), value, phases_);
}

}  // namespace pyml
