// SPDX-License-Identifier: MIT
#include "bench_callers.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <utility>

#include <dlfcn.h>

#include <ATen/Functions.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "isthmus.h"

namespace bench {
namespace {

namespace jit = torch::jit;

void check(isthmus_status status) {
  if (status != ISTHMUS_OK) {
    std::fprintf(stderr, "%s\n", isthmus_error_message());
    std::exit(1);
  }
}

void require(bool is_so, const std::string &text) {
  if (!is_so) {
    std::fprintf(stderr, "%s\n", text.c_str());
    std::exit(1);
  }
}

std::size_t n_elements(const std::vector<std::int64_t> &shape) {
  return static_cast<std::size_t>(
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>()));
}

isthmus_array array_of(std::vector<float> &data, const std::vector<std::int64_t> &shape) {
  isthmus_array array{};
  array.data = data.data();
  array.dtype = ISTHMUS_FLOAT32;
  array.rank = static_cast<std::int32_t>(shape.size());
  array.shape = shape.data();
  return array;
}

at::Tensor tensor_of(Problem &problem) {
  return at::from_blob(problem.x.data(), problem.input_shape, at::kFloat);
}

void copy_out(const at::Tensor &result, Problem &problem) {
  std::memcpy(problem.y.data(), result.const_data_ptr(), problem.y.size() * sizeof(float));
}

std::shared_ptr<isthmus_model> loaded(const std::string &file) {
  isthmus_model *model = nullptr;
  check(isthmus_model_load(file.c_str(), "cpu", &model));
  return {model, isthmus_model_free};
}

std::string input_name(const isthmus_model *model) {
  const char *name = nullptr;
  check(isthmus_model_input_name(model, "forward", 0, &name));
  return name;
}

double seconds_of(const Call &call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A compiled library without torch's loader around it.
class Library {
public:
  explicit Library(const std::string &path)
      : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    require(handle_ != nullptr, path + " cannot be loaded");
    int (*create)(void **, std::size_t, const char *, const char *) = nullptr;
    find("AOTInductorModelContainerCreateWithDevice", create);
    find("AOTInductorModelContainerRunSingleThreaded", run_);
    require(create(&container_, 1, "cpu", nullptr) == 0, path + ": no container");
  }

  at::Tensor run(const at::Tensor &input) {
    void *in = new at::Tensor(input), *out = nullptr; // handles are addresses of tensors
    require(run_(container_, &in, 1, &out, 1, nullptr, nullptr) == 0, "a run failed");
    const std::unique_ptr<at::Tensor> result(static_cast<at::Tensor *>(out));
    return std::move(*result);
  }

private:
  template <typename Function> void find(const char *name, Function &function) {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    require(function != nullptr, std::string(name) + " is missing");
  }
  void *handle_, *container_ = nullptr;
  int (*run_)(void *, void **, std::size_t, void **, std::size_t, void *, void *) = nullptr;
};

} // namespace

Problem::Problem(std::vector<std::int64_t> in, std::vector<std::int64_t> out,
                 std::string name)
    : input_shape(std::move(in)), output_shape(std::move(out)), x(n_elements(input_shape)),
      y(n_elements(output_shape)), output(std::move(name)) {
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i % 17) * 0.1F - 0.8F;
}

namespace {

Call bound_to(const std::shared_ptr<isthmus_model> &model, Problem &problem) {
  const isthmus_array in = array_of(problem.x, problem.input_shape),
                      out = array_of(problem.y, problem.output_shape);
  check(isthmus_model_bind_input(model.get(), input_name(model.get()).c_str(), &in));
  check(isthmus_model_bind_output(model.get(), problem.output.c_str(), &out));
  return [model] { check(isthmus_model_run(model.get())); };
}

} // namespace

Call bound(const std::string &file, Problem &problem) {
  return bound_to(loaded(file), problem);
}

Call by_loops(const std::string &file, Problem &problem) {
  const auto model = loaded(file);
  if (isthmus_model_use_loops(model.get(), problem.input_shape.front()) != ISTHMUS_OK)
    return nullptr;
  return bound_to(model, problem);
}

Call unbound(const std::string &file, Problem &problem) {
  const auto model = loaded(file);
  const std::string name = input_name(model.get());
  return [model, name, &problem] {
    const isthmus_array in = array_of(problem.x, problem.input_shape),
                        out = array_of(problem.y, problem.output_shape);
    check(isthmus_model_bind_input(model.get(), name.c_str(), &in));
    check(isthmus_model_bind_output(model.get(), problem.output.c_str(), &out));
    check(isthmus_model_run(model.get()));
  };
}

Call libtorch(const std::string &file, Problem &problem) {
  const auto module = std::make_shared<jit::Module>(jit::load(file));
  module->eval();
  return [module, &problem] {
    const c10::InferenceMode inference;
    copy_out(module->forward({tensor_of(problem)}).toTensor(), problem);
  };
}

Call interpreter(const std::string &file, Problem &problem) {
  jit::Module module = jit::load(file);
  module.eval();
  module = jit::freeze(module);
  const auto graph = module.get_method("forward").graph()->copy();
  jit::Inline(*graph);
  const auto executor = std::make_shared<jit::GraphExecutor>(
      graph, "forward", jit::ExecutorExecutionMode::SIMPLE);
  const auto stack = std::make_shared<jit::Stack>();
  return [module, executor, stack, input = tensor_of(problem), &problem] {
    const at::NoGradGuard no_gradients;
    stack->clear();
    stack->emplace_back(module._ivalue());
    stack->emplace_back(input);
    executor->run(*stack);
    copy_out(stack->back().toTensor(), problem);
  };
}

Call compiled(const std::string &library, Problem &problem) {
  const auto network = std::make_shared<Library>(library);
  return [network, input = tensor_of(problem), &problem] {
    const at::NoGradGuard no_gradients;
    copy_out(network->run(input), problem);
  };
}

Call past_autograd(const Call &call) {
  return [call] {
    const c10::impl::ExcludeDispatchKeyGuard guard(
        c10::autograd_dispatch_keyset_with_ADInplaceOrView);
    call();
  };
}

double seconds_to_load(const std::string &file) {
  return seconds_of([&] { loaded(file); });
}

double seconds_to_load_by_torch(const std::string &file) {
  if (file.back() == '2')
    return seconds_of([&] {
      const torch::inductor::AOTIModelPackageLoader loader(file, "forward", true);
    });
  return seconds_of([&] { jit::load(file); });
}

} // namespace bench
