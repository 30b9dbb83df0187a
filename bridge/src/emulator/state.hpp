// SPDX-License-Identifier: MIT
// The state of an emulator as one piece of bytes.
#pragma once

#include <vector>

#include "emulator.hpp"

namespace isthmus {

std::vector<unsigned char> packed(const std::vector<StateArray> &arrays);

/// The arrays of packed bytes: names, types and shapes must be those of `expected`.
/// @throws Failure (argument, shape)
std::vector<StateArray> unpacked(const void *bytes, std::int64_t n_bytes,
                                 std::vector<StateArray> expected);

/// Index of an array by name.
/// @throws Failure (argument)
std::size_t index_of(const std::vector<StateArray> &arrays, const std::string &name);

} // namespace isthmus
