// Every decoder of foreign bytes: scalars, coordinates, points, files with powers of tau. What is accepted must encode
// to the same bytes again; nothing may read outside its input (run it under sanitizers).
//
// With Clang this is a libFuzzer target. Elsewhere main() mutates valid inputs with a seeded generator:
//   pyml_native_fuzz_decoders [ITERATIONS [SEED]]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "pyml/curve.hpp"
#include "pyml/srs.hpp"

using namespace pyml;

namespace {

void require(bool claim, const char* what) {
  if (claim) return;
  std::fprintf(stderr, "fuzzing found: %s\n", what);
  std::abort();
}

template <class F>
void try_element(const std::uint8_t* in) {
  F a = F::one();
  std::uint8_t out[32];
  if (F::from_bytes(in, a)) {
    a.to_bytes(out);
    require(a.is_reduced() && !std::memcmp(in, out, 32), "an element that does not encode to what it was read from");
    require(F::reduce_bytes(in) == a, "a reduction that differs from the canonical value");
  } else {
    require(a == F::one(), "a refused element that was written");
    require(F::reduce_bytes(in).is_reduced(), "a reduction that is not reduced");
  }
}

void try_point(const std::uint8_t* in) {
  Affine p = generator();
  std::uint8_t out[64];
  if (decode(in, p)) {
    encode(p, out);
    require(!std::memcmp(in, out, 64), "a point that does not encode to what it was read from");
    require(p.is_on_curve(), "an accepted point off the curve");
    require(add(p, negate(p)).is_infinity(), "a point whose opposite is not");
  } else {
    require(p == generator(), "a refused point that was written");
  }
}

void try_powers(const std::uint8_t* in, std::size_t size) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::vector<std::uint8_t> copy(in, in + size);
  const std::unique_ptr<std::FILE, Close> file(fmemopen(copy.data(), copy.size(), "rb"));
  if (!file) return;
  try {
    const Srs srs = Srs::read(file.get());
    require(size == 4 + 128 * srs.size() + 256, "powers from a file of another length");
    srs.require_valid();
    for (std::size_t i = 0; i < srs.size(); i++)
      require(srs.points()[i].is_on_curve() && !srs.points()[i].is_infinity(), "valid powers with a point off curve");
  } catch (const SrsError&) {
    // Refused, in words.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size >= 32) {
    try_element<Fr>(data);
    try_element<Fq>(data);
  }
  if (size >= 64) try_point(data);
  if (size) try_powers(data, size);
  return 0;
}

#ifndef PYML_LIBFUZZER
namespace {

using Bytes = std::vector<std::uint8_t>;

std::vector<Bytes> valid_inputs() {
  std::vector<Bytes> inputs(3, Bytes(64));
  encode(generator(), inputs[0].data());
  encode(blinding_generator(), inputs[1].data());
  for (int i = 0; i < 4; i++)
    for (int k = 0; k < 8; k++) inputs[2][8 * i + k] = static_cast<std::uint8_t>(Fq::p()[3 - i] >> (56 - 8 * k));
  for (unsigned degree : {0u, 1u, 3u}) {
    const std::size_t n = std::size_t(1) << degree;
    std::vector<Fr> powers(n);
    std::vector<Affine> points(n);
    for (std::size_t i = 0; i < n; i++) powers[i] = i ? powers[i - 1].doubled() : Fr::one();
    fixed_base_multiply(powers.data(), n, points.data());
    Bytes file(4 + 128 * n + 256);
    file[0] = static_cast<std::uint8_t>(degree);
    std::memcpy(file.data() + 4, points.data(), 64 * n);
    inputs.push_back(file);
  }
  return inputs;
}

void mutate(Bytes& bytes, std::mt19937_64& random) {
  for (std::uint64_t left = random() % 4; left-- > 0;) {
    const std::size_t at = bytes.empty() ? 0 : random() % bytes.size();
    switch (random() % 6) {
      case 0: if (!bytes.empty()) bytes[at] ^= static_cast<std::uint8_t>(1u << random() % 8); break;
      case 1: if (!bytes.empty()) bytes[at] = static_cast<std::uint8_t>(random()); break;
      case 2: bytes.resize(at); break;
      case 3: bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(random())); break;
      case 4: std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(at), bytes.end(), random() % 2 ? 0xff : 0); break;
      case 5: if (bytes.size() >= 64) std::swap_ranges(bytes.begin(), bytes.begin() + 32, bytes.begin() + 32); break;
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  const unsigned long iterations = count > 1 ? std::strtoul(arguments[1], nullptr, 10) : 100000;
  const unsigned long seed = count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 1;
  std::mt19937_64 random(seed);
  const std::vector<Bytes> inputs = valid_inputs();
  for (const Bytes& input : inputs) LLVMFuzzerTestOneInput(input.data(), input.size());
  for (unsigned long i = 0; i < iterations; i++) {
    Bytes input = inputs[random() % inputs.size()];
    mutate(input, random);
    const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[input.size()]);  // the sanitizer sees its end
    std::copy(input.begin(), input.end(), exact.get());
    LLVMFuzzerTestOneInput(exact.get(), input.size());
  }
  std::printf("%lu inputs from seed %lu\n", iterations, seed);
  return 0;
}
#endif
