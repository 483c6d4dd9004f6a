// The polynomials of one proof while it is made: what each column holds, and the claims that SC-C shows about them.
//
// Source: circuits/native_accuracy/SPEC.md, sections 3 (order of polynomials) and 6 (SC-C). Polynomials are numbered
// over stage 1, S, stage 2, W, data.
//
//   Claims claims(n, polynomials, gamma)
//   claims.add(value)                           counts a claim and returns its coefficient gamma^j
//   claims.column(place, entries, coefficient)  a claim about a column at the point of all columns of its size
//   claims.add_columns(point)                   says which point that is
//   claims.part(place, entries, weights)        a claim with weights of its own
//   claims.combination                          SC-C
#pragma once
#include <map>
#include <vector>

#include "pyml/sumcheck_c.hpp"

namespace pyml {

// Entries of a column: small integers or scalars.
struct Entries {
  const std::int32_t* integers = nullptr;
  const Fr* scalars = nullptr;
  Entries(const std::int32_t* integers) : integers(integers) {}
  Entries(const Fr* scalars) : scalars(scalars) {}
  Fr evaluate(const Fr* point, unsigned n) const;
};

// Where a column lies among all polynomials of a proof.
struct Place {
  Place(const Column& column, std::size_t first) : variables(column.variables), polynomial(first + column.polynomial),
                                                   offset(column.offset) {}
  unsigned variables;
  std::size_t polynomial, offset;
};

class Claims {
 public:
  Claims(unsigned n, std::size_t polynomials, const Fr& gamma)
      : combination(n, polynomials), gamma_(gamma), next_(Fr::one()), total_(Fr::zero()) {}

  Fr add(const Fr& value);
  const Fr& total() const { return total_; }

  // coefficient * column at the suffix of the point that its size says; collected until add_columns.
  void column(const Place& place, Entries entries, const Fr& coefficient);
  void add_columns(const std::vector<Fr>& point);
  // One column with weights of its own.
  void part(const Place& place, Entries entries, Secret<Fr> weights);

  Combination combination;

 private:
  struct Collected {
    Place place;
    Entries entries;
    Fr coefficient;
  };
  Fr gamma_, next_, total_;
  std::map<unsigned, std::vector<Collected>> columns_;
};

Secret<Fr> eq_weights(const Fr* point, unsigned n, const Fr& factor);

}  // namespace pyml
