// SPDX-License-Identifier: MIT
// What a bound call costs above the engine itself: the same file, the same thread, called
// through isthmus.h and through libtorch with tensors made once. Rounds alternate between
// the two; the fastest round of each is told, as others share the machine. Not a unit test:
// bench_bridge FOLDER
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <ATen/Parallel.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "isthmus.h"

namespace {

// Heap allocations of the whole process, by the operators every C++ allocation goes
// through.
long n_allocations = 0;

constexpr int n_rounds = 200;
constexpr int n_calls = 500;
constexpr std::int64_t shape[] = {3, 4}, rows[] = {3};

struct Arrays {
  double x[12] = {0.1, 0.2, 0.3}, y[12] = {}, z[12] = {}, s[3] = {}, scale = 0.5;
};

struct Cost {
  double microseconds, allocations;
};

void check(isthmus_status status) {
  if (status != ISTHMUS_OK) {
    std::printf("%s\n", isthmus_error_message());
    std::exit(1);
  }
}

Cost round_of(const std::function<void()> &call) {
  using Clock = std::chrono::steady_clock;
  const long before = n_allocations;
  const auto start = Clock::now();
  for (int i = 0; i < n_calls; ++i)
    call();
  const std::chrono::duration<double, std::micro> spent = Clock::now() - start;
  return {spent.count() / n_calls, double(n_allocations - before) / n_calls};
}

Cost fastest(const std::vector<Cost> &costs) {
  return *std::min_element(costs.begin(), costs.end(), [](const Cost &a, const Cost &b) {
    return a.microseconds < b.microseconds;
  });
}

void compare(const char *engine, const std::function<void()> &bound,
             const std::function<void()> &raw) {
  std::vector<Cost> of_bound, of_raw;
  round_of(bound), round_of(raw);
  for (int i = 0; i < n_rounds; ++i) {
    of_bound.push_back(round_of(bound));
    of_raw.push_back(round_of(raw));
  }
  const Cost ours = fastest(of_bound), theirs = fastest(of_raw);
  std::printf("%-26s bound %6.3f us, raw %6.3f us, above %6.3f us; allocations %g and %g\n",
              engine, ours.microseconds, theirs.microseconds,
              ours.microseconds - theirs.microseconds, ours.allocations,
              theirs.allocations);
}

struct Binding {
  const char *name;
  isthmus_array array;
};

isthmus_model *bound_model(const std::string &path, const std::vector<Binding> &inputs,
                           const std::vector<Binding> &outputs) {
  isthmus_model *model = nullptr;
  check(isthmus_model_load(path.c_str(), "cpu", &model));
  for (const Binding &input : inputs)
    check(isthmus_model_bind_input(model, input.name, &input.array));
  for (const Binding &output : outputs)
    check(isthmus_model_bind_output(model, output.name, &output.array));
  return model;
}

isthmus_array matrix(double *data) { return {data, ISTHMUS_FLOAT64, 2, shape, nullptr}; }

isthmus_model *weighted(const std::string &path, Arrays &a) {
  const isthmus_array scale = {&a.scale, ISTHMUS_FLOAT64, 0, nullptr, nullptr};
  const isthmus_array s = {a.s, ISTHMUS_FLOAT64, 1, rows, nullptr};
  return bound_model(path, {{"x", matrix(a.x)}, {"scale", scale}},
                     {{"y", matrix(a.y)}, {"s", s}});
}

at::Tensor tensor_of(double *data) { return at::from_blob(data, {3, 4}, at::kDouble); }

std::vector<at::Tensor> weighted_inputs(Arrays &a) {
  return {tensor_of(a.x), at::from_blob(&a.scale, at::IntArrayRef(), at::kDouble)};
}

void compare_torchscript(const char *what, const std::string &path, isthmus_model *model,
                         const std::vector<at::Tensor> &inputs) {
  const torch::jit::Module module =
      torch::jit::freeze(torch::jit::load(path), std::nullopt, false);
  const auto graph = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  torch::jit::GraphExecutor executor(graph, "forward", torch::jit::SIMPLE);
  torch::jit::Stack stack;
  compare(
      what, [&] { check(isthmus_model_run(model)); },
      [&] {
        const at::NoGradGuard no_grad;
        stack.clear();
        stack.emplace_back(module._ivalue());
        for (const at::Tensor &input : inputs)
          stack.emplace_back(input);
        executor.run(stack);
      });
  isthmus_model_free(model);
}

void compare_inductor(const char *what, const std::string &path, isthmus_model *model,
                      const std::vector<at::Tensor> &inputs) {
  torch::inductor::AOTIModelPackageLoader loader(path, "forward", true);
  compare(
      what, [&] { check(isthmus_model_run(model)); },
      [&] {
        const at::NoGradGuard no_grad;
        loader.run(inputs);
      });
  isthmus_model_free(model);
}

} // namespace

void *operator new(std::size_t n_bytes) {
  ++n_allocations;
  if (void *memory = std::malloc(n_bytes))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

int main(int argc, char **argv) {
  const std::string folder = argc > 1 ? argv[1] : ".";
  const std::string passing = folder + "/passing.pt";
  const std::string script = folder + "/weighted_float64.pt", package = script + "2";
  Arrays ours, theirs;
  at::set_num_threads(1);
  compare_torchscript(
      "torchscript, 1 operation", passing,
      bound_model(passing, {{"x", matrix(ours.x)}},
                  {{"output_0", matrix(ours.y)}, {"output_1", matrix(ours.z)}}),
      {tensor_of(theirs.x)});
  compare_torchscript("torchscript, 12 operations", script, weighted(script, ours),
                      weighted_inputs(theirs));
  compare_inductor("inductor, 12 operations", package, weighted(package, ours),
                   weighted_inputs(theirs));
  return 0;
}
