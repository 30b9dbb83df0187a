// SPDX-License-Identifier: MIT
#include "terms.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "../failure.hpp"

namespace isthmus {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string &text) {
  throw Failure(ISTHMUS_ERR_CONTRACT, text);
}

isthmus_dtype dtype_of(const std::string &text) {
  for (int i = ISTHMUS_BOOL; i < n_dtypes; ++i)
    if (text == dtype_name(static_cast<isthmus_dtype>(i)))
      return static_cast<isthmus_dtype>(i);
  refuse("contract has the unknown type " + in_quotes(text));
}

void read_variable(const std::string &name, const Json &variable, const Json &separable,
                   Terms &terms) {
  terms.dtypes[name] = dtype_of(variable.at("dtype").get<std::string>());
  int axis = -1;
  for (const Json &extent : variable.at("shape")) {
    if (separable.is_string() && extent == separable && axis < 0)
      axis = static_cast<int>(terms.shapes[name].size());
    if (extent.is_string())
      terms.shapes[name].push_back({-1, extent.get<std::string>()});
    else
      terms.shapes[name].push_back({extent.get<std::int64_t>(), ""});
  }
  terms.shapes[name]; // a scalar has an entry too
  terms.axis[name] = axis;
}

void read_memory(const Json &memory, const MethodNames &names, Terms &terms) {
  const auto has = [](const std::vector<std::string> &list, const std::string &name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (const auto &[input, output] : memory.items()) {
    const std::string from = output.get<std::string>();
    if (!has(names.inputs, input) || !has(names.outputs, from))
      refuse("contract has the memory " + in_quotes(input) + " from " + in_quotes(from) +
             ", which are not an input and an output of 'forward'");
    const auto text = [&](const std::string &name) {
      Variable variable;
      variable.dtype = terms.dtypes.at(name);
      variable.shape = terms.shapes.at(name);
      return std::string(dtype_name(variable.dtype)) + shape_text(variable);
    };
    if (text(input) != text(from))
      refuse("memory " + in_quotes(input) + " is " + text(input) + ", but " +
             in_quotes(from) + " is " + text(from));
    terms.memory[input] = from;
  }
}

/// Everything but the weights and what was learnt with them.
std::string signature_of(const Json &contract) {
  Json common = {{"forward", contract.at("methods").at("forward")},
                 {"separable", contract.value("separable", Json())},
                 {"dt", contract.value("dt", Json())},
                 {"memory", contract.value("memory", Json::object())}};
  for (const auto &[name, variable] : contract.at("variables").items())
    for (const char *key : {"dtype", "shape", "dims", "units"})
      common["variables"][name][key] = variable.value(key, Json());
  return common.dump();
}

Terms parsed(const Model &model, const std::string &text) {
  const Json contract = Json::parse(text);
  Terms terms;
  terms.dt = model.dt();
  const Json version = contract.value("version", Json());
  if (version.is_string())
    terms.version = version.get<std::string>();
  for (const auto &[name, variable] : contract.at("variables").items())
    read_variable(name, variable, contract.value("separable", Json()), terms);
  if (contract.contains("memory") && !contract["memory"].is_null())
    read_memory(contract["memory"], model.names("forward"), terms);
  if (contract.contains("guard") && !contract["guard"].is_null())
    terms.guard = contract["guard"].dump();
  terms.signature = signature_of(contract);
  return terms;
}

} // namespace

int Terms::axis_of(const std::string &name) const {
  const auto found = axis.find(name);
  return found == axis.end() ? -1 : found->second;
}

Terms terms_of(const Model &model) {
  const std::string text = model.contract();
  if (text.empty())
    return {};
  try {
    return parsed(model, text);
  } catch (const Json::exception &error) {
    refuse(std::string("contract: ") + error.what());
  }
}

} // namespace isthmus
