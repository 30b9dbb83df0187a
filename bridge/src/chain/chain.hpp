// SPDX-License-Identifier: MIT
// A network that is a chain of linear layers and elementwise functions, evaluated by own
// loops: for a few samples, where an engine spends its time between the operations.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "isthmus.h"
#include "loops.hpp"

namespace isthmus {

/// One step, as it is read from a network.
struct Step {
  enum class Kind { linear, activation, affine };
  Kind kind = Kind::linear;
  int n_in = 0, n_out = 0;           // of linear
  std::vector<double> weights, bias; // [n_out, n_in], [n_out]; bias may be empty
  Activation activation = Activation::none;
  double slope = 0;
  std::vector<double> scale, shift; // of affine; one element each: for all
};

class Chain {
public:
  virtual ~Chain() = default;
  virtual isthmus_dtype dtype() const = 0;
  virtual int n_in() const = 0;
  virtual int n_out() const = 0;
  /// y[sample, n_out] from x[sample, n_in], both contiguous; they may be the same memory if
  /// n_in = n_out. Not for concurrent calls.
  virtual void run(const void *x, void *y, std::int64_t n_samples) = 0;
};

/// @param steps  begin with a linear layer or hold one after affine steps
std::unique_ptr<Chain> make_chain(isthmus_dtype dtype, const std::vector<Step> &steps);

} // namespace isthmus
