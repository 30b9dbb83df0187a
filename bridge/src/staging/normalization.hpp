// SPDX-License-Identifier: MIT
// The normalization that a contract asks the bridge to apply, as numbers along one
// dimension.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "../contract.hpp"

namespace isthmus {

/// y = (x - mean) / sd of a variable; one number each, or one for each index of
/// `dimension`.
struct Normalization {
  std::vector<double> mean, sd;
  int dimension = -1; // -1: the same numbers everywhere
};

/// Those with "applied_by": "bridge", by variable.
/// @throws Failure (contract)
std::map<std::string, Normalization> normalizations_of(const Contract &contract);

} // namespace isthmus
