// SPDX-License-Identifier: MIT
#include "requirements.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include <nlohmann/json.hpp>

#include "failure.hpp"

namespace isthmus {
namespace {

using Json = nlohmann::json;

/// Time steps come through namelists in single precision, whose rounding is 6e-8.
constexpr double time_step_tolerance = 1e-6;

[[noreturn]] void refuse(isthmus_status status, const std::string &name,
                         const std::string &what, const std::string &found,
                         const std::string &expected, const std::string &hint = "") {
  throw Failure(status, in_quotes(name) + " has " + what + " " + found +
                            " in the host, the network expects " + expected + hint);
}

Json contract_of(const Model &model, const std::string &what) {
  const std::string text = model.contract();
  if (text.empty())
    throw Failure(ISTHMUS_ERR_CONTRACT,
                  "the file has no contract to hold " + what + " against");
  return Json::parse(text);
}

void check_role(const Model &model, Role role, const std::string &name) {
  const MethodNames &names = model.names("forward");
  const auto &known = role == Role::input ? names.inputs : names.outputs;
  if (std::find(known.begin(), known.end(), name) != known.end())
    return;
  std::string listed;
  for (const std::string &each : known)
    listed += (listed.empty() ? "" : ", ") + in_quotes(each);
  throw Failure(ISTHMUS_ERR_ARGUMENT,
                "no " + std::string(role == Role::input ? "input " : "output ") +
                    in_quotes(name) + ": the network has " + listed);
}

void require_units(const std::string &name, const Json &variable,
                   const std::string &units) {
  const Json found = variable.value("units", Json());
  if (!found.is_string())
    refuse(ISTHMUS_ERR_CONTRACT, name, "units", in_quotes(units),
           "none: its contract does not say");
  if (found.get<std::string>() != units)
    refuse(ISTHMUS_ERR_CONTRACT, name, "units", in_quotes(units),
           in_quotes(found.get<std::string>()));
}

std::string names_text(const std::vector<std::string> &names) {
  std::string text = "[";
  for (const std::string &name : names)
    text += (text.size() > 1 ? ", " : "") + name;
  return text + "]";
}

void require_dims(const std::string &name, const Json &variable,
                  const std::vector<std::string> &dims) {
  const Json found = variable.value("dims", Json());
  if (!found.is_array())
    refuse(ISTHMUS_ERR_CONTRACT, name, "dimensions", names_text(dims),
           "none: its contract does not name them");
  const auto expected = found.get<std::vector<std::string>>();
  if (expected == dims)
    return;
  const bool is_transposed =
      std::equal(dims.rbegin(), dims.rend(), expected.begin(), expected.end());
  refuse(ISTHMUS_ERR_CONTRACT, name, "dimensions", names_text(dims), names_text(expected),
         is_transposed ? ": they are transposed" : "");
}

template <typename Iterator> bool fits(Iterator found, Iterator end, const Json &expected) {
  for (const Json &extent : expected) {
    if (found == end || (extent.is_number() && extent.get<std::int64_t>() != *found))
      return false;
    ++found;
  }
  return found == end;
}

void require_shape(const std::string &name, const Json &variable,
                   const std::vector<std::int64_t> &shape) {
  const Json &expected = variable.at("shape");
  if (fits(shape.begin(), shape.end(), expected))
    return;
  std::vector<std::string> texts;
  for (const Json &extent : expected)
    texts.push_back(extent.is_string() ? extent.get<std::string>() : extent.dump());
  const bool is_transposed = fits(shape.rbegin(), shape.rend(), expected);
  refuse(ISTHMUS_ERR_SHAPE, name, "shape", shape_text(shape), names_text(texts),
         is_transposed ? ": it is transposed" : "");
}

} // namespace

void require_variable(const Model &model, Role role, const std::string &name,
                      const Requirement &requirement) {
  check_role(model, role, name);
  const Json contract = contract_of(model, in_quotes(name));
  const Json &variable = contract.at("variables").at(name);
  if (requirement.dtype &&
      variable.at("dtype").get<std::string>() != dtype_name(*requirement.dtype))
    refuse(ISTHMUS_ERR_SHAPE, name, "type", dtype_name(*requirement.dtype),
           variable.at("dtype").get<std::string>());
  if (requirement.dims)
    require_dims(name, variable, *requirement.dims);
  if (requirement.shape)
    require_shape(name, variable, *requirement.shape);
  if (requirement.units)
    require_units(name, variable, *requirement.units);
}

void require_time_step(const Model &model, double dt) {
  if (!(dt > 0.0) || !std::isfinite(dt))
    throw Failure(ISTHMUS_ERR_ARGUMENT, "the time step is " + std::to_string(dt) +
                                            ", expected a positive number");
  contract_of(model, "the time step");
  std::ostringstream text;
  text.precision(9);
  text << "the host's time step is " << dt << ", the network ";
  if (model.dt() == 0.0)
    throw Failure(ISTHMUS_ERR_CONTRACT, text.str() + "does not say for which it is");
  if (std::abs(dt - model.dt()) > time_step_tolerance * model.dt()) {
    text << "was trained for " << model.dt();
    throw Failure(ISTHMUS_ERR_CONTRACT, text.str());
  }
}

} // namespace isthmus
