// SPDX-License-Identifier: MIT
#include "script_graph.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <torch/csrc/jit/ir/ir.h>

namespace isthmus {
namespace {

namespace jit = torch::jit;

/// Code that is not in the graph: of a module behind an interface, of Python, of a task.
constexpr std::array<const char *, 6> elsewhere = {"prim::CallMethod", "prim::CallFunction",
                                                   "prim::PythonOp",   "prim::fork",
                                                   "prim::awaitable",  "prim::rpc_async"};

bool is_plain(const jit::Node &node) {
  const std::string space = node.kind().ns().toUnqualString();
  // Operators of others may have no kernel but the one registered with autograd.
  return (space == "aten" || space == "prim") &&
         std::find(elsewhere.begin(), elsewhere.end(),
                   std::string(node.kind().toQualString())) == elsewhere.end();
}

bool is_plain(const jit::Block &block) {
  for (const jit::Node *node : block.nodes()) {
    if (!is_plain(*node))
      return false;
    for (const jit::Block *inner : node->blocks())
      if (!is_plain(*inner))
        return false;
  }
  return true;
}

} // namespace

bool may_need_autograd(const jit::Graph &graph) { return !is_plain(*graph.block()); }

} // namespace isthmus
