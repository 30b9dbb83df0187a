// SPDX-License-Identifier: MIT
// Networks on tensors, losses and optimizers, against what PyTorch wrote into the folder.
#include <fstream>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#undef CHECK // torch has one too
#include "../check.h"
#include "tensors/tensor.hpp"

namespace {

// SGD and L-BFGS do the same operations in C++ and Python: the same bits. Adam's moments
// are mul and add in C++, lerp in Python: measured 2e-16 and 4e-16 relative in 20 steps.
constexpr double same_bits = 0.0, rounding = 1e-14;

isthmus_tensor *handle(const at::Tensor &value) { return new isthmus_tensor{value}; }

at::Tensor taken(isthmus_tensor *tensor) {
  at::Tensor value = tensor ? tensor->value : at::Tensor();
  delete tensor;
  return value;
}

struct Samples {
  at::Tensor x = at::arange(18, at::kDouble).reshape({6, 3}) / 16.0 - 0.5;
  at::Tensor y =
      at::stack({x.select(1, 0) * x.select(1, 1), x.select(1, 2) * x.select(1, 2)}, 1);
};

isthmus_network *loaded() {
  isthmus_network *found = nullptr;
  OK(isthmus_network_load(network("perceptron.pt"), nullptr, 1, &found));
  if (!found)
    std::exit(1);
  return found;
}

at::Tensor forward(isthmus_network *net, const at::Tensor &x, int with_tape = 1) {
  isthmus_tensor *input = handle(x), *output = nullptr;
  int32_t n = 0;
  OK(isthmus_network_forward(net, nullptr, &input, 1, with_tape, 1, &output, &n));
  CHECK(n == 1);
  delete input;
  return taken(output);
}

std::string first_line_of(const std::string &name) {
  std::ifstream file(network(name.c_str()));
  std::string line;
  std::getline(file, line);
  return line;
}

struct Problem {
  isthmus_network *net;
  isthmus_optimizer *optimizer;
  Samples samples;
};

isthmus_status evaluate(void *context, double *loss) {
  auto &problem = *static_cast<Problem *>(context);
  OK(isthmus_optimizer_zero_grad(problem.optimizer));
  isthmus_tensor *prediction = handle(forward(problem.net, problem.samples.x));
  isthmus_tensor *target = handle(problem.samples.y), *result = nullptr;
  OK(isthmus_loss_mse(prediction, target, ISTHMUS_LOSS_MEAN, &result));
  delete prediction;
  delete target;
  const at::Tensor value = taken(result);
  value.backward();
  *loss = value.item<double>();
  return ISTHMUS_OK;
}

void twenty_steps_equal_those_of_pytorch(const char *kind, const char *settings,
                                         double tolerance) {
  Problem problem{loaded(), nullptr, {}};
  OK(isthmus_optimizer_of_network(problem.net, kind, settings, &problem.optimizer));
  std::ifstream file(network((std::string("losses_") + kind + ".txt").c_str()));
  int n = 0;
  double largest = 0.0;
  for (double expected = 0.0; file >> expected; ++n) {
    double found = 0.0;
    OK(isthmus_optimizer_step_closure(problem.optimizer, evaluate, &problem, &found));
    largest = std::max(largest, std::abs(found - expected) / expected);
  }
  CHECK(n == 20);
  CHECK(largest <= tolerance);
  std::printf("%s: losses differ from PyTorch's by %.1e\n", kind, largest);
  isthmus_optimizer_free(problem.optimizer);
  isthmus_network_free(problem.net);
}

void defaults_are_those_of_python() {
  isthmus_network *net = loaded();
  for (const char *kind : {"sgd", "adam", "adamw", "lbfgs"}) {
    isthmus_optimizer *optimizer = nullptr;
    const char *found = nullptr;
    OK(isthmus_optimizer_of_network(net, kind, nullptr, &optimizer));
    OK(isthmus_optimizer_settings(optimizer, &found));
    CHECK(first_line_of(std::string("defaults_") + kind + ".txt") == found);
    isthmus_optimizer_free(optimizer);
  }
  isthmus_network_free(net);
}

void nested_results_are_flattened() {
  isthmus_network *net = loaded();
  isthmus_tensor *input = handle(at::ones({2, 3}, at::kDouble)), *outputs[3] = {};
  int32_t n = 0;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "room for 2",
         isthmus_network_forward(net, "parts", &input, 1, 0, 2, outputs, &n));
  CHECK(n == 0 && !outputs[0]);
  OK(isthmus_network_forward(net, "parts", &input, 1, 0, 3, outputs, &n));
  CHECK(n == 3);
  const double expected[] = {1.0, 2.0, 2.0};
  for (int i = 0; i < 3; ++i)
    CHECK((taken(outputs[i]) == expected[i]).all().item<bool>());
  const char *name = nullptr;
  OK(isthmus_network_output_name(net, "parts", 2, &name));
  CHECK(std::string(name) == "output_1.1");
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no method 'nowhere'",
         isthmus_network_forward(net, "nowhere", &input, 1, 0, 3, outputs, &n));
  delete input;
  isthmus_network_free(net);
}

