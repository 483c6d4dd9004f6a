#include "pyml/sumcheck_a.hpp"

#include <algorithm>

#include "pyml/threads.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

constexpr unsigned kBlockVariables = 7;  // pairs of a block: a few columns of them stay in the first cache
constexpr std::size_t kBlock = std::size_t(1) << kBlockVariables;
constexpr std::size_t kGrain = 4096;  // pairs worth a thread

// eq over the free variables after the current one, as a table of the lowest of them and a table of the others.
struct SplitEq {
  SplitEq(const Fr* point, unsigned n) : low(std::min(n, kBlockVariables)) {
    inner = eq_table(point, low);
    outer = eq_table(point + low, n - low);
  }
  unsigned low;
  std::vector<Fr> inner, outer;
  std::size_t grain() const { return std::max<std::size_t>(1, kGrain >> low); }
};

// The two halves of a block of pairs.
struct Pairs {
  Fr lo[kBlock], hi[kBlock];
  void load(const Table& table, std::size_t first, std::size_t n) { split_pairs(table.data() + 2 * first, lo, hi, n); }
  void step(std::size_t n) { vec::sub(hi, hi, lo, n); }                     // hi <- hi - lo: the leading coefficient
  void to_two(std::size_t n, Fr* out) const {                               // value at 2, after step
    vec::add(out, lo, hi, n);
    vec::add(out, out, hi, n);
  }
};

Fr line(const Table& table, const Fr& x) {
  return table.size() > 1 ? table[0] + x * (table[1] - table[0]) : table[0];
}

// 1 - tau - x + 2 tau x as constant and slope.
struct EqFactor {
  explicit EqFactor(const Fr& tau) : constant(Fr::one() - tau), slope(tau.doubled() - Fr::one()) {}
  Fr at(const Fr& x) const { return constant + slope * x; }
  Fr constant, slope;
};

}  // namespace

LayerTerm::LayerTerm(unsigned variables, const Fr* tau, const Fr& scale, Table G, Table D0, Table D1,
                     std::vector<Fr> masks)
    : Term(variables), G(std::move(G)), D0(std::move(D0)), D1(std::move(D1)), tau_(tau), scale_(scale),
      masks_(std::move(masks)) {}

RoundPolynomial LayerTerm::round() {
  const SplitEq eq(tau_ + turn_ + 1, variables() - turn_ - 1);
  const std::size_t block = eq.inner.size();
  const bool first = turn_ == 0;  // on the cube itself the relation holds: it is 0 at 0 and at 1
  Fr sums[6];                     // relation at 0, 1, 2, leading; G at 0, 1
  parallel_sums(eq.outer.size(), eq.grain(), 6, sums, [&](std::size_t begin, std::size_t end, Fr* out) {
    Pairs g, d0, d1;
    Fr product[kBlock], g2[kBlock], a2[kBlock], b2[kBlock];
    const auto relation = [&](const Fr* G_, const Fr* a, const Fr* b) {
      vec::mul(product, a, b, block);
      vec::mul(product, product, G_, block);
      vec::sub(product, product, a, block);
      vec::sub(product, product, b, block);
      return vec::dot(product, eq.inner.data(), block);
    };
    for (std::size_t h = begin; h < end; h++) {
      g.load(G, h * block, block);
      d0.load(D0, h * block, block);
      d1.load(D1, h * block, block);
      out[4] += vec::sum(g.lo, block);
      out[5] += vec::sum(g.hi, block);
      if (!first) {
        out[0] += eq.outer[h] * relation(g.lo, d0.lo, d1.lo);
        out[1] += eq.outer[h] * relation(g.hi, d0.hi, d1.hi);
      }
      for (Pairs* each : {&g, &d0, &d1}) each->step(block);
      g.to_two(block, g2);
      d0.to_two(block, a2);
      d1.to_two(block, b2);
      out[2] += eq.outer[h] * relation(g2, a2, b2);
      vec::mul(product, d0.hi, d1.hi, block);
      vec::mul(product, product, g.hi, block);
      out[3] += eq.outer[h] * vec::dot(product, eq.inner.data(), block);
    }
  });
  const EqFactor factor(tau_[turn_]);
  RoundPolynomial p = zero_polynomial();
  p[0] = sums[4];
  p[1] = sums[5] - sums[4];
  add(p, multiply_linear(interpolate(sums, 3, sums[3]), factor.constant, factor.slope), scale_ * prefix_);
  return p;
}

