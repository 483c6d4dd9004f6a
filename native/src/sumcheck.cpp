#include "pyml/sumcheck.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <stdexcept>

#include "pyml/threads.hpp"

namespace pyml {

// Newton's form on 0 ... d: the k-th difference at 0, over k!, times X (X - 1) ... (X - k + 1).
RoundPolynomial interpolate(const Fr* values, unsigned degree) {
  static const std::array<Fr, kMostCoefficients> inverse_factorials = [] {
    std::array<Fr, kMostCoefficients> f;
    Fr factorial = Fr::one();
    for (unsigned k = 0; k < kMostCoefficients; k++) {
      if (k > 1) factorial *= Fr::from_u64(k);
      f[k] = factorial.inverse();
    }
    return f;
  }();
  Fr differences[kMostCoefficients];
  std::copy(values, values + degree + 1, differences);
  for (unsigned k = 1; k <= degree; k++)
    for (unsigned i = degree; i >= k; i--) differences[i] -= differences[i - 1];
  RoundPolynomial p = zero_polynomial();
  for (unsigned k = degree + 1; k-- > 0;) {  // p <- p (X - k) + difference
    const Fr root = Fr::from_u64(k);
    for (unsigned i = degree + 1; i-- > 0;) p[i] = (i ? p[i - 1] : Fr::zero()) - root * p[i];
    p[0] += differences[k] * inverse_factorials[k];
  }
  return p;
}

RoundPolynomial interpolate(const Fr* values, unsigned degree, const Fr& leading) {
  Fr rest[kMostCoefficients];
  for (unsigned x = 0; x < degree; x++) {
    Fr power = leading;
    for (unsigned e = 0; e < degree; e++) power *= Fr::from_u64(x);
    rest[x] = values[x] - power;
  }
  RoundPolynomial p = interpolate(rest, degree - 1);
  p[degree] = leading;
  return p;
}

void add(RoundPolynomial& to, const RoundPolynomial& p, const Fr& factor) {
  for (std::size_t k = 0; k < kMostCoefficients; k++) to[k] += factor * p[k];
}

RoundPolynomial multiply_linear(const RoundPolynomial& p, const Fr& constant, const Fr& slope) {
  RoundPolynomial product = zero_polynomial();
  for (std::size_t k = 0; k < kMostCoefficients; k++) {
    product[k] += constant * p[k];
    if (k + 1 < kMostCoefficients) product[k + 1] += slope * p[k];
  }
  return product;
}

void parallel_sums(std::size_t n, std::size_t grain, std::size_t count, Fr* sums,
                   const std::function<void(std::size_t, std::size_t, Fr*)>& slice) {
  std::fill(sums, sums + count, Fr::zero());
  std::mutex guard;
  parallel_for(n, grain, [&](std::size_t begin, std::size_t end) {
    Fr part[2 * kMostCoefficients];
    std::fill(part, part + count, Fr::zero());
    slice(begin, end, part);
    const std::lock_guard<std::mutex> lock(guard);
    for (std::size_t k = 0; k < count; k++) sums[k] += part[k];
  });
}

namespace {

// A term with its first round, which also gives its sum over the cube.
struct Running {
  Term* term;
  Fr share;  // 2^-(v-t)
  std::optional<RoundPolynomial> first;

  RoundPolynomial last_round(unsigned degree) const {
    Fr values[kMostCoefficients];
    for (unsigned k = 0; k <= degree; k++) {
      const Fr x = Fr::from_u64(k);
      values[k] = term->value(x, x - x.square());
    }
    return interpolate(values, degree);
  }

  Fr total() {
    if (term->variables() == 0) return term->value(Fr::zero(), Fr::zero());
    if (term->variables() == 1) return term->value(Fr::zero(), Fr::zero()) + term->value(Fr::one(), Fr::zero());
    if (!first) first = term->round();
    return (*first)[0] + evaluate(*first, Fr::one());
  }

  RoundPolynomial round() {
    if (!first) return term->round();
    const RoundPolynomial p = *first;
    first.reset();
    return p;
  }
};

}  // namespace

Outcome run_sumcheck(Messages& messages, const Terms& terms, const std::vector<unsigned>& degrees, Libra& libra,
                     Fr claim) {
  const std::size_t v = degrees.size();
  const Fr half = half_power(1);
  std::vector<Running> running;
  for (const auto& term : terms) running.push_back(Running{term.get(), half_power(v - term->variables()), {}});
  std::vector<Fr> totals;
  for (Running& each : running)
    totals.push_back(each.term->variables() < v ? each.total() * half : Fr::zero());

  Outcome outcome;
  for (std::size_t turn = 0; turn < v; turn++) {
    const std::size_t free = v - turn;
    RoundPolynomial p = libra.round();
    for (std::size_t k = 0; k < running.size(); k++) {
      Running& each = running[k];
      if (free == 1)
        add(p, each.last_round(degrees[turn]), each.share);
      else if (each.term->variables() < free)
        p[0] += totals[k];
      else
        add(p, each.round(), each.share);
      totals[k] *= half;
    }
    if (p[0] + evaluate(p, Fr::one()) != claim) throw std::logic_error("a round does not sum to its claim");
    std::vector<Fr> message{p[0]};
    for (unsigned k = 2; k <= degrees[turn]; k++) message.push_back(p[k]);
    messages.send(message);
    const Fr x = messages.challenge();
    claim = evaluate(p, x);
    libra.bind(x);
    for (Running& each : running)
      if (each.term->variables() >= free) each.term->bind(x);
    outcome.point.push_back(x);
  }
  outcome.claim = claim;
  return outcome;
}

}  // namespace pyml
