// SPDX-License-Identifier: MIT
// A network trained on trajectories of the states of a running model. Includes libtorch.
#pragma once

#include <memory>
#include <string>

#include "checkpoint.hpp"
#include "history.hpp"
#include "network.hpp"
#include "optimizer.hpp"
#include "schedule.hpp"
#include "step_log.hpp"

namespace isthmus {

class Trainer {
public:
  /// @throws Failure (argument, file)
  Trainer(const std::string &path, const std::string &device, const std::string &settings);
  void push(const at::Tensor &state, bool is_first);
  std::int64_t n_windows(bool is_validation) const;
  /// One step of the optimizer; the loss of its batches at its start.
  double step();
  /// Mean loss of all windows that validate.
  double validate(bool with_average);
  std::int64_t n_steps() const { return schedule_.n_steps(); }
  double learning_rate() const { return schedule_.rate(); }
  /// A copy of the network, with its weights or their running average.
  std::unique_ptr<Network> network(bool with_average) const;
  void save(const std::string &path) const;
  /// @throws Failure (file), and then all is as it was
  void restore(const std::string &path);

private:
  using Starts = std::vector<std::int64_t>;
  Trainer(const std::string &path, const std::string &device, Settings settings);
  void read_loss(Settings &settings, const std::string &device);
  at::Tensor pair_loss(const at::Tensor &prediction, const at::Tensor &target);
  at::Tensor rollout_loss(Network &network, const Starts &starts, bool with_tape);
  std::vector<Starts> drawn();
  at::Tensor gradients_of(const std::vector<Starts> &batches);
  void limit_gradients();
  void update_average();
  Tensors kept_tensors() const;
  at::Generator generator() const;
  Checkpoint checkpoint() const;
  void check_fit(const Checkpoint &from) const;
  void apply(const Checkpoint &from);

  std::string identity_; // settings that a checkpoint must share
  std::unique_ptr<Network> network_, loss_network_;
  std::string loss_;
  double delta_ = 1.0, dt_ = 0.0, clip_norm_ = 0.0, clip_value_ = 0.0, ema_ = 0.0;
  bool is_tendency_ = false;
  std::int64_t rollout_ = 1, batch_size_ = 1, accumulation_ = 1;
  Split split_;
  Dice dice_;
  History history_;
  std::unique_ptr<Optimizer> optimizer_;
  Schedule schedule_;
  StepLog log_;
  Tensors average_; // of the parameters; empty without ema
};

} // namespace isthmus

struct isthmus_trainer {
  isthmus::Trainer body;
};
