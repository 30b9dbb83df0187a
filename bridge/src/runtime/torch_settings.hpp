// SPDX-License-Identifier: MIT
// Switches of libtorch that hold for the process.
#pragma once

#include "runtime/memory_cache.hpp"

namespace isthmus {

/// The memory the caching allocator keeps; there is one, and it outlives every tensor.
MemoryCache &tensor_memory();

/// Take tensors in host memory from tensor_memory(), or from where they came before.
void use_caching_allocator(bool is_wanted);

/// Refuse operators without an algorithm that repeats its bits.
void use_deterministic_algorithms(bool is_wanted);

} // namespace isthmus
