// Multilinear polynomials as tables over the cube; variable 0 is the lowest bit of the index and is bound first.
//
//   power_of_two(k), half_power(k)      2^k, 2^-k
//   eq_table(point, n, scale, out)      out[k] = scale * eq(k, point), 2^n entries
//   eq_value(a, b, n)                   eq of two points
//   eq_index(k, point, n)               eq(bits of k, point)
//   Table t(entries); t.bind(x)         halves the table; t[0] when all variables are bound
//   Table::of(entries, n)               the same of entries that somebody else keeps until the first bind
//   evaluate(values, point, n)          small integers at a point, without a table of field elements
//   split_pairs(pairs, lo, hi, n)       lo[i] = pairs[2i], hi[i] = pairs[2i+1]
//   combine_rows(x, rows, stride, width, weights, out)   out[k] = sum of weights[i] * x[i * stride + k]
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pyml/field.hpp"
#include "pyml/secret.hpp"

namespace pyml {

Fr power_of_two(std::size_t k);
Fr half_power(std::size_t k);

void eq_table(const Fr* point, unsigned n, const Fr& scale, Fr* out);
std::vector<Fr> eq_table(const Fr* point, unsigned n, const Fr& scale = Fr::one());
Fr eq_value(const Fr* a, const Fr* b, unsigned n);
Fr eq_index(std::size_t k, const Fr* point, unsigned n);

class Table {
 public:
  Table() = default;
  explicit Table(Secret<Fr> entries) : now_(std::move(entries)), at_(now_.data()), size_(now_.size()) {}
  static Table of(const Fr* entries, std::size_t n) {
    Table table;
    table.at_ = entries;
    table.size_ = n;
    return table;
  }

  std::size_t size() const { return size_; }
  const Fr* data() const { return at_; }
  const Fr& operator[](std::size_t i) const { return at_[i]; }
  void bind(const Fr& x);  // a table of one entry stays as it is

 private:
  Secret<Fr> now_, next_;  // they change places at every step
  const Fr* at_ = nullptr;
  std::size_t size_ = 0;
};

Fr evaluate(const std::int32_t* values, const Fr* point, unsigned n);
Fr evaluate(const Fr* values, const Fr* point, unsigned n);

inline void split_pairs(const Fr* pairs, Fr* lo, Fr* hi, std::size_t n) {
  for (std::size_t i = 0; i < n; i++) {
    lo[i] = pairs[2 * i];
    hi[i] = pairs[2 * i + 1];
  }
}

// Integer is std::int32_t or std::uint16_t or std::uint8_t.
template <class Integer>
void combine_rows(const Integer* x, std::size_t rows, std::size_t stride, std::size_t width, const Fr* weights,
                  Fr* out);

// out[i] = sum over j < count of weights[j] * x[j][i], i < n; x[j] may be nullptr.
template <class Integer>
void combine_columns(const Integer* const* x, std::size_t count, const Fr* weights, std::size_t n, Fr* out);

}  // namespace pyml
