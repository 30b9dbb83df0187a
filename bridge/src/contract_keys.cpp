// SPDX-License-Identifier: MIT
#include "contract_keys.hpp"

#include <functional>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "failure.hpp"

namespace isthmus {
namespace {

using Json = nlohmann::json;
using Check = std::function<void(const std::string &key, const Json &value)>;
using Keys = std::map<std::string, Check>;

[[noreturn]] void refuse(const std::string &key, const Json &value, const char *expected) {
  std::string shown = value.dump();
  if (shown.size() > 60)
    shown = shown.substr(0, 57) + "...";
  throw Failure(ISTHMUS_ERR_CONTRACT,
                "contract has '" + key + "' " + shown + ", expected " + expected);
}

void text(const std::string &key, const Json &value) {
  if (!value.is_string())
    refuse(key, value, "a text");
}

void number(const std::string &key, const Json &value) {
  if (!value.is_number())
    refuse(key, value, "a number");
}

void integer(const std::string &key, const Json &value) {
  if (!value.is_number_integer())
    refuse(key, value, "an integer");
}

void anything(const std::string &, const Json &) {}

Check list_of(Check item) {
  return [item](const std::string &key, const Json &value) {
    if (!value.is_array())
      refuse(key, value, "a list");
    for (std::size_t i = 0; i < value.size(); ++i)
      item(key + "[" + std::to_string(i) + "]", value[i]);
  };
}

Check table_of(Check item) {
  return [item](const std::string &key, const Json &value) {
    if (!value.is_object())
      refuse(key, value, "an object");
    for (const auto &[name, entry] : value.items())
      item(key + "." + name, entry);
  };
}

Check optional(Check check) {
  return [check](const std::string &key, const Json &value) {
    if (!value.is_null())
      check(key, value);
  };
}

Check one_or_list(Check item) {
  return [item, items = list_of(item)](const std::string &key, const Json &value) {
    (value.is_array() ? items : item)(key, value);
  };
}

Check record(Keys keys) {
  return [keys = std::move(keys)](const std::string &key, const Json &value) {
    if (!value.is_object())
      refuse(key, value, "an object");
    const std::string prefix = key.empty() ? "" : key + ".";
    for (const auto &[name, entry] : value.items()) {
      const auto found = keys.find(name);
      if (found == keys.end())
        throw Failure(ISTHMUS_ERR_CONTRACT,
                      "contract has '" + prefix + name + "', which isthmus does not know");
      found->second(prefix + name, entry);
    }
  };
}

Check variable() {
  const Check scaling = record({{"mean", one_or_list(number)},
                                {"sd", one_or_list(number)},
                                {"dim", optional(text)},
                                {"applied_by", text}});
  return record({{"dtype", text},
                 {"shape", list_of(anything)}, // refused by the reader of shapes
                 {"dims", optional(list_of(text))},
                 {"units", optional(text)},
                 {"long_name", optional(text)},
                 {"training_range", optional(list_of(number))},
                 {"normalization", optional(scaling)}});
}

Check guard() {
  const Check limit = optional(one_or_list(optional(number)));
  const Check limits = table_of(record({{"low", limit}, {"high", limit}}));
  const Check mahalanobis = record({{"inputs", list_of(text)},
                                    {"mean", list_of(number)},
                                    {"whitening", list_of(list_of(number))},
                                    {"threshold", number}});
  const Check fixer = record({{"kind", text},
                              {"output", text},
                              {"low", optional(number)},
                              {"high", optional(number)},
                              {"weights", table_of(list_of(number))},
                              {"total", number},
                              {"tendency", text},
                              {"state", text}});
  return record({{"inputs", limits},
                 {"outputs", limits},
                 {"quantiles", optional(list_of(number))},
                 {"mahalanobis", optional(mahalanobis)},
                 {"fixers", list_of(fixer)}});
}

Check contract() {
  const Check method = record({{"inputs", list_of(text)}, {"outputs", list_of(text)}});
  const Check self_test = record({{"seed", integer},
                                  {"inputs", table_of(anything)},
                                  {"outputs", table_of(anything)},
                                  {"tolerance", number}});
  const Check variants = list_of(record({{"model", text}, {"extent", integer}}));
  return record({{"format", text},
                 {"format_version", integer},
                 {"name", text},
                 {"description", text},
                 {"version", optional(text)},
                 {"engine", text},
                 {"methods", table_of(method)},
                 {"variables", table_of(variable())},
                 {"separable", optional(text)},
                 {"dt", optional(number)},
                 {"isa", optional(text)},
                 {"strides", text},
                 {"self_test", optional(self_test)},
                 {"provenance", table_of(anything)},
                 {"payload_sha256", table_of(text)},
                 {"guard", optional(guard())},
                 {"memory", table_of(text)},
                 {"variants", table_of(variants)}});
}

} // namespace

void check_keys(const Json &json) {
  static const Check check = contract();
  check("", json);
}

} // namespace isthmus
