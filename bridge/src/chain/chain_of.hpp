// SPDX-License-Identifier: MIT
// Recognizes a chain of layers in the graph of a frozen TorchScript method.
#pragma once

#include <memory>
#include <string>

#include <torch/csrc/jit/ir/ir.h>

#include "chain.hpp"

namespace isthmus {

/// The chain a graph computes from its one tensor, or null, with the reason why not.
std::unique_ptr<Chain> chain_of(const torch::jit::Graph &graph, std::string &reason);

} // namespace isthmus
