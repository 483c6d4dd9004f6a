// Proofs from anybody: the verifier reads what it is given, within its bounds, and accepts the honest proof only.
//
// The first byte says which verifier. With Clang this is a libFuzzer target. Elsewhere main() mutates honest proofs,
// word by word, with a seeded generator:
//   pyml_native_fuzz_proofs [ITERATIONS [SEED]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include "toy_statement.hpp"

using namespace pyml;
using namespace pyml::testing;

namespace {

using Bytes = std::vector<std::uint8_t>;

struct Honest {
  Statement statement{make_shape(5, {4, 3, 3}, 9), 1};
  Claimed claimed = statement.claimed();
  Proof accuracy = statement.prove(), range = statement.prove_range();
};

const Honest& honest() {
  static const Honest made;
  return made;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool range = data[0] & 1;
  const Bytes proof(data + 1, data + size);  // of its own, so that the sanitizer sees its end
  const Honest& h = honest();
  const Verdict verdict = range ? verify_weights(h.claimed, proof.data(), proof.size())
                                : verify_accuracy(h.claimed, h.accuracy.count, proof.data(), proof.size());
  if (is_valid(verdict) != (proof == (range ? h.range : h.accuracy).bytes)) {
    std::fprintf(stderr, "fuzzing found: %s\n", is_valid(verdict) ? "a false proof that is accepted" : "a refusal");
    std::abort();
  }
  return 0;
}

#ifndef PYML_LIBFUZZER
namespace {

// 32 bytes that are often canonical, often an edge, or a word of the proof itself.
void write_word(Bytes& bytes, std::size_t at, std::mt19937_64& random) {
  std::uint8_t* const word = bytes.data() + at;
  switch (random() % 6) {
    case 0: random_element<Fr>(random).to_bytes(word); break;
    case 1: std::memset(word, 0, 32); break;
    case 2: std::memset(word, 0xff, 32); break;
    case 3: (-Fr::one()).to_bytes(word); break;
    case 4: std::memmove(word, bytes.data() + 1 + random() % ((bytes.size() - 1) / 32) * 32, 32); break;
    default: word[random() % 32] ^= static_cast<std::uint8_t>(1u << random() % 8);
  }
}

void mutate(Bytes& bytes, std::mt19937_64& random) {
  const std::size_t words = (bytes.size() - 1) / 32;
  for (std::uint64_t left = 1 + random() % 3; left-- > 0;) {
    const std::size_t at = 1 + random() % words * 32;
    const auto word = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random() % 8) {
      case 0:
        if (at + 64 <= bytes.size()) encode(to_affine(multiply(generator(), Fr::from_u64(random()))), &*word);
        break;
      case 1:
        if (at > 1) std::swap_ranges(bytes.begin() + 1, bytes.begin() + 33, word);
        break;
      default:
        write_word(bytes, at, random);
    }
  }
  if (random() % 16 == 0) bytes.resize(1 + random() % bytes.size());
  if (random() % 16 == 0) bytes.push_back(0);
}

}  // namespace

int main(int count, char** arguments) {
  const unsigned long iterations = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 10000;
  const unsigned long seed = count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 1;
  std::mt19937_64 random(seed);
  std::vector<Bytes> proofs;
  for (const Proof* proof : {&honest().accuracy, &honest().range}) {
    proofs.emplace_back(1, static_cast<std::uint8_t>(proofs.size()));
    proofs.back().insert(proofs.back().end(), proof->bytes.begin(), proof->bytes.end());
    LLVMFuzzerTestOneInput(proofs.back().data(), proofs.back().size());
  }
  for (unsigned long i = 0; i < iterations; i++) {
    Bytes bytes = proofs[i % 2];
    mutate(bytes, random);
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%lu inputs from seed %lu\n", iterations, seed);
  return 0;
}
#endif
