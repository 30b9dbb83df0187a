// SPDX-License-Identifier: MIT
// Whose values the host gets: the physics', the network's, or both in turn.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "guard.hpp"
#include "isthmus/emulator.h"

namespace isthmus {

/// Weight of the network in a blend, as a function of the step.
struct Ramp {
  double alpha = 1.0;       // reached after the ramp
  std::int64_t start = 0;   // last step of weight zero, if n_steps > 0
  std::int64_t n_steps = 0; // 0: no ramp
  double at(std::int64_t step) const;
};

/// Statistics of network - physics in one output, of samples that are not flagged.
struct Difference {
  std::int64_t n = 0;
  double sum = 0.0, squares = 0.0, largest = 0.0;
  double mean() const { return n ? sum / static_cast<double>(n) : 0.0; }
  double rms() const;
  void add(const Difference &other);
};

Difference difference_of(const Samples &network, const Samples &physics,
                         const Flags &flags);

/// The differences of a run in shadow mode, kept and written to a file if one is set.
class Record {
public:
  /// "" for none. An existing file is continued, as a restarted run needs it.
  /// @throws Failure (file)
  void open(const std::string &path);
  /// @throws Failure (file) if the line cannot be written
  void add(std::int64_t step, const std::string &output, const Difference &difference);
  const std::map<std::string, Difference> &sums() const { return sums_; }
  std::map<std::string, Difference> &sums() { return sums_; }

private:
  struct Closer {
    void operator()(std::FILE *file) const { std::fclose(file); }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
  std::map<std::string, Difference> sums_;
};

/// target = (1 - alpha) physics + alpha network. Weights 0 and 1 copy bits.
/// @param alphas  weight of each sample, or of all
void blend(const Samples &physics, const Samples &network,
           const std::vector<double> &alphas, const Samples &target);

} // namespace isthmus
