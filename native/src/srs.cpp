#include "pyml/srs.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "pyml/keccak.hpp"
#include "pyml/msm.hpp"
#include "pyml/threads.hpp"

namespace pyml {
namespace {

constexpr unsigned kMaxDegree = 26;
constexpr std::size_t kPointBytes = 64, kG2Bytes = 128;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

void read_exactly(std::FILE* file, void* out, std::size_t bytes, const char* what) {
  if (std::fread(out, 1, bytes, file) != bytes) throw SrsError(std::string("the file ends within ") + what);
}

void seek(std::FILE* file, std::size_t offset, int whence) {
  if (std::fseek(file, static_cast<long>(offset), whence) != 0) throw SrsError("the file cannot be read at random");
}

std::size_t length_of(std::FILE* file) {
  seek(file, 0, SEEK_END);
  const long length = std::ftell(file);
  if (length < 0) throw SrsError("the file cannot be read at random");
  return static_cast<std::size_t>(length);
}

// x.re x.im y.re y.im, raw -> x.im x.re y.im y.re, canonical big-endian
G2Bytes read_g2(std::FILE* file, const char* what) {
  Fq parts[4];
  read_exactly(file, parts, kG2Bytes, what);
  G2Bytes out;
  const int order[4] = {1, 0, 3, 2};
  for (int i = 0; i < 4; i++) {
    if (!parts[order[i]].is_reduced()) throw SrsError(std::string(what) + " has a coordinate that is not reduced");
    parts[order[i]].to_bytes(out.data() + 32 * i);
  }
  return out;
}

}  // namespace

void Srs::Free::operator()(Affine* memory) const { std::free(memory); }

Srs Srs::read(const std::string& path, std::size_t count) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (!file) throw SrsError("the file cannot be opened");
  return read(file.get(), count);
}

Srs Srs::read(std::FILE* file, std::size_t count) {
  std::uint8_t header[4];
  read_exactly(file, header, sizeof header, "its header");
  const std::uint32_t degree = header[0] | header[1] << 8 | header[2] << 16 | std::uint32_t(header[3]) << 24;
  if (degree > kMaxDegree) throw SrsError("the file's degree is above 26");
  const std::size_t size = std::size_t(1) << degree, tail = sizeof header + 2 * size * kPointBytes;
  if (length_of(file) != tail + 2 * kG2Bytes) throw SrsError("the file's length does not fit its degree");
  if (count > size) throw SrsError("the file has fewer points than are needed");
  Srs srs;
  srs.degree_ = degree;
  srs.size_ = count ? count : size;
  const std::size_t bytes = srs.size_ * kPointBytes;
  srs.points_.reset(static_cast<Affine*>(std::aligned_alloc(64, bytes)));
  if (!srs.points_) throw std::bad_alloc();
  seek(file, sizeof header, SEEK_SET);
  read_exactly(file, srs.points_.get(), bytes, "its points");
  seek(file, tail, SEEK_SET);
  srs.g2_ = read_g2(file, "the generator of G2");
  srs.tau_g2_ = read_g2(file, "tau times the generator of G2");
  return srs;
}

Xyzz Srs::commit(const Fr* scalars, std::size_t n) const {
  if (n > size_) throw SrsError("there are more coefficients than powers of tau");
  return msm(points(), scalars, n);
}

Xyzz Srs::commit(const std::int32_t* values, std::size_t n) const {
  if (n > size_) throw SrsError("there are more coefficients than powers of tau");
  return msm_i32(points(), values, n);
}

void Srs::require_valid() const {
  if (points_[0] != generator()) throw SrsError("its first point is not the generator of G1");
  parallel_for(size_, 1024, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      const Affine& p = points_[i];
      if (!p.x.is_reduced() || !p.y.is_reduced())
        throw SrsError("point " + std::to_string(i) + " has a coordinate that is not reduced");
      if (p.is_infinity()) throw SrsError("point " + std::to_string(i) + " is infinity");
      if (!p.is_on_curve()) throw SrsError("point " + std::to_string(i) + " is not on the curve");
    }
  });
}

Srs::Combination Srs::combination(const std::array<std::uint8_t, 32>& seed) const {
  const std::size_t n = size_ - 1;
  std::vector<Limbs> weights(n);
  parallel_for(n, 1024, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      const std::uint64_t counter = i;
      std::uint8_t block[40];
      std::memcpy(block, seed.data(), 32);
      for (int k = 0; k < 8; k++) block[32 + k] = static_cast<std::uint8_t>(counter >> (56 - 8 * k));
      const Digest digest = keccak256(block, sizeof block);
      weights[i] = Limbs{};
      for (int k = 0; k < 16; k++) weights[i].v[k / 8] |= std::uint64_t(digest[k]) << (8 * (k % 8));
    }
  });
  return Combination{to_affine(msm_bits(points(), weights.data(), n, 128)),
                     to_affine(msm_bits(points() + 1, weights.data(), n, 128))};
}

}  // namespace pyml
