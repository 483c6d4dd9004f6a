// The messages of a proof of weights.
#include "verifier_check.hpp"

namespace pyml {
namespace {

using namespace verifying;

class WeightsCheck : public Check {
 public:
  static std::size_t words(const WeightsLayout& l) {
    return 2 + 2 * (l.stage1 + 1 + l.stage2) + 1 + round_words(l.rows.degrees_a) + 4 + 2 + 2 * l.n + 1 + kOpeningWords;
  }

  WeightsCheck(Reader& reader, const WeightsLayout& layout, const Claimed& claimed)
      : Check(reader, layout.n, layout.rows, layout.K), l_(layout), claimed_(claimed) {}

  Verdict run() {
    read_commitments(l_.stage1, l_.stage2);
    read_first(l_.v, Fr::zero(), 0);
    const std::vector<Fr> sent = in_.absorb_scalars(4);
    const Fr value_a = left_ - summand(sent[0], sent[1], sent[2], sent[3]);
    read_cover_sums();
    std::vector<Fr> coefficients;
    for (std::size_t k = 0; k < 4; k++) {
      coefficients.push_back(add_claim(sent[k]));
      add_mask(rows_.row_masks_a(), k, coefficients[k] * weight_a_);
    }
    add_first_masks(value_a);
    add_cover();
    run_last();
    std::vector<Fr> weights1(l_.stage1 + 1, Fr::zero()), weights2(l_.stage2, Fr::zero());
    weigh_masks(weights1);
    const auto at_rho = [&](const Column& c) { return column_weight(c, rho(c.variables)); };
    weights2[l_.GW.polynomial] += coefficients[0] * at_rho(l_.GW);
    weights2[l_.GT.polynomial] += coefficients[2] * at_rho(l_.GT);
    weights1[l_.M.polynomial] += coefficients[3] * at_rho(l_.M);
    Weighted terms;
    for (std::size_t p = 0; p < weights1.size(); p++) terms.add(first_[p], weights1[p]);
    for (std::size_t p = 0; p < weights2.size(); p++) terms.add(second_[p], weights2[p]);
    terms.add(claimed_.commitment, coefficients[1] * at_rho(l_.weights));
    return open(terms);
  }

 private:
  Fr summand(const Fr& GW, const Fr& W, const Fr& GT, const Fr& M) const {
    const unsigned w = l_.shape.weight_bits, nw = l_.nw;
    const Fr range = GW * (alpha_ + W + power_of_two(w - 1)) - Fr::one();
    Fr row = alpha_, factor = Fr::one();
    for (unsigned k = 0; k < w; k++, factor = factor.doubled()) row += factor * rho(w)[k];
    const Fr weights = GW + eq_last(nw) * (lambda(1) * range + lambda(3) * (Fr::one() - valid()) * W);
    return share(nw) * weights + share(w) * (lambda(2) * eq_last(w) * (GT * row - M) - GT);
  }

  // Where a weight or a bias lies: sum over the layers of [output < d_l] [input <= d_(l-1)] at their place in W.
  Fr valid() const {
    const Fr* point = rho(l_.nw);
    Fr total = Fr::zero();
    for (std::size_t l = 0; l < l_.W.size(); l++) {
      const Column& c = l_.W[l];
      const std::vector<Fr> outputs = eq_table(point, l_.nh[l]), inputs = eq_table(point + l_.nh[l], l_.nk[l]);
      total += vec::sum(outputs.data(), l_.shape.widths[l + 1]) * vec::sum(inputs.data(), l_.shape.widths[l] + 1) *
               eq_index(c.offset >> c.variables, point + c.variables, l_.nw - c.variables);
    }
    return total;
  }

  const WeightsLayout& l_;
  const Claimed& claimed_;
};

}  // namespace

Verdict verify_weights(const Claimed& claimed, const std::uint8_t* proof, std::size_t length) {
  const WeightsLayout layout(claimed.shape);
  return decide([&] {
    Reader reader(proof, length, WeightsCheck::words(layout));
    require_commitment(reader, claimed.commitment);
    Words start;
    const Digest key = weights_key(layout, claimed.tau_g2);
    start.add_bytes(key.data(), key.size()).add(claimed.commitment).add(claimed.context);
    reader.start(start.digest());
    return WeightsCheck(reader, layout, claimed).run();
  });
}

}  // namespace pyml
