// The AVX-512 IFMA kernels behind vec.hpp and msm.hpp. Called only while detail::use_ifma is set, for n a multiple of 8
// where n is a length of a vector.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pyml/curve.hpp"
#include "pyml/field.hpp"

namespace pyml::ifma {

template <class F> void mul(F* dst, const F* a, const F* b, std::size_t n);
template <class F> void mul_add(F* dst, const F* a, const F* b, std::size_t n);
template <class F> void scale(F* dst, const F* a, const F& s, std::size_t n);
template <class F> void axpy(F* dst, const F& s, const F* a, std::size_t n);
template <class F> void fold(F* dst, const F* lo, const F* hi, const F& r, std::size_t n);
template <class F> F dot(const F* a, const F* b, std::size_t n);

// add_pairs of msm.hpp for n <= kPairBlock.
constexpr std::size_t kPairBlock = 1024;
void add_pairs(Affine* out, const Affine* base, const std::uint32_t* pairs, std::size_t n);

}  // namespace pyml::ifma
