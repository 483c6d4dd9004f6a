#include "verifier_check.hpp"

namespace pyml::verifying {

std::size_t round_words(const std::vector<unsigned>& degrees) {
  std::size_t words = 0;
  for (unsigned degree : degrees) words += degree;
  return words;
}

Fr geometric(Fr x, const Fr* u, std::size_t n) {
  Fr product = Fr::one();
  for (std::size_t i = 0; i < n; i++) {
    product *= Fr::one() - u[i] + u[i] * x;
    x = x.square();
  }
  return product;
}

Verdict Check::open(Weighted terms) {
  const std::size_t half = (n_ + 1) / 2;
  const Affine h = in_.absorb_points(1)[0];
  const Fr a = in_.challenge();
  const std::vector<Affine> gq = in_.absorb_points(2);
  const Fr xi = in_.challenge();
  const std::vector<Affine> sd = in_.absorb_points(2);
  const Fr z = in_.challenge();
  const std::vector<Fr> e = in_.absorb_scalars(7);
  const Fr delta = in_.challenge();
  const std::vector<Affine> po = in_.absorb_points(2);
  const Fr y = in_.challenge();
  const Affine last = in_.absorb_points(1)[0];
  const Fr omega = in_.challenge();
  const Fr zi = in_.scalar(), hint = in_.scalar();
  if (z * zi != Fr::one()) throw Refused{"HINT_INVERSE_Z"};
  if ((z - zi) * (z - a) * (zi - a) * hint != Fr::one()) throw Refused{"HINT_DIFFERENCES"};

  const Fr *u1 = sigma_.data(), *u2 = sigma_.data() + half;
  const std::size_t t2 = n_ - half;
  const Fr inner = e[0] * geometric(zi, u1, half) + e[1] * geometric(z, u1, half) +
                   xi * (e[2] * geometric(zi, u2, t2) + e[3] * geometric(z, u2, t2));
  if (inner != (e[4] + xi * value_).doubled() + z * e[5] + zi * e[6]) throw Refused{"INNER_PRODUCTS"};

  const Fr zb = power(z, std::uint64_t(1) << half);
  const Fr from_z = y - z, from_zi = y - zi, from_a = y - a;
  const Fr by_zz = hint * (z - a) * (zi - a);            // 1 / (z - 1/z)
  const Fr by_za = hint * (z - zi) * (zi - a);           // 1 / (z - a)
  const Fr by_zia = hint * (z - zi) * (z - a);           // 1 / (1/z - a)
  const Fr r_g = (e[0] * from_zi - e[1] * from_z) * by_zz, r_s = (e[5] * from_zi - e[6] * from_z) * by_zz;
  const Fr r_h = e[2] * from_zi * from_a * by_zz * by_za - e[3] * from_z * from_a * by_zz * by_zia +
                 e[4] * from_z * from_zi * by_za * by_zia;
  const Fr at_g = delta * from_a, at_s = delta * at_g, at_d = delta.square() * delta * from_zi * from_a;
  const Fr constant = e[0] + omega * (r_h + at_g * r_g + at_s * r_s + at_d * zb * zi * e[1]);
  terms.add(blinding_generator(), -blind_);
  terms.add(gq[1], a - zb);
  terms.add(po[0], z);
  terms.add(h, omega);
  terms.add(gq[0], omega * at_g);
  terms.add(sd[0], omega * at_s);
  terms.add(sd[1], omega * at_d);
  terms.add(po[1], -(omega * from_z * from_zi * from_a));
  terms.add(last, omega * y);
  terms.add(generator(), -constant);
  Weighted right;
  right.add(po[0], Fr::one());
  right.add(last, omega);
  return Verdict{nullptr, terms.sum(), right.sum()};
}

}  // namespace pyml::verifying
