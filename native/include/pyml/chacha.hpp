// Random scalars of a proof: ChaCha20 (RFC 8439) under a 32-byte seed, nonce 0.
//
// Source: circuits/native_accuracy/SPEC.md, section 7. Scalar j is block j, 64 bytes read big-endian, modulo r. The
// block counter has 32 bits, which no proof exhausts.
//
//   ScalarStream s(seed);  s.at(first, out, n)   scalars first ... first + n - 1, in parallel
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "pyml/field.hpp"
#include "pyml/secret.hpp"

namespace pyml {

void chacha20_block(const std::uint32_t* key, std::uint32_t counter, std::uint8_t* out64);

class ScalarStream {
 public:
  explicit ScalarStream(const std::uint8_t* seed32);
  ~ScalarStream() { wipe(key_, sizeof key_); }
  ScalarStream(const ScalarStream&) = delete;
  ScalarStream& operator=(const ScalarStream&) = delete;

  void at(std::size_t first, Fr* out, std::size_t n) const;

 private:
  std::uint32_t key_[8];
};

}  // namespace pyml
