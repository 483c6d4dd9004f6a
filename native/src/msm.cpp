// Pippenger's method. A scalar is cut into signed digits of c bits; for each digit place ("window") the points are
// sorted by digit, every bucket is summed by pairing its points up, round by round, in affine coordinates with one
// inversion for a thousand additions, and the buckets are weighted by running sums.
#include "pyml/msm.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "ifma.hpp"
#include "pyml/secret.hpp"
#include "pyml/threads.hpp"

namespace pyml {
namespace {

constexpr std::size_t kBlock = ifma::kPairBlock;

Affine signed_point(const Affine* base, std::uint32_t entry) {
  const Affine& p = base[entry >> 1];
  return entry & 1 ? negate(p) : p;
}

// One block of add_pairs without IFMA; all operands are read before anything is written.
void add_block(Affine* out, const Affine* base, const std::uint32_t* pairs, std::size_t n) {
  struct Addition {
    Affine a;
    Fq bx, dy, dx, before;
  };
  thread_local std::vector<Addition> additions(kBlock);
  Fq accumulated = Fq::one();
  for (std::size_t i = 0; i < n; i++) {
    if (i + 16 < n) {
      __builtin_prefetch(&base[pairs[2 * i + 32] >> 1]);
      __builtin_prefetch(&base[pairs[2 * i + 33] >> 1]);
    }
    const Affine a = signed_point(base, pairs[2 * i]), b = signed_point(base, pairs[2 * i + 1]);
    Addition& s = additions[i];
    s = Addition{a, b.x, b.y - a.y, b.x - a.x, accumulated};
    if (__builtin_expect(s.dx.is_zero() || a.is_infinity() || b.is_infinity(), 0)) {
      // Nothing to divide by, or a point without coordinates: a sum that is already complete is marked by bx = dx = 0.
      if (!a.is_infinity() && !b.is_infinity() && a.y == b.y) {
        const Fq xx = a.x.square();  // the tangent; y is not 0, for the order of the group is odd
        s.dy = xx.doubled() + xx;
        s.dx = a.y.doubled();
      } else {
        s.a = a.is_infinity() ? b : b.is_infinity() ? a : Affine::infinity();
        s.bx = s.dx = Fq::zero();
        continue;
      }
    }
    accumulated *= s.dx;
  }
  Fq inverse = accumulated.inverse();
  for (std::size_t i = n; i-- > 0;) {
    const Addition& s = additions[i];
    if (s.dx.is_zero()) {
      out[i] = s.a;
      continue;
    }
    const Fq slope = s.dy * (inverse * s.before);
    inverse *= s.dx;
    const Fq x = slope.square() - s.a.x - s.bx;
    out[i] = Affine{x, slope * (s.a.x - x) - s.a.y};
  }
}

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};

// Uninitialised points: the system hands out their pages only when they are written.
class PointBuffer {
 public:
  Affine* at_least(std::size_t n) {
    if (n > size_) {
      memory_.reset(static_cast<Affine*>(std::aligned_alloc(64, n * sizeof(Affine))));
      if (!memory_) throw std::bad_alloc();
      size_ = n;
    }
    return memory_.get();
  }

 private:
  std::unique_ptr<Affine, FreeMemory> memory_;
  std::size_t size_ = 0;
};

// What a thread needs for a window, kept for the next one. Digits tell the scalars, so they are wiped.
struct Scratch {
  std::vector<std::int32_t> digits;
  std::vector<std::uint32_t> entries, next_entries, pairs, counts, next_counts, buckets, next_buckets;
  std::vector<Affine> sums;
  PointBuffer points[2];

