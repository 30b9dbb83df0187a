// SPDX-License-Identifier: MIT
#include "emulator.hpp"

#include <cmath>

#include "../failure.hpp"

namespace isthmus {
namespace {

[[noreturn]] void refuse(const std::string &text) {
  throw Failure(ISTHMUS_ERR_ARGUMENT, text);
}

} // namespace

Emulator::Emulator(const std::vector<std::string> &paths, const std::string &device)
    : device_(device), ensemble_(paths, device) {
  derive_guard();
}

Emulator::~Emulator() {
  try {
    if (worker_.is_busy())
      worker_.wait();
  } catch (...) { // nobody is left to tell
  }
}

void Emulator::run() {
  if (is_submitted_)
    refuse("a step was submitted: wait() ends it");
  begin_step();
  if (settings_.lag > 0)
    return run_lagged();
  if (settings_.mode == ISTHMUS_MODE_PHYSICS) {
    finish(unready());
  } else {
    try {
      if (copies_inputs_)
        copy_inputs();
      evaluate(step_);
    } catch (...) {
      write_flags(current_.flags);
      throw;
    }
    finish(current_);
    remember();
  }
  ++step_;
}

void Emulator::submit() {
  if (settings_.lag > 0)
    refuse("submit() with a lag: run() itself evaluates beside the host then");
  if (is_submitted_)
    refuse("a step was submitted before: wait() ends it");
  if (!copies_inputs_ && !settings_.shares_inputs) {
    copies_inputs_ = true;
    is_prepared_ = false;
  }
  begin_step();
  copy_inputs();
  if (settings_.mode != ISTHMUS_MODE_PHYSICS)
    start();
  is_submitted_ = true;
}

void Emulator::wait() {
  if (!is_submitted_)
    refuse("nothing was submitted to wait for");
  is_submitted_ = false;
  const bool was_evaluated = worker_.is_busy();
  if (was_evaluated) {
    try {
      worker_.wait();
    } catch (...) {
      write_flags(current_.flags);
      throw;
    }
  }
  check_ready();
  if (!was_evaluated && settings_.mode != ISTHMUS_MODE_PHYSICS)
    refuse("the mode was 'physics' when the step was submitted: nothing was evaluated");
  finish(was_evaluated ? current_ : unready());
  if (was_evaluated)
    remember();
  ++step_;
}

void Emulator::begin_step() {
  settle();
  swap_if_due();
  if (settings_.lag > 0 && !settings_.shares_inputs && !copies_inputs_) {
    copies_inputs_ = true;
    is_prepared_ = false;
  }
  prepare();
  check_ready();
}

/// What can be known before anything is evaluated.
void Emulator::check_ready() const {
  const bool needs_physics = settings_.mode != ISTHMUS_MODE_EMULATOR;
  const bool is_waiting =
      settings_.lag > 0 && (settings_.lag > static_cast<std::int64_t>(queue_.size()) ||
                            !queue_.front().is_ready);
  for (const auto &[name, array] : outputs_) {
    if ((needs_physics || is_waiting) && !fallbacks_.count(name))
      refuse("output " + in_quotes(name) + " has no physics' values bound: " +
             (needs_physics ? "the mode needs them" : "there is no lagged result yet"));
    if (settings_.mode == ISTHMUS_MODE_BLEND && !is_floating(array.dtype))
      refuse("output " + in_quotes(name) + " is " + dtype_name(array.dtype) +
             ": it cannot be blended");
    if (settings_.mode == ISTHMUS_MODE_BLEND && alpha_ &&
        ensemble_.terms().axis_of(name) < 0 && n_samples_ > 1)
      refuse("output " + in_quotes(name) +
             " belongs to all samples: it cannot be blended by sample");
  }
  if (settings_.mode != ISTHMUS_MODE_BLEND || !alpha_)
    return;
  for (std::int64_t s = 0; s < n_samples_; ++s) {
    const double alpha = *reinterpret_cast<const double *>(
        static_cast<const char *>(alpha_->data) + s * alpha_->strides[0]);
    if (std::isnan(alpha) || std::isless(alpha, 0.0) || std::isgreater(alpha, 1.0))
      refuse("'alpha' is " + std::to_string(alpha) + " in sample " + std::to_string(s) +
             " (from 0), expected 0 to 1");
  }
}

void Emulator::copy_inputs() {
  for (const auto &[name, copied] : input_copies_)
    copy(Samples(inputs_.at(name), ensemble_.terms().axis_of(name)), copied.samples());
}

void Emulator::start() {
  worker_.start([this, step = step_] { evaluate(step); }, settings_.n_threads);
}

/// End a lagged evaluation: its result joins the queue, an empty one if it failed.
void Emulator::settle() {
  if (!worker_.is_busy() || is_submitted_)
    return;
  try {
    worker_.wait();
  } catch (...) {
    queue_.push_back(unready());
    throw;
  }
  remember();
  queue_.push_back(current_);
}

/// The inputs are copied before outputs are written, which may be the same memory.
void Emulator::run_lagged() {
  const bool is_due = static_cast<std::int64_t>(queue_.size()) >= settings_.lag;
  copy_inputs();
  finish(is_due ? queue_.front() : unready());
  if (is_due)
    queue_.pop_front();
  if (settings_.mode == ISTHMUS_MODE_PHYSICS)
    queue_.push_back(unready());
  else
    start();
  ++step_;
}

Result Emulator::unready() const {
  Result result;
  result.flags.assign(static_cast<std::size_t>(n_samples_), 0);
  return result;
}

} // namespace isthmus
