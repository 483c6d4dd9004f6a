// What the proofs of accuracy, inference and weights have in common: commitments first, claims and opening last.
//
// Source: circuits/native_accuracy/SPEC.md, sections 5 (messages 1, 2 and 9 to 12), 6 (SC-C) and 7 (masks).
#pragma once
#include <string>
#include <vector>

#include "pyml/claims.hpp"
#include "pyml/layout.hpp"
#include "pyml/masks.hpp"
#include "pyml/phases.hpp"
#include "pyml/prover.hpp"
#include "pyml/srs.hpp"
#include "pyml/sumcheck.hpp"
#include "pyml/transcript.hpp"

namespace pyml {

// f + blind * H; values are the polynomials of a stage laid end to end.
Affine hide(const Xyzz& commitment, const Fr& blind);
void require_powers(const Srs& srs, unsigned degree);

class Protocol {
 public:
  Protocol(unsigned n, const MaskRows& rows, const Column& K, std::size_t stage1, std::size_t stage2, const Srs& srs,
           const Secrets& secrets, Phases phases);

 protected:
  struct Lookup {
    Fr alpha, beta;
  };

  // Points of stage 1 and S. Nothing of the transcript enters.
  std::vector<Affine> commit_stage1(const std::int32_t* values, std::size_t used) const;
  void send_stage2(const Fr* values, std::size_t used);
  Lookup draw_lookup();
  void draw_tau(std::size_t rounds);  // tau_, lambda_powers_
  const Fr& lambda(std::size_t power) const { return lambda_powers_[power]; }

  Outcome run_first(const Terms& terms, const Fr& claim);  // K_A and SC-A, whose mask's values it keeps
  void send_cover_sums();                                  // theta, K_S, K_T
  void start_claims(std::size_t polynomials);              // gamma
  void add_first_mask_claims(const Outcome& outcome);      // K_A, p_A(rho)
  void add_cover_claims();                                 // K_S, K_T
  // SC-C and b_F; returns the value that F must have.
  Fr run_claims(const Fr& model_blind, std::size_t model);

  // F += weight of each polynomial times the polynomial, for the stages of this class.
  void add_stages(Secret<Fr>& F, const std::int32_t* stage1, std::size_t used1, const Fr* stage2,
                  std::size_t used2) const;
  void add_integers(Secret<Fr>& F, std::size_t polynomial, const std::int32_t* values, std::size_t used) const;
  void finish(Secret<Fr> F, const Fr& value);

  std::size_t cover_polynomial() const { return stage1_; }
  std::size_t first_of_stage2() const { return stage1_ + 1; }
  std::size_t model_polynomial() const { return stage1_ + 1 + stage2_; }
  Place place1(const Column& c) const { return Place(c, 0); }
  Place place2(const Column& c) const { return Place(c, first_of_stage2()); }
  std::size_t coefficients() const { return std::size_t(1) << n_; }

  unsigned n_;
  const Srs& srs_;
  const Secrets& secrets_;
  Phases phases_;
  Masks masks_;
  Messages messages_;
  std::vector<Fr> tau_, lambda_powers_;
  std::unique_ptr<Claims> claims_;
  Secret<Fr> mask_weights_;  // on K, collected while claims are added

 private:
  MaskRows rows_;
  Column K_;
  std::size_t stage1_, stage2_;
  Fr sum_a_, value_a_, theta_, cover_sum_, spare_sum_;
};

}  // namespace pyml
