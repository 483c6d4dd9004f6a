// The terms of the first sumcheck: lookups, margins, booleanity and count, as one sum.
//
// Source: circuits/native_accuracy/SPEC.md, section 6, SC-A. Terms keep the denominators D0, D1 and alpha + ML of the
// lookup rather than L0, L1 and ML: the columns follow from them at the end.
#pragma once
#include <vector>

#include "pyml/sumcheck.hpp"

namespace pyml {

// G + scale * eq * (G D0 D1 - D0 - D1), summed over the samples and neurons of a layer.
class LayerTerm final : public Term {
 public:
  LayerTerm(unsigned variables, const Fr* tau, const Fr& scale, Table G, Table D0, Table D1, std::vector<Fr> masks);
  RoundPolynomial round() override;
  Fr value(const Fr& x, const Fr& weight) override;
  void bind(const Fr& x) override;

  Table G, D0, D1;

 private:
  const Fr* tau_;
  Fr scale_, prefix_ = Fr::one();  // eq of the bound variables
  unsigned turn_ = 0;
  std::vector<Fr> masks_;
};

// GM + scale * eq * (GM D - 1) - margin * weight * (D - alpha), D = alpha + ML.
class MarginTerm final : public Term {
 public:
  MarginTerm(unsigned variables, const Fr* tau, const Fr& scale, const Fr& margin, const Fr& alpha, Table GM, Table D,
             Table weight, std::vector<Fr> masks);
  RoundPolynomial round() override;
  Fr value(const Fr& x, const Fr& weight) override;
  void bind(const Fr& x) override;

  Table GM, D;

 private:
  Table weight_;
  const Fr* tau_;
  Fr scale_, margin_, alpha_, prefix_ = Fr::one();
  unsigned turn_ = 0;
  std::vector<Fr> masks_;
};

// c (margin * eq * ((a Y - e) Z + e Y - a 2^-nc) + count * Y) + boolean * eq * (c^2 - c): c and eq have the sample's
// variables, e those of the class, Y and Z both.
struct AnswerScalars {
  Fr margin, boolean, count, a, a_share;  // a_share = a 2^-nc
};

class AnswerTerm final : public Term {
 public:
  AnswerTerm(unsigned classes, unsigned samples, const AnswerScalars& scalars, Table c, Table eq, Table Y, Table Z,
             Table e, const Fr& mask_c, const Fr& mask_Z);
  RoundPolynomial round() override;
  Fr value(const Fr& x, const Fr& weight) override;
  void bind(const Fr& x) override;

  Table c, Y, Z;

 private:
  Fr at(const Fr& c, const Fr& eq, const Fr& y, const Fr& z, const Fr& e) const;
  RoundPolynomial class_round() const;
  RoundPolynomial sample_round() const;

  AnswerScalars s_;
  Table eq_, e_;
  Fr mask_c_, mask_Z_;
};

}  // namespace pyml
