// SPDX-License-Identifier: MIT
// All that a training needs to go on bit for bit, and back.
#include <mutex>

#include <ATen/Context.h>

#include "../array.hpp"
#include "trainer.hpp"

namespace isthmus {
namespace {

std::string names_of(const Network &network) {
  std::string all;
  for (const auto &list : {network.parameters(), network.buffers()})
    for (const NamedTensor &each : list)
      all += each.name + " " + c10::toString(each.value.scalar_type()) + " " +
             shape_text(each.value.sizes().vec()) +
             (each.value.requires_grad() ? "\n" : " frozen\n");
  return all;
}

/// The first words or lines of two texts that differ.
std::string first_difference(const std::string &found, const std::string &expected,
                             char separator) {
  std::istringstream a(found), b(expected);
  std::string one, other;
  do {
    one.clear();
    other.clear();
    std::getline(a, one, separator);
    std::getline(b, other, separator);
  } while (one == other && (a || b));
  const auto shown = [](const std::string &text) {
    return text.empty() ? std::string("nothing") : in_quotes(text);
  };
  return shown(one) + ", expected " + shown(other);
}

at::Tensor state_of(at::Generator generator) {
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return generator.get_state();
}

} // namespace

Tensors Trainer::kept_tensors() const {
  Tensors all;
  for (const auto &list : {network_->parameters(), network_->buffers()})
    for (const NamedTensor &each : list)
      all.push_back(each.value);
  return all;
}

at::Generator Trainer::generator() const {
  return at::globalContext().defaultGenerator(network_->device());
}

Checkpoint Trainer::checkpoint() const {
  const TorchModes modes(false);
  Checkpoint to;
  to.put("settings", identity_);
  to.put("network", names_of(*network_));
  to.put("weights", kept_tensors());
  to.put("average", average_);
  to.put("optimizer", optimizer_->state());
  to.put("schedule", schedule_.state());
  to.put_number("draws", dice_.state);
  to.put("random", Tensors{state_of(generator())});
  to.put("states", history_.content());
  to.put_number("pushed", static_cast<std::uint64_t>(history_.n_pushed()));
  return to;
}

void Trainer::save(const std::string &path) const { checkpoint().write(path); }

void Trainer::check_fit(const Checkpoint &from) const {
  if (from.text("settings") != identity_)
    throw Failure(ISTHMUS_ERR_FILE,
                  "the checkpoint has other settings: " +
                      first_difference(from.text("settings"), identity_, ' '));
  if (from.text("network") != names_of(*network_))
    throw Failure(ISTHMUS_ERR_FILE,
                  "the checkpoint is of another network: " +
                      first_difference(from.text("network"), names_of(*network_), '\n'));
}

void Trainer::apply(const Checkpoint &from) {
  const TorchModes modes(false);
  const Tensors weights = from.tensors("weights"), average = from.tensors("average");
  const Tensors own = kept_tensors(), random = from.tensors("random");
  if (weights.size() != own.size() || average.size() != average_.size() ||
      random.size() != 1)
    throw Failure(ISTHMUS_ERR_FILE, "the checkpoint's tensors do not add up");
  optimizer_->set_state(from.named_tensors("optimizer"));
  optimizer_->zero_grad();
  for (std::size_t i = 0; i < own.size(); ++i)
    own[i].detach().copy_(weights[i]);
  for (std::size_t i = 0; i < average.size(); ++i)
    average_[i].copy_(average[i]);
  schedule_.set_state(from.text("schedule"));
  dice_.state = from.number("draws");
  Tensors states = from.tensors("states");
  if (!states.empty())
    states[0] = states[0].to(network_->device());
  history_.set_content(states, static_cast<std::int64_t>(from.number("pushed")));
  at::Generator dice = generator();
  const std::lock_guard<std::mutex> lock(dice.mutex());
  dice.set_state(random[0]);
}

void Trainer::restore(const std::string &path) {
  const Checkpoint from = Checkpoint::read(path), before = checkpoint();
  check_fit(from);
  try {
    apply(from);
    log_.forget_after(n_steps());
  } catch (...) {
    apply(before);
    throw;
  }
}

} // namespace isthmus
