// SPDX-License-Identifier: MIT
#include "trainer.hpp"

#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/isfinite.h>

#include "../array.hpp"

namespace isthmus {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();
const double below_one = std::nextafter(1.0, 0.0);

std::unique_ptr<Optimizer> optimizer_of(Settings &settings, const Network &network) {
  const std::string kind =
      settings.word("optimizer", "adam", {"sgd", "adam", "adamw", "lbfgs"});
  return std::make_unique<Optimizer>(kind, settings, network.trainable());
}

std::unique_ptr<Network> network_of(const std::string &path, const std::string &device,
                                    Settings &settings) {
  auto network = std::make_unique<Network>(path, device, /*is_training=*/true);
  const std::string frozen = settings.word("freeze", "");
  if (!frozen.empty())
    network->set_trainable(frozen, false);
  return network;
}

} // namespace

Trainer::Trainer(const std::string &path, const std::string &device,
                 const std::string &settings)
    : Trainer(path, device, Settings("trainer", settings)) {}

Trainer::Trainer(const std::string &path, const std::string &device, Settings settings)
    : identity_(settings.text("log")), network_(network_of(path, device, settings)),
      history_(settings.whole("capacity", 10000, 2)),
      optimizer_(optimizer_of(settings, *network_)),
      schedule_(settings, optimizer_->learning_rate()), log_(settings.word("log", "")) {
  read_loss(settings, device);
  rollout_ = settings.whole("rollout", 1, 1);
  is_tendency_ = settings.word("predicts", "state", {"state", "tendency"}) == "tendency";
  if (is_tendency_ && !settings.has("dt"))
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "trainer: predicts=tendency needs the setting 'dt'");
  if (is_tendency_)
    dt_ = settings.real("dt", 1.0, 0.0, unlimited);
  batch_size_ = settings.whole("batch_size", 32, 1);
  accumulation_ = settings.whole("accumulation", 1, 1);
  clip_norm_ = settings.real("clip_norm", 0.0, 0.0, unlimited);
  clip_value_ = settings.real("clip_value", 0.0, 0.0, unlimited);
  ema_ = settings.real("ema", 0.0, 0.0, below_one);
  dice_.state = static_cast<std::uint64_t>(settings.whole("seed", 0, 0));
  split_ = {settings.real("validation", 0.0, 0.0, below_one),
            settings.whole("validation_block", 16 * (rollout_ + 1), 1), dice_.state};
  settings.refuse_unknown();
  if (ema_ > 0.0)
    for (const NamedTensor &each : network_->parameters())
      average_.push_back(each.value.detach().clone());
}

void Trainer::read_loss(Settings &settings, const std::string &device) {
  const std::string file = settings.word("loss_network", "");
  if (!file.empty() && settings.has("loss"))
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "trainer: 'loss' and 'loss_network' exclude each other");
  loss_ = settings.word("loss", "mse", {"mse", "l1", "huber"});
  if (loss_ == "huber")
    delta_ = settings.real("delta", 1.0, 0.0, unlimited);
  if (file.empty())
    return;
  loss_network_ = std::make_unique<Network>(file, device, /*is_training=*/false);
  for (const NamedTensor &each : loss_network_->parameters())
    each.value.set_requires_grad(false);
}

void Trainer::push(const at::Tensor &state, bool is_first) {
  const TorchModes modes(false);
  const at::Tensor weight = network_->parameters().front().value;
  if (state.scalar_type() != weight.scalar_type())
    throw Failure(ISTHMUS_ERR_SHAPE, std::string("'state' is ") +
                                         c10::toString(state.scalar_type()) +
                                         ", the network has weights of " +
                                         c10::toString(weight.scalar_type()));
  if (!at::isfinite(state).all().item<bool>())
    throw Failure(ISTHMUS_ERR_ARGUMENT, "'state' has values that are not finite");
  history_.push(state.to(network_->device()), is_first);
}

std::int64_t Trainer::n_windows(bool is_validation) const {
  return static_cast<std::int64_t>(
      history_.windows(rollout_, split_, is_validation).size());
}

at::Tensor Trainer::pair_loss(const at::Tensor &prediction, const at::Tensor &target) {
  if (loss_network_) {
    const Tensors found =
        loss_network_->forward("forward", {prediction, target}, at::GradMode::is_enabled());
    if (found.size() != 1 || found[0].numel() != 1)
      throw Failure(ISTHMUS_ERR_SHAPE, "'loss_network' must give one number");
    return found[0].sum();
  }
  const Loss kind = loss_ == "mse" ? Loss::mse : loss_ == "l1" ? Loss::l1 : Loss::huber;
  return loss_of(kind, prediction, target, ISTHMUS_LOSS_MEAN, delta_);
}

