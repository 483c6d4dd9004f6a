#include "pyml/chunks.hpp"

#include <algorithm>

#include "pyml/accumulator.hpp"
#include "pyml/threads.hpp"

namespace pyml {
namespace {

template <class Integer>
void add_chunks(const Integer* x, const Layout& layout, const std::vector<Fr>& factors, Fr* out) {
  const std::size_t width = layout.shape.widths[0], low = std::size_t(1) << layout.nlow;
  parallel_for(layout.shape.samples, 16, [&](std::size_t begin, std::size_t end) {
    std::vector<Accumulator> sums(low);
    for (std::size_t i = begin; i < end; i++) {
      std::fill(sums.begin(), sums.end(), Accumulator{});
      for (std::size_t k = 0; k < width; k++) sums[k & (low - 1)].add(x[i * width + k], factors[k >> layout.nlow]);
      for (std::size_t k = 0; k < std::min(low, width); k++) out[(i << layout.nlow) + k] += sums[k].value();
    }
  });
}

}  // namespace

void add_chunks(const Samples& samples, const Layout& layout, const std::vector<Fr>& factors, Fr* out) {
  if (samples.bytes == 1)
    add_chunks(samples.bytes8(), layout, factors, out);
  else
    add_chunks(samples.bytes16(), layout, factors, out);
}

}  // namespace pyml
