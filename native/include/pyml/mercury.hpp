// The opening of one polynomial at one point of the cube: Mercury (ePrint 2025/385), with the hints of this protocol.
//
// Source: circuits/native_accuracy/SPEC.md, section 8. F has 2^n coefficients, seen as 2^t2 rows of b = 2^t1.
#pragma once
#include <vector>

#include "pyml/phases.hpp"
#include "pyml/secret.hpp"
#include "pyml/srs.hpp"
#include "pyml/transcript.hpp"

namespace pyml {

// Shows that F, as a table over the cube, is `value` at the point; sends the messages and appends the two hints. Throws
// std::logic_error if it is not, Refusal if a challenge is one of those that no proof can use.
void open_mercury(Messages& messages, const Srs& srs, Secret<Fr> F, const std::vector<Fr>& point, const Fr& value,
                  Phases& phases);

}  // namespace pyml
