// Multi-scalar multiplication: sum of scalars[i] * points[i], by Pippenger's buckets, which are summed in affine
// coordinates with shared inversions. Uses thread_count() threads. Zero scalars cost almost nothing. Any points are
// allowed, infinity and repetitions too.
//
//   msm(points, scalars, n)               full-size scalars
//   msm_i32(points, values, n)            signed 32-bit values; fastest when all |values| < 2^16
//   msm_bits(points, scalars, n, bits)    canonical limbs, all below 2^bits
//   add_pairs(out, base, pairs, n)        the kernel: out[i] = +-base[a] +- base[b], see below
#pragma once
#include <cstddef>
#include <cstdint>

#include "pyml/curve.hpp"

namespace pyml {

Xyzz msm(const Affine* points, const Fr* scalars, std::size_t n);
Xyzz msm_i32(const Affine* points, const std::int32_t* values, std::size_t n);
Xyzz msm_bits(const Affine* points, const Limbs* scalars, std::size_t n, unsigned bits);

// n affine additions with one inversion per block. Operand k of addition i is base[pairs[2i+k] >> 1], negated if the
// lowest bit of pairs[2i+k] is set. `out` must not overlap `base`.
void add_pairs(Affine* out, const Affine* base, const std::uint32_t* pairs, std::size_t n);

}  // namespace pyml