  ~Scratch() {
    wipe(digits.data(), digits.capacity() * sizeof digits[0]);
    for (auto* list : {&entries, &next_entries, &pairs, &counts, &next_counts})
      wipe(list->data(), list->capacity() * sizeof(std::uint32_t));
  }
};

// Sorts the digits by absolute value: s.entries holds the points of s.buckets[k] in s.counts[k] consecutive places.
void sort_by_bucket(Scratch& s, std::size_t n, std::size_t bucket_count) {
  std::vector<std::uint32_t> place(bucket_count + 1, 0);
  const std::int32_t* digits = s.digits.data();
  for (std::size_t i = 0; i < n; i++) place[static_cast<std::size_t>(std::abs(digits[i]))]++;
  s.counts.clear();
  s.buckets.clear();
  std::uint32_t total = 0;
  for (std::size_t b = 1; b <= bucket_count; b++) {
    const std::uint32_t count = place[b];
    place[b] = total;
    total += count;
    if (count) {
      s.counts.push_back(count);
      s.buckets.push_back(static_cast<std::uint32_t>(b));
    }
  }
  s.entries.resize(total);
  for (std::size_t i = 0; i < n; i++) {
    const std::int32_t d = digits[i];
    if (d) s.entries[place[static_cast<std::size_t>(std::abs(d))]++] = static_cast<std::uint32_t>(i) << 1 | (d < 0);
  }
}

// Halves every bucket until each holds one point, which goes to s.sums.
void sum_buckets(Scratch& s, const Affine* base) {
  for (int round = 0; !s.buckets.empty(); round ^= 1) {
    std::size_t pair_count = 0, rest = 0;
    for (std::uint32_t count : s.counts)
      if (count > 1) {
        pair_count += count / 2;
        rest += count % 2;
      }
    Affine* const next = s.points[round].at_least(pair_count + rest + 1);
    s.pairs.clear();
    s.next_entries.clear();
    s.next_counts.clear();
    s.next_buckets.clear();
    const std::uint32_t* entry = s.entries.data();
    std::uint32_t pair = 0, single = static_cast<std::uint32_t>(pair_count);
    for (std::size_t k = 0; k < s.buckets.size(); k++) {
      const std::uint32_t count = s.counts[k];
      if (count == 1) {
        s.sums[s.buckets[k]] = signed_point(base, *entry++);
        continue;
      }
      s.pairs.insert(s.pairs.end(), entry, entry + count / 2 * 2);
      for (std::uint32_t i = 0; i < count / 2; i++) s.next_entries.push_back(pair++ << 1);
      if (count % 2) {
        next[single] = signed_point(base, entry[count - 1]);
        s.next_entries.push_back(single++ << 1);
      }
      entry += count;
      s.next_counts.push_back((count + 1) / 2);
      s.next_buckets.push_back(s.buckets[k]);
    }
    add_pairs(next, base, s.pairs.data(), pair_count);
    base = next;
    s.entries.swap(s.next_entries);
    s.counts.swap(s.next_counts);
    s.buckets.swap(s.next_buckets);
  }
}

// sum of b * sums[b], b = 1 … count, by running sums from the top.
Xyzz weigh(const Affine* sums, std::size_t count) {
  Xyzz running = Xyzz::infinity(), total = Xyzz::infinity();
  for (std::size_t b = count; b >= 1; b--) {
    running = add(running, sums[b]);
    total = add(total, running);
  }
  return total;
}

// The same for many buckets: 512 stretches of equal length side by side, so that their running sums share inversions.
// With b = t * length + j: the sum is that of all stretches' own totals, and length * (sum of t * running total of t).
Xyzz weigh_wide(std::vector<Affine>& sums, std::size_t count) {
  constexpr std::size_t kStretches = kBlock / 2;
  if (count < 8 * kStretches) return weigh(sums.data(), count);
  const std::size_t length = (count + kStretches - 1) / kStretches;
  sums.resize(1 + kStretches * length + 2 * kStretches, Affine::infinity());
  Affine* const running = sums.data() + 1 + kStretches * length;
  Affine* const total = running + kStretches;
  const auto place = [&](const Affine* p) { return static_cast<std::uint32_t>(p - sums.data()) << 1; };
  std::vector<std::uint32_t> step(2 * kStretches), gain(2 * kStretches);
  for (std::size_t t = 0; t < kStretches; t++) {
    running[t] = total[t] = sums[t * length + length];
    step[2 * t] = gain[2 * t + 1] = place(running + t);
    step[2 * t + 1] = place(&sums[t * length + length]);
    gain[2 * t] = place(total + t);
  }
  for (std::size_t j = length - 1; j >= 1; j--) {
    for (std::size_t t = 0; t < kStretches; t++) step[2 * t + 1] -= 2;
    add_pairs(running, sums.data(), step.data(), kStretches);
    add_pairs(total, sums.data(), gain.data(), kStretches);
  }
  Xyzz above = Xyzz::infinity(), weighted = Xyzz::infinity(), result = Xyzz::infinity();
  for (std::size_t t = kStretches - 1; t >= 1; t--) {
    above = add(above, running[t]);
    weighted = add(weighted, above);
  }
  for (std::size_t t = 0; t < kStretches; t++) result = add(result, total[t]);
  return add(multiply(weighted, length), result);
}

// A part of one window: sum of digits[i] * points[i], with |digits[i]| <= bucket_count in s.digits.
Xyzz sum_window(Scratch& s, const Affine* points, std::size_t n, std::size_t bucket_count) {
  sort_by_bucket(s, n, bucket_count);
  const bool full = s.entries.size() >= 2 * bucket_count;
  s.sums.assign(bucket_count + 1, Affine::infinity());
  sum_buckets(s, points);
  return full ? weigh_wide(s.sums, bucket_count) : weigh(s.sums.data(), bucket_count);
}

struct Plan {
  unsigned digit_bits, windows;
};

// The digit size with the fewest additions: every window adds each point once and every bucket twice.
Plan plan_windows(std::size_t n, unsigned bits) {
  Plan best{1, bits + 1};
  double least = 1e300;
  for (unsigned c = 2; c <= 17; c++) {
    const unsigned windows = (bits + c) / c;  // one bit more than the scalars have, for the sign
    const double buckets = static_cast<double>(std::size_t(1) << (c - 1));
    const double bucket_cost = 2 * buckets < static_cast<double>(n) ? 3 : 10;
    const double cost = windows * (static_cast<double>(n) + bucket_cost * buckets + 200);
    if (cost < least) {
      least = cost;
      best = Plan{c, windows};
    }
  }
  return best;
}

// How many slices of the points make tasks enough for all threads, without making the buckets dominate.
std::size_t slice_count(std::size_t n, Plan plan) {
  std::size_t slices = 1;
  const std::size_t wanted = thread_count() == 1 ? 1 : 2 * thread_count();
  while (slices * plan.windows < wanted && n / (2 * slices) >= std::size_t(1) << plan.digit_bits) slices *= 2;
  return slices;
}

// The common frame: fill(digits, begin, end, window) writes the signed digits of one window of a slice.
template <class Fill>
Xyzz sum_windows(const Affine* points, std::size_t n, Plan plan, std::size_t bucket_count, const Fill& fill) {
  const std::size_t slices = slice_count(n, plan);
  std::vector<Xyzz> sums(slices * plan.windows);
  std::vector<std::unique_ptr<Scratch>> idle;  // of threads that wait for their next task
  std::mutex guard;
  parallel_tasks(sums.size(), [&](std::size_t task) {
    std::unique_ptr<Scratch> scratch;
    {
      const std::lock_guard<std::mutex> lock(guard);
      if (!idle.empty()) {
        scratch = std::move(idle.back());
        idle.pop_back();
      }
    }
    if (!scratch) scratch = std::make_unique<Scratch>();
    const std::size_t slice = task / plan.windows, window = task % plan.windows;
    const std::size_t begin = n * slice / slices, end = n * (slice + 1) / slices;
    scratch->digits.resize(end - begin);
    fill(scratch->digits.data(), begin, end, static_cast<unsigned>(window));
    sums[task] = sum_window(*scratch, points + begin, end - begin, bucket_count);
    const std::lock_guard<std::mutex> lock(guard);
    idle.push_back(std::move(scratch));
  });
  Xyzz total = Xyzz::infinity();
  for (std::size_t window = plan.windows; window-- > 0;) {
    for (unsigned k = 0; k < plan.digit_bits; k++) total = double_point(total);
    for (std::size_t slice = 0; slice < slices; slice++) total = add(total, sums[slice * plan.windows + window]);
  }
  return total;
}

// Half the digit range is added to every place but the top one, and taken away again from each digit: all but the top
// digit are then signed without carries. The top digit has one bit less and stays as it is.
Limbs digit_offset(Plan plan) {
  Limbs offset{};
  for (unsigned w = 0; w + 1 < plan.windows; w++) {
    const unsigned bit = plan.digit_bits * w + plan.digit_bits - 1;
    offset.v[bit / 64] |= std::uint64_t(1) << (bit % 64);
  }
  return offset;
}

std::uint64_t bits_at(const Limbs& l, unsigned at, unsigned count) {
  std::uint64_t x = l.v[at / 64] >> (at % 64);
  if (at % 64 + count > 64 && at / 64 < 3) x |= l.v[at / 64 + 1] << (64 - at % 64);
  return x & ((std::uint64_t(1) << count) - 1);
}

void require_indexable(std::size_t n) {
  if (n >= std::size_t(1) << 31) throw std::length_error("a multi-scalar multiplication has 2^31 terms or more");
}

// `shifted` are the scalars plus digit_offset(plan).
Xyzz msm_shifted(const Affine* points, const Limbs* shifted, std::size_t n, Plan plan) {
  const unsigned c = plan.digit_bits;
  return sum_windows(points, n, plan, std::size_t(1) << (c - 1),
                     [&](std::int32_t* digits, std::size_t begin, std::size_t end, unsigned window) {
                       const std::int32_t half = window + 1 < plan.windows ? 1 << (c - 1) : 0;
                       for (std::size_t i = begin; i < end; i++)
                         *digits++ = static_cast<std::int32_t>(bits_at(shifted[i], c * window, c)) - half;
                     });
}

void add_offset(Limbs& scalar, const Limbs& offset) {
  unsigned char carry = 0;
  for (int i = 0; i < 4; i++) scalar.v[i] = detail::add_carry(scalar.v[i], offset.v[i], carry);
}

}  // namespace

