// SPDX-License-Identifier: MIT
// The course of a training as a CSV file, a line for each step.
#pragma once

#include <cstdint>
#include <string>

namespace isthmus {

class StepLog {
public:
  /// @param path  "" writes nothing
  explicit StepLog(std::string path) : path_(std::move(path)) {}
  /// @throws Failure (file)
  void add(std::int64_t step, const char *kind, double loss, double learning_rate) const;
  /// Drop the lines of steps that are done again after a restore.
  void forget_after(std::int64_t step) const;

private:
  std::string path_;
};

} // namespace isthmus
