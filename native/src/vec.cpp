// Vector loops: the ifma path takes whole groups of eight, and what is left over runs element by element.
#include "pyml/vec.hpp"

#include <algorithm>
#include <vector>

#include "ifma.hpp"

namespace pyml::vec {
namespace {

constexpr std::size_t kLanes = 8;

std::size_t wide(std::size_t n) { return detail::use_ifma ? n / kLanes * kLanes : 0; }

}  // namespace

template <class F>
void add(F* dst, const F* a, const F* b, std::size_t n) {
  for (std::size_t i = 0; i < n; i++) dst[i] = a[i] + b[i];
}

template <class F>
void sub(F* dst, const F* a, const F* b, std::size_t n) {
  for (std::size_t i = 0; i < n; i++) dst[i] = a[i] - b[i];
}

template <class F>
void mul(F* dst, const F* a, const F* b, std::size_t n) {
  const std::size_t w = wide(n);
  if (w) ifma::mul(dst, a, b, w);
  for (std::size_t i = w; i < n; i++) dst[i] = a[i] * b[i];
}

template <class F>
void mul_add(F* dst, const F* a, const F* b, std::size_t n) {
  const std::size_t w = wide(n);
  if (w) ifma::mul_add(dst, a, b, w);
  for (std::size_t i = w; i < n; i++) dst[i] += a[i] * b[i];
}

template <class F>
void scale(F* dst, const F* a, const F& s, std::size_t n) {
  const std::size_t w = wide(n);
  if (w) ifma::scale(dst, a, s, w);
  for (std::size_t i = w; i < n; i++) dst[i] = s * a[i];
}

template <class F>
void axpy(F* dst, const F& s, const F* a, std::size_t n) {
  const std::size_t w = wide(n);
  if (w) ifma::axpy(dst, s, a, w);
  for (std::size_t i = w; i < n; i++) dst[i] += s * a[i];
}

template <class F>
void add_scalar(F* dst, const F* a, const F& s, std::size_t n) {
  for (std::size_t i = 0; i < n; i++) dst[i] = a[i] + s;
}

template <class F>
void fold(F* dst, const F* lo, const F* hi, const F& r, std::size_t n) {
  const std::size_t w = wide(n);
  if (w) ifma::fold(dst, lo, hi, r, w);
  for (std::size_t i = w; i < n; i++) dst[i] = lo[i] + r * (hi[i] - lo[i]);
}

template <class F>
F dot(const F* a, const F* b, std::size_t n) {
  const std::size_t w = wide(n);
  F total = w ? ifma::dot(a, b, w) : F::zero();
  for (std::size_t i = w; i < n; i++) total += a[i] * b[i];
  return total;
}

template <class F>
F sum(const F* a, std::size_t n) {
  F total = F::zero();
  for (std::size_t i = 0; i < n; i++) total += a[i];
  return total;
}

namespace {

// Montgomery's trick as a tree, so that every level is one product of vectors: multiply halves together up to a single
// element, invert that, and walk down. `scratch` holds n + 16 elements; no element may be zero.
template <class F>
void invert_tree(F* a, std::size_t n, F* scratch) {
  if (n == 1) {
    a[0] = a[0].inverse();
    return;
  }
  const std::size_t half = n / 2, odd = n % 2;
  mul(scratch, a, a + half, half);
  if (odd) scratch[half] = a[n - 1];
  invert_tree(scratch, half + odd, scratch + half + odd);
  F* const swapped = scratch + half + odd;
  std::copy(a, a + half, swapped);
  mul(a, scratch, a + half, half);
  mul(a + half, scratch, swapped, half);
  if (odd) a[n - 1] = scratch[half];
}

}  // namespace

template <class F>
void batch_inverse(F* a, std::size_t n) {
  constexpr std::size_t kBlock = 2048;  // the tree stays in the second cache; one inversion in 2048 is cheap
  std::vector<F> scratch(2 * std::min(n, kBlock) + 16);
  std::vector<std::size_t> zeros;
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t m = std::min(kBlock, n - begin);
    F* const block = a + begin;
    zeros.clear();
    for (std::size_t i = 0; i < m; i++)
      if (block[i].is_zero()) {
        zeros.push_back(i);
        block[i] = F::one();
      }
    invert_tree(block, m, scratch.data());
    for (std::size_t i : zeros) block[i] = F::zero();
  }
}

template <class F>
void from_i32(F* dst, const std::int32_t* x, std::size_t n) {
  for (std::size_t i = 0; i < n; i++) dst[i] = F::from_i64(x[i]);
}

template <class F>
F horner(const F* a, std::size_t n, const F& x) {
  // Eight interleaved chains, so that the products do not wait for each other.
  if (n < 16) {
    F value = F::zero();
    for (std::size_t i = n; i-- > 0;) value = value * x + a[i];
    return value;
  }
  F step = x.square().square().square();
  F chain[kLanes];
  std::fill(chain, chain + kLanes, F::zero());
  for (std::size_t row = (n + kLanes - 1) / kLanes; row-- > 0;)
    for (std::size_t k = 0; k < kLanes; k++) {
      const std::size_t i = row * kLanes + k;
      chain[k] = chain[k] * step + (i < n ? a[i] : F::zero());
    }
  return horner(chain, kLanes, x);
}

template <class F>
void powers(F* dst, const F& x, std::size_t n) {
  if (n == 0) return;
  dst[0] = F::one();
  F top = x;  // x^done
  for (std::size_t done = 1; done < n; done *= 2) {
    const std::size_t m = std::min(done, n - done);
    scale(dst + done, dst, top, m);
    top = top.square();
  }
}

#define PYML_INSTANTIATE(F)                                                     \
  template void add<F>(F*, const F*, const F*, std::size_t);                    \
  template void sub<F>(F*, const F*, const F*, std::size_t);                    \
  template void mul<F>(F*, const F*, const F*, std::size_t);                    \
  template void mul_add<F>(F*, const F*, const F*, std::size_t);                \
  template void scale<F>(F*, const F*, const F&, std::size_t);                  \
  template void axpy<F>(F*, const F&, const F*, std::size_t);                   \
  template void add_scalar<F>(F*, const F*, const F&, std::size_t);             \
  template void fold<F>(F*, const F*, const F*, const F&, std::size_t);         \
  template F dot<F>(const F*, const F*, std::size_t);                           \
  template F sum<F>(const F*, std::size_t);                                     \
  template void batch_inverse<F>(F*, std::size_t);                              \
  template void from_i32<F>(F*, const std::int32_t*, std::size_t);              \
  template F horner<F>(const F*, std::size_t, const F&);                        \
  template void powers<F>(F*, const F&, std::size_t);
PYML_INSTANTIATE(Fr)
PYML_INSTANTIATE(Fq)
#undef PYML_INSTANTIATE

}  // namespace pyml::vec
