// SPDX-License-Identifier: MIT
// What the host declares it will pass, held against the contract before step one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "array.hpp"
#include "model.hpp"

namespace isthmus {

/// What the host says about one variable; what it does not say is not checked.
struct Requirement {
  std::optional<std::string> units;
  std::optional<std::vector<std::string>> dims;   // slowest first
  std::optional<std::vector<std::int64_t>> shape; // slowest first, -1 for any extent
  std::optional<isthmus_dtype> dtype;
};

/// @throws Failure (argument, shape, contract), naming the variable
void require_variable(const Model &model, Role role, const std::string &name,
                      const Requirement &requirement);

/// @throws Failure (argument, contract)
void require_time_step(const Model &model, double dt);

/// Evaluate the contract's test vectors; returns the largest relative error.
/// @throws Failure (contract, runtime)
double self_test(Model &model);

} // namespace isthmus
