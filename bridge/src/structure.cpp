// SPDX-License-Identifier: MIT
#include "structure.hpp"

#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>

namespace isthmus {
namespace {

using Json = nlohmann::json;

/// Keys of a dictionary: torch.export writes its context as JSON, sometimes as text of it.
std::vector<std::string> keys_of(const Json &node) {
  Json context = node.value("context", Json());
  if (context.is_string())
    context = Json::parse(context.get<std::string>(), nullptr, false);
  std::vector<std::string> keys;
  if (context.is_array())
    for (const Json &key : context)
      keys.push_back(key.is_string() ? key.get<std::string>() : key.dump());
  return keys;
}

void collect(const Json &node, const std::string &path, std::vector<std::string> &names) {
  const Json type = node.value("type", Json());
  if (type.is_null()) { // a leaf
    names.push_back(path.empty() ? "output_0" : path);
    return;
  }
  const Json children = node.value("children_spec", Json::array());
  const bool has_keys = type.get<std::string>().find("dict") != std::string::npos;
  const std::vector<std::string> keys =
      has_keys ? keys_of(node) : std::vector<std::string>();
  for (std::size_t i = 0; i < children.size(); ++i)
    collect(children[i], path_below(path, i < keys.size() ? keys[i] : std::to_string(i)),
            names);
}

} // namespace

std::vector<std::string> numbered(const std::string &stem, std::size_t n) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < n; ++i)
    names.push_back(stem + std::to_string(i));
  return names;
}

std::string path_below(const std::string &path, const std::string &step) {
  if (!path.empty())
    return path + "." + step;
  const bool is_position = std::all_of(
      step.begin(), step.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return is_position ? "output_" + step : step;
}

std::vector<std::string> output_names(const std::string &structure, std::size_t n) {
  std::vector<std::string> names;
  try {
    const Json tree = Json::parse(structure);
    collect(tree.at(1), "", names); // at(0) is the version of the format
  } catch (const Json::exception &) {
    names.clear();
  }
  return names.size() == n ? names : numbered("output_", n);
}

} // namespace isthmus
