// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace isthmus {

/// A share in libtorch's level of forward differentiation. libtorch has one for the whole
/// process and refuses who opens it a second time; tangents belong to tensors, not to
/// threads, so all our calls can share it: the first opens it, the last closes it.
class ForwardLevel {
public:
  ForwardLevel();
  ~ForwardLevel();
  ForwardLevel(const ForwardLevel &) = delete;
  ForwardLevel &operator=(const ForwardLevel &) = delete;

  /// False while the host itself (Python's `dual_level`) has opened it.
  bool is_open() const { return is_open_; }
  std::int64_t get() const { return static_cast<std::int64_t>(level_); }

private:
  std::uint64_t level_ = 0;
  bool is_open_ = false;
};

} // namespace isthmus
