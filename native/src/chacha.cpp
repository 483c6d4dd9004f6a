#include "pyml/chacha.hpp"

#include <stdexcept>

#include "pyml/threads.hpp"

namespace pyml {
namespace {

constexpr std::size_t kLanes = 8;  // blocks at a time: the inner loops become vector instructions

inline std::uint32_t rotate(std::uint32_t x, int by) { return x << by | x >> (32 - by); }

struct Lane {
  std::uint32_t v[kLanes];
};

inline void quarter_round(Lane& a, Lane& b, Lane& c, Lane& d) {
  for (std::size_t i = 0; i < kLanes; i++) {
    a.v[i] += b.v[i]; d.v[i] = rotate(d.v[i] ^ a.v[i], 16);
    c.v[i] += d.v[i]; b.v[i] = rotate(b.v[i] ^ c.v[i], 12);
    a.v[i] += b.v[i]; d.v[i] = rotate(d.v[i] ^ a.v[i], 8);
    c.v[i] += d.v[i]; b.v[i] = rotate(b.v[i] ^ c.v[i], 7);
  }
}

// Words of blocks counter ... counter + 7, word by word.
void eight_blocks(const std::uint32_t* key, std::uint32_t counter, Lane* x) {
  static constexpr std::uint32_t kConstants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  Lane start[16];
  for (std::size_t i = 0; i < kLanes; i++) {
    for (int k = 0; k < 4; k++) start[k].v[i] = kConstants[k];
    for (int k = 0; k < 8; k++) start[4 + k].v[i] = key[k];
    start[12].v[i] = counter + static_cast<std::uint32_t>(i);
    for (int k = 13; k < 16; k++) start[k].v[i] = 0;
  }
  for (int k = 0; k < 16; k++) x[k] = start[k];
  for (int round = 0; round < 10; round++) {
    quarter_round(x[0], x[4], x[8], x[12]);
    quarter_round(x[1], x[5], x[9], x[13]);
    quarter_round(x[2], x[6], x[10], x[14]);
    quarter_round(x[3], x[7], x[11], x[15]);
    quarter_round(x[0], x[5], x[10], x[15]);
    quarter_round(x[1], x[6], x[11], x[12]);
    quarter_round(x[2], x[7], x[8], x[13]);
    quarter_round(x[3], x[4], x[9], x[14]);
  }
  for (int k = 0; k < 16; k++)
    for (std::size_t i = 0; i < kLanes; i++) x[k].v[i] += start[k].v[i];
  wipe(start, sizeof start);
}

void store_block(const Lane* x, std::size_t lane, std::uint8_t* out64) {
  for (int k = 0; k < 16; k++)
    for (int byte = 0; byte < 4; byte++) out64[4 * k + byte] = static_cast<std::uint8_t>(x[k].v[lane] >> (8 * byte));
}

}  // namespace

void chacha20_block(const std::uint32_t* key, std::uint32_t counter, std::uint8_t* out64) {
  Lane x[16];
  eight_blocks(key, counter, x);
  store_block(x, 0, out64);
  wipe(x, sizeof x);
}

ScalarStream::ScalarStream(const std::uint8_t* seed) {
  for (int k = 0; k < 8; k++)
    key_[k] = std::uint32_t(seed[4 * k]) | std::uint32_t(seed[4 * k + 1]) << 8 | std::uint32_t(seed[4 * k + 2]) << 16 |
              std::uint32_t(seed[4 * k + 3]) << 24;
}

void ScalarStream::at(std::size_t first, Fr* out, std::size_t n) const {
  if ((first + n) >> 32) throw std::length_error("a seed gives at most 2^32 scalars");
  const Fr shift = Fr::raw(Fr::kSquaredRadix);  // 2^256: a block is high * 2^256 + low
  parallel_for(n, 4096, [&](std::size_t begin, std::size_t end) {
    Lane x[16];
    std::uint8_t block[64];
    for (std::size_t i = begin; i < end; i += kLanes) {
      eight_blocks(key_, static_cast<std::uint32_t>(first + i), x);
      for (std::size_t lane = 0; lane < kLanes && i + lane < end; lane++) {
        store_block(x, lane, block);
        out[i + lane] = Fr::reduce_bytes(block) * shift + Fr::reduce_bytes(block + 32);
      }
    }
    wipe(x, sizeof x);
    wipe(block, sizeof block);
  });
}

}  // namespace pyml
