// SPDX-License-Identifier: MIT
// The functions of network.h on optimizers: check the arguments, guard, delegate.
#include <ATen/ops/scalar_tensor.h>

#include "network.hpp"
#include "optimizer.hpp"

namespace {

using namespace isthmus;

Optimizer &body_of(isthmus_optimizer *optimizer) {
  return required(optimizer, "optimizer").body;
}

std::string settings_of(const char *settings) { return settings ? settings : ""; }

} // namespace

isthmus_status isthmus_optimizer_make(const char *kind, const char *settings,
                                      const isthmus_tensor *const *parameters,
                                      int32_t n_parameters, isthmus_optimizer **optimizer) {
  return guarded_torch([&] {
    isthmus_optimizer *&target = required(optimizer, "optimizer");
    target =
        new isthmus_optimizer{Optimizer(text(kind, "kind"), settings_of(settings),
                                        tensors_of(parameters, n_parameters, "parameters")),
                              ""};
  });
}

isthmus_status isthmus_optimizer_of_network(const isthmus_network *network,
                                            const char *kind, const char *settings,
                                            isthmus_optimizer **optimizer) {
  return guarded_torch([&] {
    isthmus_optimizer *&target = required(optimizer, "optimizer");
    const Network &body = *required(network, "network").body;
    target = new isthmus_optimizer{
        Optimizer(text(kind, "kind"), settings_of(settings), body.trainable()), ""};
  });
}

isthmus_status isthmus_optimizer_add_group(isthmus_optimizer *optimizer,
                                           const char *settings,
                                           const isthmus_tensor *const *parameters,
                                           int32_t n_parameters) {
  return guarded_torch([&] {
    body_of(optimizer).add_group(settings_of(settings),
                                 tensors_of(parameters, n_parameters, "parameters"));
  });
}

void isthmus_optimizer_free(isthmus_optimizer *optimizer) {
  guarded_torch([&] { delete optimizer; });
}

isthmus_status isthmus_optimizer_settings(isthmus_optimizer *optimizer,
                                          const char **settings) {
  return guarded_torch([&] {
    Optimizer &body = body_of(optimizer);
    const char *&target = required(settings, "settings");
    optimizer->text = body.settings();
    target = optimizer->text.c_str();
  });
}

isthmus_status isthmus_optimizer_step(isthmus_optimizer *optimizer) {
  return guarded_torch([&] { body_of(optimizer).step(); });
}

isthmus_status isthmus_optimizer_step_closure(isthmus_optimizer *optimizer,
                                              isthmus_closure closure, void *context,
                                              double *loss) {
  return guarded_torch([&] {
    Optimizer &body = body_of(optimizer);
    if (!closure)
      throw Failure(ISTHMUS_ERR_ARGUMENT, "argument 'closure' is null");
    const at::Tensor first = body.step([&] {
      double value = 0.0;
      const isthmus_status status = closure(context, &value);
      if (status != ISTHMUS_OK)
        throw Failure(status, "the closure failed: " + last_message());
      return at::scalar_tensor(value, at::kDouble);
    });
    if (loss)
      *loss = first.item<double>();
  });
}

isthmus_status isthmus_optimizer_zero_grad(isthmus_optimizer *optimizer) {
  return guarded_torch([&] { body_of(optimizer).zero_grad(); });
}

isthmus_status isthmus_optimizer_learning_rate(const isthmus_optimizer *optimizer,
                                               double *learning_rate) {
  return guarded_torch([&] {
    const double found = required(optimizer, "optimizer").body.learning_rate();
    required(learning_rate, "learning_rate") = found;
  });
}

isthmus_status isthmus_optimizer_set_learning_rate(isthmus_optimizer *optimizer,
                                                   int32_t group, double learning_rate) {
  return guarded_torch([&] { body_of(optimizer).set_learning_rate(group, learning_rate); });
}

isthmus_status isthmus_optimizer_clip_norm(isthmus_optimizer *optimizer, double max_norm,
                                           double *norm) {
  return guarded_torch([&] {
    const double found = body_of(optimizer).clip_norm(max_norm);
    if (norm)
      *norm = found;
  });
}

isthmus_status isthmus_optimizer_clip_value(isthmus_optimizer *optimizer,
                                            double max_value) {
  return guarded_torch([&] { body_of(optimizer).clip_value(max_value); });
}
