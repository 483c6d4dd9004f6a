// Columns of the lookup: denominators, and helpers that are their inverses.
//
// Source: circuits/native_accuracy/SPEC.md, section 4. A table row compresses to a + beta b + beta^2 tag; a helper is
// 1 / (alpha + row), and a row's own helper is M / (alpha + row).
#pragma once
#include <cstdint>
#include <vector>

#include "pyml/secret.hpp"
#include "pyml/field.hpp"

namespace pyml {

std::vector<Fr> shifted(const Fr& alpha, std::size_t n);  // alpha, alpha + 1, ...
// alpha + L1 + beta R + beta^2 for L1 = 0 ... 2^bits - 1, R being a function of L1.
std::vector<Fr> activation_table(const Fr& alpha, const Fr& beta, unsigned bits);
// The whole table: 2^(bits+1) denominators, limbs first.
Secret<Fr> table_denominators(const Fr& alpha, const Fr& beta, unsigned bits);

Secret<Fr> look_up(const std::int32_t* column, std::size_t n, const std::vector<Fr>& table);
// out[i] = 1 / D[i]
void invert_into(const Fr* D, std::size_t n, Fr* out);
// out[i] = 1 / D0[i] + 1 / D1[i]
void invert_pairs_into(const Fr* D0, const Fr* D1, std::size_t n, Fr* out);
// out[i] = M[i] / D[i]
void divide_into(const std::int32_t* M, const Fr* D, std::size_t n, Fr* out);

}  // namespace pyml
