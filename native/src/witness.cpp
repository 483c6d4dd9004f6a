#include "pyml/witness.hpp"

#include <algorithm>
#include <mutex>
#include <string>

#include "pyml/field.hpp"
#include "pyml/threads.hpp"

namespace pyml {
namespace {

constexpr std::size_t kRowsGrain = 16;

std::string name_sample(const Layout& layout, std::size_t sample) {
  return sample < layout.shape.samples ? "sample " + std::to_string(sample)
                                       : std::string("a padding row, whose features are all zero");
}

// The first refusal in the order of rows, whichever thread finds one first.
class FirstFailure {
 public:
  void report(std::size_t sample, std::size_t place) {
    const std::lock_guard<std::mutex> lock(guard_);
    if (std::make_pair(sample, place) < std::make_pair(sample_, place_)) {
      sample_ = sample;
      place_ = place;
    }
  }
  bool any() const { return sample_ != SIZE_MAX; }
  std::size_t sample() const { return sample_; }
  std::size_t place() const { return place_; }

 private:
  std::mutex guard_;
  std::size_t sample_ = SIZE_MAX, place_ = SIZE_MAX;
};

void require_int64(const Shape& shape, const Samples& samples) {
  u128 input = samples.bytes == 1 ? 255 : 65535;
  for (std::size_t l = 0; l < shape.layers(); l++) {
    const u128 largest = (input * shape.widths[l] + shape.bias_units[l]) << (shape.weight_bits - 1);
    if (largest >> 60)
      throw Refusal(Refusal::Kind::circuit, "layer " + std::to_string(l + 1) + ": sums could leave 64 bits");
    input = u128(1) << (shape.limb_bits - 1);
  }
}

// out[m] = sum over k of x[k] * w[k][m] + unit * bias[m] for one sample.
template <class Integer>
void multiply_row(const Integer* x, std::size_t inputs, const std::int32_t* w, std::size_t outputs, std::int64_t unit,
                  std::int64_t* out) {
  const std::int32_t* bias = w + inputs * outputs;
  for (std::size_t m = 0; m < outputs; m++) out[m] = unit * bias[m];
  for (std::size_t k = 0; k < inputs; k++) {
    const std::int64_t value = x[k];
    if (value == 0) continue;
    const std::int32_t* row = w + k * outputs;
    for (std::size_t m = 0; m < outputs; m++) out[m] += value * row[m];
  }
}

struct LayerColumns {
  std::int32_t *low, *high, *output;
};

// Limbs of one pre-activation; false if it does not fit them.
inline bool store_limbs(std::int64_t h, unsigned bits, unsigned shift, const LayerColumns& to, std::size_t place) {
  const std::int64_t bound = std::int64_t(1) << (bits + shift - 1);
  if (h < -bound || h >= bound) return false;
  const std::int64_t offset = h * (std::int64_t(1) << (bits - shift)) + (std::int64_t(1) << (2 * bits - 1));
  const std::int64_t high = offset >> bits, half = std::int64_t(1) << (bits - 1);
  to.low[place] = static_cast<std::int32_t>(offset & ((std::int64_t(1) << bits) - 1));
  to.high[place] = static_cast<std::int32_t>(high);
  to.output[place] = static_cast<std::int32_t>(high > half ? high - half : 0);
  return true;
}

class Builder {
 public:
  Builder(const Layout& layout, const Samples& samples, const Weights& weights, Witness& to)
      : layout_(layout), shape_(layout.shape), samples_(samples), weights_(weights), to_(to) {}

  void run() {
    for (std::size_t l = 0; l < layout_.L; l++) hidden_layer(l);
    logits();
    answers();
    count_lookups();
  }

 private:
  std::int32_t* column(const Column& c) { return to_.stage1.data() + c.place(layout_.n); }

  void row_products(std::size_t l, std::size_t i, std::int64_t* out) {
    const std::size_t inputs = shape_.widths[l], outputs = shape_.widths[l + 1];
    const auto unit = static_cast<std::int64_t>(shape_.bias_units[l]);
    if (l > 0)
      multiply_row(column(layout_.R[l - 1]) + (i << layout_.nh[l - 1]), inputs, weights_[l], outputs, unit, out);
    else if (i >= shape_.samples)
      multiply_row(samples_.bytes8(), 0, weights_[l] + inputs * outputs, outputs, unit, out);  // the biases alone
    else if (samples_.bytes == 1)
      multiply_row(samples_.bytes8() + i * inputs, inputs, weights_[l], outputs, unit, out);
    else
      multiply_row(samples_.bytes16() + i * inputs, inputs, weights_[l], outputs, unit, out);
  }

  void hidden_layer(std::size_t l) {
    const std::size_t width = shape_.widths[l + 1], padded = std::size_t(1) << layout_.nh[l];
    const LayerColumns to{column(layout_.L0[l]), column(layout_.L1[l]), column(layout_.R[l])};
    FirstFailure failure;
    parallel_for(std::size_t(1) << layout_.ni, kRowsGrain, [&](std::size_t begin, std::size_t end) {
      Secret<std::int64_t> h(padded);
      for (std::size_t i = begin; i < end; i++) {
        row_products(l, i, h.data());
        for (std::size_t m = 0; m < padded; m++)
          if (!store_limbs(m < width ? h[m] : 0, shape_.limb_bits, shape_.shifts[l], to, i * padded + m))
            failure.report(i, m);
      }
    });
    if (failure.any())
      throw Refusal(Refusal::Kind::circuit,
                    "layer " + std::to_string(l + 1) + ", neuron " + std::to_string(failure.place()) + ", " +
                        name_sample(layout_, failure.sample()) +
                        ": the pre-activation overflows the limbs; raise limb_bits or quantise to fewer bits");
  }

