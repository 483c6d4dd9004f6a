// Loops over vectors of field elements: what the sumchecks spend their time in. The ifma path works on 8 elements at a
// time, about four times as fast as single products, so write hot loops as calls of these on blocks of some hundred
// elements that stay in the first cache, rather than element by element.
//
// Everything is single-threaded: cut the range with parallel_for (threads.hpp). Vectors may be the same array
// (dst == a), but may not overlap otherwise. F is Fr or Fq.
//
//   add(dst, a, b, n)          dst[i] = a[i] + b[i]
//   sub(dst, a, b, n)          dst[i] = a[i] - b[i]
//   mul(dst, a, b, n)          dst[i] = a[i] * b[i]
//   mul_add(dst, a, b, n)      dst[i] += a[i] * b[i]
//   scale(dst, a, s, n)        dst[i] = s * a[i]
//   axpy(dst, s, a, n)         dst[i] += s * a[i]
//   add_scalar(dst, a, s, n)   dst[i] = a[i] + s
//   fold(dst, lo, hi, r, n)    dst[i] = lo[i] + r * (hi[i] - lo[i])
//   dot(a, b, n)               sum of a[i] * b[i]
//   sum(a, n)                  sum of a[i]
//   batch_inverse(a, n)        a[i] = 1 / a[i]; 0 stays 0
//   from_i32(dst, x, n)        small signed integers into the field
//   horner(a, n, x)            a[0] + a[1] x + ... + a[n-1] x^(n-1)
//   powers(dst, x, n)          1, x, x^2, ...
#pragma once
#include <cstddef>
#include <cstdint>

#include "pyml/field.hpp"

namespace pyml::vec {

template <class F> void add(F* dst, const F* a, const F* b, std::size_t n);
template <class F> void sub(F* dst, const F* a, const F* b, std::size_t n);
template <class F> void mul(F* dst, const F* a, const F* b, std::size_t n);
template <class F> void mul_add(F* dst, const F* a, const F* b, std::size_t n);
template <class F> void scale(F* dst, const F* a, const F& s, std::size_t n);
template <class F> void axpy(F* dst, const F& s, const F* a, std::size_t n);
template <class F> void add_scalar(F* dst, const F* a, const F& s, std::size_t n);
template <class F> void fold(F* dst, const F* lo, const F* hi, const F& r, std::size_t n);
template <class F> F dot(const F* a, const F* b, std::size_t n);
template <class F> F sum(const F* a, std::size_t n);
template <class F> void batch_inverse(F* a, std::size_t n);
template <class F> void from_i32(F* dst, const std::int32_t* x, std::size_t n);
template <class F> F horner(const F* a, std::size_t n, const F& x);
template <class F> void powers(F* dst, const F& x, std::size_t n);

}  // namespace pyml::vec
