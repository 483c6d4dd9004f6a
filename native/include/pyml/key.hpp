// Digests of verifying keys: what the transcript starts from.
//
// Source: circuits/native_accuracy/SPEC.md, sections 5 and 9.
#pragma once
#include <vector>

#include "pyml/curve.hpp"
#include "pyml/keccak.hpp"
#include "pyml/layout.hpp"
#include "pyml/srs.hpp"

namespace pyml {

Digest accuracy_key(const Layout& layout, const std::vector<Affine>& data, const G2Bytes& tau_g2);
Digest weights_key(const WeightsLayout& layout, const G2Bytes& tau_g2);

}  // namespace pyml
