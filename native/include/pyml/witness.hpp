// The integers that a prover commits to: the network's answers, their limbs, margins and multiplicities.
//
// Source: circuits/native_accuracy/SPEC.md, sections 3 and 4; arithmetic of pyml/ml/integer.py. Everything is int64,
// and a shape for which a sum could leave int64 is refused beforehand. Refusals name the layer and the sample.
#pragma once
#include <cstdint>
#include <vector>

#include "pyml/field.hpp"
#include "pyml/layout.hpp"
#include "pyml/secret.hpp"

namespace pyml {

// Samples as they lie in the caller's memory, [N, d_0] in C order, of one or two bytes each.
struct Samples {
  const void* data = nullptr;
  std::size_t rows = 0, width = 0;
  unsigned bytes = 1;
  const std::int64_t* labels = nullptr;  // may be missing where only the inputs count

  const std::uint8_t* bytes8() const { return static_cast<const std::uint8_t*>(data); }
  const std::uint16_t* bytes16() const { return static_cast<const std::uint16_t*>(data); }
  std::uint32_t at(std::size_t i, std::size_t k) const {
    return bytes == 1 ? bytes8()[i * width + k] : bytes16()[i * width + k];
  }
};

// Each layer [d_(l-1) + 1, d_l], the biases last, in C order.
using Weights = std::vector<const std::int32_t*>;

struct Witness {
  Secret<std::int32_t> stage1;  // all columns but K, the stage laid out as one array
  Secret<std::int32_t> model;   // W, up to the end of its last column
  Secret<std::int64_t> logits;  // Z
  std::size_t count = 0;

  const std::int32_t* column(const Column& c, unsigned n) const { return stage1.data() + c.place(n); }
};

void require_samples(const Shape& shape, const Samples& samples, bool with_labels);
Secret<std::int32_t> lay_model(const ModelLayout& layout, const Shape& shape, const Weights& weights);
Witness build_witness(const Layout& layout, const Samples& samples, const Weights& weights);

}  // namespace pyml