void frozen_parameters_stay() {
  isthmus_network *net = loaded();
  int64_t n = 0;
  OK(isthmus_network_n_trainable(net, &n));
  CHECK(n == 3 * 8 + 8 + 8 * 2 + 2);
  OK(isthmus_network_set_trainable(net, "first.", 0));
  OK(isthmus_network_n_trainable(net, &n));
  CHECK(n == 8 * 2 + 2);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'first.weight'",
         isthmus_network_set_trainable(net, "frist.", 0));
  forward(net, Samples().x).sum().backward();
  isthmus_tensor *weight = nullptr, *last = nullptr;
  const char *name = nullptr;
  OK(isthmus_network_parameter(net, 0, &name, &weight));
  CHECK(std::string(name) == "first.weight");
  OK(isthmus_network_parameter(net, 2, nullptr, &last));
  CHECK(!taken(weight).grad().defined());
  CHECK(taken(last).grad().defined());
  CHECK(!forward(net, Samples().x, 0).requires_grad());
  isthmus_network_free(net);
}

void copies_and_saved_files_hold_the_weights() {
  isthmus_network *net = loaded(), *copy = nullptr, *again = nullptr;
  const at::Tensor before = forward(net, Samples().x, 0);
  OK(isthmus_network_copy(net, &copy));
  isthmus_tensor *weight = nullptr;
  OK(isthmus_network_parameter(net, 0, nullptr, &weight));
  taken(weight).detach().zero_();
  const at::Tensor after = forward(net, Samples().x, 0);
  CHECK(!at::equal(before, after));
  CHECK(at::equal(before, forward(copy, Samples().x, 0)));
  OK(isthmus_network_save(net, "saved.pt"));
  OK(isthmus_network_load("saved.pt", "cpu", 0, &again));
  CHECK(at::equal(after, forward(again, Samples().x, 0)));
  EXPECT(ISTHMUS_ERR_FILE, "cannot be written",
         isthmus_network_save(net, "no_such_folder/saved.pt"));
  for (isthmus_network *each : {net, copy, again})
    isthmus_network_free(each);
}

void wrong_settings_are_refused() {
  isthmus_network *net = loaded();
  isthmus_optimizer *optimizer = nullptr;
  const auto made = [&](const char *kind, const char *settings) {
    return isthmus_optimizer_of_network(net, kind, settings, &optimizer);
  };
  EXPECT(ISTHMUS_ERR_ARGUMENT, "known are sgd, adam", made("rmsprop", nullptr));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "known are amsgrad, beta1", made("adam", "momentum=1"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'learning_rate' is '-1'", made("sgd", "learning_rate=-1"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'beta1' is 'x'", made("adam", "beta1 = x"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "needs a 'momentum'", made("sgd", "nesterov=1"));
  CHECK(!optimizer);
  OK(made("sgd", "learning_rate = 0.5, momentum=0.25 # of the paper"));
  double rate = 0.0, norm = 0.0;
  OK(isthmus_optimizer_learning_rate(optimizer, &rate));
  CHECK(rate == 0.5);
  (forward(net, Samples().x).sum() * 1e3).backward();
  OK(isthmus_optimizer_clip_norm(optimizer, 1.0, &norm));
  CHECK(norm > 1.0);
  OK(isthmus_optimizer_clip_norm(optimizer, 1.0, &norm));
  CHECK(std::abs(norm - 1.0) < 1e-6); // torch adds 1e-6 to the norm it divides by
  (forward(net, Samples().x).sum() * INFINITY).backward();
  EXPECT(ISTHMUS_ERR_RUNTIME, "not finite",
         isthmus_optimizer_clip_norm(optimizer, 1.0, nullptr));
  isthmus_optimizer_free(optimizer);
  isthmus_network_free(net);
}

void losses_refuse_other_shapes() {
  isthmus_tensor *wide = handle(at::zeros({4, 3})), *thin = handle(at::zeros({4, 1}));
  isthmus_tensor *loss = nullptr;
  EXPECT(ISTHMUS_ERR_SHAPE, "[4, 1]",
         isthmus_loss_mse(wide, thin, ISTHMUS_LOSS_MEAN, &loss));
  isthmus_tensor *classes = handle(at::full({4}, 3, at::kLong));
  EXPECT(ISTHMUS_ERR_SHAPE, "outside 0 to 2",
         isthmus_loss_cross_entropy(wide, classes, ISTHMUS_LOSS_MEAN, &loss));
  CHECK(!loss);
  isthmus_tensor *ones = handle(at::ones({4, 3}) * 3.0);
  OK(isthmus_loss_huber(wide, ones, 1.0, ISTHMUS_LOSS_SUM, &loss));
  CHECK(taken(loss).item<float>() == 12 * 2.5f); // delta (|e| - delta / 2)
  OK(isthmus_loss_l1(wide, ones, ISTHMUS_LOSS_NONE, &loss));
  CHECK(taken(loss).sizes().equals({4, 3}));
  for (isthmus_tensor *each : {wide, thin, classes, ones})
    delete each;
}

} // namespace

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all();
  defaults_are_those_of_python();
  twenty_steps_equal_those_of_pytorch("sgd", "learning_rate=0.05 momentum=0.9 nesterov=1",
                                      same_bits);
  twenty_steps_equal_those_of_pytorch(
      "adam", "learning_rate=0.01 weight_decay=0.01 amsgrad=1", rounding);
  twenty_steps_equal_those_of_pytorch("adamw", "learning_rate=0.01", rounding);
  twenty_steps_equal_those_of_pytorch(
      "lbfgs", "learning_rate=0.5 max_iter=4 history_size=5", same_bits);
  nested_results_are_flattened();
  frozen_parameters_stay();
  copies_and_saved_files_hold_the_weights();
  wrong_settings_are_refused();
  losses_refuse_other_shapes();
  return finish();
}
