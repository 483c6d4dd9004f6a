#include "pyml/claims.hpp"

#include <algorithm>

#include "pyml/accumulator.hpp"
#include "pyml/threads.hpp"
#include "pyml/vec.hpp"

namespace pyml {
namespace {

constexpr std::size_t kGrain = 8192;

Table to_table(const Entries& entries, std::size_t n) {
  if (entries.scalars) return Table::of(entries.scalars, n);
  Secret<Fr> out(n);
  parallel_for(n, kGrain, [&](std::size_t begin, std::size_t end) {
    vec::from_i32(out.data() + begin, entries.integers + begin, end - begin);
  });
  return Table(std::move(out));
}

}  // namespace

Fr Entries::evaluate(const Fr* point, unsigned n) const {
  return scalars ? pyml::evaluate(scalars, point, n) : pyml::evaluate(integers, point, n);
}

Secret<Fr> eq_weights(const Fr* point, unsigned n, const Fr& factor) {
  Secret<Fr> weights(std::size_t(1) << n);
  eq_table(point, n, factor, weights.data());
  return weights;
}

Fr Claims::add(const Fr& value) {
  const Fr coefficient = next_;
  total_ += coefficient * value;
  next_ *= gamma_;
  return coefficient;
}

void Claims::column(const Place& place, Entries entries, const Fr& coefficient) {
  columns_[place.variables].push_back({place, entries, coefficient});
}

void Claims::add_columns(const std::vector<Fr>& point) {
  for (const auto& [variables, columns] : columns_) {
    const std::size_t n = std::size_t(1) << variables;
    Secret<Fr> sum(n);
    std::vector<const std::int32_t*> integers;
    std::vector<Fr> factors;
    for (const Collected& each : columns)
      if (each.entries.integers) {
        integers.push_back(each.entries.integers);
        factors.push_back(each.coefficient);
      }
    combine_columns(integers.data(), integers.size(), factors.data(), n, sum.data());
    for (const Collected& each : columns)
      if (each.entries.scalars)
        parallel_for(n, kGrain, [&](std::size_t begin, std::size_t end) {
          vec::axpy(sum.data() + begin, each.coefficient, each.entries.scalars + begin, end - begin);
        });
    Part part;
    part.variables = variables;
    part.values = Table(std::move(sum));
    part.weights = Table(eq_weights(point.data() + point.size() - variables, variables, Fr::one()));
    for (const Collected& each : columns) {
      const Entries entries = each.entries;
      const unsigned t = variables;
      part.members.push_back({each.place.polynomial, each.place.offset, each.coefficient,
                              [entries, t](const Fr* at) { return entries.evaluate(at, t); }});
    }
    combination.add(std::move(part));
  }
  columns_.clear();
}

void Claims::part(const Place& place, Entries entries, Secret<Fr> weights) {
  Part part;
  part.variables = place.variables;
  part.values = to_table(entries, weights.size());
  part.weights = Table(std::move(weights));
  part.members.push_back({place.polynomial, place.offset, Fr::one(), {}});
  combination.add(std::move(part));
}

}  // namespace pyml
