#include <cstdio>
#include <memory>
#include <vector>

#include "check.hpp"
#include "pyml/secret.hpp"
#include "pyml/srs.hpp"

using namespace pyml;

namespace {

constexpr unsigned kDegree = 4;
constexpr std::size_t kSize = 1 << kDegree;

std::vector<std::uint8_t> make_file() {
  std::vector<Fr> powers(kSize);
  for (std::size_t i = 0; i < kSize; i++) powers[i] = i ? powers[i - 1] * Fr::from_u64(5) : Fr::one();
  std::vector<Affine> points(kSize);
  fixed_base_multiply(powers.data(), kSize, points.data());
  std::vector<std::uint8_t> file(4 + 128 * kSize + 256);
  file[0] = kDegree;
  std::memcpy(file.data() + 4, points.data(), 64 * kSize);
  return file;
}

Srs read(std::vector<std::uint8_t> file, std::size_t count = 0) {
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  const std::unique_ptr<std::FILE, Close> stream(fmemopen(file.data(), file.size(), "rb"));
  CHECK(stream);
  return Srs::read(stream.get(), count);
}

}  // namespace

PYML_TEST(powers_are_read) {
  const Srs srs = read(make_file());
  srs.require_valid();
  CHECK(srs.size() == kSize && srs.degree() == kDegree);
  CHECK(srs.points()[3] == to_affine(multiply(generator(), Fr::from_u64(125))));
  const std::int32_t values[3] = {1, -2, 3};
  CHECK(to_affine(srs.commit(values, 3)) == to_affine(multiply(generator(), Fr::from_i64(1 - 10 + 75))));
  const Srs::Combination c = srs.combination({1, 2, 3});
  CHECK(c.upper == to_affine(multiply(c.lower, Fr::from_u64(5))));
  CHECK(read(make_file(), 2).size() == 2);
}

PYML_TEST(other_files_are_refused) {
  std::vector<std::uint8_t> file = make_file();
  CHECK_THROWS(read(file, kSize + 1), SrsError);
  file.pop_back();
  CHECK_THROWS(read(file), SrsError);
  file = make_file();
  file.push_back(0);
  CHECK_THROWS(read(file), SrsError);
  file = make_file();
  file[3] = 1;
  CHECK_THROWS(read(file), SrsError);
  file = make_file();
  std::memset(file.data() + file.size() - 32, 0xff, 32);
  CHECK_THROWS(read(file), SrsError);
  CHECK_THROWS(read({4, 0}), SrsError);
  file = make_file();
  file[4 + 64 * 5] ^= 1;
  CHECK_THROWS(read(file).require_valid(), SrsError);
  file = make_file();
  std::memset(file.data() + 4 + 64 * 7, 0, 64);
  CHECK_THROWS(read(file).require_valid(), SrsError);
  const std::vector<Fr> many(kSize + 1);
  CHECK_THROWS(read(make_file()).commit(many.data(), many.size()), SrsError);
}

PYML_TEST(secrets_are_wiped) {
  std::uint8_t memory[64];
  std::memset(memory, 0xaa, sizeof memory);
  wipe(memory, sizeof memory);
  for (std::uint8_t byte : memory) CHECK(byte == 0);
  Secret<Fr> secret(3);
  CHECK(secret.size() == 3 && secret[2].is_zero());
  secret[1] = Fr::one();
  Secret<Fr> moved = std::move(secret);
  CHECK(secret.empty() && moved.size() == 3 && moved[1] == Fr::one());
  moved.clear();
  CHECK(moved.empty() && moved.data() == nullptr);
  moved = Secret<Fr>(2);
  CHECK(moved.size() == 2);
}
