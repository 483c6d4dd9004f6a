// Sum of small integers times field elements, reduced once at the end: five limbs for the positive, five for the
// negative products.
//
//   Accumulator a;  a.add(x, element);  a.value()      |x| < 2^32, fewer than 2^32 terms
#pragma once
#include <cstdint>

#include "pyml/field.hpp"

namespace pyml {

struct Accumulator {
  std::uint64_t plus[5] = {}, minus[5] = {};

  void add(std::int64_t x, const Fr& a) {
    if (x > 0)
      accumulate(plus, static_cast<std::uint64_t>(x), a);
    else if (x < 0)
      accumulate(minus, static_cast<std::uint64_t>(-x), a);
  }
  Fr value() const { return reduce(plus) - reduce(minus); }

 private:
  static void accumulate(std::uint64_t* sum, std::uint64_t x, const Fr& a) {
    u128 t = u128(a.v[0]) * x + sum[0];
    sum[0] = static_cast<std::uint64_t>(t);
    t = u128(a.v[1]) * x + sum[1] + static_cast<std::uint64_t>(t >> 64);
    sum[1] = static_cast<std::uint64_t>(t);
    t = u128(a.v[2]) * x + sum[2] + static_cast<std::uint64_t>(t >> 64);
    sum[2] = static_cast<std::uint64_t>(t);
    t = u128(a.v[3]) * x + sum[3] + static_cast<std::uint64_t>(t >> 64);
    sum[3] = static_cast<std::uint64_t>(t);
    sum[4] += static_cast<std::uint64_t>(t >> 64);
  }
  // The limbs hold a sum of Montgomery forms: low + high * 2^256, and the element of Montgomery form 2^256 is 1 there.
  static Fr reduce(const std::uint64_t* sum) {
    Fr low{{sum[0], sum[1], sum[2], sum[3]}};
    for (int i = 0; i < 5; i++) low.subtract_modulus_once();  // 2^256 < 6p
    return low + Fr::from_u64(sum[4]);
  }
};

}  // namespace pyml
