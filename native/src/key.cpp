#include "pyml/key.hpp"

#include <cstring>

#include "pyml/transcript.hpp"

namespace pyml {
namespace {

Words begin(const char* domain) {
  const Digest name = keccak256(domain, std::strlen(domain));
  Words words;
  words.add_bytes(name.data(), name.size());
  return words;
}

}  // namespace

Digest accuracy_key(const Layout& layout, const std::vector<Affine>& data, const G2Bytes& tau_g2) {
  const Shape& shape = layout.shape;
  Words words = begin("pyml.zk.native.accuracy.v1");
  words.add(layout.n).add(shape.samples).add(layout.L);
  for (std::size_t width : shape.widths) words.add(width);
  for (unsigned shift : shape.shifts) words.add(shift);
  for (std::uint64_t unit : shape.bias_units) words.add(unit);
  words.add(shape.limb_bits).add(shape.margin_limbs).add(shape.data_in_witness ? 1 : 0);
  for (const Affine& point : data) words.add(point);
  words.add(blinding_generator()).add_bytes(tau_g2.data(), tau_g2.size());
  return words.digest();
}

Digest weights_key(const WeightsLayout& layout, const G2Bytes& tau_g2) {
  Words words = begin("pyml.zk.native.weights.v1");
  words.add(layout.n).add(layout.shape.hidden_layers());
  for (std::size_t width : layout.shape.widths) words.add(width);
  words.add(layout.shape.weight_bits).add(blinding_generator()).add_bytes(tau_g2.data(), tau_g2.size());
  return words.digest();
}

}  // namespace pyml
