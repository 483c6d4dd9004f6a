#include "ifma.hpp"

#define PYML_INSTANTIATE(F)                                             \
  template void mul<F>(F*, const F*, const F*, std::size_t);            \
  template void mul_add<F>(F*, const F*, const F*, std::size_t);        \
  template void scale<F>(F*, const F*, const F&, std::size_t);          \
  template void axpy<F>(F*, const F&, const F*, std::size_t);           \
  template void fold<F>(F*, const F*, const F*, const F&, std::size_t); \
  template F dot<F>(const F*, const F*, std::size_t);

#if PYML_X86
#include <immintrin.h>

#include <cstdlib>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace pyml::ifma {
namespace {

Affine add_entries(const Affine* base, std::uint32_t a, std::uint32_t b) {
  const Affine p = a & 1 ? negate(base[a >> 1]) : base[a >> 1], q = b & 1 ? negate(base[b >> 1]) : base[b >> 1];
  if (p.is_infinity()) return q;
  if (q.is_infinity()) return p;
  return add(p, q);
}

void invert_eight(Fq* a) {  // none is zero
  Fq before[8];
  before[0] = Fq::one();
  for (int i = 1; i < 8; i++) before[i] = before[i - 1] * a[i - 1];
  Fq inverse = (before[7] * a[7]).inverse();
  for (int i = 7; i >= 0; i--) {
    const Fq next = inverse * a[i];
    a[i] = inverse * before[i];
    inverse = next;
  }
}

}  // namespace
}  // namespace pyml::ifma

// Only what follows may use AVX-512: code from the headers above must stay what every x86-64 processor can run, for the
// linker keeps one copy of it for the whole module.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512ifma,bmi2,adx"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512ifma,bmi2,adx")
#endif

#define PYML_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define PYML_UNROLL(n) PYML_PRAGMA(unroll n)
#else
#define PYML_UNROLL(n) PYML_PRAGMA(GCC unroll n)
#endif

namespace pyml::ifma {
namespace {

using Word = __m512i;  // eight 64-bit lanes

constexpr std::uint64_t kMask52 = (std::uint64_t(1) << 52) - 1;

// Eight elements: limb i of lane k is bits 52i … 52i+51 of the k-th element. "Reduced" means limbs below 2^52; values
// may be some multiples of p, up to 2^260 = 84 p.
struct Lanes {
  Word l[5];
};

inline Word splat(std::uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }

constexpr std::uint64_t limb52(const std::uint64_t* v, int i) {
  const int bit = 52 * i, word = bit / 64, shift = bit % 64;
  std::uint64_t x = v[word] >> shift;
  if (shift > 12 && word < 3) x |= v[word + 1] << (64 - shift);
  return x & kMask52;
}

// Four vectors of 64-bit limbs (lane k: element k) <-> five of 52 bits.
inline __attribute__((always_inline)) Lanes split(const Word* w) {
  const Word mask = splat(kMask52);
  Lanes r;
  r.l[0] = _mm512_and_si512(w[0], mask);
  r.l[1] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[0], 52), _mm512_slli_epi64(w[1], 12)), mask);
  r.l[2] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[1], 40), _mm512_slli_epi64(w[2], 24)), mask);
  r.l[3] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[2], 28), _mm512_slli_epi64(w[3], 36)), mask);
  r.l[4] = _mm512_srli_epi64(w[3], 16);
  return r;
}

// The same times 16: a product of one operand in this form is a * b / 2^256, the Montgomery form of field.hpp.
inline __attribute__((always_inline)) Lanes split_times_16(const Word* w) {
  const Word mask = splat(kMask52);
  Lanes r;
  r.l[0] = _mm512_and_si512(_mm512_slli_epi64(w[0], 4), mask);
  r.l[1] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[0], 48), _mm512_slli_epi64(w[1], 16)), mask);
  r.l[2] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[1], 36), _mm512_slli_epi64(w[2], 28)), mask);
  r.l[3] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[2], 24), _mm512_slli_epi64(w[3], 40)), mask);
  r.l[4] = _mm512_srli_epi64(w[3], 12);
  return r;
}

