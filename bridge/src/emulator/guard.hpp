// SPDX-License-Identifier: MIT
// Which samples a network must not be trusted on, and why.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "samples.hpp"

namespace isthmus {

/// Reason bits of each sample, as in isthmus_reason.
using Flags = std::vector<std::int32_t>;
/// Views of variables by name.
using Views = std::map<std::string, Samples>;

constexpr std::array<const char *, 7> reason_names = {
    "input_range",       "input_not_finite", "input_distance", "output_range",
    "output_not_finite", "spread",           "not_ready"};

/// Lowest and highest value of each element; one value stands for all elements.
struct Limits {
  std::vector<double> low, high;
};

/// How many samples of a variable were outside.
struct Tally {
  std::int64_t below = 0, above = 0, not_finite = 0;
};
using Tallies = std::map<std::string, Tally>;

/// Distance of a sample's inputs f from those of the training: |whitening (f - mean)|^2.
struct Mahalanobis {
  std::vector<std::string> inputs;
  std::vector<double> mean;
  std::vector<std::vector<double>> whitening;
  double threshold = 0.0;
};

struct Fixer {
  enum class Kind { bounds, conserve, positive_state } kind;
  std::string output;                                 // of bounds; the tendency
  std::string state;                                  // an input
  Limits limits;                                      // of bounds
  std::map<std::string, std::vector<double>> weights; // of conserve
  double total = 0.0;
};

struct Guard {
  std::map<std::string, Limits> inputs, outputs;
  std::vector<Mahalanobis> distances; // none or one
  std::vector<Fixer> fixers;
  std::map<std::string, double> spread; // highest standard deviation of an output

  /// Flag samples whose inputs are outside limits, far from the training, or not finite.
  void check_inputs(const Views &views, Flags &flags, Tallies &tallies) const;
  void check_outputs(const Views &views, Flags &flags, Tallies &tallies) const;
  void check_spread(const Views &spreads, Flags &flags) const;
};

/// The guard of a JSON text as in a contract; every name is one of the network's.
/// @throws Failure (contract), naming the key
Guard guard_of(const std::string &json, const std::vector<std::string> &inputs,
               const std::vector<std::string> &outputs);

/// Every list of the guard has a value for each element of its variable.
/// @throws Failure (contract)
void check_sizes(const Guard &guard, const Views &inputs, const Views &outputs);

/// Apply the fixers to samples that are not flagged.
void fix(const std::vector<Fixer> &fixers, double dt, const Views &inputs,
         const Views &outputs, const Flags &flags);

} // namespace isthmus