  void logits() {
    const std::size_t classes = shape_.widths.back(), padded = std::size_t(1) << layout_.nc;
    parallel_for(std::size_t(1) << layout_.ni, kRowsGrain, [&](std::size_t begin, std::size_t end) {
      Secret<std::int64_t> z(classes);
      for (std::size_t i = begin; i < end; i++) {
        row_products(layout_.L, i, z.data());
        std::copy(z.begin(), z.end(), to_.logits.data() + i * padded);
      }
    });
  }

  void answers() {
    const std::size_t classes = shape_.widths.back();
    const unsigned bits = shape_.limb_bits, limbs = shape_.margin_limbs;
    std::int32_t *ML = column(layout_.ML), *c = column(layout_.c);
    for (std::size_t i = 0; i < shape_.samples; i++) {
      const std::int64_t* z = to_.logits.data() + (i << layout_.nc);
      const std::size_t label = static_cast<std::size_t>(samples_.labels[i]);
      bool wins = true;
      for (std::size_t j = 0; j < classes; j++) wins = wins && (j == label || z[label] > z[j]);
      if (!wins) continue;
      c[i] = 1;
      to_.count++;
      for (std::size_t j = 0; j < classes; j++) {
        const auto margin = static_cast<std::uint64_t>(z[label] - z[j] - (j != label));
        if (bits * limbs < 64 && margin >> (bits * limbs))
          throw Refusal(Refusal::Kind::circuit, "sample " + std::to_string(i) +
                                                    ": the margin of the logits overflows its limbs; raise "
                                                    "margin_limbs or limb_bits");
        for (unsigned q = 0; q < limbs && bits * q < 64; q++)
          ML[q + (j << layout_.nq) + (i << (layout_.nq + layout_.nc))] =
              static_cast<std::int32_t>(margin >> (bits * q) & ((std::uint64_t(1) << bits) - 1));
      }
    }
  }

  void count_lookups() {
    std::int32_t* M = column(layout_.M);
    const std::size_t high = std::size_t(1) << shape_.limb_bits;
    const auto tally = [&](const Column& c, std::size_t first) {
      const std::int32_t* entries = column(c);
      for (std::size_t i = 0; i < c.size(); i++) M[first + static_cast<std::size_t>(entries[i])]++;
    };
    tally(layout_.ML, 0);
    for (std::size_t l = 0; l < layout_.L; l++) {
      tally(layout_.L0[l], 0);
      tally(layout_.L1[l], high);
    }
  }

  const Layout& layout_;
  const Shape& shape_;
  const Samples& samples_;
  const Weights& weights_;
  Witness& to_;
};

}  // namespace

void require_samples(const Shape& shape, const Samples& samples, bool with_labels) {
  const auto refuse = [](const std::string& line) { throw Refusal(Refusal::Kind::input, line); };
  if (samples.rows == 0) refuse("there is no sample to prove anything about");
  if (samples.rows != shape.samples)
    refuse("the number of samples is not the circuit's; expected " + std::to_string(shape.samples) + "; got " +
           std::to_string(samples.rows));
  if (samples.width != shape.widths[0])
    refuse("inputs have the wrong width; expected " + std::to_string(shape.widths[0]) + "; got " +
           std::to_string(samples.width));
  if (!with_labels) return;
  for (std::size_t i = 0; i < samples.rows; i++)
    if (samples.labels[i] < 0 || static_cast<std::uint64_t>(samples.labels[i]) >= shape.widths.back())
      refuse("sample " + std::to_string(i) + ": the label is out of range; expected 0 to " +
             std::to_string(shape.widths.back() - 1) + "; got " + std::to_string(samples.labels[i]));
}

Secret<std::int32_t> lay_model(const ModelLayout& layout, const Shape& shape, const Weights& weights) {
  Secret<std::int32_t> model(layout.used);
  const std::int32_t half = std::int32_t(1) << (shape.weight_bits - 1);
  for (std::size_t l = 0; l < shape.layers(); l++) {
    const std::size_t outputs = shape.widths[l + 1];
    for (std::size_t k = 0; k <= shape.widths[l]; k++)
      for (std::size_t m = 0; m < outputs; m++) {
        const std::int32_t w = weights[l][k * outputs + m];
        if (w < -half || w >= half)
          throw Refusal(Refusal::Kind::model, "layer " + std::to_string(l + 1) +
                                                  ": a weight is out of range; expected " +
                                                  std::to_string(shape.weight_bits) + " bits");
        model[layout.W[l].offset + m + (k << layout.nh[l])] = w;
      }
  }
  return model;
}

Witness build_witness(const Layout& layout, const Samples& samples, const Weights& weights) {
  require_samples(layout.shape, samples, true);
  require_int64(layout.shape, samples);
  Witness witness;
  witness.model = lay_model(layout, layout.shape, weights);
  witness.stage1 = Secret<std::int32_t>(layout.used1);
  witness.logits = Secret<std::int64_t>(std::size_t(1) << layout.logits());
  if (layout.shape.data_in_witness)
    for (std::size_t k = 0; k < samples.width; k++)
      witness.stage1[layout.XI.place(layout.n) + k] = static_cast<std::int32_t>(samples.at(0, k));
  Builder(layout, samples, weights, witness).run();
  return witness;
}

}  // namespace pyml
