// SPDX-License-Identifier: MIT
// What the host may set between steps, and the weights it may change.
#include <algorithm>
#include <cmath>

#include "../failure.hpp"
#include "emulator.hpp"

namespace isthmus {
namespace {

[[noreturn]] void refuse(const std::string &text) {
  throw Failure(ISTHMUS_ERR_ARGUMENT, text);
}

template <typename Enum> void check_range(const char *name, Enum value, int last) {
  if (static_cast<int>(value) < 0 || static_cast<int>(value) > last)
    refuse(in_quotes(name) + " is " + std::to_string(static_cast<int>(value)) +
           ", expected 0 to " + std::to_string(last));
}

bool contains(const std::vector<std::string> &names, const std::string &name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<double> limit_of(double value) {
  return std::isinf(value) ? std::vector<double>() : std::vector<double>{value};
}

} // namespace

void Emulator::be_idle() {
  if (is_submitted_)
    refuse("a step was submitted: wait() ends it");
  settle();
}

void Emulator::set_mode(isthmus_mode mode) {
  check_range("mode", mode, ISTHMUS_MODE_BLEND);
  be_idle();
  settings_.mode = mode;
}

void Emulator::set_blend(double alpha, std::int64_t start, std::int64_t n_steps) {
  if (!(std::isgreaterequal(alpha, 0.0) && std::islessequal(alpha, 1.0)))
    refuse("'alpha' is " + std::to_string(alpha) + ", expected 0 to 1");
  if (start < 0 || n_steps < 0)
    refuse("'ramp_start' is " + std::to_string(start) + " and 'ramp_steps' " +
           std::to_string(n_steps) + ", expected 0 or more");
  be_idle();
  settings_.ramp = {alpha, start, n_steps};
}

void Emulator::set_record(const std::string &path) { record_.open(path); }

void Emulator::set_policy(isthmus_policy policy) {
  check_range("policy", policy, ISTHMUS_POLICY_FAIL);
  be_idle();
  settings_.policy = policy;
}

void Emulator::set_answer(isthmus_answer answer) {
  check_range("answer", answer, ISTHMUS_ANSWER_MEMBER);
  be_idle();
  settings_.answer = answer;
}

void Emulator::set_seed(std::int64_t seed) {
  be_idle();
  settings_.seed = seed;
}

void Emulator::set_lag(std::int64_t n_steps) {
  if (n_steps < 0)
    refuse("'lag' is " + std::to_string(n_steps) + ", expected 0 or more steps");
  be_idle();
  if (step_ > 0 && n_steps != settings_.lag)
    refuse("'lag' is set at step " + std::to_string(step_) +
           ", expected before the first one");
  settings_.lag = n_steps;
}

void Emulator::share_inputs(bool is_promised) {
  be_idle();
  settings_.shares_inputs = is_promised;
  copies_inputs_ = false; // until the next step that needs copies
  is_prepared_ = false;
}

void Emulator::set_threads(int n_threads) {
  if (n_threads < 1)
    refuse("'n_threads' is " + std::to_string(n_threads) + ", expected 1 or more");
  be_idle();
  settings_.n_threads = n_threads;
}

void Emulator::set_guard(const std::string &json) {
  be_idle();
  const std::optional<std::string> before = own_guard_;
  own_guard_ = json;
  try {
    derive_guard();
  } catch (...) {
    own_guard_ = before;
    throw;
  }
}

void Emulator::set_limits(const std::string &name, double low, double high) {
  if (!contains(names().inputs, name) && !contains(names().outputs, name))
    refuse("no input or output " + in_quotes(name) + " to set limits for");
  if (is_memory(name))
    refuse(in_quotes(name) + " is memory, which has no limits");
  if (std::isnan(low) || std::isnan(high) || std::isgreater(low, high))
    refuse("limits of " + in_quotes(name) + " are " + std::to_string(low) + " and " +
           std::to_string(high) + ", expected them in rising order");
  be_idle();
  own_limits_[name] = {limit_of(low), limit_of(high)};
  derive_guard();
}

void Emulator::set_spread_limit(const std::string &output, double limit) {
  check_output_name(output);
  if (ensemble_.size() < 2)
    refuse("output " + in_quotes(output) + " has no spread: there is one network");
  if (!std::isgreaterequal(limit, 0.0))
    refuse("spread limit of " + in_quotes(output) + " is " + std::to_string(limit) +
           ", expected 0 or more");
  be_idle();
  own_spread_[output] = limit;
  derive_guard();
}

/// The guard of the contract, or the host's in its place; single limits of the host on top.
void Emulator::derive_guard() {
  const Terms &terms = ensemble_.terms();
  Guard guard = guard_of(own_guard_.value_or(terms.guard), names().inputs, names().outputs);
  for (const Fixer &fixer : guard.fixers)
    if (fixer.kind == Fixer::Kind::positive_state && terms.dt == 0.0)
      throw Failure(ISTHMUS_ERR_CONTRACT,
                    "guard: positive_state needs the time step, which the contract does "
                    "not say");
  for (const auto &[name, limits] : own_limits_)
    (contains(names().inputs, name) ? guard.inputs : guard.outputs)[name] = limits;
  guard.spread = own_spread_;
  guard_ = std::move(guard);
  is_prepared_ = false;
}

void Emulator::swap_at(std::int64_t step, const std::vector<std::string> &paths,
                       bool in_background) {
  be_idle();
  if (step < step_)
    refuse("weights are to change at step " + std::to_string(step) + ", the next is " +
           std::to_string(step_));
  if (swap_)
    refuse("weights are to change at step " + std::to_string(swap_->step) +
           " already: one change at a time");
  const auto load = [paths, device = device_] { return Ensemble(paths, device); };
  Swap swap;
  swap.step = step;
  if (in_background) {
    swap.ensemble = std::async(std::launch::async, load);
  } else {
    std::promise<Ensemble> loaded;
    swap.ensemble = loaded.get_future();
    Ensemble ensemble = load();
    ensemble_.check_replaceable_by(ensemble);
    loaded.set_value(std::move(ensemble));
  }
  swap_ = std::move(swap);
}

void Emulator::swap_if_due() {
  if (!swap_ || swap_->step > step_)
    return;
  std::future<Ensemble> loading = std::move(swap_->ensemble);
  swap_.reset(); // also if it fails: the step may be tried again with the old weights
  Ensemble next = loading.get();
  ensemble_.check_replaceable_by(next);
  std::swap(ensemble_, next);
  try {
    derive_guard();
  } catch (...) {
    std::swap(ensemble_, next);
    is_prepared_ = false;
    throw;
  }
}

} // namespace isthmus
