// What the prover refuses, in one line that the caller can act on. Carries sizes and positions, never a secret number.
//
//   Refusal::Kind   says which part of the caller's input is wrong, so that Python can raise the right error:
//                   circuit (shape, layout, overflow of limbs), input (samples, labels), model (weights), powers, proof
#pragma once
#include <stdexcept>
#include <string>

namespace pyml {

struct Refusal : std::runtime_error {
  enum class Kind { circuit, input, model, powers, proof };
  Refusal(Kind kind, const std::string& line) : std::runtime_error(line), kind(kind) {}
  Kind kind;
};

}  // namespace pyml
