#include "pyml/masks.hpp"

#include "pyml/multilinear.hpp"

namespace pyml {

Fr evaluate(const RoundPolynomial& p, const Fr& x) {
  Fr value = Fr::zero();
  for (std::size_t k = kMostCoefficients; k-- > 0;) value = value * x + p[k];
  return value;
}

Masks::Masks(const std::uint8_t* seed, const MaskRows& given, std::size_t coefficients, std::size_t polynomials)
    : rows(given), column(std::size_t(1) << given.variables()), cover(coefficients), blinds(polynomials) {
  const ScalarStream stream(seed);
  std::size_t next = 0;
  const auto draw = [&](Fr* out, std::size_t n) {
    stream.at(next, out, n);
    next += n;
  };
  const auto draw_libra = [&](std::size_t row, const std::vector<unsigned>& degrees) {
    if (degrees.empty()) return;
    draw(column.data() + row * MaskRows::kWidth, 1);
    for (std::size_t t = 0; t < degrees.size(); t++)
      draw(column.data() + (row + t) * MaskRows::kWidth + 1, degrees[t]);
  };
  draw_libra(0, rows.degrees_a);
  draw_libra(rows.row_b(), rows.degrees_b);
  draw(column.data() + rows.row_masks_a() * MaskRows::kWidth, rows.masks_a);
  draw(column.data() + rows.row_masks_b() * MaskRows::kWidth, rows.masks_b);
  draw(column.data() + rows.row_spare() * MaskRows::kWidth, MaskRows::kSpares);
  draw(cover.data(), cover.size());
  draw(blinds.data(), blinds.size());
}

Fr Masks::spare_sum() const {
  Fr total = Fr::zero();
  for (std::size_t j = 0; j < MaskRows::kSpares; j++) total += column[rows.row_spare() * MaskRows::kWidth + j];
  return total;
}

Libra::Libra(const Fr* column, std::size_t row, const std::vector<unsigned>& degrees)
    : column_(column), row_(row), degrees_(degrees), bound_(entry(0, 0)), later_(Fr::zero()) {
  for (std::size_t t = 1; t < degrees_.size(); t++) later_ += row_sum(t);
}

Fr Libra::row_sum(std::size_t t) const {
  Fr total = Fr::zero();
  for (std::size_t e = 1; e <= degrees_[t]; e++) total += entry(t, e);
  return total;
}

Fr Libra::cube_sum() const {
  const std::size_t v = degrees_.size();
  Fr total = Fr::zero();
  for (std::size_t t = 0; t < v; t++) total += row_sum(t);
  return power_of_two(v) * entry(0, 0) + power_of_two(v - 1) * total;
}

RoundPolynomial Libra::round() const {
  const std::size_t after = degrees_.size() - turn_ - 1;
  const Fr cube = power_of_two(after);
  RoundPolynomial p = zero_polynomial();
  p[0] = cube * bound_;
  if (after > 0) p[0] += power_of_two(after - 1) * later_;
  for (std::size_t e = 1; e <= degrees_[turn_]; e++) p[e] = cube * entry(turn_, e);
  return p;
}

void Libra::bind(const Fr& x) {
  Fr power = x;
  for (std::size_t e = 1; e <= degrees_[turn_]; e++, power *= x) bound_ += entry(turn_, e) * power;
  turn_++;
  if (turn_ < degrees_.size()) later_ -= row_sum(turn_);
}

void add_cube_sum_form(Fr* weights, std::size_t row, const std::vector<unsigned>& degrees, const Fr& factor) {
  const std::size_t v = degrees.size();
  const Fr half = factor * power_of_two(v - 1);
  weights[row * MaskRows::kWidth] += half.doubled();
  for (std::size_t t = 0; t < v; t++)
    for (std::size_t e = 1; e <= degrees[t]; e++) weights[(row + t) * MaskRows::kWidth + e] += half;
}

void add_value_form(Fr* weights, std::size_t row, const std::vector<unsigned>& degrees, const std::vector<Fr>& point,
                    const Fr& factor) {
  weights[row * MaskRows::kWidth] += factor;
  for (std::size_t t = 0; t < degrees.size(); t++) {
    Fr power = factor;
    for (std::size_t e = 1; e <= degrees[t]; e++) {
      power *= point[t];
      weights[(row + t) * MaskRows::kWidth + e] += power;
    }
  }
}

}  // namespace pyml
