#include "pyml/lookup.hpp"

#include <algorithm>

#include "pyml/threads.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

constexpr std::size_t kBlock = 2048, kGrain = 8192;

}  // namespace

std::vector<Fr> shifted(const Fr& alpha, std::size_t n) {
  std::vector<Fr> table(n, alpha);
  for (std::size_t i = 1; i < n; i++) table[i] = table[i - 1] + Fr::one();
  return table;
}

std::vector<Fr> activation_table(const Fr& alpha, const Fr& beta, unsigned bits) {
  const std::size_t n = std::size_t(1) << bits;
  std::vector<Fr> table = shifted(alpha + beta.square(), n);
  Fr output = Fr::zero();  // beta * max(u - 2^(bits-1), 0)
  for (std::size_t u = n / 2 + 1; u < n; u++) {
    output += beta;
    table[u] += output;
  }
  return table;
}

Secret<Fr> table_denominators(const Fr& alpha, const Fr& beta, unsigned bits) {
  const std::vector<Fr> limbs = shifted(alpha, std::size_t(1) << bits), pairs = activation_table(alpha, beta, bits);
  Secret<Fr> table(2 * limbs.size());
  std::copy(limbs.begin(), limbs.end(), table.data());
  std::copy(pairs.begin(), pairs.end(), table.data() + limbs.size());
  return table;
}

Secret<Fr> look_up(const std::int32_t* column, std::size_t n, const std::vector<Fr>& table) {
  Secret<Fr> out(n);
  parallel_for(n, kGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) out[i] = table[static_cast<std::size_t>(column[i])];
  });
  return out;
}

void invert_into(const Fr* D, std::size_t n, Fr* out) {
  parallel_for(n, kGrain, [&](std::size_t begin, std::size_t end) {
    std::copy(D + begin, D + end, out + begin);
    vec::batch_inverse(out + begin, end - begin);
  });
}

void invert_pairs_into(const Fr* D0, const Fr* D1, std::size_t n, Fr* out) {
  parallel_for(n, kGrain, [&](std::size_t begin, std::size_t end) {
    std::vector<Fr> sum(kBlock);
    for (std::size_t i = begin; i < end; i += kBlock) {
      const std::size_t m = std::min(kBlock, end - i);
      vec::mul(out + i, D0 + i, D1 + i, m);
      vec::batch_inverse(out + i, m);
      vec::add(sum.data(), D0 + i, D1 + i, m);
      vec::mul(out + i, out + i, sum.data(), m);
    }
    wipe(sum.data(), sum.size() * sizeof(Fr));
  });
}

void divide_into(const std::int32_t* M, const Fr* D, std::size_t n, Fr* out) {
  invert_into(D, n, out);
  for (std::size_t i = 0; i < n; i++) out[i] = M[i] ? out[i] * Fr::from_i64(M[i]) : Fr::zero();
}

}  // namespace pyml
