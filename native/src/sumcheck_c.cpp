#include "pyml/sumcheck_c.hpp"

#include <algorithm>
#include <utility>

#include "pyml/sumcheck.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

constexpr std::size_t kBlock = 256, kGrain = 8192;

}  // namespace

void Combination::add(Part part) {
  if (part.variables == 0)
    settle(part);
  else
    parts_.push_back(std::move(part));
}

void Combination::settle(Part& part) {
  for (const Member& member : part.members) {
    const bool alone = part.members.size() == 1 && member.coefficient == Fr::one();
    // At the last variable nobody asks for the value any more: the claim has it.
    const bool wanted = part.variables < n_;
    Entry& entry = open_[member.polynomial].try_emplace(member.offset >> part.variables,
                                                        Entry{Fr::zero(), Fr::zero()}).first->second;
    if (alone)
      entry.value = part.values[0];
    else if (wanted)
      entry.value = member.evaluate(point_.data());
    entry.weight += member.coefficient * part.weights[0];
  }
}

void Combination::add_round(const Part& part, Fr* sums) const {
  Fr own[2];
  parallel_sums(part.values.size() / 2, kGrain, 2, own, [&](std::size_t begin, std::size_t end, Fr* out) {
    Fr f0[kBlock], f1[kBlock], w0[kBlock], w1[kBlock];
    for (std::size_t i = begin; i < end; i += kBlock) {
      const std::size_t m = std::min(kBlock, end - i);
      split_pairs(part.values.data() + 2 * i, f0, f1, m);
      split_pairs(part.weights.data() + 2 * i, w0, w1, m);
      out[0] += vec::dot(f0, w0, m);
      vec::sub(f1, f1, f0, m);
      vec::sub(w1, w1, w0, m);
      out[1] += vec::dot(f1, w1, m);
    }
  });
  sums[0] += own[0];
  sums[1] += own[1];
}

void Combination::add_round(const Sparse& entries, Fr* sums) {
  for (auto at = entries.begin(); at != entries.end();) {
    Entry pair[2] = {{Fr::zero(), Fr::zero()}, {Fr::zero(), Fr::zero()}};
    const std::size_t place = at->first >> 1;
    for (; at != entries.end() && at->first >> 1 == place; ++at) pair[at->first & 1] = at->second;
    sums[0] += pair[0].value * pair[0].weight;
    sums[1] += (pair[1].value - pair[0].value) * (pair[1].weight - pair[0].weight);
  }
}

Combination::Sparse Combination::bind(const Sparse& entries, const Fr& x) {
  Sparse bound;
  for (const auto& [place, entry] : entries) {
    const Fr factor = place & 1 ? x : Fr::one() - x;
    Entry& to = bound.try_emplace(place >> 1, Entry{Fr::zero(), Fr::zero()}).first->second;
    to.value += factor * entry.value;
    to.weight += factor * entry.weight;
  }
  return bound;
}

Fr Combination::run(Messages& messages, Fr claim) {
  for (unsigned turn = 0; turn < n_; turn++) {
    Fr sums[2] = {Fr::zero(), Fr::zero()};
    for (const Part& part : parts_) add_round(part, sums);
    for (const Sparse& entries : open_) add_round(entries, sums);
    messages.send({sums[0], sums[1]});
    const Fr x = messages.challenge();
    claim = sums[0] + x * (claim - sums[0].doubled() - sums[1] + x * sums[1]);
    point_.push_back(x);
    for (Sparse& entries : open_) entries = bind(entries, x);
    for (auto part = parts_.begin(); part != parts_.end();) {
      part->values.bind(x);
      part->weights.bind(x);
      if (part->variables == turn + 1) {
        settle(*part);
        part = parts_.erase(part);
      } else {
        ++part;
      }
    }
  }
  return claim;
}

Fr Combination::weight(std::size_t polynomial) const {
  const auto entry = open_[polynomial].find(0);
  return entry == open_[polynomial].end() ? Fr::zero() : entry->second.weight;
}

}  // namespace pyml
