// Sizes and places that follow from the public parameters of a proof.
//
// Source: circuits/native_accuracy/SPEC.md, sections 3 (columns, packing), 7 (column K), 9 (proof of weights) and 10
// (inference). Layers count from 0 here: nh[l], nk[l], W[l] are the document's nh_(l+1), nk_(l+1), W_(l+1).
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pyml/refusal.hpp"

namespace pyml {

struct Shape {
  std::size_t samples = 0;
  std::vector<std::size_t> widths;         // d_0 ... d_(L+1)
  std::vector<unsigned> shifts;            // s_1 ... s_L
  std::vector<std::uint64_t> bias_units;   // u_1 ... u_(L+1)
  unsigned limb_bits = 0, margin_limbs = 0, degree = 0, weight_bits = 0;
  bool data_in_witness = false;

  std::size_t hidden_layers() const { return widths.size() - 2; }
  std::size_t layers() const { return widths.size() - 1; }
  void require_valid() const;  // throws Refusal
};

struct Column {
  unsigned variables = 0;
  std::size_t polynomial = 0, offset = 0;

  std::size_t size() const { return std::size_t(1) << variables; }
  std::size_t place(unsigned n) const { return (polynomial << n) + offset; }  // in the stage laid out as one array
};

unsigned lg(std::size_t x);  // ceil(log2 x), x >= 1

// Gives columns of the sizes set in them their places, largest first; returns the number of polynomials.
std::size_t pack(const std::vector<Column*>& columns, unsigned n, std::size_t first = 0);

// Rows of 16 entries in column K: p_A, p_B, masks of message 5, masks of message 8, spares.
struct MaskRows {
  static constexpr std::size_t kWidth = 16, kSpares = 16;
  std::vector<unsigned> degrees_a, degrees_b;  // of each round; none for the proof of weights, which has no SC-B
  std::size_t masks_a = 0, masks_b = 0;

  std::size_t row_b() const { return degrees_a.size(); }
  std::size_t row_masks_a() const { return row_b() + degrees_b.size(); }
  std::size_t row_masks_b() const { return row_masks_a() + (masks_a + kWidth - 1) / kWidth; }
  std::size_t row_spare() const { return row_masks_b() + (masks_b + kWidth - 1) / kWidth; }
  unsigned variables() const { return 4 + lg(row_spare() + 1); }
};

// Places of W_1 ... W_(L+1), which depend on nothing but the widths.
struct ModelLayout {
  explicit ModelLayout(const Shape& shape);
  std::vector<unsigned> nh, nk;  // output and input variables of each layer
  std::vector<Column> W;
  std::size_t used = 0;  // entries up to the end of the last column
  unsigned variables() const { return lg(used); }
};

struct Layout : ModelLayout {
  explicit Layout(const Shape& shape);

  Shape shape;
  std::size_t L;
  unsigned n, ni, nc, nq, nx, table, v, nk_max, nlow;
  std::size_t chunks;
  std::vector<Column> L0, L1, R, G, X;
  Column ML, c, M, K, GM, GT, XI, Y;
  std::size_t stage1 = 0, stage2 = 0, data = 0;  // polynomials
  std::size_t used1 = 0, used2 = 0;              // entries of the stages laid out as one array
  MaskRows rows;

  std::size_t coefficients() const { return std::size_t(1) << n; }
  unsigned logits() const { return nc + ni; }
};

struct WeightsLayout : ModelLayout {
  explicit WeightsLayout(const Shape& shape);

  Shape shape;
  unsigned n, nw, v;
  Column weights, M, K, GW, GT;
  std::size_t stage1 = 0, stage2 = 0, used1 = 0, used2 = 0;
  MaskRows rows;

  std::size_t coefficients() const { return std::size_t(1) << n; }
};

}  // namespace pyml
