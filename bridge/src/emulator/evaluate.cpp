// SPDX-License-Identifier: MIT
// The part of a step that may be on the worker's thread: guard, networks, fixers. It
// writes to the emulator's own memory alone.
#include <algorithm>
#include <optional>

#include "../failure.hpp"
#include "emulator.hpp"
#include "random.hpp"
#include "runtime/torch_entry.hpp"

namespace isthmus {
namespace {

std::string reasons_text(std::int32_t bits) {
  std::string text;
  for (std::size_t i = 0; i < reason_names.size(); ++i)
    if (bits & (1 << i))
      text += (text.empty() ? "" : ", ") + std::string(reason_names[i]);
  return text;
}

} // namespace

void Emulator::evaluate(std::int64_t step) {
  const TorchEntry entry; // NaN is compared
  std::fill(current_.flags.begin(), current_.flags.end(), 0);
  current_.is_ready = false;
  evaluated_.clear();
  guard_.check_inputs(input_views_, current_.flags, evaluated_);
  run_members(step);
  combine(step);
  guard_.check_outputs(result_views_, current_.flags, evaluated_);
  guard_.check_spread(spread_views_, current_.flags);
  refuse_flagged();
  fix(guard_.fixers, ensemble_.terms().dt, input_views_, result_views_, current_.flags);
  current_.is_ready = true;
}

/// With memory every member must go on; for the spread every member is needed.
bool Emulator::runs_all_members() const {
  return settings_.answer == ISTHMUS_ANSWER_MEAN || !ensemble_.terms().memory.empty() ||
         !current_.spreads.empty();
}

void Emulator::run_members(std::int64_t step) {
  const std::size_t chosen = chosen_member(settings_.seed, step, ensemble_.size());
  for (std::size_t m = 0; m < ensemble_.size(); ++m) {
    if (!runs_all_members() && m != chosen)
      continue;
    std::optional<SeededTorch> seeded;
    if (settings_.seed >= 0)
      seeded.emplace(mixed(settings_.seed, step, static_cast<std::int64_t>(m) + 1));
    ensemble_.member(m).run(Verb::forward);
  }
}

void Emulator::combine(std::int64_t step) {
  if (ensemble_.size() == 1)
    return;
  const std::size_t chosen = chosen_member(settings_.seed, step, ensemble_.size());
  for (std::size_t i = 0; i < current_.outputs.size(); ++i) {
    std::vector<const Samples *> members;
    for (const auto &outputs : member_outputs_)
      members.push_back(&outputs[i].samples());
    if (settings_.answer == ISTHMUS_ANSWER_MEAN)
      mean_of(members, current_.outputs[i].samples());
    else
      copy(*members[chosen], current_.outputs[i].samples());
    const auto spread = current_.spreads.find(names().outputs[i]);
    if (spread != current_.spreads.end())
      spread_of(members, spread->second.samples());
  }
}

/// Where the network's values would count and there is nothing else to take.
void Emulator::refuse_flagged() const {
  const isthmus_mode mode = settings_.mode;
  const bool counts = mode == ISTHMUS_MODE_EMULATOR || mode == ISTHMUS_MODE_BLEND;
  const bool has_physics = fallbacks_.size() == outputs_.size();
  const bool fails = settings_.policy == ISTHMUS_POLICY_FAIL ||
                     (settings_.policy == ISTHMUS_POLICY_FALLBACK && !has_physics);
  if (!counts || !fails)
    return;
  const Flags &flags = current_.flags;
  const auto first =
      std::find_if(flags.begin(), flags.end(), [](std::int32_t bits) { return bits != 0; });
  if (first == flags.end())
    return;
  const auto n = flags.end() - first - std::count(first, flags.end(), std::int32_t{0});
  std::string variables;
  for (const auto &[name, tally] : evaluated_)
    if (tally.below + tally.above + tally.not_finite > 0)
      variables += (variables.empty() ? ", variables: " : ", ") + in_quotes(name);
  throw Failure(ISTHMUS_ERR_RUNTIME,
                std::to_string(n) + " of " + std::to_string(flags.size()) +
                    " samples are flagged, the first is sample " +
                    std::to_string(first - flags.begin()) +
                    " (from 0): " + reasons_text(*first) + variables +
                    (settings_.policy == ISTHMUS_POLICY_FAIL
                         ? ""
                         : "; no physics' values are bound to fall back on"));
}

/// The memory of a flagged sample stays as it was: what made it doubtful is not kept.
void Emulator::remember() {
  if (!current_.is_ready)
    return;
  for (const auto &[name, tally] : evaluated_) {
    Tally &sum = tallies_[name];
    sum.below += tally.below;
    sum.above += tally.above;
    sum.not_finite += tally.not_finite;
  }
  const auto &outputs = names().outputs;
  for (const auto &[input, output] : ensemble_.terms().memory) {
    const auto i = static_cast<std::size_t>(
        std::find(outputs.begin(), outputs.end(), output) - outputs.begin());
    for (std::size_t m = 0; m < ensemble_.size(); ++m) {
      const Samples &from = ensemble_.size() > 1 ? member_outputs_[m][i].samples()
                                                 : current_.outputs[i].samples();
      const Samples &to = memory_[m].at(input).samples();
      for (std::int64_t s = 0; s < to.n_samples(); ++s) {
        const bool is_flagged =
            to.is_shared() ? std::any_of(current_.flags.begin(), current_.flags.end(),
                                         [](std::int32_t bits) { return bits != 0; })
                           : current_.flags[static_cast<std::size_t>(s)] != 0;
        if (!is_flagged)
          copy_sample(from, to, s);
      }
    }
  }
}

} // namespace isthmus
