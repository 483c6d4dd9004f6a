// The Fiat-Shamir transcript and the words of a proof.
//
// Source: circuits/native_accuracy/SPEC.md, section 5. state <- keccak256(state || words); a challenge is the state
// modulo r; squeeze() hashes once more without a message.
//
//   Words w; w.add(number); w.add(Fr); w.add(Affine); w.digest()     keccak256 of words of 32 bytes
//   Messages m(state_0); m.send(scalars...); m.send_points(points)   appends to the proof and absorbs, as one message
//   m.challenge(), m.squeeze(), m.append(...)                        append: proof words that are not absorbed
#pragma once
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "pyml/curve.hpp"
#include "pyml/field.hpp"
#include "pyml/keccak.hpp"

namespace pyml {

class Words {
 public:
  Words& add(std::uint64_t number) {
    std::uint8_t word[32] = {};
    for (int i = 0; i < 8; i++) word[31 - i] = static_cast<std::uint8_t>(number >> (8 * i));
    return add_bytes(word, 32);
  }
  Words& add(const Fr& a) {
    std::uint8_t word[32];
    a.to_bytes(word);
    return add_bytes(word, 32);
  }
  Words& add(const Affine& p) {
    std::uint8_t words[64];
    encode(p, words);
    return add_bytes(words, 64);
  }
  Words& add_bytes(const std::uint8_t* bytes, std::size_t n) {
    bytes_.insert(bytes_.end(), bytes, bytes + n);
    return *this;
  }
  Digest digest() const { return keccak256(bytes_.data(), bytes_.size()); }
  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

class Messages {
 public:
  Messages() : state_{} {}
  void start(const Digest& state) { state_ = state; }

  void send(const std::vector<Fr>& scalars) {
    Words message;
    for (const Fr& a : scalars) message.add(a);
    absorb(message);
  }
  void send_points(const std::vector<Affine>& points) {
    Words message;
    for (const Affine& p : points) message.add(p);
    absorb(message);
  }
  Fr challenge() const { return Fr::reduce_bytes(state_.data()); }
  Fr squeeze() {
    state_ = keccak256(state_.data(), state_.size());
    return challenge();
  }

  void append(const Affine& p) { proof_.add(p); }
  void append(const Fr& a) { proof_.add(a); }
  const std::vector<std::uint8_t>& proof() const { return proof_.bytes(); }

 private:
  void absorb(const Words& message) {
    const std::vector<std::uint8_t>& bytes = message.bytes();
    proof_.add_bytes(bytes.data(), bytes.size());
    Keccak256 hash;
    hash.absorb(state_.data(), state_.size());
    hash.absorb(bytes.data(), bytes.size());
    state_ = hash.digest();
  }

  Digest state_;
  Words proof_;
};

}  // namespace pyml
