// SPDX-License-Identifier: MIT
// Learning rates over the steps of a training, by the formulas of torch.optim.lr_scheduler.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "settings.hpp"

namespace isthmus {

class Schedule {
public:
  /// Reads schedule, warm_up and what they need.
  Schedule(Settings &settings, double base_rate);
  /// Learning rate of the step to come.
  double rate() const;
  /// A step was made.
  void advance() { ++n_steps_; }
  std::int64_t n_steps() const { return n_steps_; }
  /// A validation loss: plateau lowers the rate when it has stopped falling.
  void observe(double loss);
  /// What changes, as text that is exact; and back.
  std::string state() const;
  void set_state(const std::string &text);

private:
  double shape(std::int64_t step) const;

  std::string kind_;
  double base_ = 0.0, gamma_ = 0.0, eta_min_ = 0.0, warm_up_start_ = 0.0;
  std::int64_t step_size_ = 1, t_max_ = 1, warm_up_ = 0;
  std::vector<std::int64_t> milestones_;
  double factor_ = 0.1, threshold_ = 0.0, min_rate_ = 0.0;
  std::int64_t patience_ = 0, cooldown_ = 0;
  // What changes
  std::int64_t n_steps_ = 0, n_bad_ = 0, n_cooling_ = 0;
  double best_ = std::numeric_limits<double>::infinity(), plateau_rate_ = 0.0;
};

} // namespace isthmus
