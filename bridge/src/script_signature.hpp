// SPDX-License-Identifier: MIT
// What a TorchScript method takes and returns, and how a caller's arrays become that.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include "contract.hpp"

namespace isthmus {

/// One argument of a method, as the caller's arrays give it.
struct Argument {
  enum class Kind { tensor, real, whole, logical, left_out };
  std::string name;
  Kind kind = Kind::tensor;
  c10::IValue standard; // its default, for an argument left out
};

/// Signature of a method: the arguments in their order, the names of the results.
struct ScriptSignature {
  std::vector<Argument> arguments;
  std::vector<std::string> outputs;
  bool has_open_outputs = false; // lists or dictionaries: what is in them shows at the run

  /// Names of the arguments the caller binds.
  std::vector<std::string> inputs() const;
  bool is_scalar(const std::string &input) const;
};

/// Read a schema. Arguments that have a default are left out, but for the first ones of a
/// contract that names more inputs than are needed.
/// @throws Failure (file) if tensors and scalars cannot serve it
ScriptSignature signature_of(const c10::FunctionSchema &schema, const std::string &method,
                             const MethodNames *stated);

/// The value of an argument from the tensor bound to it.
/// @throws Failure (shape)
c10::IValue value_of(const Argument &argument, const at::Tensor &bound);

/// Tensors in a result, depth first, left to right; by name where a dictionary holds them.
/// @throws Failure (runtime) if they are not the ones the names promise
void flatten(c10::IValue &&answer, const std::vector<std::string> &names,
             bool has_open_outputs, std::vector<at::Tensor> &results);

} // namespace isthmus
