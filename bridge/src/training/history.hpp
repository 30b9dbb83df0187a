// SPDX-License-Identifier: MIT
// The last states of a running model, and the trajectories they make. Includes libtorch.
#pragma once

#include <cstdint>
#include <vector>

#include "torch_call.hpp"

namespace isthmus {

/// A generator of 64 bits of state (SplitMix64): a checkpoint holds it as one number.
struct Dice {
  std::uint64_t state = 0;
  std::uint64_t next();
  /// Evenly from 0 to n - 1.
  std::int64_t below(std::int64_t n);
};

/// How windows are divided into those that train and those that validate.
struct Split {
  double validation = 0.0; // part of the blocks
  std::int64_t block = 1;  // successive states
  std::uint64_t seed = 0;
  bool is_validation(std::int64_t state) const;
};

class History {
public:
  explicit History(std::int64_t capacity) : capacity_(capacity) {}
  /// Keep a copy; the oldest goes when there are `capacity`.
  void push(const at::Tensor &state, bool is_first);
  /// Numbers of the states that start k + 1 successive ones of one trajectory, all of them
  /// on one side of the split: states that validate are never trained on.
  std::vector<std::int64_t> windows(std::int64_t k, const Split &split,
                                    bool is_validation) const;
  /// States of these numbers, in a batch.
  at::Tensor batch(const std::vector<std::int64_t> &numbers) const;
  std::int64_t n_pushed() const { return n_pushed_; }
  std::int64_t n_kept() const { return static_cast<std::int64_t>(states_.size()); }

  /// For checkpoints: all states in a batch, and where trajectories start.
  Tensors content() const;
  void set_content(const Tensors &content, std::int64_t n_pushed);

private:
  std::size_t place(std::int64_t number) const {
    return static_cast<std::size_t>(number % capacity_);
  }
  std::int64_t capacity_, n_pushed_ = 0;
  Tensors states_; // state i is at i modulo capacity
  std::vector<char> is_first_;
};

} // namespace isthmus