void add_pairs(Affine* out, const Affine* base, const std::uint32_t* pairs, std::size_t n) {
  for (std::size_t begin = 0; begin < n; begin += kBlock) {
    const std::size_t m = std::min(kBlock, n - begin);
    if (detail::use_ifma && m >= 4)
      ifma::add_pairs(out + begin, base, pairs + 2 * begin, m);
    else
      add_block(out + begin, base, pairs + 2 * begin, m);
  }
}

Xyzz msm(const Affine* points, const Fr* scalars, std::size_t n) {
  require_indexable(n);
  const Plan plan = plan_windows(n, 254);
  const Limbs offset = digit_offset(plan);
  Secret<Limbs> shifted(n);
  parallel_for(n, 1024, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; i++) {
      shifted[i] = scalars[i].to_limbs();
      add_offset(shifted[i], offset);
    }
  });
  return msm_shifted(points, shifted.data(), n, plan);
}

Xyzz msm_bits(const Affine* points, const Limbs* scalars, std::size_t n, unsigned bits) {
  require_indexable(n);
  if (bits < 1 || bits > 254) throw std::invalid_argument("scalars have from 1 to 254 bits");
  const Plan plan = plan_windows(n, bits);
  const Limbs offset = digit_offset(plan);
  Secret<Limbs> shifted(n);
  for (std::size_t i = 0; i < n; i++) {
    shifted[i] = scalars[i];
    add_offset(shifted[i], offset);
  }
  return msm_shifted(points, shifted.data(), n, plan);
}