at::Tensor Trainer::rollout_loss(Network &network, const Starts &starts, bool with_tape) {
  const TorchModes modes(with_tape);
  at::Tensor state = history_.batch(starts), sum;
  for (std::int64_t j = 1; j <= rollout_; ++j) {
    const Tensors found = network.forward("forward", {state}, with_tape);
    if (found.size() != 1 || !found[0].sizes().equals(state.sizes()))
      throw Failure(ISTHMUS_ERR_SHAPE,
                    "the network must return one tensor of the state's shape " +
                        shape_text(state.sizes().vec()) + ", it returned " +
                        (found.size() == 1 ? shape_text(found[0].sizes().vec())
                                           : std::to_string(found.size()) + " tensors"));
    state = is_tendency_ ? state + found[0] * dt_ : found[0];
    Starts targets = starts;
    for (std::int64_t &each : targets)
      each += j;
    const at::Tensor loss = pair_loss(state, history_.batch(targets));
    sum = j == 1 ? loss : sum + loss;
  }
  return sum / static_cast<double>(rollout_);
}

std::vector<Trainer::Starts> Trainer::drawn() {
  const Starts all = history_.windows(rollout_, split_, false);
  if (all.empty())
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "there is no trajectory of " + std::to_string(rollout_ + 1) +
                      " states to train on: " + std::to_string(history_.n_kept()) +
                      " states are kept");
  std::vector<Starts> batches(static_cast<std::size_t>(accumulation_));
  for (Starts &batch : batches)
    for (std::int64_t i = 0; i < batch_size_; ++i)
      batch.push_back(all[static_cast<std::size_t>(
          dice_.below(static_cast<std::int64_t>(all.size())))]);
  return batches;
}

at::Tensor Trainer::gradients_of(const std::vector<Starts> &batches) {
  const TorchModes modes(true);
  optimizer_->zero_grad();
  at::Tensor sum;
  for (const Starts &batch : batches) {
    const at::Tensor loss =
        rollout_loss(*network_, batch, true) / static_cast<double>(accumulation_);
    loss.backward();
    sum = sum.defined() ? sum + loss.detach() : loss.detach();
  }
  if (!std::isfinite(sum.item<double>()))
    throw Failure(ISTHMUS_ERR_RUNTIME, "the loss of step " + std::to_string(n_steps() + 1) +
                                           " is not finite: the weights are as before");
  limit_gradients();
  return sum;
}

void Trainer::limit_gradients() {
  if (clip_value_ > 0.0)
    optimizer_->clip_value(clip_value_);
  if (clip_norm_ > 0.0)
    optimizer_->clip_norm(clip_norm_);
}

double Trainer::step() {
  const std::vector<Starts> batches = drawn();
  const double rate = schedule_.rate();
  optimizer_->set_learning_rate(-1, rate);
  at::Tensor loss;
  if (optimizer_->needs_closure()) {
    loss = optimizer_->step([&] { return gradients_of(batches); });
  } else {
    loss = gradients_of(batches);
    optimizer_->step();
  }
  schedule_.advance();
  update_average();
  const double value = loss.item<double>();
  log_.add(n_steps(), "training", value, rate);
  return value;
}

void Trainer::update_average() {
  if (average_.empty())
    return;
  const TorchModes modes(false);
  const std::vector<NamedTensor> now = network_->parameters();
  for (std::size_t i = 0; i < now.size(); ++i)
    average_[i].mul_(ema_).add_(now[i].value.detach(), 1.0 - ema_);
}

double Trainer::validate(bool with_average) {
  const Starts all = history_.windows(rollout_, split_, true);
  if (all.empty())
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "there is no trajectory of " + std::to_string(rollout_ + 1) +
                      " states to validate on: see the settings 'validation' and "
                      "'validation_block'");
  const std::unique_ptr<Network> judged = network(with_average);
  double sum = 0.0;
  for (std::size_t i = 0; i < all.size(); i += static_cast<std::size_t>(batch_size_)) {
    const std::size_t n = std::min(all.size() - i, static_cast<std::size_t>(batch_size_));
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(i);
    const Starts part(from, from + static_cast<std::ptrdiff_t>(n));
    sum += rollout_loss(*judged, part, false).item<double>() * static_cast<double>(n);
  }
  const double loss = sum / static_cast<double>(all.size());
  if (!with_average)
    schedule_.observe(loss);
  log_.add(n_steps(), with_average ? "average" : "validation", loss, schedule_.rate());
  return loss;
}

std::unique_ptr<Network> Trainer::network(bool with_average) const {
  if (with_average && average_.empty())
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "there is no average of the weights: see the setting 'ema'");
  const TorchModes modes(false);
  std::unique_ptr<Network> twin = network_->copy();
  twin->set_training(false);
  if (with_average) {
    const std::vector<NamedTensor> to = twin->parameters();
    for (std::size_t i = 0; i < to.size(); ++i)
      to[i].value.detach().copy_(average_[i]);
  }
  return twin;
}

} // namespace isthmus
