// SPDX-License-Identifier: MIT
#include "tuning.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "engine.hpp"
#include "failure.hpp"
#include "sha256.hpp"

namespace isthmus {
namespace {

std::string bytes_of(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// As Linux names it; "" where it does not.
std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.compare(0, 10, "model name") == 0 && line.find(": ") != std::string::npos)
      return line.substr(line.find(": ") + 2);
  return "";
}

std::string difference(const nlohmann::json &json, const std::string &path) {
  if (json.at("format") != "isthmus-tune" || json.at("format_version") != 1)
    return "it is of another format";
  if (json.at("torch") != torch_version())
    return "it was made with torch " + json.at("torch").get<std::string>();
  if (json.at("cpu") != processor_name())
    return "it was made on " + json.at("cpu").get<std::string>();
  const std::string model = bytes_of(path);
  if (json.at("model_sha256") != sha256(model.data(), model.size()))
    return "it was made for other contents of the model file";
  return "";
}

void read_choice(const nlohmann::json &choice, Tuning &tuning) {
  Tuning read;
  read.n_samples_by_loops = choice.at("loops").get<std::int64_t>();
  read.chunk = choice.value("chunk", std::int64_t{0});
  read.is_caching = choice.value("allocator", std::string("default")) == "caching";
  if (read.n_samples_by_loops < 0 || read.chunk < 0)
    throw Failure(ISTHMUS_ERR_CONTRACT, "it has a number below 0");
  tuning = read;
}

std::string described(const Tuning &tuning) {
  std::string text =
      "own loops up to " + std::to_string(tuning.n_samples_by_loops) + " samples";
  if (tuning.chunk > 0)
    text += ", chunks of " + std::to_string(tuning.chunk);
  return text + (tuning.is_caching ? ", the caching allocator" : "");
}

} // namespace

Tuning tuning_of(const std::string &path) {
  const char *wish = std::getenv("ISTHMUS_TUNE");
  if (wish && std::string(wish) == "0")
    return {};
  const std::string file = path + ".tune.json";
  const std::string text = bytes_of(file);
  if (text.empty())
    return {};
  Tuning tuning;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    const std::string reason = difference(json, path);
    if (!reason.empty()) {
      tuning.note = file + " is ignored: " + reason;
      return tuning;
    }
    read_choice(json.at("choice"), tuning);
    tuning.is_valid = true;
    tuning.note = file + " is applied: " + described(tuning);
  } catch (const nlohmann::json::exception &error) {
    tuning.note = file + " is ignored: " + error.what();
  } catch (const Failure &failure) {
    tuning.note = file + " is ignored: " + failure.what();
  }
  return tuning;
}

} // namespace isthmus
