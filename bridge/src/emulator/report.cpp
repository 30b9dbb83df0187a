// SPDX-License-Identifier: MIT
// What happened since step 0, for people and for programs.
#include <sstream>

#include <nlohmann/json.hpp>

#include "../failure.hpp"
#include "emulator.hpp"

namespace isthmus {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char *, 4> mode_names = {"physics", "emulator", "shadow",
                                                    "blend"};

std::string share(std::int64_t part, std::int64_t whole) {
  std::ostringstream text;
  text.precision(3);
  text << part << " (" << (whole ? 100.0 * double(part) / double(whole) : 0.0) << " %)";
  return text.str();
}

Json json_of(const Tallies &tallies) {
  Json json = Json::object();
  for (const auto &[name, tally] : tallies)
    if (tally.below + tally.above + tally.not_finite > 0)
      json[name] = {
          {"below", tally.below}, {"above", tally.above}, {"not_finite", tally.not_finite}};
  return json;
}

Json json_of(const std::map<std::string, Difference> &sums) {
  Json json = Json::object();
  for (const auto &[name, difference] : sums)
    if (difference.n > 0)
      json[name] = {{"n", difference.n},
                    {"mean", difference.mean()},
                    {"rms", difference.rms()},
                    {"largest", difference.largest}};
  return json;
}

std::string text_of(const Json &report) {
  const std::int64_t samples = report["samples"].get<std::int64_t>();
  std::ostringstream text;
  text.precision(4);
  text << "emulator: " << report["steps"] << " steps, mode "
       << report["mode"].get<std::string>() << ", version";
  for (const Json &version : report["versions"])
    text << " " << (version == "" ? "unknown" : version.get<std::string>());
  text << "\n  samples " << samples << ", flagged "
       << share(report["flagged"].get<std::int64_t>(), samples) << "\n";
  for (const auto &[name, n] : report["reasons"].items())
    if (n != 0)
      text << "    " << name << ": " << share(n.get<std::int64_t>(), samples) << "\n";
  for (const auto &[name, tally] : report["variables"].items())
    text << "  " << name << ": " << tally["below"] << " below, " << tally["above"]
         << " above, " << tally["not_finite"] << " not finite\n";
  for (const auto &[name, sums] : report["differences"].items())
    text << "  " << name << " network - physics: mean " << sums["mean"].get<double>()
         << ", rms " << sums["rms"].get<double>() << ", largest "
         << sums["largest"].get<double>() << " (" << sums["n"] << " values)\n";
  return text.str();
}

} // namespace

const Difference &Emulator::difference(const std::string &output) const {
  static const Difference none;
  check_output_name(output);
  const auto found = record_.sums().find(output);
  return found == record_.sums().end() ? none : found->second;
}

const std::string &Emulator::report(const std::string &format) {
  if (format != "text" && format != "json")
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "no report format " + in_quotes(format) + ", expected 'text' or 'json'");
  be_idle();
  Json report = {{"step", step_},
                 {"steps", counters_.steps},
                 {"mode", mode_names[settings_.mode]},
                 {"versions", Json::array()},
                 {"samples", counters_.samples},
                 {"flagged", counters_.flagged}};
  for (std::size_t m = 0; m < ensemble_.size(); ++m)
    report["versions"].push_back(ensemble_.version(m));
  for (std::size_t i = 0; i < reason_names.size(); ++i)
    report["reasons"][reason_names[i]] = counters_.reasons[i];
  report["variables"] = json_of(tallies_);
  report["differences"] = json_of(record_.sums());
  report_ = format == "json" ? report.dump(1) : text_of(report);
  return report_;
}

} // namespace isthmus
