// SPDX-License-Identifier: MIT
// What a host's thread needs before it computes in libtorch.
#pragma once

#include "../fp_environment.hpp"
#include "runtime/thread_budget.hpp"

namespace isthmus {

/// While it lives, this thread may compute in libtorch: parallel regions have the threads
/// of the budget, and the host's floating-point traps are masked, for libtorch computes
/// with NaN and infinity on purpose. Both are put back at the end.
class TorchEntry {
private:
  const ThreadBudget threads_;
  const FpEnvironment traps_masked_;
};

} // namespace isthmus
