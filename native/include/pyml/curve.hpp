// The group G1 of BN254: y^2 = x^3 + 3 over Fq. Its order is the prime r, so every point of the curve is in it.
//
//   Affine{x, y}           (0, 0) is infinity, as in the EVM
//   Xyzz{x, y, zz, zzz}    x = X/ZZ, y = Y/ZZZ, ZZ^3 = ZZZ^2; infinity has ZZ = 0
//   add(P, Q), double_point(P), negate(P), multiply(P, scalar)   complete: equal, opposite and infinite points too
//   to_affine(P), batch_to_affine(P, n, out)
//   encode(P, out64), decode(in64, P)                            x || y, 32 bytes each, big-endian (EIP-196)
//   generator()            (1, 2)
//   blinding_generator()   H = hash_to_curve(keccak256("pyml.zk.native.generator.v1")): nobody knows its logarithm
//
// decode refuses coordinates >= q and points off the curve; infinity is 64 zero bytes and is accepted: where it is not
// allowed the caller says so. Formulas: "dbl-2008-s-1", "madd-2008-s", "add-2008-s" of the Explicit-Formulas Database.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pyml/field.hpp"

namespace pyml {

struct Affine {
  Fq x, y;
  static Affine infinity() { return Affine{Fq::zero(), Fq::zero()}; }
  bool is_infinity() const { return x.is_zero() && y.is_zero(); }
  bool is_on_curve() const;  // infinity counts as on it
  bool operator==(const Affine& o) const { return x == o.x && y == o.y; }
  bool operator!=(const Affine& o) const { return !(*this == o); }
};
static_assert(sizeof(Affine) == 64, "points are read from files as they lie");

struct Xyzz {
  Fq x, y, zz, zzz;
  static Xyzz infinity() { return Xyzz{Fq::zero(), Fq::zero(), Fq::zero(), Fq::zero()}; }
  static Xyzz from(const Affine& p);
  bool is_infinity() const { return zz.is_zero(); }
};

Affine generator();
const Affine& blinding_generator();

inline Affine negate(const Affine& p) { return Affine{p.x, -p.y}; }
Xyzz double_point(const Xyzz& p);
Xyzz add(const Xyzz& p, const Xyzz& q);
Xyzz add(const Xyzz& p, const Affine& q);
Affine add(const Affine& p, const Affine& q);
Xyzz multiply(const Affine& p, const Limbs& scalar);
Xyzz multiply(const Affine& p, const Fr& scalar);
Xyzz multiply(const Xyzz& p, std::uint64_t scalar);

Affine to_affine(const Xyzz& p);
void batch_to_affine(const Xyzz* p, std::size_t n, Affine* out);

void encode(const Affine& p, std::uint8_t* out64);
bool decode(const std::uint8_t* in64, Affine& out);

bool sqrt(const Fq& a, Fq& root);  // false if a is not a square; either root

// hash_to_g1 of pyml/crypto/bn254_group.py: x = keccak256(seed || i) mod q, i = 0, 1, ... in 32 big-endian bytes, until
// x^3 + 3 is a square; the even y.
Affine hash_to_curve(const std::uint8_t* seed, std::size_t seed_bytes);

}  // namespace pyml
