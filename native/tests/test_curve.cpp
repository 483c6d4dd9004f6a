#include <array>
#include <vector>

#include "check.hpp"
#include "pyml/curve.hpp"
#include "pyml/keccak.hpp"
#include "pyml/msm.hpp"
#include "pyml/threads.hpp"

using namespace pyml;
using pyml::testing::random_element;

namespace {

std::vector<Affine> some_points() {
  std::vector<Affine> points = {Affine::infinity(), generator(), negate(generator()), blinding_generator()};
  for (int k = 2; k < 8; k++) points.push_back(to_affine(multiply(generator(), Fr::from_i64(k))));
  points.push_back(generator());
  return points;
}

Xyzz naive(const std::vector<Affine>& points, const std::vector<Fr>& scalars) {
  Xyzz sum = Xyzz::infinity();
  for (std::size_t i = 0; i < scalars.size(); i++) sum = add(sum, multiply(points[i % points.size()], scalars[i]));
  return sum;
}

}  // namespace

PYML_TEST(group_law_is_complete) {
  for (const Affine& p : some_points())
    for (const Affine& q : some_points()) {
      const Affine sum = add(p, q);
      CHECK(sum.is_on_curve());
      CHECK(sum == add(q, p));
      CHECK(to_affine(add(Xyzz::from(p), Xyzz::from(q))) == sum);
      CHECK(add(sum, negate(q)) == p);
    }
  CHECK(to_affine(double_point(Xyzz::from(generator()))) == add(generator(), generator()));
  CHECK(multiply(generator(), Limbs{{Fr::p()[0], Fr::p()[1], Fr::p()[2], Fr::p()[3]}}).is_infinity());
}

PYML_TEST(point_codec) {
  std::uint8_t bytes[64];
  Affine p;
  for (const Affine& q : some_points()) {
    encode(q, bytes);
    CHECK(decode(bytes, p) && p == q);
    bytes[63] ^= 1;
    CHECK(!decode(bytes, p));
  }
  std::memset(bytes, 0xff, sizeof bytes);
  CHECK(!decode(bytes, p));
}

PYML_TEST(keccak_of_nothing) {
  static const std::uint8_t expected[4] = {0xc5, 0xd2, 0x46, 0x01};
  CHECK(!std::memcmp(keccak256("", 0).data(), expected, 4));
  const std::vector<std::uint8_t> long_input(1000, 7);
  Keccak256 parts;
  for (std::size_t at = 0; at < 1000; at += 125) parts.absorb(long_input.data() + at, 125);
  CHECK(parts.digest() == keccak256(long_input.data(), 1000));
}

PYML_TEST(sums_of_pairs) {
  const std::vector<Affine> points = some_points();
  std::mt19937_64 random(4);
  for (std::size_t n : {1, 3, 4, 7, 8, 9, 100, 1024, 1025, 2100}) {
    std::vector<std::uint32_t> pairs(2 * n);
    for (std::uint32_t& entry : pairs) entry = static_cast<std::uint32_t>(random() % (2 * points.size()));
    std::vector<Affine> out(n);
    add_pairs(out.data(), points.data(), pairs.data(), n);
    for (std::size_t i = 0; i < n; i++) {
      const auto operand = [&](std::uint32_t e) { return e & 1 ? negate(points[e >> 1]) : points[e >> 1]; };
      CHECK(out[i] == add(operand(pairs[2 * i]), operand(pairs[2 * i + 1])));
    }
  }
}

PYML_TEST(sums_of_multiples) {
  const std::vector<Affine> few = some_points();
  std::mt19937_64 random(5);
  for (std::size_t n : {0, 1, 2, 33, 300, 2000}) {
    std::vector<Affine> points(n);
    std::vector<Fr> scalars(n);
    std::vector<std::int32_t> values(n);
    for (std::size_t i = 0; i < n; i++) {
      points[i] = few[i % few.size()];
      scalars[i] = random_element<Fr>(random);
      values[i] = static_cast<std::int32_t>(random()) >> (random() % 32);
    }
    if (n > 2) scalars[1] = -Fr::one(), scalars[2] = Fr::zero(), values[0] = INT32_MIN, values[1] = INT32_MAX;
    CHECK(to_affine(msm(points.data(), scalars.data(), n)) == to_affine(naive(few, scalars)));
    std::vector<Fr> small(n);
    for (std::size_t i = 0; i < n; i++) small[i] = Fr::from_i64(values[i]);
    CHECK(to_affine(msm_i32(points.data(), values.data(), n)) == to_affine(naive(few, small)));
    std::vector<Limbs> limbs(n);
    for (std::size_t i = 0; i < n; i++) limbs[i] = Limbs{{random(), random(), 0, 0}}, small[i] = Fr::zero();
    for (std::size_t i = 0; i < n; i++) Fr::from_limbs(limbs[i], small[i]);
    CHECK(to_affine(msm_bits(points.data(), limbs.data(), n, 128)) == to_affine(naive(few, small)));
  }
  CHECK_THROWS(msm_bits(few.data(), nullptr, 0, 255), std::invalid_argument);
}

// Enough points for wide bucket sums, and values that leave most buckets empty or meet in one.
PYML_TEST(sums_with_many_buckets) {
  const std::size_t n = 1 << 15;
  std::vector<Xyzz> multiples(n);
  std::vector<Affine> points(n);
  for (std::size_t i = 0; i < n; i++) multiples[i] = i ? add(multiples[i - 1], generator()) : Xyzz::from(generator());
  batch_to_affine(multiples.data(), n, points.data());
  std::mt19937_64 random(6);
  std::vector<std::int32_t> values(n);
  for (int kind = 0; kind < 4; kind++) {
    Fr expected = Fr::zero();
    for (std::size_t i = 0; i < n; i++) {
      const auto r = static_cast<std::int32_t>(random() >> 33);
      values[i] = kind == 0 ? r & 8191 : kind == 1 ? (r & 1 ? 8191 : 1) : kind == 2 ? 8000 + (r & 15) : -(r & 4095);
      expected += Fr::from_i64(values[i]) * Fr::from_u64(i + 1);
    }
    CHECK(to_affine(msm_i32(points.data(), values.data(), n)) == to_affine(multiply(generator(), expected)));
  }
}

PYML_TEST(slices_cover_the_range_once) {
  const std::size_t before = thread_count();
  for (std::size_t threads : {1, 2, 3, 7})
    for (std::size_t n : {0, 1, 6, 7, 8, 1000}) {
      set_thread_count(threads);
      std::vector<int> seen(n);
      parallel_for(n, 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; i++) seen[i]++;
      });
      parallel_tasks(n, [&](std::size_t i) { seen[i]++; });
      for (int count : seen) CHECK(count == 2);
    }
  CHECK_THROWS(parallel_for(100, 1, [](std::size_t begin, std::size_t) {
                 if (begin) throw std::length_error("from a thread");
               }), std::length_error);
  CHECK_THROWS(set_thread_count(0), std::invalid_argument);
  set_thread_count(before);
}
