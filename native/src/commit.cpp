// Commitments that outlive a proof: samples and labels in a verifying key, and the weights.
#include <algorithm>

#include "pyml/protocol.hpp"

namespace pyml {

std::vector<Affine> commit_data(const Shape& shape, const Srs& srs, const Samples& samples) {
  const Layout layout(shape);
  require_powers(srs, layout.n);
  require_samples(shape, samples, true);
  std::vector<Affine> points;
  for (std::size_t p = 0; p < layout.data; p++) {
    std::vector<std::int32_t> values(layout.coefficients());
    for (std::size_t chunk = 0; chunk < layout.chunks; chunk++) {
      if (layout.X[chunk].polynomial != p) continue;
      const std::size_t first = chunk << layout.nlow;
      const std::size_t width = std::min(std::size_t(1) << layout.nlow, samples.width - first);
      for (std::size_t i = 0; i < samples.rows; i++)
        for (std::size_t k = 0; k < width; k++)
          values[layout.X[chunk].offset + (i << layout.nlow) + k] = static_cast<std::int32_t>(samples.at(i, first + k));
    }
    if (layout.Y.polynomial == p)
      for (std::size_t i = 0; i < samples.rows; i++)
        values[layout.Y.offset + (i << layout.nc) + static_cast<std::size_t>(samples.labels[i])] = 1;
    points.push_back(to_affine(srs.commit(values.data(), values.size())));
  }
  return points;
}

Affine commit_model(const Shape& shape, const Srs& srs, const Weights& weights, const Fr& blind) {
  const ModelLayout layout(shape);
  require_powers(srs, shape.degree);
  const Secret<std::int32_t> model = lay_model(layout, shape, weights);
  return hide(srs.commit(model.data(), model.size()), blind);
}

}  // namespace pyml
