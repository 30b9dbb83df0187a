// SPDX-License-Identifier: MIT
#include "tuning.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <vector>

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

/// Why a choice does not hold for these files on this machine, "" if it does.
std::string difference(const nlohmann::json &json, const std::string &format,
                       const std::vector<std::string> &files) {
  if (json.at("format") != format || json.at("format_version") != 1)
    return "it is of another format";
  if (json.at("torch") != torch_version())
    return "it was made with torch " + json.at("torch").get<std::string>();
  if (json.at("cpu") != processor_name())
    return "it was made on " + json.at("cpu").get<std::string>();
  for (const std::string &file : files) {
    const std::string model = bytes_of(file);
    const std::string key =
        files.size() == 1 ? "model_sha256"
                          : "sha256" + std::filesystem::path(file).extension().string();
    if (json.at(key) != sha256(model.data(), model.size()))
      return "it was made for other contents of " +
             std::filesystem::path(file).filename().string();
  }
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

/// Take what a file of choices says, if it holds here.
/// @param take  called with the choice; its failures are a note, too
/// @returns the note, "" if there is no such file or it is turned off
template <typename Take>
std::string apply_choice(const std::string &file, const std::string &format,
                         const std::vector<std::string> &models, Take &&take) {
  const char *wish = std::getenv("ISTHMUS_TUNE");
  if (wish && std::string(wish) == "0")
    return "";
  const std::string text = bytes_of(file);
  if (text.empty())
    return "";
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    const std::string reason = difference(json, format, models);
    if (!reason.empty())
      return file + " is ignored: " + reason;
    return file + " is applied: " + take(json.at("choice"));
  } catch (const nlohmann::json::exception &error) {
    return file + " is ignored: " + error.what();
  } catch (const Failure &failure) {
    return file + " is ignored: " + failure.what();
  }
}

} // namespace

Tuning tuning_of(const std::string &path) {
  Tuning tuning;
  tuning.note = apply_choice(path + ".tune.json", "isthmus-tune", {path},
                             [&](const nlohmann::json &choice) {
                               read_choice(choice, tuning);
                               tuning.is_valid = true;
                               return described(tuning);
                             });
  return tuning;
}

ChosenFile chosen_file(const std::string &path) {
  const std::string script = path + ".pt", package = path + ".pt2";
  const auto exists = [](const std::string &file) {
    std::error_code reason; // of a path that cannot be looked at: whoever opens it tells
    return std::filesystem::is_regular_file(file, reason);
  };
  if (exists(path) || (!exists(script) && !exists(package)))
    return {path, ""};
  if (!exists(package))
    return {script, ""};
  if (!exists(script))
    return {package, ""};
  ChosenFile chosen{script, ""};
  chosen.note = apply_choice(path + ".tune.json", "isthmus-tune-pair", {script, package},
                             [&](const nlohmann::json &choice) {
                               const auto suffix = choice.at("file").get<std::string>();
                               if (suffix != ".pt" && suffix != ".pt2")
                                 throw Failure(ISTHMUS_ERR_CONTRACT,
                                               "it chooses " + in_quotes(suffix));
                               chosen.path = path + suffix;
                               return chosen.path;
                             });
  if (chosen.note.empty())
    chosen.note = script + " is taken, for `isthmus tune` has not chosen";
  return chosen;
}

} // namespace isthmus
