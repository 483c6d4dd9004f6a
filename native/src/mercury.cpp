#include "pyml/mercury.hpp"

#include <algorithm>
#include <stdexcept>

#include "pyml/multilinear.hpp"
#include "pyml/refusal.hpp"
#include "pyml/threads.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

using Polynomial = Secret<Fr>;

Fr power(const Fr& x, std::size_t exponent) {
  const std::uint64_t limbs[4] = {exponent, 0, 0, 0};
  return x.pow(limbs, 64);
}

// f <- the quotient by X - root.
void divide_by_root(Fr* f, std::size_t n, const Fr& root) {
  Fr carry = Fr::zero();
  for (std::size_t i = n; i-- > 0;) {
    const Fr next = f[i] + root * carry;
    f[i] = carry;
    carry = next;
  }
}

// out[k] += factor * coefficient of X^(k+1) in f(X) e(1/X) + f(1/X) e(X); both have n coefficients.
void add_cross(const Fr* f, const Fr* e, std::size_t n, const Fr& factor, Fr* out) {
  parallel_tasks(n - 1, [&](std::size_t task) {
    const std::size_t k = task + 1;
    out[task] += factor * (vec::dot(f + k, e, n - k) + vec::dot(e + k, f, n - k));
  });
}

class Opening {
 public:
  Opening(Messages& messages, const Srs& srs, Polynomial F, const std::vector<Fr>& point)
      : messages_(messages), srs_(srs), F_(std::move(F)), t1_((static_cast<unsigned>(point.size()) + 1) / 2),
        t2_(static_cast<unsigned>(point.size()) - t1_), b_(std::size_t(1) << t1_), rows_(std::size_t(1) << t2_),
        E1_(eq_table(point.data(), t1_)), E2_(eq_table(point.data() + t1_, t2_)) {}

  void run(const Fr& value, Phases& phases) {
    phases.begin("fold");
    send_rows(value);
    phases.begin("quotient");
    send_quotient();
    phases.begin("evaluate");
    send_cross();
    send_values();
    phases.begin("open");
    send_openings();
    phases.end();
  }

 private:
  Affine commit(const Fr* f, std::size_t n) const { return to_affine(srs_.commit(f, n)); }