inline __attribute__((always_inline)) void join(Word* w, const Lanes& a) {
  w[0] = _mm512_or_si512(a.l[0], _mm512_slli_epi64(a.l[1], 52));
  w[1] = _mm512_or_si512(_mm512_srli_epi64(a.l[1], 12), _mm512_slli_epi64(a.l[2], 40));
  w[2] = _mm512_or_si512(_mm512_srli_epi64(a.l[2], 24), _mm512_slli_epi64(a.l[3], 28));
  w[3] = _mm512_or_si512(_mm512_srli_epi64(a.l[3], 36), _mm512_slli_epi64(a.l[4], 16));
}

// Eight consecutive elements <-> four vectors of limbs: a transposition of 8 x 4 words.
inline __attribute__((always_inline)) void load_words(Word* w, const std::uint64_t* a) {
  const Word r0 = _mm512_loadu_si512(a), r1 = _mm512_loadu_si512(a + 8);  // elements 0 1, 2 3
  const Word r2 = _mm512_loadu_si512(a + 16), r3 = _mm512_loadu_si512(a + 24);
  const Word low = _mm512_set_epi64(13, 9, 5, 1, 12, 8, 4, 0), high = _mm512_set_epi64(15, 11, 7, 3, 14, 10, 6, 2);
  const Word a01 = _mm512_permutex2var_epi64(r0, low, r1);    // limb 0 of elements 0–3, limb 1 of elements 0–3
  const Word a23 = _mm512_permutex2var_epi64(r0, high, r1);   // limbs 2 and 3
  const Word b01 = _mm512_permutex2var_epi64(r2, low, r3);
  const Word b23 = _mm512_permutex2var_epi64(r2, high, r3);
  w[0] = _mm512_shuffle_i64x2(a01, b01, 0x44);
  w[1] = _mm512_shuffle_i64x2(a01, b01, 0xee);
  w[2] = _mm512_shuffle_i64x2(a23, b23, 0x44);
  w[3] = _mm512_shuffle_i64x2(a23, b23, 0xee);
}

inline __attribute__((always_inline)) void store_words(std::uint64_t* a, const Word* w) {
  const Word a01 = _mm512_shuffle_i64x2(w[0], w[1], 0x44), b01 = _mm512_shuffle_i64x2(w[0], w[1], 0xee);
  const Word a23 = _mm512_shuffle_i64x2(w[2], w[3], 0x44), b23 = _mm512_shuffle_i64x2(w[2], w[3], 0xee);
  const Word low = _mm512_set_epi64(13, 9, 5, 1, 12, 8, 4, 0), high = _mm512_set_epi64(15, 11, 7, 3, 14, 10, 6, 2);
  _mm512_storeu_si512(a, _mm512_permutex2var_epi64(a01, low, a23));
  _mm512_storeu_si512(a + 8, _mm512_permutex2var_epi64(a01, high, a23));
  _mm512_storeu_si512(a + 16, _mm512_permutex2var_epi64(b01, low, b23));
  _mm512_storeu_si512(a + 24, _mm512_permutex2var_epi64(b01, high, b23));
}

template <class F>
struct Constants {
  Word p[5], inv;
  Lanes one;  // 2^260 mod p, which a product takes away again
  Constants() {
    constexpr Limbs unit = detail::power_of_two_mod(260, F::p());
    for (int i = 0; i < 5; i++) {
      p[i] = splat(limb52(F::p(), i));
      one.l[i] = splat(limb52(unit.v, i));
    }
    inv = splat(F::kInv & kMask52);
  }
};

// Carries limbs upwards (arithmetic shifts: limbs may be negative, the value may not).
inline __attribute__((always_inline)) void carry(Lanes& a) {
  const Word mask = splat(kMask52);
  for (int i = 0; i < 4; i++) {
    a.l[i + 1] = _mm512_add_epi64(a.l[i + 1], _mm512_srai_epi64(a.l[i], 52));
    a.l[i] = _mm512_and_si512(a.l[i], mask);
  }
}