Fr LayerTerm::value(const Fr& x, const Fr& weight) {
  const Fr g = line(G, x) + weight * masks_[0];
  const Fr a = line(D0, x) + weight * masks_[1], b = line(D1, x) + weight * masks_[2];
  const Fr eq = turn_ < variables() ? prefix_ * EqFactor(tau_[turn_]).at(x) : prefix_;
  return g + scale_ * eq * (g * a * b - a - b);
}

void LayerTerm::bind(const Fr& x) {
  prefix_ *= EqFactor(tau_[turn_++]).at(x);
  for (Table* table : {&G, &D0, &D1}) table->bind(x);
}

MarginTerm::MarginTerm(unsigned variables, const Fr* tau, const Fr& scale, const Fr& margin, const Fr& alpha, Table GM,
                       Table D, Table weight, std::vector<Fr> masks)
    : Term(variables), GM(std::move(GM)), D(std::move(D)), weight_(std::move(weight)), tau_(tau), scale_(scale),
      margin_(margin), alpha_(alpha), masks_(std::move(masks)) {}

RoundPolynomial MarginTerm::round() {
  const SplitEq eq(tau_ + turn_ + 1, variables() - turn_ - 1);
  const std::size_t block = eq.inner.size();
  const bool first = turn_ == 0;
  Fr sums[10];  // relation at 0, 1, leading; weight * D at 0, 1, leading; weight at 0, 1; GM at 0, 1
  parallel_sums(eq.outer.size(), eq.grain(), 10, sums, [&](std::size_t begin, std::size_t end, Fr* out) {
    Pairs g, d, w;
    Fr product[kBlock];
    const auto weighted = [&](const Fr* a, const Fr* b) {
      vec::mul(product, a, b, block);
      return vec::dot(product, eq.inner.data(), block);
    };
    for (std::size_t h = begin; h < end; h++) {
      g.load(GM, h * block, block);
      d.load(D, h * block, block);
      w.load(weight_, h * block, block);
      if (!first) {
        out[0] += eq.outer[h] * weighted(g.lo, d.lo);
        out[1] += eq.outer[h] * weighted(g.hi, d.hi);
      }
      out[3] += vec::dot(w.lo, d.lo, block);
      out[4] += vec::dot(w.hi, d.hi, block);
      out[6] += vec::sum(w.lo, block);
      out[7] += vec::sum(w.hi, block);
      out[8] += vec::sum(g.lo, block);
      out[9] += vec::sum(g.hi, block);
      for (Pairs* each : {&g, &d, &w}) each->step(block);
      out[2] += eq.outer[h] * weighted(g.hi, d.hi);
      out[5] += vec::dot(w.hi, d.hi, block);
    }
  });
  if (!first)
    for (int k : {0, 1}) sums[k] -= Fr::one();  // eq sums to 1 over the cube
  const Fr limbs[2] = {sums[3] - alpha_ * sums[6], sums[4] - alpha_ * sums[7]};
  const EqFactor factor(tau_[turn_]);
  RoundPolynomial p = zero_polynomial();
  p[0] = sums[8];
  p[1] = sums[9] - sums[8];
  add(p, multiply_linear(interpolate(sums, 2, sums[2]), factor.constant, factor.slope), scale_ * prefix_);
  add(p, interpolate(limbs, 2, sums[5]), -margin_);
  return p;
}

Fr MarginTerm::value(const Fr& x, const Fr& weight) {
  const Fr g = line(GM, x) + weight * masks_[0], d = line(D, x) + weight * masks_[1];
  const Fr eq = turn_ < variables() ? prefix_ * EqFactor(tau_[turn_]).at(x) : prefix_;
  return g + scale_ * eq * (g * d - Fr::one()) - margin_ * line(weight_, x) * (d - alpha_);
}

void MarginTerm::bind(const Fr& x) {
  prefix_ *= EqFactor(tau_[turn_++]).at(x);
  for (Table* table : {&GM, &D, &weight_}) table->bind(x);
}

AnswerTerm::AnswerTerm(unsigned classes, unsigned samples, const AnswerScalars& scalars, Table c, Table eq, Table Y,
                       Table Z, Table e, const Fr& mask_c, const Fr& mask_Z)
    : Term(classes + samples), c(std::move(c)), Y(std::move(Y)), Z(std::move(Z)), s_(scalars), eq_(std::move(eq)),
      e_(std::move(e)), mask_c_(mask_c), mask_Z_(mask_Z) {}

