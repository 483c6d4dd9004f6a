// The verifier of everything but the pairing: which two points of G1 a proof asks about.
//
// Source: circuits/native_accuracy/SPEC.md, sections 5 to 10. A proof is valid if nothing is refused here and
// e(left, [1]_2) = e(right, [tau]_2); refusals have the names of pyml/zk/native/refusal.py and come in its order.
#pragma once
#include <cstdint>
#include <vector>

#include "pyml/layout.hpp"
#include "pyml/srs.hpp"

namespace pyml {

struct Verdict {
  const char* refusal = nullptr;  // a name, or nullptr if the pairing decides
  Affine left = Affine::infinity(), right = Affine::infinity();
};

// What a proof is about. `data` has as many points as the layout says; none for inference and for weights.
struct Claimed {
  Shape shape;
  std::vector<Affine> data;
  G2Bytes tau_g2;
  Affine commitment;  // C_W
  Fr context;
};

Verdict verify_accuracy(const Claimed& claimed, std::uint64_t count, const std::uint8_t* proof, std::size_t length);
Verdict verify_inference(const Claimed& claimed, const Fr& evaluation, std::uint64_t label, const std::uint8_t* proof,
                         std::size_t length);
Verdict verify_weights(const Claimed& claimed, const std::uint8_t* proof, std::size_t length);

}  // namespace pyml