// a * b / 2^260 for reduced operands; below a * b / 2^260 + p, reduced.
template <class F>
inline __attribute__((always_inline)) Lanes product(const Lanes& a, const Lanes& b, const Constants<F>& c) {
  const Word zero = _mm512_setzero_si512();
  Word t0 = zero, t1 = zero, t2 = zero, t3 = zero, t4 = zero;
PYML_UNROLL(5)
  for (int i = 0; i < 5; i++) {
    const Word x = b.l[i];
    Word t5 = zero;
    t0 = _mm512_madd52lo_epu64(t0, a.l[0], x);
    const Word m = _mm512_madd52lo_epu64(zero, t0, c.inv);
    t1 = _mm512_madd52lo_epu64(t1, a.l[1], x);
    t2 = _mm512_madd52lo_epu64(t2, a.l[2], x);
    t3 = _mm512_madd52lo_epu64(t3, a.l[3], x);
    t4 = _mm512_madd52lo_epu64(t4, a.l[4], x);
    t1 = _mm512_madd52hi_epu64(t1, a.l[0], x);
    t2 = _mm512_madd52hi_epu64(t2, a.l[1], x);
    t3 = _mm512_madd52hi_epu64(t3, a.l[2], x);
    t4 = _mm512_madd52hi_epu64(t4, a.l[3], x);
    t5 = _mm512_madd52hi_epu64(t5, a.l[4], x);
    t0 = _mm512_madd52lo_epu64(t0, m, c.p[0]);
    t1 = _mm512_madd52lo_epu64(t1, m, c.p[1]);
    t2 = _mm512_madd52lo_epu64(t2, m, c.p[2]);
    t3 = _mm512_madd52lo_epu64(t3, m, c.p[3]);
    t4 = _mm512_madd52lo_epu64(t4, m, c.p[4]);
    t1 = _mm512_madd52hi_epu64(t1, m, c.p[0]);
    t2 = _mm512_madd52hi_epu64(t2, m, c.p[1]);
    t3 = _mm512_madd52hi_epu64(t3, m, c.p[2]);
    t4 = _mm512_madd52hi_epu64(t4, m, c.p[3]);
    t5 = _mm512_madd52hi_epu64(t5, m, c.p[4]);
    t0 = _mm512_add_epi64(t1, _mm512_srli_epi64(t0, 52));
    t1 = t2;
    t2 = t3;
    t3 = t4;
    t4 = t5;
  }
  Lanes r{{t0, t1, t2, t3, t4}};
  carry(r);
  return r;
}

inline __attribute__((always_inline)) Lanes plus(const Lanes& a, const Lanes& b) {  // reduced
  Lanes r;
  for (int i = 0; i < 5; i++) r.l[i] = _mm512_add_epi64(a.l[i], b.l[i]);
  carry(r);
  return r;
}

// a - b + kp, reduced; b must be at most kp. Multiples of p with k a power of two.
template <int log_k, class F>
inline __attribute__((always_inline)) Lanes minus(const Lanes& a, const Lanes& b, const Constants<F>& c) {
  Lanes r;
  for (int i = 0; i < 5; i++)
    r.l[i] = _mm512_add_epi64(_mm512_sub_epi64(a.l[i], b.l[i]), _mm512_slli_epi64(c.p[i], log_k));
  carry(r);
  return r;
}

// a - p where that is not negative.
template <class F>
inline __attribute__((always_inline)) Lanes minus_modulus_once(const Lanes& a, const Constants<F>& c) {
  Lanes d;
  for (int i = 0; i < 5; i++) d.l[i] = _mm512_sub_epi64(a.l[i], c.p[i]);
  carry(d);
  const __mmask8 negative = _mm512_movepi64_mask(d.l[4]);
  Lanes r;
  for (int i = 0; i < 5; i++) r.l[i] = _mm512_mask_blend_epi64(negative, d.l[i], a.l[i]);
  return r;
}

template <class F>
inline __attribute__((always_inline)) Lanes load(const F* a) {
  Word w[4];
  load_words(w, a->v);
  return split(w);
}

template <class F>
inline __attribute__((always_inline)) Lanes load_times_16(const F* a) {
  Word w[4];
  load_words(w, a->v);
  return split_times_16(w);
}

template <class F>
inline __attribute__((always_inline)) void store(F* a, const Lanes& canonical) {
  Word w[4];
  join(w, canonical);
  store_words(a->v, w);
}

template <class F>
inline __attribute__((always_inline)) Lanes splat_lanes(const F& s) {
  Word w[4];
  for (int i = 0; i < 4; i++) w[i] = splat(s.v[i]);
  return split(w);
}

template <class F>
inline __attribute__((always_inline)) Lanes splat_times_16(const F& s) {
  Word w[4];
  for (int i = 0; i < 4; i++) w[i] = splat(s.v[i]);
  return split_times_16(w);
}

}  // namespace

