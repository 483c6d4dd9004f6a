// The sumcheck protocol over terms of different sizes, with Libra's mask and with masked columns in the last round.
//
// Source: circuits/native_accuracy/SPEC.md, sections 2 (suffix rule), 5 (form of a round) and 7 (masks). A term over t
// of v variables depends on the last t and carries the factor 2^-(v-t): before its own first round it adds half of what
// is left of its sum to either end of a round.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "pyml/masks.hpp"
#include "pyml/multilinear.hpp"
#include "pyml/transcript.hpp"

namespace pyml {

// The polynomial of degree d through (0, values[0]) ... (d, values[d]).
RoundPolynomial interpolate(const Fr* values, unsigned degree);
// The same, from the values at 0 ... d - 1 and the leading coefficient.
RoundPolynomial interpolate(const Fr* values, unsigned degree, const Fr& leading);
void add(RoundPolynomial& to, const RoundPolynomial& p, const Fr& factor);
RoundPolynomial multiply_linear(const RoundPolynomial& p, const Fr& constant, const Fr& slope);

class Term {
 public:
  explicit Term(unsigned variables) : variables_(variables) {}
  virtual ~Term() = default;
  Term(const Term&) = delete;
  Term& operator=(const Term&) = delete;

  unsigned variables() const { return variables_; }
  virtual RoundPolynomial round() = 0;  // in its lowest free variable, the others summed over; masks play no part
  // When at most one variable is free: the value where that is x, every masked column having weight * mask added.
  virtual Fr value(const Fr& x, const Fr& weight) = 0;
  virtual void bind(const Fr& x) = 0;

 private:
  unsigned variables_;
};

using Terms = std::vector<std::unique_ptr<Term>>;

struct Outcome {
  std::vector<Fr> point;
  Fr claim;  // what the summand and the mask are at the point
  // x - x^2 at the last challenge: how much of its mask an evaluation contains.
  Fr last_weight() const { return point.back() - point.back().square(); }
};

// Throws std::logic_error if a round does not sum to its claim: the witness does not satisfy the relations.
Outcome run_sumcheck(Messages& messages, const Terms& terms, const std::vector<unsigned>& degrees, Libra& libra,
                     Fr claim);

// factor * value(entries) where the columns are tables of one size; Value is a functor from Fr* to Fr of that degree.
template <class Value>
class DenseTerm final : public Term {
 public:
  DenseTerm(unsigned variables, unsigned degree, Value value, std::vector<Table> columns, std::vector<Fr> masks)
      : Term(variables), columns(std::move(columns)), masks(std::move(masks)), degree_(degree), evaluate_(value) {
    this->masks.resize(this->columns.size(), Fr::zero());
  }

  RoundPolynomial round() override;
  Fr value(const Fr& x, const Fr& weight) override {
    Fr entries[kMostColumns];
    for (std::size_t k = 0; k < columns.size(); k++) {
      entries[k] = columns[k][0] + weight * masks[k];
      if (columns[k].size() > 1) entries[k] += x * (columns[k][1] - columns[k][0]);
    }
    return evaluate_(entries);
  }
  void bind(const Fr& x) override {
    for (Table& column : columns) column.bind(x);
  }

  std::vector<Table> columns;
  std::vector<Fr> masks;

 private:
  static constexpr std::size_t kMostColumns = 8;
  void sum_slice(std::size_t begin, std::size_t end, Fr* sums) const;

  unsigned degree_;
  Value evaluate_;
};

void parallel_sums(std::size_t n, std::size_t grain, std::size_t count, Fr* sums,
                   const std::function<void(std::size_t, std::size_t, Fr*)>& slice);

template <class Value>
void DenseTerm<Value>::sum_slice(std::size_t begin, std::size_t end, Fr* sums) const {
  Fr entries[kMostColumns], steps[kMostColumns];
  for (std::size_t i = begin; i < end; i++) {
    for (std::size_t k = 0; k < columns.size(); k++) {
      entries[k] = columns[k][2 * i];
      steps[k] = columns[k][2 * i + 1] - entries[k];
    }
    for (unsigned x = 0; x <= degree_; x++) {
      sums[x] += evaluate_(entries);
      for (std::size_t k = 0; k < columns.size(); k++) entries[k] += steps[k];
    }
  }
}

template <class Value>
RoundPolynomial DenseTerm<Value>::round() {
  Fr sums[kMostCoefficients];
  parallel_sums(columns[0].size() / 2, 512, degree_ + 1, sums,
                [this](std::size_t begin, std::size_t end, Fr* out) { sum_slice(begin, end, out); });
  return interpolate(sums, degree_);
}

template <class Value>
std::unique_ptr<DenseTerm<Value>> dense_term(unsigned variables, unsigned degree, Value value,
                                             std::vector<Table> columns, std::vector<Fr> masks) {
  return std::make_unique<DenseTerm<Value>>(variables, degree, value, std::move(columns), std::move(masks));
}

}  // namespace pyml
