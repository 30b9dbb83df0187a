// SPDX-License-Identifier: MIT
// The guard of a contract, read strictly: a misspelt key would be a guard that is not
// there.
#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>

#include <nlohmann/json.hpp>

#include "../failure.hpp"
#include "guard.hpp"

namespace isthmus {
namespace {

using Json = nlohmann::json;
using Names = std::vector<std::string>;

[[noreturn]] void refuse(const std::string &text) {
  throw Failure(ISTHMUS_ERR_CONTRACT, "guard: " + text);
}

void check_keys(const Json &object, const std::string &where,
                std::initializer_list<const char *> known) {
  if (!object.is_object())
    refuse(in_quotes(where) + " is " + object.type_name() + ", expected an object");
  for (const auto &[key, value] : object.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      refuse("unknown key " + in_quotes(where + "." + key));
}

const std::string &known_name(const std::string &name, const Names &names,
                              const std::string &where) {
  if (std::find(names.begin(), names.end(), name) == names.end())
    refuse(in_quotes(where) + " names " + in_quotes(name) +
           ", which the network does not have");
  return name;
}

double number_of(const Json &value, const std::string &where) {
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    refuse(in_quotes(where) + " is " + value.dump() + ", expected a number");
  return value.get<double>();
}

std::vector<double> numbers_of(const Json &list, const std::string &where) {
  if (!list.is_array() || list.empty())
    refuse(in_quotes(where) + " is " + list.type_name() + ", expected a list of numbers");
  std::vector<double> numbers;
  for (const Json &value : list)
    numbers.push_back(number_of(value, where));
  return numbers;
}

/// A number for all elements, or one for each; null is no limit.
std::vector<double> limits_of(const Json &object, const char *key, double none,
                              const std::string &where) {
  if (!object.contains(key) || object[key].is_null())
    return {};
  const std::string path = where + "." + key;
  if (!object[key].is_array())
    return {number_of(object[key], path)};
  std::vector<double> limits;
  for (const Json &value : object[key])
    limits.push_back(value.is_null() ? none : number_of(value, path));
  if (limits.empty())
    refuse(in_quotes(path) + " is an empty list");
  return limits;
}

Limits limits_of(const Json &object, const std::string &where) {
  constexpr double largest = std::numeric_limits<double>::max();
  const Limits limits = {limits_of(object, "low", -largest, where),
                         limits_of(object, "high", largest, where)};
  const std::size_t n = std::max(limits.low.size(), limits.high.size());
  for (std::size_t i = 0; i < n && !limits.low.empty() && !limits.high.empty(); ++i)
    if (limits.low[limits.low.size() == 1 ? 0 : std::min(i, limits.low.size() - 1)] >
        limits.high[limits.high.size() == 1 ? 0 : std::min(i, limits.high.size() - 1)])
      refuse(in_quotes(where) + " has a low limit above the high one");
  return limits;
}

std::map<std::string, Limits> all_limits_of(const Json &guard, const char *key,
                                            const Names &names) {
  std::map<std::string, Limits> limits;
  if (!guard.contains(key))
    return limits;
  if (!guard[key].is_object())
    refuse(in_quotes(key) + " is " + guard[key].type_name() + ", expected an object");
  for (const auto &[name, object] : guard[key].items()) {
    const std::string where = std::string(key) + "." + name;
    check_keys(object, where, {"low", "high"});
    limits[known_name(name, names, key)] = limits_of(object, where);
  }
  return limits;
}

Mahalanobis mahalanobis_of(const Json &object, const Names &inputs) {
  check_keys(object, "mahalanobis", {"inputs", "mean", "whitening", "threshold"});
  Mahalanobis known;
  for (const Json &name : object.at("inputs"))
    known.inputs.push_back(known_name(name.get<std::string>(), inputs, "mahalanobis"));
  known.mean = numbers_of(object.at("mean"), "mahalanobis.mean");
  for (const Json &row : object.at("whitening")) {
    known.whitening.push_back(numbers_of(row, "mahalanobis.whitening"));
    if (known.whitening.back().size() != known.mean.size())
      refuse("'mahalanobis.whitening' has a row of " + std::to_string(row.size()) +
             " numbers, the mean has " + std::to_string(known.mean.size()));
  }
  known.threshold = number_of(object.at("threshold"), "mahalanobis.threshold");
  return known;
}

Fixer fixer_of(const Json &object, const Names &inputs, const Names &outputs) {
  const std::string kind = object.at("kind").get<std::string>();
  Fixer fixer;
  if (kind == "bounds") {
    check_keys(object, "fixers.bounds", {"kind", "output", "low", "high"});
    fixer.kind = Fixer::Kind::bounds;
    fixer.output =
        known_name(object.at("output").get<std::string>(), outputs, "fixers.bounds");
    fixer.limits = limits_of(object, "fixers.bounds");
  } else if (kind == "conserve") {
    check_keys(object, "fixers.conserve", {"kind", "weights", "total"});
    fixer.kind = Fixer::Kind::conserve;
    fixer.total = object.contains("total")
                      ? number_of(object["total"], "fixers.conserve.total")
                      : 0.0;
    for (const auto &[name, list] : object.at("weights").items())
      fixer.weights[known_name(name, outputs, "fixers.conserve")] =
          numbers_of(list, "fixers.conserve.weights");
  } else if (kind == "positive_state") {
    check_keys(object, "fixers.positive_state", {"kind", "tendency", "state"});
    fixer.kind = Fixer::Kind::positive_state;
    fixer.output = known_name(object.at("tendency").get<std::string>(), outputs,
                              "fixers.positive_state");
    fixer.state =
        known_name(object.at("state").get<std::string>(), inputs, "fixers.positive_state");
  } else {
    refuse("unknown fixer " + in_quotes(kind) +
           ", expected bounds, conserve or positive_state");
  }
  return fixer;
}

void check_size(const std::string &name, const std::string &what, std::size_t found,
                const Views &views) {
  const auto expected = static_cast<std::size_t>(views.at(name).n_elements());
  if (found > 1 && found != expected && expected > 0)
    refuse(what + " of " + in_quotes(name) + " has " + std::to_string(found) +
           " numbers, a sample has " + std::to_string(expected));
}

void check_limits(const std::map<std::string, Limits> &limits, const Views &views) {
  for (const auto &[name, own] : limits) {
    if (!views.count(name))
      refuse("limits for " + in_quotes(name) + ", which is memory");
    check_size(name, "low", own.low.size(), views);
    check_size(name, "high", own.high.size(), views);
  }
}

void check_fixer(const Fixer &fixer, const Views &inputs, const Views &outputs) {
  if (fixer.kind == Fixer::Kind::bounds)
    check_limits({{fixer.output, fixer.limits}}, outputs);
  for (const auto &[name, weights] : fixer.weights)
    if (static_cast<std::size_t>(outputs.at(name).n_elements()) != weights.size() &&
        outputs.at(name).n_elements() > 0)
      refuse("conserve has " + std::to_string(weights.size()) + " weights for " +
             in_quotes(name) + ", a sample has " +
             std::to_string(outputs.at(name).n_elements()) + " elements");
  if (fixer.kind == Fixer::Kind::positive_state &&
      inputs.at(fixer.state).n_elements() != outputs.at(fixer.output).n_elements())
    refuse("positive_state: a sample of " + in_quotes(fixer.state) + " has " +
           std::to_string(inputs.at(fixer.state).n_elements()) + " elements, of " +
           in_quotes(fixer.output) + " " +
           std::to_string(outputs.at(fixer.output).n_elements()));
}

Guard parsed(const std::string &text, const Names &inputs, const Names &outputs) {
  const Json json = Json::parse(text);
  check_keys(json, "guard", {"inputs", "outputs", "quantiles", "mahalanobis", "fixers"});
  Guard guard;
  guard.inputs = all_limits_of(json, "inputs", inputs);
  guard.outputs = all_limits_of(json, "outputs", outputs);
  if (json.contains("mahalanobis") && !json["mahalanobis"].is_null())
    guard.distances.push_back(mahalanobis_of(json["mahalanobis"], inputs));
  if (json.contains("fixers"))
    for (const Json &fixer : json["fixers"])
      guard.fixers.push_back(fixer_of(fixer, inputs, outputs));
  return guard;
}

} // namespace

Guard guard_of(const std::string &json, const Names &inputs, const Names &outputs) {
  try {
    return json.empty() ? Guard() : parsed(json, inputs, outputs);
  } catch (const Json::exception &error) {
    refuse(error.what());
  }
}

void check_sizes(const Guard &guard, const Views &inputs, const Views &outputs) {
  check_limits(guard.inputs, inputs);
  check_limits(guard.outputs, outputs);
  for (const Mahalanobis &known : guard.distances) {
    std::int64_t n = 0;
    for (const std::string &name : known.inputs) {
      if (!inputs.count(name))
        refuse("mahalanobis names " + in_quotes(name) + ", which is memory");
      n += inputs.at(name).n_elements();
    }
    if (n > 0 && static_cast<std::size_t>(n) != known.mean.size())
      refuse("mahalanobis has a mean of " + std::to_string(known.mean.size()) +
             " numbers, a sample's inputs have " + std::to_string(n));
  }
  for (const Fixer &fixer : guard.fixers)
    check_fixer(fixer, inputs, outputs);
}

} // namespace isthmus
