#include "pyml/layout.hpp"

#include <algorithm>

namespace pyml {
namespace {

[[noreturn]] void refuse(const std::string& line) { throw Refusal(Refusal::Kind::circuit, line); }

Column column(unsigned variables) {
  Column c;
  c.variables = variables;
  return c;
}

std::size_t end_of(const std::vector<Column*>& columns, unsigned n) {
  std::size_t end = 0;
  for (const Column* c : columns) end = std::max(end, c->place(n) + c->size());
  return end;
}

std::vector<unsigned> degrees(unsigned rounds, unsigned each, unsigned last) {
  std::vector<unsigned> d(rounds, each);
  d.back() = last;
  return d;
}

}  // namespace

unsigned lg(std::size_t x) {
  unsigned bits = 0;
  while ((std::size_t(1) << bits) < x) bits++;
  return bits;
}

void Shape::require_valid() const {
  constexpr std::size_t kMostSamples = std::size_t(1) << 20, kMostLayers = 16, kMostWidth = std::size_t(1) << 24;
  constexpr unsigned kMostDegree = 24, kMostLimbBits = 20, kMostMarginLimbs = 4, kMostWeightBits = 16;
  if (samples < 1 || samples > kMostSamples) refuse("number of samples out of range; expected 1 to 2^20");
  if (widths.size() < 2 || widths.size() > kMostLayers + 1 || widths.back() < 2)
    refuse("widths need at least one layer and two classes");
  for (std::size_t width : widths)
    if (width < 1 || width > kMostWidth) refuse("a width is out of range; expected 1 to 2^24");
  if (shifts.size() != hidden_layers() || bias_units.size() != layers())
    refuse("shifts or bias units do not match the layers");
  if (limb_bits < 2 || limb_bits > kMostLimbBits || margin_limbs < 1 || margin_limbs > kMostMarginLimbs)
    refuse("limbs out of range");
  for (unsigned shift : shifts)
    if (shift > limb_bits) refuse("a shift is out of range");
  for (std::uint64_t unit : bias_units)
    if (unit < 1 || unit >> 44) refuse("a bias unit is out of range; expected 1 to 2^44");
  if (degree < 2 || degree > kMostDegree || weight_bits < 2 || weight_bits > kMostWeightBits)
    refuse("degree or weight bits out of range");
  if (data_in_witness && samples != 1) refuse("a proof of inference has one sample");
}

std::size_t pack(const std::vector<Column*>& columns, unsigned n, std::size_t first) {
  std::vector<Column*> sorted = columns;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Column* a, const Column* b) { return a->variables > b->variables; });
  std::size_t place = 0;
  for (Column* c : sorted) {
    if (c->variables > n)
      refuse("a column of 2^" + std::to_string(c->variables) + " entries does not fit a polynomial of 2^" +
             std::to_string(n) + " coefficients");
    c->polynomial = first + (place >> n);
    c->offset = place & ((std::size_t(1) << n) - 1);
    place += c->size();
  }
  return (place + (std::size_t(1) << n) - 1) >> n;
}

ModelLayout::ModelLayout(const Shape& shape) {
  shape.require_valid();
  std::vector<Column*> columns;
  for (std::size_t l = 0; l < shape.layers(); l++) {
    nh.push_back(lg(shape.widths[l + 1]));
    nk.push_back(lg(shape.widths[l] + 1));
    W.push_back(column(nh[l] + nk[l]));
  }
  for (Column& c : W) columns.push_back(&c);
  if (pack(columns, shape.degree) > 1) refuse("the weights do not fit one polynomial");
  used = end_of(columns, shape.degree);
}

Layout::Layout(const Shape& given) : ModelLayout(given), shape(given), L(given.hidden_layers()), n(given.degree) {
  ni = lg(shape.samples);
  nc = lg(shape.widths.back());
  nq = lg(shape.margin_limbs);
  nx = lg(shape.widths[0]);
  table = shape.limb_bits + 1;
  nk_max = *std::max_element(nk.begin(), nk.end());
  if (!shape.data_in_witness && ni > n) refuse("the degree is too small for this number of samples");
  v = std::max(nq + nc + ni, table);
  if (shape.data_in_witness) v = std::max(v, nx);
  for (std::size_t l = 0; l < L; l++) {
    for (auto* columns : {&L0, &L1, &R, &G}) columns->push_back(column(nh[l] + ni));
    v = std::max(v, nh[l] + ni);
  }
  if (v > n) refuse("the degree is too small for this shape; expected at least " + std::to_string(v));
  rows.degrees_a = degrees(v, 4, 7);
  rows.degrees_b = degrees(nk_max, 2, 4);
  rows.masks_a = 4 * L + 6;
  rows.masks_b = 2 * L + 1;
  ML = GM = column(nq + nc + ni);
  c = column(ni);
  M = GT = column(table);
  K = column(rows.variables());

  std::vector<Column*> first, second, public_data;
  for (std::size_t l = 0; l < L; l++) {
    first.insert(first.end(), {&L0[l], &L1[l], &R[l]});
    second.push_back(&G[l]);
  }
  first.insert(first.end(), {&ML, &c, &M, &K});
  second.insert(second.end(), {&GM, &GT});
  const std::size_t alone = shape.data_in_witness ? 1 : 0;  // XI has the first polynomial to itself
  XI = column(nx);
  if (alone) pack({&XI}, n);
  stage1 = alone + pack(first, n, alone);
  stage2 = pack(second, n);
  used1 = end_of(first, n);
  used2 = end_of(second, n);

  nlow = std::min(nx, n - ni);
  chunks = (shape.widths[0] + (std::size_t(1) << nlow) - 1) >> nlow;
  if (alone) return;
  X.assign(chunks, column(nlow + ni));
  Y = column(nc + ni);
  for (Column& chunk : X) public_data.push_back(&chunk);
  public_data.push_back(&Y);
  data = pack(public_data, n);
}

WeightsLayout::WeightsLayout(const Shape& given) : ModelLayout(given), shape(given), n(given.degree) {
  nw = variables();
  v = std::max(nw, shape.weight_bits);
  if (v > n) refuse("the degree is too small for these weights; expected at least " + std::to_string(v));
  rows.degrees_a = degrees(v, 3, 5);
  rows.masks_a = 4;
  weights = GW = column(nw);
  M = GT = column(shape.weight_bits);
  K = column(rows.variables());
  stage1 = pack({&M, &K}, n);
  stage2 = pack({&GW, &GT}, n);
  used1 = end_of({&M, &K}, n);
  used2 = end_of({&GW, &GT}, n);
}

}  // namespace pyml
