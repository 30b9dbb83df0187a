// SPDX-License-Identifier: MIT
// The part of a step that the host sees: its outputs, the flags, counters and records.
#include <algorithm>
#include <cmath>

#include "../failure.hpp"
#include "emulator.hpp"
#include "runtime/torch_entry.hpp"

namespace isthmus {

void Emulator::finish(const Result &result) {
  const TorchEntry entry;
  if (settings_.mode == ISTHMUS_MODE_SHADOW && result.is_ready)
    record(result);
  deliver(result);
  // In mode "physics" nothing is wrong with a sample; else it lacks its result.
  const bool lacks = !result.is_ready && settings_.mode != ISTHMUS_MODE_PHYSICS;
  const Flags flags =
      lacks ? Flags(result.flags.size(), ISTHMUS_REASON_NOT_READY) : result.flags;
  write_flags(flags);
  count(flags);
}

/// Weight of the network in each sample; one weight if it is that of all.
std::vector<double> Emulator::weights_of(const Result &result) const {
  const bool is_physics = settings_.mode == ISTHMUS_MODE_PHYSICS ||
                          settings_.mode == ISTHMUS_MODE_SHADOW || !result.is_ready;
  if (is_physics)
    return {0.0};
  const bool is_blend = settings_.mode == ISTHMUS_MODE_BLEND;
  const double alpha = is_blend ? settings_.ramp.at(step_) : 1.0;
  const bool falls_back = settings_.policy == ISTHMUS_POLICY_FALLBACK &&
                          std::any_of(result.flags.begin(), result.flags.end(),
                                      [](std::int32_t bits) { return bits != 0; });
  if (!(is_blend && alpha_) && !falls_back)
    return {alpha};
  std::vector<double> weights(result.flags.size(), alpha);
  for (std::size_t s = 0; s < weights.size(); ++s) {
    if (is_blend && alpha_)
      weights[s] *= *reinterpret_cast<const double *>(
          static_cast<const char *>(alpha_->data) +
          static_cast<std::int64_t>(s) * alpha_->strides[0]);
    if (falls_back && result.flags[s] != 0)
      weights[s] = 0.0;
  }
  return weights;
}

void Emulator::deliver(const Result &result) {
  const std::vector<double> weights = weights_of(result);
  for (std::size_t i = 0; i < output_views_.size(); ++i) {
    const Samples &target = output_views_[i], &physics = fallback_views_[i];
    if (!outputs_.count(names().outputs[i]))
      continue; // memory that the host does not look at
    // What all samples share takes the physics' values if all samples do.
    std::vector<double> own = weights;
    if (target.is_shared() && weights.size() != 1)
      own = {weights.empty() ? 1.0 : *std::max_element(weights.begin(), weights.end())};
    const bool needs_physics =
        std::any_of(own.begin(), own.end(), [](double alpha) { return alpha != 1.0; });
    if (needs_physics)
      blend(physics, result.is_ready ? result.outputs[i].samples() : physics, own, target);
    else
      copy(result.outputs[i].samples(), target);
  }
  if (!result.is_ready)
    return;
  for (const auto &[name, array] : spreads_)
    copy(result.spreads.at(name).samples(),
         Samples(array, ensemble_.terms().axis_of(name)));
}

void Emulator::record(const Result &result) {
  for (std::size_t i = 0; i < output_views_.size(); ++i) {
    const std::string &name = names().outputs[i];
    if (!outputs_.count(name))
      continue;
    const Samples &network = result.outputs[i].samples();
    Flags flags = result.flags;
    if (network.is_shared()) // as in deliver(): flagged if all samples are
      flags = {std::all_of(flags.begin(), flags.end(),
                           [](std::int32_t bits) { return bits != 0; }) &&
               !flags.empty()};
    record_.add(step_, name, difference_of(network, fallback_views_[i], flags));
  }
}

void Emulator::write_flags(const Flags &flags) {
  n_flagged_ = static_cast<std::int64_t>(flags.size()) -
               std::count(flags.begin(), flags.end(), std::int32_t{0});
  if (!flags_)
    return;
  char *data = static_cast<char *>(flags_->data);
  for (std::size_t s = 0; s < flags.size(); ++s)
    *reinterpret_cast<std::int32_t *>(data + static_cast<std::int64_t>(s) *
                                                 flags_->strides[0]) = flags[s];
}

void Emulator::count(const Flags &flags) {
  ++counters_.steps;
  counters_.samples += n_samples_;
  counters_.flagged += n_flagged_;
  for (const std::int32_t bits : flags)
    for (std::size_t i = 0; i < counters_.reasons.size(); ++i)
      counters_.reasons[i] += (bits >> i) & 1;
}

} // namespace isthmus
