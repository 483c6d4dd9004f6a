// keccak256 as Ethereum uses it (the original padding 0x01, not SHA-3's 0x06).
//
//   keccak256(bytes, n)          digest of one buffer
//   Keccak256 h; h.absorb(...); h.absorb(...); h.digest()
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace pyml {

using Digest = std::array<std::uint8_t, 32>;

class Keccak256 {
 public:
  void absorb(const void* bytes, std::size_t n);
  Digest digest();  // ends the hash; the object must not be used afterwards

 private:
  static constexpr std::size_t kRate = 136;
  std::uint64_t state_[25] = {};
  std::size_t filled_ = 0;  // bytes of the current block that are absorbed
};

Digest keccak256(const void* bytes, std::size_t n);

}  // namespace pyml
