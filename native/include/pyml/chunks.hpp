// The samples as they are committed to: chunks of 2^nlow features, each a column (SPEC.md, section 3).
#pragma once
#include <vector>

#include "pyml/witness.hpp"

namespace pyml {

// out[k + (i << nlow)] += sum over chunks of factor * X[i, chunk * 2^nlow + k], straight from the bytes of the samples.
void add_chunks(const Samples& samples, const Layout& layout, const std::vector<Fr>& factors, Fr* out);

}  // namespace pyml
