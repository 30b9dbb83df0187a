// SPDX-License-Identifier: MIT
// Whether the keys of a contract are known and their values of the right kind.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace isthmus {

/// A misspelt `training_range` would otherwise be a guard that silently is not there.
/// @throws Failure (contract), naming the key
void check_keys(const nlohmann::json &contract);

} // namespace isthmus
