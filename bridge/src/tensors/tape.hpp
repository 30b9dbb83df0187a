// SPDX-License-Identifier: MIT
// Whether this thread records operations for backward.
#pragma once

namespace isthmus {

/// True at the start of each thread; isthmus_tape_set() changes it.
bool &is_tape_on() noexcept;

} // namespace isthmus
