// SPDX-License-Identifier: MIT
// Random numbers that follow from a seed and the step: nothing to keep in a restart but
// the two.
#pragma once

#include <cstdint>
#include <memory>

namespace isthmus {

/// A well mixed function of its three arguments.
std::uint64_t mixed(std::int64_t seed, std::int64_t step, std::int64_t stream);

/// While it lives, torch's generator on the CPU is seeded; then it is as it was before.
class SeededTorch {
public:
  explicit SeededTorch(std::uint64_t seed);
  ~SeededTorch();
  SeededTorch(const SeededTorch &) = delete;
  SeededTorch &operator=(const SeededTorch &) = delete;

private:
  struct Before;
  std::unique_ptr<Before> before_;
};

} // namespace isthmus
