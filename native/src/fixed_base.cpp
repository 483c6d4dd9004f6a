// Multiples of the generator from tables of its multiples, 12 bits at a time: the powers of tau of a development chain.
#include <algorithm>
#include <vector>

#include "pyml/msm.hpp"
#include "pyml/srs.hpp"
#include "pyml/threads.hpp"

namespace pyml {
namespace {

constexpr unsigned kDigitBits = 13, kWindows = (254 + kDigitBits - 1) / kDigitBits;
constexpr std::size_t kEntries = std::size_t(1) << kDigitBits, kBatch = 512;

// table[w * kEntries + d] = d * 2^(kDigitBits * w) * G
std::vector<Affine> make_tables() {
  std::vector<Affine> table(kWindows * kEntries);
  std::vector<Xyzz> multiples(kEntries);
  Affine base = generator();
  for (unsigned w = 0; w < kWindows; w++) {
    multiples[0] = Xyzz::infinity();
    for (std::size_t d = 1; d < kEntries; d++) multiples[d] = add(multiples[d - 1], base);
    batch_to_affine(multiples.data(), kEntries, table.data() + w * kEntries);
    base = to_affine(add(multiples[kEntries - 1], base));
  }
  return table;
}

std::size_t digit(const Limbs& l, unsigned window) {
  const unsigned at = kDigitBits * window;
  std::uint64_t x = l.v[at / 64] >> (at % 64);
  if (at % 64 + kDigitBits > 64 && at / 64 < 3) x |= l.v[at / 64 + 1] << (64 - at % 64);
  return x & (kEntries - 1);
}

}  // namespace

void fixed_base_multiply(const Fr* scalars, std::size_t n, Affine* out) {
  static const std::vector<Affine> table = make_tables();
  parallel_for(n, kBatch, [&](std::size_t begin, std::size_t end) {
    // add_pairs takes its operands from one array: kWindows digits' points of every scalar, added up as a tree.
    std::vector<Affine> terms(kBatch * kWindows), sums(kBatch * kWindows);
    std::vector<std::uint32_t> pairs(kBatch * kWindows + 2);
    for (std::size_t first = begin; first < end; first += kBatch) {
      const std::size_t m = std::min(kBatch, end - first);
      for (std::size_t i = 0; i < m; i++) {
        const Limbs l = scalars[first + i].to_limbs();
        for (unsigned w = 0; w < kWindows; w++) terms[w * m + i] = table[w * kEntries + digit(l, w)];
      }
      for (std::size_t rows = kWindows; rows > 1;) {
        const std::size_t half = rows / 2;
        for (std::size_t i = 0; i < half * m; i++) {
          pairs[2 * i] = static_cast<std::uint32_t>(i) << 1;
          pairs[2 * i + 1] = static_cast<std::uint32_t>(i + half * m) << 1;
        }
        add_pairs(sums.data(), terms.data(), pairs.data(), half * m);
        if (rows % 2) std::copy_n(terms.data() + 2 * half * m, m, sums.data() + half * m);
        terms.swap(sums);
        rows = half + rows % 2;
      }
      std::copy_n(terms.data(), m, out + first);
    }
  });
}

}  // namespace pyml
