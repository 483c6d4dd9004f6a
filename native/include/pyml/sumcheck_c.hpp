// The third sumcheck: every claim about a committed polynomial becomes one evaluation of one combination.
//
// Source: circuits/native_accuracy/SPEC.md, section 6, SC-C. Shows that the sum over p and x of P_p(x) w_p(x) is the
// claim, w_p multilinear. A Part is about some columns of one size with one weight: its table is the sum of coefficient *
// column, so that columns claimed at one point cost as much as one. Where its variables are bound, what is left of each
// column is one entry of its polynomial, kept in a sparse table.
#pragma once
#include <functional>
#include <map>
#include <vector>

#include "pyml/layout.hpp"
#include "pyml/multilinear.hpp"
#include "pyml/transcript.hpp"

namespace pyml {

struct Member {
  std::size_t polynomial = 0;  // over all stages
  std::size_t offset = 0;      // of the column in it
  Fr coefficient;
  std::function<Fr(const Fr*)> evaluate;  // the column at a point
};

struct Part {
  unsigned variables = 0;
  Table values, weights;
  std::vector<Member> members;
};

class Combination {
 public:
  Combination(unsigned n, std::size_t polynomials) : n_(n), open_(polynomials) {}

  void add(Part part);
  // Sends the rounds; returns the last claim, that of F at point().
  Fr run(Messages& messages, Fr claim);

  const std::vector<Fr>& point() const { return point_; }
  Fr weight(std::size_t polynomial) const;  // w_p at the point, after run

 private:
  struct Entry {
    Fr value, weight;
  };
  using Sparse = std::map<std::size_t, Entry>;

  void settle(Part& part);  // its variables are bound
  void add_round(const Part& part, Fr* sums) const;
  static void add_round(const Sparse& entries, Fr* sums);
  static Sparse bind(const Sparse& entries, const Fr& x);

  unsigned n_;
  std::vector<Sparse> open_;
  std::vector<Part> parts_;
  std::vector<Fr> point_;
};

}  // namespace pyml
