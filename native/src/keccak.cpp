#include "pyml/keccak.hpp"

#include <cstring>

namespace pyml {
namespace {

constexpr std::uint64_t kRoundConstants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008};

// The lane that pi moves to each place in turn, starting at lane 1, and the rotation that rho gives it.
constexpr int kPi[24] = {10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1};
constexpr int kRho[24] = {1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44};

std::uint64_t rotate(std::uint64_t x, int n) { return x << n | x >> (64 - n); }

void permute(std::uint64_t* s) {
  for (std::uint64_t constant : kRoundConstants) {
    std::uint64_t column[5];
    for (int x = 0; x < 5; x++) column[x] = s[x] ^ s[x + 5] ^ s[x + 10] ^ s[x + 15] ^ s[x + 20];
    for (int x = 0; x < 5; x++) {
      const std::uint64_t theta = column[(x + 4) % 5] ^ rotate(column[(x + 1) % 5], 1);
      for (int y = 0; y < 25; y += 5) s[x + y] ^= theta;
    }
    std::uint64_t moving = s[1];
    for (int i = 0; i < 24; i++) {
      const std::uint64_t next = s[kPi[i]];
      s[kPi[i]] = rotate(moving, kRho[i]);
      moving = next;
    }
    for (int y = 0; y < 25; y += 5) {
      std::uint64_t row[5];
      std::memcpy(row, s + y, sizeof row);
      for (int x = 0; x < 5; x++) s[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
    s[0] ^= constant;
  }
}

}  // namespace

void Keccak256::absorb(const void* bytes, std::size_t n) {
  const auto* in = static_cast<const std::uint8_t*>(bytes);
  for (std::size_t i = 0; i < n; i++) {
    state_[filled_ / 8] ^= std::uint64_t(in[i]) << (8 * (filled_ % 8));
    if (++filled_ == kRate) {
      permute(state_);
      filled_ = 0;
    }
  }
}

Digest Keccak256::digest() {
  state_[filled_ / 8] ^= std::uint64_t(1) << (8 * (filled_ % 8));
  state_[kRate / 8 - 1] ^= std::uint64_t(1) << 63;
  permute(state_);
  Digest out;
  for (std::size_t i = 0; i < out.size(); i++) out[i] = static_cast<std::uint8_t>(state_[i / 8] >> (8 * (i % 8)));
  return out;
}

Digest keccak256(const void* bytes, std::size_t n) {
  Keccak256 hash;
  hash.absorb(bytes, n);
  return hash.digest();
}

}  // namespace pyml
