// SPDX-License-Identifier: MIT
#include "script_signature.hpp"

#include <algorithm>
#include <optional>

#include <ATen/core/Tensor.h>
#include <ATen/core/jit_type.h>

#include "failure.hpp"
#include "structure.hpp"

namespace isthmus {
namespace {

using Kind = Argument::Kind;
using Tensors = std::vector<at::Tensor>;

bool is_tensor(const c10::TypePtr &type) {
  return type->isSubtypeOf(*c10::TensorType::get());
}

bool may_hold_tensor(const c10::TypePtr &type) {
  const auto optional = type->cast<c10::OptionalType>();
  return is_tensor(type) || (optional && is_tensor(optional->getElementType()));
}

/// How an argument of a type can be bound, if it can.
std::optional<Kind> kind_of(const c10::TypePtr &type) {
  if (may_hold_tensor(type))
    return Kind::tensor;
  if (type->kind() == c10::TypeKind::FloatType)
    return Kind::real;
  if (type->kind() == c10::TypeKind::IntType)
    return Kind::whole;
  if (type->kind() == c10::TypeKind::BoolType)
    return Kind::logical;
  return std::nullopt;
}

std::vector<Argument> arguments_of(const c10::FunctionSchema &schema,
                                   const std::string &method, const MethodNames *stated) {
  const std::vector<c10::Argument> &all = schema.arguments();
  std::size_t n_needed = 0;
  for (std::size_t i = 1; i < all.size(); ++i)
    n_needed += all[i].default_value() ? 0 : 1;
  const std::size_t n_stated = stated ? stated->inputs.size() : n_needed;
  std::size_t n_more = n_stated > n_needed ? n_stated - n_needed : 0;
  std::vector<Argument> arguments;
  for (std::size_t i = 1; i < all.size(); ++i) {
    const std::optional<Kind> kind = kind_of(all[i].type());
    Argument argument{all[i].name(), kind.value_or(Kind::left_out), {}};
    if (all[i].default_value() && (n_more == 0 || !kind)) {
      argument.kind = Kind::left_out;
      argument.standard = *all[i].default_value();
    } else if (!kind) {
      throw Failure(ISTHMUS_ERR_FILE,
                    "argument " + in_quotes(argument.name) + " of " + method +
                        " is of type " + all[i].type()->annotation_str() +
                        " and has no default; isthmus passes tensors and numbers");
    } else if (all[i].default_value()) {
      --n_more;
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

class OutputNames {
public:
  OutputNames(std::string method, bool has_names)
      : method_(std::move(method)), has_names_(has_names) {}

  void collect(const c10::TypePtr &type, const std::string &path) {
    if (is_tensor(type)) {
      names.push_back(path.empty() ? "output_0" : path);
    } else if (const auto tuple = type->cast<c10::TupleType>()) {
      const auto &elements = tuple->elements();
      const auto &fields =
          tuple->schema() ? tuple->schema()->arguments() : std::vector<c10::Argument>();
      for (std::size_t i = 0; i < elements.size(); ++i)
        collect(elements[i],
                path_below(path, i < fields.size() ? fields[i].name() : std::to_string(i)));
    } else if (type->kind() == c10::TypeKind::DictType ||
               type->kind() == c10::TypeKind::ListType) {
      is_open = true;
      if (!has_names_)
        throw Failure(ISTHMUS_ERR_FILE,
                      method_ + " returns " + type->str() +
                          ", whose names and number show only at a run: export it with "
                          "isthmus.export, so that a contract tells them");
    } else {
      throw Failure(ISTHMUS_ERR_FILE, method_ + " returns " + type->str() +
                                          ", expected tensors, or tuples of them");
    }
  }

  std::vector<std::string> names;
  bool is_open = false;

private:
  std::string method_;
  bool has_names_;
};

struct Leaf {
  std::string path;
  at::Tensor tensor;
};

void collect(const c10::IValue &value, const std::string &path, std::vector<Leaf> &leaves) {
  const auto below = [&](const std::string &step) { return path_below(path, step); };
  if (value.isTensor()) {
    leaves.push_back({path, value.toTensor()});
  } else if (value.isTuple()) {
    const auto &elements = value.toTupleRef().elements();
    const auto &schema = value.type()->expectRef<c10::TupleType>().schema();
    for (std::size_t i = 0; i < elements.size(); ++i)
      collect(elements[i],
              below(schema ? schema->arguments()[i].name() : std::to_string(i)), leaves);
  } else if (value.isList()) {
    const auto elements = value.toListRef();
    for (std::size_t i = 0; i < elements.size(); ++i)
      collect(elements[i], below(std::to_string(i)), leaves);
  } else if (value.isGenericDict()) {
    for (const auto &entry : value.toGenericDict()) {
      const c10::IValue &key = entry.key();
      collect(entry.value(),
              below(key.isString() ? key.toStringRef() : std::to_string(key.toInt())),
              leaves);
    }
  } else {
    throw Failure(ISTHMUS_ERR_RUNTIME, "the network returned " + value.tagKind() + " as " +
                                           in_quotes(path) + ", expected a tensor");
  }
}

/// Tensors of tuples known beforehand: no paths are made, nothing is allocated.
void append(const c10::IValue &value, Tensors &results) {
  if (value.isTensor())
    results.push_back(value.toTensor());
  else
    for (const c10::IValue &element : value.toTupleRef().elements())
      append(element, results);
}

void append(c10::IValue &&value, Tensors &results) {
  if (value.isTensor())
    results.push_back(std::move(value).toTensor());
  else
    append(value, results);
}

void by_name(const std::vector<Leaf> &leaves, const std::vector<std::string> &names,
             Tensors &results) {
  std::string found;
  for (const Leaf &leaf : leaves)
    found += (found.empty() ? "" : ", ") + in_quotes(leaf.path);
  for (const std::string &name : names) {
    const auto leaf = std::find_if(leaves.begin(), leaves.end(),
                                   [&](const Leaf &each) { return each.path == name; });
    if (leaf == leaves.end())
      throw Failure(ISTHMUS_ERR_RUNTIME,
                    "the network returned no " + in_quotes(name) + ", only " + found);
    results.push_back(leaf->tensor);
  }
}

} // namespace

std::vector<std::string> ScriptSignature::inputs() const {
  std::vector<std::string> names;
  for (const Argument &argument : arguments)
    if (argument.kind != Kind::left_out)
      names.push_back(argument.name);
  return names;
}

bool ScriptSignature::is_scalar(const std::string &input) const {
  return std::any_of(arguments.begin(), arguments.end(), [&](const Argument &argument) {
    return argument.name == input && argument.kind != Kind::tensor;
  });
}

ScriptSignature signature_of(const c10::FunctionSchema &schema, const std::string &method,
                             const MethodNames *stated) {
  OutputNames outputs(method, stated != nullptr);
  outputs.collect(schema.returns().at(0).type(), "");
  return {arguments_of(schema, method, stated), outputs.names, outputs.is_open};
}

c10::IValue value_of(const Argument &argument, const at::Tensor &bound) {
  if (argument.kind == Kind::left_out)
    return argument.standard;
  if (argument.kind == Kind::tensor)
    return bound;
  const at::ScalarType expected = argument.kind == Kind::real    ? at::kDouble
                                  : argument.kind == Kind::whole ? at::kLong
                                                                 : at::kBool;
  if (bound.dim() != 0 || bound.scalar_type() != expected)
    throw Failure(ISTHMUS_ERR_SHAPE, in_quotes(argument.name) +
                                         " is a number to the network: bind a scalar " +
                                         (argument.kind == Kind::real    ? "float64"
                                          : argument.kind == Kind::whole ? "int64"
                                                                         : "bool"));
  if (argument.kind == Kind::real)
    return *bound.const_data_ptr<double>();
  if (argument.kind == Kind::whole)
    return *bound.const_data_ptr<std::int64_t>();
  return *bound.const_data_ptr<bool>();
}

void flatten(c10::IValue &&answer, const std::vector<std::string> &names,
             bool has_open_outputs, Tensors &results) {
  results.clear();
  if (!has_open_outputs)
    return append(std::move(answer), results);
  std::vector<Leaf> leaves;
  collect(answer, "", leaves);
  const bool has_paths = std::any_of(leaves.begin(), leaves.end(), [&](const Leaf &leaf) {
    return std::find(names.begin(), names.end(), leaf.path) != names.end();
  });
  if (has_paths)
    return by_name(leaves, names, results);
  for (const Leaf &leaf : leaves) // names of the user's own, in this order
    results.push_back(leaf.tensor);
}

} // namespace isthmus