// With a < p and 16 b < 16 p a product is below 16 p^2 / 2^260 + p < 1.2 p: one subtraction makes it canonical.

template <class F>
void mul(F* dst, const F* a, const F* b, std::size_t n) {
  const Constants<F> c;
  for (std::size_t i = 0; i < n; i += 8)
    store(dst + i, minus_modulus_once(product(load(a + i), load_times_16(b + i), c), c));
}

template <class F>
void mul_add(F* dst, const F* a, const F* b, std::size_t n) {
  const Constants<F> c;
  for (std::size_t i = 0; i < n; i += 8) {
    const Lanes r = plus(load(dst + i), product(load(a + i), load_times_16(b + i), c));  // below 2.2 p
    store(dst + i, minus_modulus_once(minus_modulus_once(r, c), c));
  }
}

template <class F>
void scale(F* dst, const F* a, const F& s, std::size_t n) {
  const Constants<F> c;
  const Lanes s16 = splat_times_16(s);
  for (std::size_t i = 0; i < n; i += 8) store(dst + i, minus_modulus_once(product(load(a + i), s16, c), c));
}

template <class F>
void axpy(F* dst, const F& s, const F* a, std::size_t n) {
  const Constants<F> c;
  const Lanes s16 = splat_times_16(s);
  for (std::size_t i = 0; i < n; i += 8) {
    const Lanes r = plus(load(dst + i), product(load(a + i), s16, c));
    store(dst + i, minus_modulus_once(minus_modulus_once(r, c), c));
  }
}

template <class F>
void fold(F* dst, const F* lo, const F* hi, const F& r, std::size_t n) {
  const Constants<F> c;
  const Lanes r16 = splat_times_16(r);
  for (std::size_t i = 0; i < n; i += 8) {
    const Lanes low = load(lo + i), difference = minus<0>(load(hi + i), low, c);  // below 2 p
    const Lanes x = plus(low, product(difference, r16, c));                        // below p + 1.4 p
    store(dst + i, minus_modulus_once(minus_modulus_once(x, c), c));
  }
}

template <class F>
F dot(const F* a, const F* b, std::size_t n) {
  const Constants<F> c;
  const Word zero = _mm512_setzero_si512();
  Lanes total{{zero, zero, zero, zero, zero}};  // canonical
  // Limbs of up to 16 summands below 1.2 p: far from 64 bits, and the value stays below 84 p.
  for (std::size_t begin = 0; begin < n; begin += 8 * 16) {
    Lanes sum = total;
    for (std::size_t i = begin; i < n && i < begin + 8 * 16; i += 8) {
      const Lanes x = product(load(a + i), load_times_16(b + i), c);
      for (int k = 0; k < 5; k++) sum.l[k] = _mm512_add_epi64(sum.l[k], x.l[k]);
    }
    carry(sum);
    // sum < 20.2 p; times 2^260 / 2^260, that is by a product with 2^260 mod p: below 1.3 p
    total = minus_modulus_once(product(sum, c.one, c), c);
  }
  F lanes[8];
  store(lanes, total);
  F r = lanes[0];
  for (int k = 1; k < 8; k++) r += lanes[k];
  return r;
}

PYML_INSTANTIATE(Fr)
PYML_INSTANTIATE(Fq)

