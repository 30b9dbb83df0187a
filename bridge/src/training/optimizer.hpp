// SPDX-License-Identifier: MIT
// torch's optimizers with settings as text, losses by name. Includes libtorch.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <torch/optim/optimizer.h>

#include "settings.hpp"
#include "torch_call.hpp"

namespace isthmus {

class Optimizer {
public:
  /// Evaluates the loss and its gradients.
  using Closure = std::function<at::Tensor()>;

  /// @throws Failure (argument) naming unknown settings, or a tensor that cannot be trained
  Optimizer(const std::string &kind, const std::string &settings, Tensors parameters);
  Optimizer(const std::string &kind, Settings &settings, Tensors parameters);

  void add_group(const std::string &settings, Tensors parameters);
  const std::string &kind() const { return kind_; }
  bool needs_closure() const { return kind_ == "lbfgs"; }
  /// All settings of the first group, as the constructor reads them.
  std::string settings() const;
  void step();
  /// The loss at the start. A failure leaves the parameters as they were.
  at::Tensor step(const Closure &closure);
  void zero_grad();
  double learning_rate() const;
  void set_learning_rate(std::int32_t group, double learning_rate);
  double clip_norm(double max_norm);
  void clip_value(double max_value);
  Tensors parameters() const;
  /// What was gathered over the steps, tensor by tensor; settings are not part of it.
  std::map<std::string, at::Tensor> state() const;
  /// Back into an optimizer of the same kind and parameters.
  /// @throws Failure (file) naming what is missing, unknown or of another form
  void set_state(const std::map<std::string, at::Tensor> &tensors);

private:
  void make(Settings &settings, Tensors parameters);
  std::string kind_;
  std::unique_ptr<torch::optim::Optimizer> body_;
};

enum class Loss { mse, l1, huber, cross_entropy };

/// @throws Failure (shape, device) unless the two fit without any broadcasting
at::Tensor loss_of(Loss kind, const at::Tensor &prediction, const at::Tensor &target,
                   isthmus_loss_reduction reduction, double delta = 1.0);

} // namespace isthmus

struct isthmus_optimizer {
  isthmus::Optimizer body;
  std::string text; // the last one handed out
};