Xyzz msm_i32(const Affine* points, const std::int32_t* values, std::size_t n) {
  require_indexable(n);
  std::int64_t largest = 0;
  std::size_t filled = 0;
  for (std::size_t i = 0; i < n; i++) {
    largest = std::max(largest, std::abs(static_cast<std::int64_t>(values[i])));
    filled += values[i] != 0;
  }
  if (largest == 0) return Xyzz::infinity();
  unsigned bits = 1;
  while (largest >> bits) bits++;
  const std::size_t slice = filled / thread_count() + 1;
  if (largest <= 65536 && 2 * static_cast<std::size_t>(largest) <= 4 * slice)  // values are their own digits
    return sum_windows(points, n, Plan{bits + 1, 1}, static_cast<std::size_t>(largest),
                       [&](std::int32_t* digits, std::size_t begin, std::size_t end, unsigned) {
                         std::copy(values + begin, values + end, digits);
                       });
  const Plan plan = plan_windows(filled, bits + 1);  // one bit more, so that value + offset is not negative
  const auto offset = static_cast<std::int64_t>(digit_offset(plan).v[0]);
  const unsigned c = plan.digit_bits;
  return sum_windows(points, n, plan, std::size_t(1) << (c - 1),
                     [&](std::int32_t* digits, std::size_t begin, std::size_t end, unsigned window) {
                       const bool top = window + 1 == plan.windows;
                       const std::int64_t half = top ? 0 : std::int64_t(1) << (c - 1);
                       for (std::size_t i = begin; i < end; i++) {
                         const std::int64_t shifted = (values[i] + offset) >> (c * window);
                         *digits++ = static_cast<std::int32_t>(
                             top ? shifted : (shifted & ((std::int64_t(1) << c) - 1)) - half);
                       }
                     });
}

}  // namespace pyml
