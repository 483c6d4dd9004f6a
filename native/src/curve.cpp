#include "pyml/curve.hpp"

#include <vector>

#include "pyml/keccak.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

Fq cubic(const Fq& x) { return x.square() * x + Fq::from_u64(3); }

// 2P for a finite affine P (mdbl-2008-s-1). G1 has odd order, so y is not 0.
Xyzz double_affine(const Affine& p) {
  const Fq u = p.y.doubled(), v = u.square(), w = u * v, s = p.x * v;
  const Fq xx = p.x.square(), m = xx.doubled() + xx, x = m.square() - s.doubled();
  return Xyzz{x, m * (s - x) - w * p.y, v, w};
}

}  // namespace

bool Affine::is_on_curve() const { return is_infinity() || y.square() == cubic(x); }

Xyzz Xyzz::from(const Affine& p) {
  if (p.is_infinity()) return infinity();
  return Xyzz{p.x, p.y, Fq::one(), Fq::one()};
}

Affine generator() { return Affine{Fq::one(), Fq::from_u64(2)}; }

const Affine& blinding_generator() {
  static const char name[] = "pyml.zk.native.generator.v1";
  static const Digest seed = keccak256(name, sizeof name - 1);
  static const Affine h = hash_to_curve(seed.data(), seed.size());
  return h;
}

Xyzz double_point(const Xyzz& p) {
  if (p.is_infinity()) return p;
  const Fq u = p.y.doubled(), v = u.square(), w = u * v, s = p.x * v;
  const Fq xx = p.x.square(), m = xx.doubled() + xx, x = m.square() - s.doubled();
  return Xyzz{x, m * (s - x) - w * p.y, v * p.zz, w * p.zzz};
}

Xyzz add(const Xyzz& p, const Xyzz& q) {
  if (p.is_infinity()) return q;
  if (q.is_infinity()) return p;
  const Fq u1 = p.x * q.zz, s1 = p.y * q.zzz, h = q.x * p.zz - u1, r = q.y * p.zzz - s1;
  if (h.is_zero()) return r.is_zero() ? double_point(p) : Xyzz::infinity();
  const Fq hh = h.square(), hhh = h * hh, v = u1 * hh, x = r.square() - hhh - v.doubled();
  return Xyzz{x, r * (v - x) - s1 * hhh, p.zz * q.zz * hh, p.zzz * q.zzz * hhh};
}

Xyzz add(const Xyzz& p, const Affine& q) {
  if (q.is_infinity()) return p;
  if (p.is_infinity()) return Xyzz::from(q);
  const Fq h = q.x * p.zz - p.x, r = q.y * p.zzz - p.y;
  if (h.is_zero()) return r.is_zero() ? double_affine(q) : Xyzz::infinity();
  const Fq hh = h.square(), hhh = h * hh, v = p.x * hh, x = r.square() - hhh - v.doubled();
  return Xyzz{x, r * (v - x) - p.y * hhh, p.zz * hh, p.zzz * hhh};
}

Affine add(const Affine& p, const Affine& q) { return to_affine(add(Xyzz::from(p), q)); }

Xyzz multiply(const Affine& p, const Limbs& scalar) {
  Xyzz r = Xyzz::infinity();
  for (int i = 255; i >= 0; i--) {
    r = double_point(r);
    if (scalar.bit(static_cast<unsigned>(i))) r = add(r, p);
  }
  return r;
}

Xyzz multiply(const Affine& p, const Fr& scalar) { return multiply(p, scalar.to_limbs()); }

Xyzz multiply(const Xyzz& p, std::uint64_t scalar) {
  Xyzz r = Xyzz::infinity();
  for (int i = 63; i >= 0; i--) {
    r = double_point(r);
    if (scalar >> i & 1) r = add(r, p);
  }
  return r;
}

Affine to_affine(const Xyzz& p) {
  if (p.is_infinity()) return Affine::infinity();
  const Fq inverse = p.zzz.inverse(), z = p.zz * inverse;  // ZZ/ZZZ = 1/Z, and Z^-2 = 1/ZZ
  return Affine{p.x * z.square(), p.y * inverse};
}

void batch_to_affine(const Xyzz* p, std::size_t n, Affine* out) {
  std::vector<Fq> inverses(n);
  for (std::size_t i = 0; i < n; i++) inverses[i] = p[i].zzz;
  vec::batch_inverse(inverses.data(), n);  // infinity's 0 stays 0 and gives (0, 0)
  for (std::size_t i = 0; i < n; i++) {
    const Fq z = p[i].zz * inverses[i];
    out[i] = Affine{p[i].x * z.square(), p[i].y * inverses[i]};
  }
}

void encode(const Affine& p, std::uint8_t* out64) {
  p.x.to_bytes(out64);
  p.y.to_bytes(out64 + 32);
}

bool decode(const std::uint8_t* in64, Affine& out) {
  Affine p;
  if (!Fq::from_bytes(in64, p.x) || !Fq::from_bytes(in64 + 32, p.y) || !p.is_on_curve()) return false;
  out = p;
  return true;
}

bool sqrt(const Fq& a, Fq& root) {  // q = 3 mod 4
  // (q + 1) / 4 = floor(q / 4) + 1, whose lowest limb does not carry.
  std::uint64_t e[4];
  for (int i = 0; i < 4; i++) e[i] = Fq::p()[i] >> 2 | (i < 3 ? Fq::p()[i + 1] << 62 : 0);
  e[0] += 1;
  const Fq r = a.pow(e, 252);
  if (r.square() != a) return false;
  root = r;
  return true;
}

Affine hash_to_curve(const std::uint8_t* seed, std::size_t seed_bytes) {
  std::uint8_t counter[32] = {};
  for (std::uint32_t i = 0;; i++) {
    for (int k = 0; k < 4; k++) counter[31 - k] = static_cast<std::uint8_t>(i >> (8 * k));
    Keccak256 hash;
    hash.absorb(seed, seed_bytes);
    hash.absorb(counter, sizeof counter);
    Affine p;
    p.x = Fq::reduce_bytes(hash.digest().data());
    if (!sqrt(cubic(p.x), p.y)) continue;
    if (p.y.to_limbs().v[0] & 1) p.y = -p.y;
    return p;
  }
}

}  // namespace pyml
