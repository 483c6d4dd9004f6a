// Everything random in a proof: column K, which holds the masks of sums and evaluations, S, and the blinds.
//
// Source: circuits/native_accuracy/SPEC.md, section 7. The masks of the sumchecks are Libra's (Xie, Zhang, Zhang,
// Papamanthou, Song 2019): p(x) = a + sum over t, e of p_(t,e) x_t^e, with a in entry 0 of the first row and p_(t,e) in
// entry e of row t.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "pyml/chacha.hpp"
#include "pyml/layout.hpp"
#include "pyml/secret.hpp"

namespace pyml {

constexpr std::size_t kMostCoefficients = 8;  // a round has at most degree 7
using RoundPolynomial = std::array<Fr, kMostCoefficients>;

inline RoundPolynomial zero_polynomial() {
  RoundPolynomial p;
  p.fill(Fr::zero());
  return p;
}
Fr evaluate(const RoundPolynomial& p, const Fr& x);

struct Masks {
  Masks(const std::uint8_t* seed32, const MaskRows& rows, std::size_t coefficients, std::size_t polynomials);

  const Fr& evaluation_a(std::size_t j) const { return column[rows.row_masks_a() * MaskRows::kWidth + j]; }
  const Fr& evaluation_b(std::size_t j) const { return column[rows.row_masks_b() * MaskRows::kWidth + j]; }
  Fr spare_sum() const;

  MaskRows rows;
  Secret<Fr> column;  // K
  Secret<Fr> cover;   // S
  Secret<Fr> blinds;  // of stage 1, S, stage 2
};

// One of the two Libra masks while its sumcheck runs.
class Libra {
 public:
  Libra(const Fr* column, std::size_t row, const std::vector<unsigned>& degrees);

  Fr cube_sum() const;
  RoundPolynomial round() const;  // the mask summed over the variables after the current one
  void bind(const Fr& x);
  Fr value() const { return bound_; }  // p at the point, once all variables are bound

 private:
  const Fr& entry(std::size_t t, std::size_t e) const { return column_[(row_ + t) * MaskRows::kWidth + e]; }
  Fr row_sum(std::size_t t) const;

  const Fr* column_;
  std::size_t row_;
  std::vector<unsigned> degrees_;
  std::size_t turn_ = 0;
  Fr bound_, later_;  // a and the bound variables' part; sum of p_(t,e) over the variables after the current one
};

// Adds to weights on K: factor times the form that gives the sum over the cube, or the value at a point.
void add_cube_sum_form(Fr* weights, std::size_t row, const std::vector<unsigned>& degrees, const Fr& factor);
void add_value_form(Fr* weights, std::size_t row, const std::vector<unsigned>& degrees, const std::vector<Fr>& point,
                    const Fr& factor);

}  // namespace pyml
