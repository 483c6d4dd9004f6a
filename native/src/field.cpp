#include "pyml/field.hpp"

namespace pyml {
namespace detail {

// Montgomery product, coarsely interleaved (Koç, Acar, Kaliski 1996); both moduli leave the top bits free, so that a
// fifth limb is enough.
void multiply_portable(std::uint64_t* r, const std::uint64_t* a, const std::uint64_t* b, const std::uint64_t* p,
                       std::uint64_t inv) {
  std::uint64_t t[5] = {0, 0, 0, 0, 0};
  for (int i = 0; i < 4; i++) {
    u128 c = u128(a[0]) * b[i] + t[0];
    const std::uint64_t low = static_cast<std::uint64_t>(c), m = low * inv;
    u128 d = u128(m) * p[0] + low;
    for (int j = 1; j < 4; j++) {
      c = u128(a[j]) * b[i] + t[j] + static_cast<std::uint64_t>(c >> 64);
      d = u128(m) * p[j] + static_cast<std::uint64_t>(c) + static_cast<std::uint64_t>(d >> 64);
      t[j - 1] = static_cast<std::uint64_t>(d);
    }
    t[3] = static_cast<std::uint64_t>(c >> 64) + static_cast<std::uint64_t>(d >> 64);
  }
  std::uint64_t reduced[4];
  unsigned char borrow = 0;
  for (int i = 0; i < 4; i++) reduced[i] = sub_borrow(t[i], p[i], borrow);
  for (int i = 0; i < 4; i++) r[i] = borrow ? t[i] : reduced[i];
}

}  // namespace detail

namespace {

std::uint64_t load_big_endian(const std::uint8_t* in) {
  std::uint64_t x = 0;
  for (int i = 0; i < 8; i++) x = x << 8 | in[i];
  return x;
}

Limbs limbs_from_bytes(const std::uint8_t* in) {
  Limbs l;
  for (int i = 0; i < 4; i++) l.v[3 - i] = load_big_endian(in + 8 * i);
  return l;
}

}  // namespace

template <class M>
Field<M> Field<M>::pow(const std::uint64_t* exponent, unsigned bits) const {
  Field window[16];  // four bits at a time
  window[0] = one();
  for (int i = 1; i < 16; i++) window[i] = window[i - 1] * *this;
  Field r = one();
  for (int i = static_cast<int>((bits + 3) / 4) - 1; i >= 0; i--) {
    for (int k = 0; k < 4; k++) r = r.square();
    unsigned nibble = (exponent[i / 16] >> (4 * (i % 16))) & 15;
    if (4u * i + 4 > bits) nibble &= (1u << (bits - 4 * i)) - 1;
    if (nibble) r = r * window[nibble];
  }
  return r;
}

template <class M>
Field<M> Field<M>::inverse() const {  // Fermat: a^(p-2)
  const std::uint64_t e[4] = {M::p[0] - 2, M::p[1], M::p[2], M::p[3]};  // p is odd and above 2: no borrow
  return pow(e, 254);
}

template <class M>
void Field<M>::to_bytes(std::uint8_t* out) const {
  const Limbs l = to_limbs();
  for (int i = 0; i < 32; i++) out[i] = static_cast<std::uint8_t>(l.v[3 - i / 8] >> (56 - 8 * (i % 8)));
}

template <class M>
bool Field<M>::from_bytes(const std::uint8_t* in, Field& out) {
  return from_limbs(limbs_from_bytes(in), out);
}

template <class M>
Field<M> Field<M>::reduce_bytes(const std::uint8_t* in) {
  Field r = raw(limbs_from_bytes(in));
  for (int i = 0; i < 5; i++) r.subtract_modulus_once();  // 2^256 < 6p
  return r * raw(kSquaredRadix);
}

template struct Field<FrModulus>;
template struct Field<FqModulus>;

}  // namespace pyml
