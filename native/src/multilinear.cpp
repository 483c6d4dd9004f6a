#include "pyml/multilinear.hpp"

#include <algorithm>
#include <mutex>

#include "pyml/accumulator.hpp"
#include "pyml/threads.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

constexpr std::size_t kBlock = 256;    // elements that stay in the first cache together with their neighbours
constexpr std::size_t kGrain = 8192;   // elements worth a thread

}  // namespace

Fr power_of_two(std::size_t k) {
  Fr power = Fr::one();
  for (std::size_t i = 0; i < k; i++) power = power.doubled();
  return power;
}

Fr half_power(std::size_t k) { return power_of_two(k).inverse(); }

void eq_table(const Fr* point, unsigned n, const Fr& scale, Fr* out) {
  out[0] = scale;
  for (unsigned i = 0; i < n; i++) {
    const std::size_t size = std::size_t(1) << i;
    vec::scale(out + size, out, point[i], size);
    vec::sub(out, out, out + size, size);
  }
}

std::vector<Fr> eq_table(const Fr* point, unsigned n, const Fr& scale) {
  std::vector<Fr> out(std::size_t(1) << n);
  eq_table(point, n, scale, out.data());
  return out;
}

Fr eq_value(const Fr* a, const Fr* b, unsigned n) {
  Fr product = Fr::one();
  for (unsigned i = 0; i < n; i++) product *= Fr::one() - a[i] - b[i] + (a[i] * b[i]).doubled();
  return product;
}

Fr eq_index(std::size_t k, const Fr* point, unsigned n) {
  Fr product = Fr::one();
  for (unsigned i = 0; i < n; i++) product *= (k >> i & 1) ? point[i] : Fr::one() - point[i];
  return product;
}

void Table::bind(const Fr& x) {
  if (size_ <= 1) return;
  const std::size_t half = size_ / 2;
  if (next_.size() < half) next_ = Secret<Fr>(half);
  parallel_for(half, kGrain, [&](std::size_t begin, std::size_t end) {
    Fr lo[kBlock], hi[kBlock];
    for (std::size_t i = begin; i < end; i += kBlock) {
      const std::size_t n = std::min(kBlock, end - i);
      split_pairs(at_ + 2 * i, lo, hi, n);
      vec::fold(next_.data() + i, lo, hi, x, n);
    }
  });
  std::swap(now_, next_);
  at_ = now_.data();
  size_ = half;
}

// eq is split into a table of the lower and one of the upper variables.
Fr evaluate(const std::int32_t* values, const Fr* point, unsigned n) {
  const unsigned low = n / 2;
  const std::vector<Fr> inner = eq_table(point, low), outer = eq_table(point + low, n - low);
  Fr total = Fr::zero();
  std::mutex guard;
  parallel_for(outer.size(), std::max<std::size_t>(1, kGrain >> low), [&](std::size_t begin, std::size_t end) {
    Fr part = Fr::zero();
    for (std::size_t h = begin; h < end; h++) {
      Accumulator sum;
      for (std::size_t i = 0; i < inner.size(); i++) sum.add(values[(h << low) + i], inner[i]);
      part += outer[h] * sum.value();
    }
    const std::lock_guard<std::mutex> lock(guard);
    total += part;
  });
  return total;
}

Fr evaluate(const Fr* values, const Fr* point, unsigned n) {
  const unsigned low = n / 2;
  const std::vector<Fr> inner = eq_table(point, low), outer = eq_table(point + low, n - low);
  Fr total = Fr::zero();
  std::mutex guard;
  parallel_for(outer.size(), std::max<std::size_t>(1, kGrain >> low), [&](std::size_t begin, std::size_t end) {
    Fr part = Fr::zero();
    for (std::size_t h = begin; h < end; h++) part += outer[h] * vec::dot(values + (h << low), inner.data(), inner.size());
    const std::lock_guard<std::mutex> lock(guard);
    total += part;
  });
  return total;
}

template <class Integer>
void combine_rows(const Integer* x, std::size_t rows, std::size_t stride, std::size_t width, const Fr* weights, Fr* out) {
  std::fill(out, out + width, Fr::zero());
  std::mutex guard;
  parallel_for(rows, std::max<std::size_t>(1, kGrain / std::max<std::size_t>(1, width)),
               [&](std::size_t begin, std::size_t end) {
                 std::vector<Accumulator> sums(width);
                 for (std::size_t i = begin; i < end; i++)
                   for (std::size_t k = 0; k < width; k++) sums[k].add(x[i * stride + k], weights[i]);
                 const std::lock_guard<std::mutex> lock(guard);
                 for (std::size_t k = 0; k < width; k++) out[k] += sums[k].value();
               });
}

template <class Integer>
void combine_columns(const Integer* const* x, std::size_t count, const Fr* weights, std::size_t n, Fr* out) {
  parallel_for(n, kGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      Accumulator sum;
      for (std::size_t j = 0; j < count; j++)
        if (x[j]) sum.add(x[j][i], weights[j]);
      out[i] = sum.value();
    }
  });
}

#define PYML_INSTANTIATE(Integer)                                                                               \
  template void combine_rows<Integer>(const Integer*, std::size_t, std::size_t, std::size_t, const Fr*, Fr*);   \
  template void combine_columns<Integer>(const Integer* const*, std::size_t, const Fr*, std::size_t, Fr*);
PYML_INSTANTIATE(std::uint8_t)
PYML_INSTANTIATE(std::uint16_t)
PYML_INSTANTIATE(std::int32_t)
#undef PYML_INSTANTIATE

}  // namespace pyml