Fr AnswerTerm::at(const Fr& c, const Fr& eq, const Fr& y, const Fr& z, const Fr& e) const {
  const Fr margin = (s_.a * y - e) * z + e * y - s_.a_share;
  return c * (s_.margin * eq * margin + s_.count * y) + s_.boolean * eq * (c.square() - c);
}

RoundPolynomial AnswerTerm::round() { return e_.size() > 1 ? class_round() : sample_round(); }

// While a variable of the class is bound, c and eq are constant in each sample. Values at 0 and 1 and the leading
// coefficient; the booleanity relation is 0 as long as c is a bit.
RoundPolynomial AnswerTerm::class_round() const {
  const std::size_t half = e_.size() / 2, pairs = Y.size() / 2, block = std::min(kBlock, pairs);
  const std::size_t period = std::max(half, block);  // e, repeated until it fills a block
  std::vector<Fr> e_lo(period), e_hi(period);
  for (std::size_t k = 0; k < period; k++) {
    e_lo[k] = e_[2 * (k % half)];
    e_hi[k] = e_[2 * (k % half) + 1];
  }
  const std::size_t run = std::min(half, block);  // pairs of one sample in a block
  const Fr constant = s_.a_share * Fr::from_u64(run);
  Fr sums[5];  // margin at 0, 1, leading; c Y at 0, 1
  parallel_sums(pairs / block, std::max<std::size_t>(1, kGrain / block), 5, sums,
                [&](std::size_t begin, std::size_t end, Fr* out) {
    Pairs y, z;
    Fr e[kBlock], margin[kBlock];
    const auto margins = [&](const Fr* y_, const Fr* z_, const Fr* e_part) {
      vec::scale(margin, y_, s_.a, block);
      vec::sub(margin, margin, e_part, block);
      vec::mul(margin, margin, z_, block);
      vec::mul_add(margin, e_part, y_, block);
    };
    for (std::size_t b = begin; b < end; b++) {
      const std::size_t first = b * block;
      y.load(Y, first, block);
      z.load(Z, first, block);
      const Fr *lo = e_lo.data() + first % period, *hi = e_hi.data() + first % period;
      const auto collect = [&](int place, const Fr& minus) {
        for (std::size_t k = 0; k < block; k += run) {
          const std::size_t sample = (first + k) / half;
          out[place] += c[sample] * eq_[sample] * (vec::sum(margin + k, run) - minus);
        }
      };
      for (std::size_t k = 0; k < block; k += run) {
        const Fr& bit = c[(first + k) / half];
        out[3] += bit * vec::sum(y.lo + k, run);
        out[4] += bit * vec::sum(y.hi + k, run);
      }
      margins(y.lo, z.lo, lo);
      collect(0, constant);
      margins(y.hi, z.hi, hi);
      collect(1, constant);
      y.step(block);
      z.step(block);
      vec::sub(e, hi, lo, block);
      margins(y.hi, z.hi, e);
      collect(2, Fr::zero());
    }
  });
  RoundPolynomial p = zero_polynomial();
  add(p, interpolate(sums, 2, sums[2]), s_.margin);
  p[0] += s_.count * sums[3];
  p[1] += s_.count * (sums[4] - sums[3]);
  return p;
}

RoundPolynomial AnswerTerm::sample_round() const {
  constexpr unsigned kDegree = 4;
  Fr sums[kDegree + 1];
  parallel_sums(Y.size() / 2, 512, kDegree + 1, sums, [&](std::size_t begin, std::size_t end, Fr* out) {
    const Table* columns[4] = {&c, &eq_, &Y, &Z};
    Fr now[4], step[4];
    for (std::size_t i = begin; i < end; i++) {
      for (int k = 0; k < 4; k++) {
        now[k] = (*columns[k])[2 * i];
        step[k] = (*columns[k])[2 * i + 1] - now[k];
      }
      for (unsigned x = 0; x <= kDegree; x++) {
        out[x] += at(now[0], now[1], now[2], now[3], e_[0]);
        for (int k = 0; k < 4; k++) now[k] += step[k];
      }
    }
  });
  return interpolate(sums, kDegree);
}

Fr AnswerTerm::value(const Fr& x, const Fr& weight) {
  return at(line(c, x) + weight * mask_c_, line(eq_, x), line(Y, x), line(Z, x) + weight * mask_Z_, line(e_, x));
}

// Classes first; then the samples, which Y and Z share with c and eq.
void AnswerTerm::bind(const Fr& x) {
  if (e_.size() > 1) {
    e_.bind(x);
  } else {
    c.bind(x);
    eq_.bind(x);
  }
  Y.bind(x);
  Z.bind(x);
}

}  // namespace pyml
