// The two prime fields of BN254: Fr (scalars, order of the group) and Fq (coordinates).
//
// An element is four 64-bit limbs, little-endian, in Montgomery form a * 2^256 mod p, always below p: equal elements
// have equal limbs. halo2's raw files hold coordinates in exactly this form.
//
//   Fr::zero() one() from_u64(x) from_i64(x)    constants and small integers
//   a + b, a - b, -a, a * b, a.square(), a.doubled(), a.pow(exponent, bits)
//   a.inverse()                                 0 for 0; not constant in time
//   a.to_bytes(out32), Fr::from_bytes(in32, a)  canonical big-endian; from_bytes refuses values >= p
//   a.to_limbs(), Fr::from_limbs(limbs, a)      canonical little-endian limbs; from_limbs refuses values >= p
//   Fr::reduce_bytes(in32)                      big-endian, any 256-bit value modulo p (for challenges)
//   Fq::sqrt                                    in curve.hpp, where it is needed
//
// Vectors are in vec.hpp. Nothing here is constant in time: proofs are made on the owner's machine.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "pyml/cpu.hpp"

#if defined(__x86_64__) && defined(__GNUC__)
#define PYML_X86 1
#include <x86intrin.h>
#else
#define PYML_X86 0
#endif

namespace pyml {

using u128 = unsigned __int128;

struct Limbs {
  std::uint64_t v[4];
  bool bit(unsigned i) const { return (v[i >> 6] >> (i & 63)) & 1; }
  bool operator==(const Limbs& o) const { return !std::memcmp(v, o.v, sizeof v); }
};

namespace detail {

inline std::uint64_t add_carry(std::uint64_t a, std::uint64_t b, unsigned char& carry) {
#if PYML_X86
  unsigned long long sum;
  carry = _addcarry_u64(carry, a, b, &sum);
  return sum;
#else
  u128 sum = u128(a) + b + carry;
  carry = static_cast<unsigned char>(sum >> 64);
  return static_cast<std::uint64_t>(sum);
#endif
}

inline std::uint64_t sub_borrow(std::uint64_t a, std::uint64_t b, unsigned char& borrow) {
#if PYML_X86
  unsigned long long difference;
  borrow = _subborrow_u64(borrow, a, b, &difference);
  return difference;
#else
  u128 difference = u128(a) - b - borrow;
  borrow = static_cast<unsigned char>((difference >> 64) & 1);
  return static_cast<std::uint64_t>(difference);
#endif
}

constexpr bool below(const std::uint64_t* a, const std::uint64_t* b) {
  for (int i = 3; i >= 0; i--)
    if (a[i] != b[i]) return a[i] < b[i];
  return false;
}

constexpr Limbs doubled_mod(Limbs a, const std::uint64_t* p) {  // compile time only
  Limbs r{};
  std::uint64_t carry = 0;
  for (int i = 0; i < 4; i++) {
    r.v[i] = a.v[i] << 1 | carry;
    carry = a.v[i] >> 63;
  }
  if (below(r.v, p)) return r;
  std::uint64_t borrow = 0;
  for (int i = 0; i < 4; i++) {
    std::uint64_t d = r.v[i] - p[i] - borrow;
    borrow = r.v[i] < p[i] || (r.v[i] == p[i] && borrow);
    r.v[i] = d;
  }
  return r;
}

constexpr Limbs power_of_two_mod(int exponent, const std::uint64_t* p) {
  Limbs r{{1, 0, 0, 0}};
  for (int i = 0; i < exponent; i++) r = doubled_mod(r, p);
  return r;
}

constexpr std::uint64_t negated_inverse(std::uint64_t p0) {  // -1/p mod 2^64, by Newton
  std::uint64_t x = 1;
  for (int i = 0; i < 6; i++) x *= 2 - p0 * x;
  return 0 - x;
}

void multiply_portable(std::uint64_t* r, const std::uint64_t* a, const std::uint64_t* b, const std::uint64_t* p,
                       std::uint64_t inv);

}  // namespace detail

struct FrModulus {  // r, the order of G1
  static constexpr std::uint64_t p[4] = {0x43e1f593f0000001ULL, 0x2833e84879b97091ULL, 0xb85045b68181585dULL,
                                         0x30644e72e131a029ULL};
};

struct FqModulus {  // q, the modulus of the coordinates
  static constexpr std::uint64_t p[4] = {0x3c208c16d87cfd47ULL, 0x97816a916871ca8dULL, 0xb85045b68181585dULL,
                                         0x30644e72e131a029ULL};
};

template <class Modulus>
struct Field {
  std::uint64_t v[4];

