// Powers of tau: P_i = tau^i * G, i < n, from a file in halo2's raw format.
//
// File: u32 little-endian k; 2^k points in monomial and 2^k in Lagrange form, 64 bytes each, x || y, every coordinate
// 32 bytes little-endian in Montgomery form; then G2's generator and tau * G2, 128 bytes each (x.re x.im y.re y.im).
//
//   Srs srs = Srs::read(path, count)   the first `count` monomial powers (0: all); throws SrsError
//   srs.points(), srs.size(), srs.degree()
//   srs.commit(scalars, n)             sum of scalars[i] * P_i; throws SrsError if n > size()
//   srs.commit(values_i32, n)
//   srs.require_valid()                P_0 is the generator, every point finite, reduced and on the curve
//   srs.combination(seed)              A = sum r_i P_i and B = sum r_i P_(i+1), i < n - 1, r_i 128 bits from the seed:
//                                      e(A, tau G2) = e(B, G2) shows that all of P are powers of one tau
//   srs.g2(), srs.tau_g2()             canonical big-endian, EIP-197's order
//
// Points are copied out of the file into aligned memory: behind the four bytes of k each would lie across two lines of
// the cache, and the multiplication gathers them at random.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include "pyml/curve.hpp"

namespace pyml {

struct SrsError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using G2Bytes = std::array<std::uint8_t, 128>;

class Srs {
 public:
  static Srs read(const std::string& path, std::size_t count = 0);
  static Srs read(std::FILE* file, std::size_t count = 0);

  const Affine* points() const { return points_.get(); }
  std::size_t size() const { return size_; }
  unsigned degree() const { return degree_; }
  const G2Bytes& g2() const { return g2_; }
  const G2Bytes& tau_g2() const { return tau_g2_; }

  Xyzz commit(const Fr* scalars, std::size_t n) const;
  Xyzz commit(const std::int32_t* values, std::size_t n) const;

  void require_valid() const;
  struct Combination {
    Affine lower, upper;  // sum r_i P_i and sum r_i P_(i+1)
  };
  Combination combination(const std::array<std::uint8_t, 32>& seed) const;

 private:
  struct Free {
    void operator()(Affine* memory) const;
  };
  std::unique_ptr<Affine[], Free> points_;
  std::size_t size_ = 0;
  unsigned degree_ = 0;
  G2Bytes g2_{}, tau_g2_{};
};

// For development chains only: whoever knows tau can forge. Writes out[i] = scalars[i] * generator.
void fixed_base_multiply(const Fr* scalars, std::size_t n, Affine* out);

}  // namespace pyml
