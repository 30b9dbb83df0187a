// SPDX-License-Identifier: MIT
// Where the time of a model's calls goes. Nothing is measured, and nothing costs more than
// a look at a flag, unless it was asked for.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "isthmus/cost.h"

namespace isthmus {

enum class Phase : std::size_t { pack, run, unpack, call };
constexpr std::array<const char *, 4> phase_names = {"pack", "run", "unpack", "call"};

/// What one model cost since measuring began.
class CostLog {
public:
  explicit CostLog(const std::string &path);
  ~CostLog();
  CostLog(const CostLog &) = delete;
  CostLog &operator=(const CostLog &) = delete;

  static bool is_on() { return generation_.load(std::memory_order_relaxed) % 2 == 1; }
  static void set(bool is_on);
  /// Of all models that are loaded, as "text" or "json".
  static std::string report(bool as_json);

  /// What each file cost this process, with all models of it, and its name by its number.
  static std::vector<double> table(std::map<double, std::string> &names);

  /// Add to the current call; the call is closed by the phase "call".
  void add(Phase phase, double seconds);
  isthmus_cost of(Phase phase) const;

private:
  /// Odd while measuring; every start makes older numbers void.
  static std::atomic<std::uint64_t> generation_;

  std::string path_;
  std::uint64_t measured_in_ = 0;
  std::array<isthmus_cost, 4> phases_{};
  std::array<double, 4> now_{}; // of the current call: a phase may come piece by piece
};

/// Tables of several processes as one report.
/// @throws Failure (argument) for what is no table
std::string report_of_ranks(const std::vector<std::vector<double>> &tables, bool as_json);

/// Adds its lifetime to a phase; does nothing if measuring is off.
class Stopwatch {
public:
  Stopwatch(CostLog &log, Phase phase, bool is_on) : log_(is_on ? &log : nullptr) {
    if (log_) {
      phase_ = phase;
      begin_ = Clock::now();
    }
  }
  ~Stopwatch() {
    if (log_)
      log_->add(phase_, std::chrono::duration<double>(Clock::now() - begin_).count());
  }
  Stopwatch(const Stopwatch &) = delete;
  Stopwatch &operator=(const Stopwatch &) = delete;

private:
  using Clock = std::chrono::steady_clock;
  CostLog *log_;
  Phase phase_ = Phase::call;
  Clock::time_point begin_;
};

} // namespace isthmus
