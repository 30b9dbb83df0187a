// SPDX-License-Identifier: MIT
#include "normalization.hpp"

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "../failure.hpp"

namespace isthmus {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string &name, const std::string &text) {
  throw Failure(ISTHMUS_ERR_CONTRACT, "normalization of " + in_quotes(name) + " " + text);
}

std::vector<double> numbers_of(const std::string &name, const char *key, const Json &json) {
  std::vector<double> numbers;
  const Json value = json.contains(key) ? json[key] : Json();
  if (value.is_number())
    numbers.push_back(value.get<double>());
  else if (value.is_array())
    for (const Json &item : value)
      numbers.push_back(item.is_number() ? item.get<double>() : std::nan(""));
  if (numbers.empty())
    refuse(name, "has no " + in_quotes(key));
  for (const double number : numbers)
    if (!std::isfinite(number))
      refuse(name, "has a " + in_quotes(key) + " that is no number");
  return numbers;
}

int dimension_of(const std::string &name, const Json &variable, const Variable &known,
                 std::size_t n_numbers) {
  const std::string wanted = variable["normalization"].value("dim", "");
  const Json dims = variable.value("dims", Json::array());
  for (std::size_t i = 0; i < dims.size() && i < known.shape.size(); ++i)
    if (dims[i] == wanted) {
      if (known.shape[i].fixed != static_cast<std::int64_t>(n_numbers))
        refuse(name, "has " + std::to_string(n_numbers) + " numbers for the dimension " +
                         in_quotes(wanted) + ", expected " +
                         std::to_string(known.shape[i].fixed));
      return static_cast<int>(i);
    }
  refuse(name, "has lists along " + in_quotes(wanted) + ", which is no dimension of it");
}

Normalization normalization_of(const std::string &name, const Json &variable,
                               const Variable &known) {
  const Json &json = variable["normalization"];
  Normalization found{numbers_of(name, "mean", json), numbers_of(name, "sd", json)};
  const std::size_t n = std::max(found.mean.size(), found.sd.size());
  for (std::vector<double> *list : {&found.mean, &found.sd})
    if (list->size() == 1)
      list->resize(n, list->front());
  if (found.mean.size() != found.sd.size())
    refuse(name, "has lists of different lengths");
  for (const double sd : found.sd)
    if (sd <= 0.0)
      refuse(name, "has a standard deviation that is not above 0");
  if (!known.is_floating())
    refuse(name, "is asked of the bridge, but the variable is no floating-point one");
  if (n > 1)
    found.dimension = dimension_of(name, variable, known, n);
  return found;
}

} // namespace

std::map<std::string, Normalization> normalizations_of(const Contract &contract) {
  std::map<std::string, Normalization> all;
  try {
    const Json variables = Json::parse(contract.text).at("variables");
    for (const auto &[name, variable] : variables.items()) {
      const Json json = variable.value("normalization", Json());
      if (json.is_object() && json.value("applied_by", "network") == "bridge")
        all[name] = normalization_of(name, variable, contract.variables.at(name));
    }
  } catch (const Json::exception &error) {
    throw Failure(ISTHMUS_ERR_CONTRACT, error.what());
  }
  return all;
}

} // namespace isthmus
