// SPDX-License-Identifier: MIT
#include "guard.hpp"

#include <cmath>
#include <limits>

#include "isthmus/emulator.h"

namespace isthmus {
namespace {

enum Mark : std::uint8_t { below = 1, above = 2, not_finite = 4 };
using Marks = std::vector<std::uint8_t>;

constexpr double largest = std::numeric_limits<double>::max();

double limit_at(const std::vector<double> &limits, std::int64_t element, double none) {
  if (limits.empty())
    return none;
  return limits[limits.size() == 1 ? 0 : static_cast<std::size_t>(element)];
}

Mark mark_of(double value, double low) {
  if (!std::isfinite(value))
    return not_finite;
  return value < low ? below : above;
}

/// What is wrong with each sample of a variable. Within limits is the common case: one
/// comparison that NaN fails too.
template <typename T> Marks marked(const Samples &samples, const Limits &limits) {
  Marks marks(static_cast<std::size_t>(samples.n_samples()), 0);
  samples.for_each([&](std::int64_t s, std::int64_t e) {
    const auto value = static_cast<double>(samples.at<T>(s, e));
    const double low = limit_at(limits.low, e, -largest);
    const double high = limit_at(limits.high, e, largest);
    if (!(value >= low && value <= high))
      marks[static_cast<std::size_t>(s)] |= mark_of(value, low);
  });
  return marks;
}

void count(const Marks &marks, Tally &tally) {
  for (const std::uint8_t mark : marks) {
    tally.below += (mark & below) != 0;
    tally.above += (mark & above) != 0;
    tally.not_finite += (mark & not_finite) != 0;
  }
}

/// A flag of what is shared by all samples is a flag of each.
void flag(const Samples &samples, const Marks &marks, std::int32_t range,
          std::int32_t finite, Flags &flags) {
  for (std::size_t s = 0; s < flags.size(); ++s) {
    const std::uint8_t mark = marks[samples.is_shared() ? 0 : s];
    if (mark & (below | above))
      flags[s] |= range;
    if (mark & not_finite)
      flags[s] |= finite;
  }
}

void check_limits(const std::map<std::string, Limits> &limits, const Views &views,
                  std::int32_t range, std::int32_t finite, Flags &flags, Tallies &tallies) {
  static const Limits none;
  for (const auto &[name, samples] : views) {
    const auto found = limits.find(name);
    const Limits &own = found == limits.end() ? none : found->second;
    if (found == limits.end() && !is_floating(samples.dtype()))
      continue;
    Marks marks;
    with_element_type(samples.dtype(),
                      [&](auto zero) { marks = marked<decltype(zero)>(samples, own); });
    if (marks.empty())
      continue;
    count(marks, tallies[name]);
    flag(samples, marks, range, finite, flags);
  }
}

double distance(const Mahalanobis &known, const std::vector<double> &features) {
  double sum = 0.0;
  for (const std::vector<double> &row : known.whitening) {
    double component = 0.0;
    for (std::size_t i = 0; i < row.size(); ++i)
      component += row[i] * (features[i] - known.mean[i]);
    sum += component * component;
  }
  return sum;
}

void check_distance(const Mahalanobis &known, const Views &views, Flags &flags) {
  std::vector<double> features(known.mean.size());
  for (std::size_t s = 0; s < flags.size(); ++s) {
    std::size_t i = 0;
    for (const std::string &name : known.inputs) {
      const Samples &samples = views.at(name);
      const auto sample = static_cast<std::int64_t>(samples.is_shared() ? 0 : s);
      for (std::int64_t e = 0; e < samples.n_elements(); ++e)
        features[i++] = value_at(samples, sample, e);
    }
    if (!(distance(known, features) <= known.threshold)) // NaN is far from everything
      flags[s] |= ISTHMUS_REASON_INPUT_DISTANCE;
  }
}

} // namespace

void Guard::check_inputs(const Views &views, Flags &flags, Tallies &tallies) const {
  check_limits(inputs, views, ISTHMUS_REASON_INPUT_RANGE, ISTHMUS_REASON_INPUT_NOT_FINITE,
               flags, tallies);
  for (const Mahalanobis &known : distances)
    check_distance(known, views, flags);
}

void Guard::check_outputs(const Views &views, Flags &flags, Tallies &tallies) const {
  check_limits(outputs, views, ISTHMUS_REASON_OUTPUT_RANGE,
               ISTHMUS_REASON_OUTPUT_NOT_FINITE, flags, tallies);
}

void Guard::check_spread(const Views &spreads, Flags &flags) const {
  for (const auto &[name, limit] : spread) {
    const Samples &samples = spreads.at(name);
    const Limits limits = {{}, {limit}};
    Marks marks;
    with_element_type(samples.dtype(),
                      [&](auto zero) { marks = marked<decltype(zero)>(samples, limits); });
    flag(samples, marks, ISTHMUS_REASON_SPREAD, ISTHMUS_REASON_SPREAD, flags);
  }
}

} // namespace isthmus
