// SPDX-License-Identifier: MIT
#include "schedule.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "../failure.hpp"

namespace isthmus {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();
// PyTorch's plateau leaves a rate that would change by less.
constexpr double least_change = 1e-8;

void need(const Settings &settings, const std::string &kind, const std::string &key) {
  if (!settings.has(key))
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "schedule " + in_quotes(kind) + " needs the setting " + in_quotes(key));
}

} // namespace

Schedule::Schedule(Settings &settings, double base_rate) : base_(base_rate) {
  kind_ =
      settings.word("schedule", "constant",
                    {"constant", "step", "multi_step", "exponential", "cosine", "plateau"});
  if (kind_ == "step") {
    need(settings, kind_, "step_size");
    step_size_ = settings.whole("step_size", 1, 1);
  } else if (kind_ == "multi_step") {
    need(settings, kind_, "milestones");
    milestones_ = settings.wholes("milestones");
  } else if (kind_ == "cosine") {
    need(settings, kind_, "t_max");
    t_max_ = settings.whole("t_max", 1, 1);
    eta_min_ = settings.real("eta_min", 0.0, 0.0, unlimited);
  } else if (kind_ == "plateau") {
    factor_ = settings.real("factor", 0.1, 0.0, std::nextafter(1.0, 0.0));
    patience_ = settings.whole("patience", 10, 0);
    cooldown_ = settings.whole("cooldown", 0, 0);
    threshold_ = settings.real("threshold", 1e-4, 0.0, 1.0);
    min_rate_ = settings.real("min_lr", 0.0, 0.0, unlimited);
  } else if (kind_ == "exponential") {
    need(settings, kind_, "gamma");
  }
  if (kind_ == "step" || kind_ == "multi_step" || kind_ == "exponential")
    gamma_ = settings.real("gamma", 0.1, 0.0, unlimited);
  warm_up_ = settings.whole("warm_up", 0, 0);
  warm_up_start_ = warm_up_ > 0 ? settings.real("warm_up_start", 1.0 / 3.0, 0.0, 1.0) : 1.0;
  plateau_rate_ = base_;
}

double Schedule::shape(std::int64_t step) const {
  if (kind_ == "step")
    return base_ * std::pow(gamma_, static_cast<double>(step / step_size_));
  if (kind_ == "multi_step")
    return base_ *
           std::pow(gamma_, static_cast<double>(std::upper_bound(milestones_.begin(),
                                                                 milestones_.end(), step) -
                                                milestones_.begin()));
  if (kind_ == "exponential")
    return base_ * std::pow(gamma_, static_cast<double>(step));
  if (kind_ == "cosine")
    return eta_min_ + (base_ - eta_min_) *
                          (1.0 + std::cos(M_PI * static_cast<double>(step) /
                                          static_cast<double>(t_max_))) /
                          2.0;
  return kind_ == "plateau" ? plateau_rate_ : base_;
}

double Schedule::rate() const {
  if (n_steps_ >= warm_up_)
    return shape(n_steps_ - warm_up_);
  const double part = static_cast<double>(n_steps_) / static_cast<double>(warm_up_);
  return base_ * (warm_up_start_ + (1.0 - warm_up_start_) * part);
}

void Schedule::observe(double loss) {
  if (kind_ != "plateau")
    return;
  if (loss < best_ * (1.0 - threshold_) || std::isinf(best_)) {
    best_ = loss;
    n_bad_ = 0;
  } else {
    ++n_bad_;
  }
  if (n_cooling_ > 0) {
    --n_cooling_;
    n_bad_ = 0;
  }
  if (n_bad_ <= patience_)
    return;
  const double lower = std::max(plateau_rate_ * factor_, min_rate_);
  if (plateau_rate_ - lower > least_change)
    plateau_rate_ = lower;
  n_cooling_ = cooldown_;
  n_bad_ = 0;
}

std::string Schedule::state() const {
  char line[200];
  std::snprintf(line, sizeof line, "%lld %lld %lld %a %a", static_cast<long long>(n_steps_),
                static_cast<long long>(n_bad_), static_cast<long long>(n_cooling_), best_,
                plateau_rate_);
  return line;
}

void Schedule::set_state(const std::string &text) {
  long long steps = 0, bad = 0, cooling = 0;
  double best = 0.0, rate = 0.0;
  if (std::sscanf(text.c_str(), "%lld %lld %lld %la %la", &steps, &bad, &cooling, &best,
                  &rate) != 5)
    throw Failure(ISTHMUS_ERR_FILE, "the checkpoint has no readable schedule");
  n_steps_ = steps;
  n_bad_ = bad;
  n_cooling_ = cooling;
  best_ = best;
  plateau_rate_ = rate;
}

} // namespace isthmus
