// SPDX-License-Identifier: MIT
// Small corrections of a network's outputs, which the contract orders: bounds, budgets,
// states that stay positive. Flagged samples are left: they take the physics' values.
#include <algorithm>
#include <cmath>
#include <limits>

#include "guard.hpp"

namespace isthmus {
namespace {

template <typename T>
void keep_bounds(const Fixer &fixer, const Samples &output, std::int64_t s) {
  const auto limit = [](const std::vector<double> &limits, std::int64_t e, T &value) {
    value = static_cast<T>(limits[limits.size() == 1 ? 0 : static_cast<std::size_t>(e)]);
  };
  for (std::int64_t e = 0; e < output.n_elements(); ++e) {
    T &value = output.at<T>(s, e);
    T bound = value;
    if (!fixer.limits.low.empty()) {
      limit(fixer.limits.low, e, bound);
      value = std::max(value, bound);
    }
    if (!fixer.limits.high.empty()) {
      limit(fixer.limits.high, e, bound);
      value = std::min(value, bound);
    }
  }
}

/// The smallest change of the outputs, in least squares, that meets the total.
void conserve(const Fixer &fixer, const Views &outputs, std::int64_t s) {
  double sum = 0.0, square = 0.0;
  for (const auto &[name, weights] : fixer.weights)
    for (std::size_t e = 0; e < weights.size(); ++e) {
      sum += weights[e] * value_at(outputs.at(name), s, static_cast<std::int64_t>(e));
      square += weights[e] * weights[e];
    }
  if (square == 0.0)
    return;
  const double factor = (fixer.total - sum) / square;
  for (const auto &[name, weights] : fixer.weights) {
    const Samples &output = outputs.at(name);
    with_element_type(output.dtype(), [&](auto zero) {
      using T = decltype(zero);
      for (std::size_t e = 0; e < weights.size(); ++e) {
        T &value = output.at<T>(s, static_cast<std::int64_t>(e));
        value = static_cast<T>(static_cast<double>(value) + factor * weights[e]);
      }
    });
  }
}

/// The least tendency that leaves a state of zero, also after rounding in the host.
template <typename T> T least_tendency(T state, T dt) {
  T tendency = -state / dt;
  for (int i = 0; i < 4 && state + dt * tendency < T{0}; ++i)
    tendency = std::nextafter(tendency, std::numeric_limits<T>::max());
  return tendency;
}

template <typename T>
void keep_positive(const Samples &tendency, const Samples &state, double dt,
                   std::int64_t s) {
  const std::int64_t from = state.is_shared() ? 0 : s;
  for (std::int64_t e = 0; e < tendency.n_elements(); ++e) {
    T &value = tendency.at<T>(s, e);
    const auto now = static_cast<T>(value_at(state, from, e));
    if (now + static_cast<T>(dt) * value < T{0})
      value = least_tendency(now, static_cast<T>(dt));
  }
}

template <typename Apply> void with_floats(isthmus_dtype dtype, Apply &&apply) {
  if (dtype == ISTHMUS_FLOAT32)
    apply(float{});
  else if (dtype == ISTHMUS_FLOAT64)
    apply(double{});
}

void fix_sample(const Fixer &fixer, double dt, const Views &inputs, const Views &outputs,
                std::int64_t s) {
  if (fixer.kind == Fixer::Kind::conserve)
    return conserve(fixer, outputs, s);
  const Samples &output = outputs.at(fixer.output);
  with_floats(output.dtype(), [&](auto zero) {
    if (fixer.kind == Fixer::Kind::bounds)
      keep_bounds<decltype(zero)>(fixer, output, s);
    else
      keep_positive<decltype(zero)>(output, inputs.at(fixer.state), dt, s);
  });
}

} // namespace

void fix(const std::vector<Fixer> &fixers, double dt, const Views &inputs,
         const Views &outputs, const Flags &flags) {
  for (const Fixer &fixer : fixers)
    for (std::size_t s = 0; s < flags.size(); ++s)
      if (flags[s] == 0)
        fix_sample(fixer, dt, inputs, outputs, static_cast<std::int64_t>(s));
}

} // namespace isthmus