namespace {

// 16 a, reduced, for a below 5 p.
inline __attribute__((always_inline)) Lanes times_16(const Lanes& a) {
  const Word mask = splat(kMask52);
  Lanes r;
  r.l[0] = _mm512_and_si512(_mm512_slli_epi64(a.l[0], 4), mask);
  for (int i = 1; i < 5; i++)
    r.l[i] = _mm512_or_si512(_mm512_and_si512(_mm512_slli_epi64(a.l[i], 4), mask), _mm512_srli_epi64(a.l[i - 1], 48));
  return r;
}

// a - 2^log_k p where that is not negative.
template <int log_k, class F>
inline __attribute__((always_inline)) Lanes minus_multiple_once(const Lanes& a, const Constants<F>& c) {
  Lanes d;
  for (int i = 0; i < 5; i++) d.l[i] = _mm512_sub_epi64(a.l[i], _mm512_slli_epi64(c.p[i], log_k));
  carry(d);
  const __mmask8 negative = _mm512_movepi64_mask(d.l[4]);
  Lanes r;
  for (int i = 0; i < 5; i++) r.l[i] = _mm512_mask_blend_epi64(negative, d.l[i], a.l[i]);
  return r;
}

inline __attribute__((always_inline)) Lanes blend(__mmask8 which, const Lanes& clear, const Lanes& set) {
  Lanes r;
  for (int i = 0; i < 5; i++) r.l[i] = _mm512_mask_blend_epi64(which, clear.l[i], set.l[i]);
  return r;
}

// An 8 x 8 transposition: rows are points (x's four limbs, y's four limbs), columns limbs, or the other way round.
inline __attribute__((always_inline)) void transpose(Word* m) {
  Word a[8], b[8];
PYML_UNROLL(4)
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm512_unpacklo_epi64(m[i], m[i + 1]);
    a[i + 1] = _mm512_unpackhi_epi64(m[i], m[i + 1]);
  }
PYML_UNROLL(2)
  for (int i = 0; i < 2; i++) {
    b[i] = _mm512_shuffle_i64x2(a[i], a[i + 2], 0x88);
    b[i + 2] = _mm512_shuffle_i64x2(a[i], a[i + 2], 0xdd);
    b[i + 4] = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0x88);
    b[i + 6] = _mm512_shuffle_i64x2(a[i + 4], a[i + 6], 0xdd);
  }
PYML_UNROLL(4)
  for (int i = 0; i < 4; i++) {
    m[i] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0x88);
    m[i + 4] = _mm512_shuffle_i64x2(b[i], b[i + 4], 0xdd);
  }
}

struct Points {
  Word x[4];
  Lanes y;  // at most p
  __mmask8 infinite;
};

// Eight points base[entry >> 1], entries `stride` apart.
inline __attribute__((always_inline)) Points gather(const Affine* base, const std::uint32_t* entries, int stride,
                                                    const Constants<Fq>& c) {
  Word m[8];
  __mmask8 negative = 0;
PYML_UNROLL(8)
  for (int k = 0; k < 8; k++) {
    const std::uint32_t entry = entries[k * stride];
    m[k] = _mm512_loadu_si512(&base[entry >> 1]);
    negative = static_cast<__mmask8>(negative | (entry & 1) << k);
  }
  transpose(m);
  Points r;
  Word any = _mm512_or_si512(m[0], m[1]);
  for (int i = 2; i < 8; i++) any = _mm512_or_si512(any, m[i]);
  r.infinite = _mm512_testn_epi64_mask(any, any);
  for (int i = 0; i < 4; i++) r.x[i] = m[i];
  const Lanes y = split(m + 4);
  Lanes opposite;
  for (int i = 0; i < 5; i++) opposite.l[i] = _mm512_sub_epi64(c.p[i], y.l[i]);
  carry(opposite);
  r.y = blend(negative, y, opposite);
  return r;
}

inline __attribute__((always_inline)) __mmask8 equal(const Word* a, const Word* b) {
  Word difference = _mm512_xor_si512(a[0], b[0]);
  for (int i = 1; i < 4; i++) difference = _mm512_or_si512(difference, _mm512_xor_si512(a[i], b[i]));
  return _mm512_testn_epi64_mask(difference, difference);
}

struct Group {  // eight additions between the two passes
  Lanes ax, ay, dx, dy, before;
};

struct FreeMemory {
  void operator()(Group* memory) const { std::free(memory); }
};

}  // namespace

