// SPDX-License-Identifier: MIT
// The contract in a model file (docs/contract.md), as far as the bridge needs it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "archive.hpp"
#include "array.hpp"

namespace isthmus {

/// A fixed extent, or the symbol of one that may vary.
struct Extent {
  std::int64_t fixed = -1;
  std::string symbol; // "" if fixed
};

struct Variable {
  isthmus_dtype dtype = ISTHMUS_FLOAT64;
  std::vector<Extent> shape;
  bool is_floating() const;
};

/// What a method reads and fills, in the order the engine takes them.
struct MethodNames {
  std::vector<std::string> inputs, outputs;
};
using Methods = std::map<std::string, MethodNames>;

struct Contract {
  std::string text;
  std::string engine;
  std::string isa;
  double dt = 0.0; // 0: none
  Methods methods;
  std::map<std::string, Variable> variables;

  /// The variable behind a name: `x_tl` and `x_ad` are like `x`. Null if there is none.
  const Variable *find(const std::string &name) const;
};

/// "x" of "x_tl" or "x_ad"; the name itself otherwise.
std::string base_name(const std::string &name);

/// "[member, 36]" of a variable.
std::string shape_text(const Variable &variable);

/// Read and verify the contract of a file; nothing if the file has none.
/// @throws Failure (contract)
std::optional<Contract> verified_contract(const Archive &archive);

/// @throws Failure (contract) if this machine lacks the instruction set.
void check_instruction_set(const std::string &path, const std::string &isa);

} // namespace isthmus
