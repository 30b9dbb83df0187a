// SPDX-License-Identifier: MIT
// What networks cost over ranks: tables of numbers that a host has gathered.
#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "cost.hpp"

namespace isthmus {
namespace {

/// Least, mean and largest of one number over the ranks that measured it.
struct Range {
  double least = 0.0, sum = 0.0, most = 0.0;
  int n_ranks = 0;

  void add(double value) {
    least = n_ranks == 0 ? value : std::min(least, value);
    most = n_ranks == 0 ? value : std::max(most, value);
    sum += value;
    ++n_ranks;
  }
  double mean() const { return n_ranks > 0 ? sum / n_ranks : 0.0; }
};

/// One phase of one file over ranks; the first calls stand apart.
struct Spread {
  Range n_calls, first, per_call, total;

  void add(const double *cost) { // n_calls, first, total, least, most: see CostLog::table
    n_calls.add(cost[0]);
    first.add(cost[1]);
    total.add(cost[2]);
    if (cost[0] > 1.0)
      per_call.add(cost[2] / (cost[0] - 1.0));
  }
};

using Phases = std::array<Spread, phase_names.size()>;
constexpr std::size_t n_numbers = 5; // of a phase in a table

std::map<double, Phases> spreads_of(const std::vector<std::vector<double>> &tables) {
  std::map<double, Phases> files;
  for (const std::vector<double> &table : tables)
    for (std::size_t row = 0; row + ISTHMUS_COST_ROW <= table.size();
         row += ISTHMUS_COST_ROW)
      for (std::size_t i = 0; i < phase_names.size(); ++i)
        files[table[row]][i].add(&table[row + 1 + n_numbers * i]);
  return files;
}

nlohmann::ordered_json json_of(const Range &range) {
  return {{"least", range.least}, {"mean", range.mean()}, {"most", range.most}};
}

nlohmann::ordered_json json_of(const Phases &phases) {
  nlohmann::ordered_json json;
  for (std::size_t i = 0; i < phase_names.size(); ++i)
    json[phase_names[i]] = {{"n_calls", json_of(phases[i].n_calls)},
                            {"first", json_of(phases[i].first)},
                            {"per_call", json_of(phases[i].per_call)},
                            {"total", json_of(phases[i].total)}};
  return json;
}

std::string line_of(const char *phase, const Spread &spread) {
  char line[200];
  std::snprintf(line, sizeof line,
                "  %-8s %10.0f %12.3f %12.3f %12.3f %12.3f %10.4f %10.4f %10.4f\n", phase,
                spread.n_calls.sum, 1e6 * spread.first.most, 1e6 * spread.per_call.least,
                1e6 * spread.per_call.mean(), 1e6 * spread.per_call.most,
                spread.total.least, spread.total.mean(), spread.total.most);
  return line;
}

constexpr const char *heading =
    "over ranks            microseconds of a call                            "
    "seconds of all later calls\n"
    "                calls first (most)        least         mean         most      "
    "least       mean       most\n";

} // namespace

std::string report_of_ranks(const std::vector<std::vector<double>> &tables, bool as_json) {
  std::map<double, std::string> names;
  CostLog::table(names);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  std::string text = heading;
  for (const auto &[number, phases] : spreads_of(tables)) {
    const auto found = names.find(number);
    const std::string name = found == names.end() ? "a file of other ranks" : found->second;
    const int n_ranks = phases[0].n_calls.n_ranks;
    text += name + " (on " + std::to_string(n_ranks) + " of " +
            std::to_string(tables.size()) + " ranks)\n";
    for (std::size_t i = 0; i < phase_names.size(); ++i)
      text += line_of(phase_names[i], phases[i]);
    json.push_back({{"model", name}, {"n_ranks", n_ranks}, {"seconds", json_of(phases)}});
  }
  return as_json ? json.dump(2) : text;
}

} // namespace isthmus
