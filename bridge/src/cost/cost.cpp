// SPDX-License-Identifier: MIT
#include "cost.hpp"

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <vector>

#include <nlohmann/json.hpp>

namespace isthmus {
namespace {

/// All logs of the process, in the order of loading.
struct Registry {
  std::mutex mutex;
  std::vector<const CostLog *> logs;
};

Registry &registry() {
  static Registry the_one;
  return the_one;
}

double mean_of(const isthmus_cost &cost) {
  return cost.n_calls > 1 ? cost.total / static_cast<double>(cost.n_calls - 1) : 0.0;
}

std::string line_of(const char *phase, const isthmus_cost &cost) {
  char line[160];
  std::snprintf(line, sizeof line, "  %-8s %10lld %12.3f %12.3f %12.3f %12.3f %12.6f\n",
                phase, static_cast<long long>(cost.n_calls), 1e6 * cost.first,
                1e6 * cost.least, 1e6 * mean_of(cost), 1e6 * cost.most, cost.total);
  return line;
}

/// A file's name as a number that a double holds exactly; the same on all machines.
double number_of(const std::string &path) {
  std::uint64_t sum = 14695981039346656037U; // FNV-1a
  for (const unsigned char byte : path)
    sum = (sum ^ byte) * 1099511628211U;
  return static_cast<double>(sum >> 11);
}

void merge(isthmus_cost &sum, const isthmus_cost &other) {
  const bool is_new = sum.n_calls == 0;
  sum.n_calls += other.n_calls;
  sum.first = std::max(sum.first, other.first);
  sum.total += other.total;
  sum.least = is_new ? other.least : std::min(sum.least, other.least);
  sum.most = std::max(sum.most, other.most);
}

} // namespace

std::atomic<std::uint64_t> CostLog::generation_{0};

CostLog::CostLog(const std::string &path) : path_(path) {
  const std::lock_guard<std::mutex> lock(registry().mutex);
  registry().logs.push_back(this);
}

CostLog::~CostLog() {
  const std::lock_guard<std::mutex> lock(registry().mutex);
  auto &logs = registry().logs;
  logs.erase(std::find(logs.begin(), logs.end(), this));
}

void CostLog::set(bool is_on) {
  const std::lock_guard<std::mutex> lock(registry().mutex);
  const std::uint64_t now = generation_.load();
  if (is_on)
    generation_ = now + (now % 2 == 1 ? 2 : 1);
  else if (now % 2 == 1)
    generation_ = now + 1;
}

void CostLog::add(Phase phase, double seconds) {
  const std::uint64_t now = generation_.load(std::memory_order_relaxed);
  if (measured_in_ != now) {
    measured_in_ = now;
    phases_ = {};
    now_ = {};
  }
  now_[static_cast<std::size_t>(phase)] += seconds;
  if (phase != Phase::call)
    return;
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    isthmus_cost &cost = phases_[i];
    const double spent = now_[i];
    if (++cost.n_calls == 1) {
      cost.first = spent;
    } else {
      cost.total += spent;
      cost.least = cost.n_calls == 2 ? spent : std::min(cost.least, spent);
      cost.most = std::max(cost.most, spent);
    }
  }
  now_ = {};
}

isthmus_cost CostLog::of(Phase phase) const {
  // Numbers stay readable after a stop, not after another start.
  const std::uint64_t now = generation_.load();
  const bool is_current = measured_in_ != 0 && measured_in_ + (now % 2 == 0 ? 1 : 0) == now;
  return is_current ? phases_[static_cast<std::size_t>(phase)] : isthmus_cost{};
}

std::vector<double> CostLog::table(std::map<double, std::string> &names) {
  const std::lock_guard<std::mutex> lock(registry().mutex);
  std::map<double, std::array<isthmus_cost, 4>> files;
  for (const CostLog *log : registry().logs) {
    names[number_of(log->path_)] = log->path_;
    if (log->of(Phase::call).n_calls == 0)
      continue;
    auto &phases = files[number_of(log->path_)];
    for (std::size_t i = 0; i < phases.size(); ++i)
      merge(phases[i], log->of(static_cast<Phase>(i)));
  }
  std::vector<double> table;
  for (const auto &[number, phases] : files) {
    table.push_back(number);
    for (const isthmus_cost &cost : phases)
      table.insert(table.end(), {static_cast<double>(cost.n_calls), cost.first, cost.total,
                                 cost.least, cost.most});
  }
  return table;
}

std::string CostLog::report(bool as_json) {
  const std::lock_guard<std::mutex> lock(registry().mutex);
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  std::string text = "microseconds      calls        first        least         mean"
                     "         most      seconds\n";
  for (const CostLog *log : registry().logs) {
    if (log->of(Phase::call).n_calls == 0)
      continue;
    text += log->path_ + "\n";
    nlohmann::ordered_json phases;
    for (std::size_t i = 0; i < phase_names.size(); ++i) {
      const isthmus_cost cost = log->of(static_cast<Phase>(i));
      text += line_of(phase_names[i], cost);
      phases[phase_names[i]] = {{"n_calls", cost.n_calls}, {"first", cost.first},
                                {"total", cost.total},     {"least", cost.least},
                                {"mean", mean_of(cost)},   {"most", cost.most}};
    }
    json.push_back({{"model", log->path_}, {"seconds", phases}});
  }
  return as_json ? json.dump(2) : text;
}

} // namespace isthmus
