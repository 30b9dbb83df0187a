// SPDX-License-Identifier: MIT
// What a TorchScript graph does, as far as the way to run it depends on it.
#pragma once

namespace torch::jit {
struct Graph;
}

namespace isthmus {

/// Whether there is anything in the graph, its calls inlined, but operators of torch. These
/// give the same numbers without autograd, in less time; of others nobody knows.
bool may_need_autograd(const torch::jit::Graph &graph);

} // namespace isthmus