  static constexpr const std::uint64_t* p() { return Modulus::p; }
  static constexpr std::uint64_t kInv = detail::negated_inverse(Modulus::p[0]);
  static constexpr Limbs kOne = detail::power_of_two_mod(256, Modulus::p);
  static constexpr Limbs kSquaredRadix = detail::power_of_two_mod(512, Modulus::p);

  static Field zero() { return Field{{0, 0, 0, 0}}; }
  static Field one() { return raw(kOne); }
  static Field raw(const Limbs& montgomery) { return Field{{montgomery.v[0], montgomery.v[1], montgomery.v[2], montgomery.v[3]}}; }

  static Field from_u64(std::uint64_t x) { return Field{{x, 0, 0, 0}} * raw(kSquaredRadix); }
  static Field from_i64(std::int64_t x) {
    return x < 0 ? -from_u64(0 - static_cast<std::uint64_t>(x)) : from_u64(static_cast<std::uint64_t>(x));
  }

  bool is_zero() const { return !(v[0] | v[1] | v[2] | v[3]); }
  bool is_reduced() const { return detail::below(v, Modulus::p); }
  bool operator==(const Field& o) const {
    return !((v[0] ^ o.v[0]) | (v[1] ^ o.v[1]) | (v[2] ^ o.v[2]) | (v[3] ^ o.v[3]));
  }
  bool operator!=(const Field& o) const { return !(*this == o); }

  friend inline Field operator+(const Field& a, const Field& b) {
    unsigned char c = 0;
    Field r;
    for (int i = 0; i < 4; i++) r.v[i] = detail::add_carry(a.v[i], b.v[i], c);
    r.subtract_modulus_once();
    return r;
  }

  friend inline Field operator-(const Field& a, const Field& b) {
    unsigned char c = 0;
    Field r;
    for (int i = 0; i < 4; i++) r.v[i] = detail::sub_borrow(a.v[i], b.v[i], c);
    const std::uint64_t mask = 0 - static_cast<std::uint64_t>(c);
    c = 0;
    for (int i = 0; i < 4; i++) r.v[i] = detail::add_carry(r.v[i], Modulus::p[i] & mask, c);
    return r;
  }

  friend inline Field operator*(const Field& a, const Field& b) {
#if PYML_X86
    if (__builtin_expect(detail::use_mulx, 1)) return multiply_mulx(a, b);
#endif
    Field r;
    detail::multiply_portable(r.v, a.v, b.v, Modulus::p, kInv);
    return r;
  }

  Field operator-() const { return zero() - *this; }
  Field& operator+=(const Field& o) { return *this = *this + o; }
  Field& operator-=(const Field& o) { return *this = *this - o; }
  Field& operator*=(const Field& o) { return *this = *this * o; }
  Field doubled() const { return *this + *this; }
  Field square() const { return *this * *this; }

  // The exponent's lowest `bits` bits, little-endian limbs.
  Field pow(const std::uint64_t* exponent, unsigned bits) const;
  Field inverse() const;

  Limbs to_limbs() const {
    const Field r = *this * Field{{1, 0, 0, 0}};
    return Limbs{{r.v[0], r.v[1], r.v[2], r.v[3]}};
  }
  static bool from_limbs(const Limbs& canonical, Field& out) {
    if (!detail::below(canonical.v, Modulus::p)) return false;
    out = raw(canonical) * raw(kSquaredRadix);
    return true;
  }
  void to_bytes(std::uint8_t* out) const;
  static bool from_bytes(const std::uint8_t* in, Field& out);
  static Field reduce_bytes(const std::uint8_t* in);

