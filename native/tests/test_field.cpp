#include <vector>

#include "check.hpp"
#include "pyml/field.hpp"
#include "pyml/vec.hpp"

using namespace pyml;
using pyml::testing::random_element;

namespace {

// Schoolbook: double and add over plain limbs, nothing of Montgomery's.
template <class F>
Limbs slow_product(const Limbs& a, const Limbs& b) {
  F sum = F::zero(), addend = F::raw(a);  // additions do not care about the form
  for (unsigned i = 0; i < 256; i++) {
    if (b.bit(i)) sum += addend;
    addend = addend.doubled();
  }
  return Limbs{{sum.v[0], sum.v[1], sum.v[2], sum.v[3]}};
}

template <class F>
std::vector<F> edges() {
  std::vector<F> list = {F::zero(), F::one(), -F::one(), F::from_u64(2), F::from_u64(~0ull), F::from_i64(-7)};
  for (unsigned bit : {51u, 52u, 63u, 64u, 104u, 128u, 192u, 253u}) {
    const std::uint64_t e[4] = {bit, 0, 0, 0};
    list.push_back(F::from_u64(2).pow(e, 64));
    list.push_back(-list.back());
    Limbs raw{};
    raw.v[bit / 64] = std::uint64_t(1) << (bit % 64);
    list.push_back(F::raw(raw));
  }
  return list;
}

template <class F>
void check_products() {
  std::mt19937_64 random(1);
  std::vector<F> list = edges<F>();
  for (int i = 0; i < 20; i++) list.push_back(random_element<F>(random));
  for (const F& a : list)
    for (const F& b : list) {
      const F c = a * b;
      CHECK(c.is_reduced());
      CHECK(c.to_limbs() == slow_product<F>(a.to_limbs(), b.to_limbs()));
      CHECK(c == b * a);
      CHECK((a + b) - b == a);
      CHECK(a * (b + F::one()) == c + a);
    }
  for (const F& a : list) {
    CHECK(a.is_zero() ? a.inverse().is_zero() : a * a.inverse() == F::one());
    CHECK(a.square() == a * a);
    CHECK(a + (-a) == F::zero());
  }
}

template <class F>
void check_codec() {
  std::uint8_t bytes[32], again[32];
  Limbs modulus{{F::p()[0], F::p()[1], F::p()[2], F::p()[3]}};
  F a;
  CHECK(!F::from_limbs(modulus, a));
  for (int i = 0; i < 32; i++) bytes[i] = static_cast<std::uint8_t>(modulus.v[3 - i / 8] >> (56 - 8 * (i % 8)));
  CHECK(!F::from_bytes(bytes, a));
  CHECK(F::reduce_bytes(bytes).is_zero());
  bytes[31]--;
  CHECK(F::from_bytes(bytes, a));
  CHECK(a == -F::one());
  a.to_bytes(again);
  CHECK(!std::memcmp(bytes, again, 32));
  std::memset(bytes, 0xff, 32);
  CHECK(!F::from_bytes(bytes, a));
  CHECK(F::reduce_bytes(bytes).is_reduced());
  std::mt19937_64 random(2);
  for (const F& x : edges<F>()) {
    x.to_bytes(bytes);
    CHECK(F::from_bytes(bytes, a) && a == x);
    CHECK(F::from_limbs(x.to_limbs(), a) && a == x);
    CHECK(F::reduce_bytes(bytes) == x);
  }
}

// Vector loops against single operations, at lengths around groups of eight.
template <class F>
void check_vectors() {
  std::mt19937_64 random(3);
  for (std::size_t n : {0, 1, 5, 8, 9, 24, 100, 129}) {
    std::vector<F> a(n), b(n), out(n);
    for (F& x : a) x = random_element<F>(random);
    for (F& x : b) x = random() % 4 ? random_element<F>(random) : -F::one();
    if (n > 4) a[3] = F::zero();
    const F s = random_element<F>(random);
    F dot = F::zero(), value = F::zero(), power = F::one();
    for (std::size_t i = 0; i < n; i++, power *= s) {
      dot += a[i] * b[i];
      value += a[i] * power;
    }
    CHECK(vec::dot(a.data(), b.data(), n) == dot);
    CHECK(vec::horner(a.data(), n, s) == value);
    vec::mul(out.data(), a.data(), b.data(), n);
    for (std::size_t i = 0; i < n; i++) CHECK(out[i] == a[i] * b[i]);
    out = b;
    vec::mul_add(out.data(), a.data(), b.data(), n);
    for (std::size_t i = 0; i < n; i++) CHECK(out[i] == b[i] + a[i] * b[i]);
    out = b;
    vec::axpy(out.data(), s, a.data(), n);
    for (std::size_t i = 0; i < n; i++) CHECK(out[i] == b[i] + s * a[i]);
    out = a;
    vec::fold(out.data(), out.data(), b.data(), s, n);  // in place
    for (std::size_t i = 0; i < n; i++) CHECK(out[i] == a[i] + s * (b[i] - a[i]));
    out = a;
    vec::batch_inverse(out.data(), n);
    for (std::size_t i = 0; i < n; i++) CHECK(out[i] == a[i].inverse());
  }
}

}  // namespace

PYML_TEST(scalar_products) { check_products<Fr>(); }
PYML_TEST(coordinate_products) { check_products<Fq>(); }
PYML_TEST(scalar_codec) { check_codec<Fr>(); }
PYML_TEST(coordinate_codec) { check_codec<Fq>(); }
PYML_TEST(scalar_vectors) { check_vectors<Fr>(); }
PYML_TEST(coordinate_vectors) { check_vectors<Fq>(); }