// Affine additions with a shared inversion (Montgomery's trick in eight chains). With slope s = dy / dx:
// x3 = s^2 - ax - bx, y3 = s (ax - x3) - ay. Equal abscissas and infinity are left to the complete scalar addition.
// All operands are read before anything is written.
void add_pairs(Affine* out, const Affine* base, const std::uint32_t* pairs, std::size_t n) {
  thread_local const std::unique_ptr<Group, FreeMemory> groups(
      static_cast<Group*>(std::aligned_alloc(64, kPairBlock / 8 * sizeof(Group))));
  if (!groups) throw std::bad_alloc();
  thread_local std::vector<std::pair<std::uint32_t, Affine>> exceptions;
  exceptions.clear();
  const Constants<Fq> c;
  const Lanes unit = splat_lanes(Fq::one());
  Lanes three_p;
  for (int i = 0; i < 5; i++) three_p.l[i] = _mm512_add_epi64(c.p[i], _mm512_slli_epi64(c.p[i], 1));
  const std::size_t whole = n / 8, count = (n + 7) / 8;
  std::uint32_t last[16];  // the last group, filled up with its first addition
  for (std::size_t k = 0; whole < count && k < 8; k++) {
    const std::size_t i = whole * 8 + k < n ? whole * 8 + k : whole * 8;
    last[2 * k] = pairs[2 * i];
    last[2 * k + 1] = pairs[2 * i + 1];
  }

  Lanes accumulated = unit;
  for (std::size_t g = 0; g < count; g++) {
    const std::uint32_t* entries = g < whole ? pairs + 16 * g : last;
    if (g + 3 < whole)
      for (int k = 0; k < 16; k++) __builtin_prefetch(&base[entries[32 + k] >> 1]);
    const Points a = gather(base, entries, 2, c), b = gather(base, entries + 1, 2, c);
    Group& group = groups.get()[g];
    group.ax = split(a.x);
    group.ay = a.y;
    group.dx = minus<0>(split(b.x), group.ax, c);  // below 2 p
    group.dy = minus<0>(b.y, a.y, c);              // at most 2 p
    const __mmask8 exceptional = equal(a.x, b.x) | a.infinite | b.infinite;
    if (__builtin_expect(exceptional, 0)) {
      group.dx = blend(exceptional, group.dx, unit);
      for (std::uint32_t k = 0; k < 8; k++) {
        const std::uint32_t i = static_cast<std::uint32_t>(8 * g) + k;
        if ((exceptional >> k & 1) && i < n)
          exceptions.emplace_back(i, add_entries(base, pairs[2 * i], pairs[2 * i + 1]));
      }
    }
    group.before = accumulated;                                     // below 1.7 p
    accumulated = product(group.dx, times_16(accumulated), c);      // 2 p * 27 p / 84 p + p
  }

  Fq inverses[8];
  store(inverses, minus_modulus_once(accumulated, c));
  invert_eight(inverses);
  Lanes inverse = load(inverses);

  for (std::size_t g = count; g-- > 0;) {
    const Group& group = groups.get()[g];
    const Lanes inverse_16 = times_16(inverse);
    const Lanes slope = product(group.dy, times_16(product(group.before, inverse_16, c)), c);
    inverse = product(group.dx, inverse_16, c);
    const Lanes slope_16 = times_16(slope);
    const Lanes square = product(slope, slope_16, c);  // below 1.5 p
    Lanes x, y;
    for (int i = 0; i < 5; i++)  // s^2 - ax - bx + 2 p, for ax + dx = bx + p
      x.l[i] = _mm512_sub_epi64(_mm512_add_epi64(square.l[i], three_p.l[i]),
                                _mm512_add_epi64(_mm512_slli_epi64(group.ax.l[i], 1), group.dx.l[i]));
    carry(x);  // from 0 to 3.5 p
    x = minus_multiple_once<0>(minus_multiple_once<1>(x, c), c);
    y = minus<0>(product(minus<0>(group.ax, x, c), slope_16, c), group.ay, c);  // below 2.7 p
    y = minus_multiple_once<0>(minus_multiple_once<1>(y, c), c);
    Word m[8];
    join(m, x);
    join(m + 4, y);
    transpose(m);
    const std::size_t here = g < whole ? 8 : n - 8 * whole;
    for (std::size_t k = 0; k < here; k++) _mm512_storeu_si512(&out[8 * g + k], m[k]);
  }
  for (const auto& [i, sum] : exceptions) out[i] = sum;
}

}  // namespace pyml::ifma
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else  // another processor: never called
#include <exception>

namespace pyml::ifma {

template <class F> void mul(F*, const F*, const F*, std::size_t) { std::terminate(); }
template <class F> void mul_add(F*, const F*, const F*, std::size_t) { std::terminate(); }
template <class F> void scale(F*, const F*, const F&, std::size_t) { std::terminate(); }
template <class F> void axpy(F*, const F&, const F*, std::size_t) { std::terminate(); }
template <class F> void fold(F*, const F*, const F*, const F&, std::size_t) { std::terminate(); }
template <class F> F dot(const F*, const F*, std::size_t) { std::terminate(); }
void add_pairs(Affine*, const Affine*, const std::uint32_t*, std::size_t) { std::terminate(); }

PYML_INSTANTIATE(Fr)
PYML_INSTANTIATE(Fq)

}  // namespace pyml::ifma
#endif