  void subtract_modulus_once() {  // for values below 2p
    std::uint64_t d[4];
    unsigned char borrow = 0;
    for (int i = 0; i < 4; i++) d[i] = detail::sub_borrow(v[i], Modulus::p[i], borrow);
    for (int i = 0; i < 4; i++) v[i] = borrow ? v[i] : d[i];
  }

 private:
#if PYML_X86
  static inline Field multiply_mulx(const Field& a, const Field& b);
#endif
};

using Fr = Field<FrModulus>;
using Fq = Field<FqModulus>;

#if PYML_X86
// Montgomery product, one row of a * b[i] and one reduction at a time, on two carry chains (adcx and adox).
// Both moduli leave two bits free, so that no row carries out of the top limb.
#define PYML_REDUCE_ROW                                                          \
  "movq %[inv], %%rdx\n imulq %[t0], %%rdx\n xorq %%rax, %%rax\n"                \
  "mulxq 0(%[p]), %%rax, %[h2]\n adcxq %[t0], %%rax\n movq %[h2], %[t0]\n"       \
  "adcxq %[t1], %[t0]\n mulxq 8(%[p]), %%rax, %[t1]\n adoxq %%rax, %[t0]\n"      \
  "adcxq %[t2], %[t1]\n mulxq 16(%[p]), %%rax, %[t2]\n adoxq %%rax, %[t1]\n"     \
  "adcxq %[t3], %[t2]\n mulxq 24(%[p]), %%rax, %[t3]\n adoxq %%rax, %[t2]\n"     \
  "movq $0, %%rax\n adcxq %%rax, %[t3]\n adoxq %[h], %[t3]\n"
#define PYML_MULTIPLY_ROW(offset)                                                \
  "movq " #offset "(%[b]), %%rdx\n xorq %%rax, %%rax\n"                          \
  "mulxq 0(%[a]), %%rax, %[h]\n adoxq %%rax, %[t0]\n"                            \
  "adcxq %[h], %[t1]\n mulxq 8(%[a]), %%rax, %[h]\n adoxq %%rax, %[t1]\n"        \
  "adcxq %[h], %[t2]\n mulxq 16(%[a]), %%rax, %[h]\n adoxq %%rax, %[t2]\n"       \
  "adcxq %[h], %[t3]\n mulxq 24(%[a]), %%rax, %[h]\n adoxq %%rax, %[t3]\n"       \
  "movq $0, %%rax\n adcxq %%rax, %[h]\n adoxq %%rax, %[h]\n" PYML_REDUCE_ROW

template <class Modulus>
__attribute__((always_inline)) inline Field<Modulus> Field<Modulus>::multiply_mulx(const Field& a, const Field& b) {
  Field r;
  std::uint64_t h, h2;
  asm("movq 0(%[b]), %%rdx\n xorq %%rax, %%rax\n"
      "mulxq 0(%[a]), %[t0], %[t1]\n"
      "mulxq 8(%[a]), %%rax, %[t2]\n adoxq %%rax, %[t1]\n"
      "mulxq 16(%[a]), %%rax, %[t3]\n adoxq %%rax, %[t2]\n"
      "mulxq 24(%[a]), %%rax, %[h]\n adoxq %%rax, %[t3]\n"
      "movq $0, %%rax\n adoxq %%rax, %[h]\n" PYML_REDUCE_ROW  //
      PYML_MULTIPLY_ROW(8) PYML_MULTIPLY_ROW(16) PYML_MULTIPLY_ROW(24)
      : [t0] "=&r"(r.v[0]), [t1] "=&r"(r.v[1]), [t2] "=&r"(r.v[2]), [t3] "=&r"(r.v[3]), [h] "=&r"(h), [h2] "=&r"(h2)
      : [a] "r"(a.v), [b] "r"(b.v), [p] "r"(Modulus::p), [inv] "i"(kInv), "m"(a), "m"(b), "m"(Modulus::p)
      : "rax", "rdx", "cc");
  r.subtract_modulus_once();
  return r;
}
#undef PYML_MULTIPLY_ROW
#undef PYML_REDUCE_ROW
#endif

}  // namespace pyml