  // h, whose i-th coefficient is row i at u1.
  void send_rows(const Fr& value) {
    h_ = Polynomial(rows_);
    parallel_for(rows_, 16, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; i++) h_[i] = vec::dot(F_.data() + i * b_, E1_.data(), b_);
    });
    if (vec::dot(h_.data(), E2_.data(), rows_) != value) throw std::logic_error("the combination is not its claim");
    messages_.send_points({commit(h_.data(), rows_)});
    a_ = messages_.challenge();
  }

  // F = g + (X^b - a) q, by columns: the remainder is what is left of the lowest row.
  void send_quotient() {
    q_ = Polynomial(F_.size());
    g_ = Polynomial(b_);
    parallel_for(b_, 8, [&](std::size_t begin, std::size_t end) {
      const std::size_t n = end - begin;
      std::vector<Fr> carry(n, Fr::zero());
      for (std::size_t row = rows_; row-- > 0;) {
        if (row + 1 < rows_) std::copy(carry.begin(), carry.end(), q_.data() + row * b_ + begin);
        vec::scale(carry.data(), carry.data(), a_, n);
        vec::add(carry.data(), carry.data(), F_.data() + row * b_ + begin, n);
      }
      std::copy(carry.begin(), carry.end(), g_.data() + begin);
      wipe(carry.data(), n * sizeof(Fr));
    });
    const Affine g = commit(g_.data(), b_);
    messages_.send_points({g, commit(q_.data(), F_.size() - b_)});
    xi_ = messages_.challenge();
  }

  void send_cross() {
    S_ = Polynomial(b_);
    add_cross(g_.data(), E1_.data(), b_, Fr::one(), S_.data());
    if (rows_ > 1) add_cross(h_.data(), E2_.data(), rows_, xi_, S_.data());
    D_ = Polynomial(b_);
    std::reverse_copy(g_.begin(), g_.end(), D_.begin());
    const Affine S = commit(S_.data(), b_ - 1);
    messages_.send_points({S, commit(D_.data(), b_)});
    z_ = messages_.challenge();
    z_inverse_ = z_.inverse();
    hint_ = (z_ - z_inverse_) * (z_ - a_) * (z_inverse_ - a_);
    if (z_.is_zero() || hint_.is_zero())
      throw Refusal(Refusal::Kind::proof, "a challenge came out degenerate; start again with another seed");
  }

  void send_values() {
    const auto at = [](const Polynomial& f, const Fr& x) { return vec::horner(f.data(), f.size(), x); };
    messages_.send({at(g_, z_), at(g_, z_inverse_), at(h_, z_), at(h_, z_inverse_), at(h_, a_), at(S_, z_),
                    at(S_, z_inverse_)});
    delta_ = messages_.challenge();
  }

  void send_openings() {
    // pi: F <- F - (z^b - a) q, divided by X - z; the constant g(z) does not touch the quotient.
    const Fr factor = a_ - power(z_, b_);
    parallel_for(F_.size(), 8192, [&](std::size_t begin, std::size_t end) {
      vec::axpy(F_.data() + begin, factor, q_.data() + begin, end - begin);
    });
    q_.clear();
    divide_by_root(F_.data(), F_.size(), z_);
    const Affine pi = commit(F_.data(), F_.size() - 1);
    F_.clear();

    const Fr delta2 = delta_.square(), delta3 = delta2 * delta_;
    Polynomial omega(b_);
    for (std::size_t i = 0; i < b_; i++) omega[i] = delta_ * g_[i] + delta2 * S_[i];
    const Polynomial middle = copy(omega);  // delta g + delta^2 S_M
    for (const Fr& root : {z_, z_inverse_}) divide_by_root(omega.data(), b_, root);
    Polynomial top = copy(h_), tail = copy(D_);
    for (const Fr& root : {z_, z_inverse_, a_}) divide_by_root(top.data(), rows_, root);
    divide_by_root(tail.data(), b_, z_);
    for (std::size_t i = 0; i < rows_; i++) omega[i] += top[i];
    vec::axpy(omega.data(), delta3, tail.data(), b_);
    messages_.send_points({pi, commit(omega.data(), b_)});

    // L without its constant, which does not touch the quotient.
    const Fr y = messages_.challenge(), from_a = y - a_, from_inverse = y - z_inverse_;
    Polynomial L(b_);
    for (std::size_t i = 0; i < rows_; i++) L[i] = h_[i];
    vec::axpy(L.data(), from_a, middle.data(), b_);
    vec::axpy(L.data(), delta3 * from_inverse * from_a, D_.data(), b_);
    vec::axpy(L.data(), -((y - z_) * from_inverse * from_a), omega.data(), b_);
    divide_by_root(L.data(), b_, y);
    messages_.send_points({commit(L.data(), b_ - 1)});
    messages_.append(z_inverse_);
    messages_.append(hint_.inverse());
  }

  static Polynomial copy(const Polynomial& f) {
    Polynomial out(f.size());
    std::copy(f.begin(), f.end(), out.begin());
    return out;
  }

  Messages& messages_;
  const Srs& srs_;
  Polynomial F_, h_, g_, q_, S_, D_;
  unsigned t1_, t2_;
  std::size_t b_, rows_;
  std::vector<Fr> E1_, E2_;
  Fr a_, xi_, z_, z_inverse_, hint_, delta_;
};

}  // namespace

void open_mercury(Messages& messages, const Srs& srs, Secret<Fr> F, const std::vector<Fr>& point, const Fr& value,
                  Phases& phases) {
  Opening(messages, srs, std::move(F), point).run(value, phases);
}

}  // namespace pyml
