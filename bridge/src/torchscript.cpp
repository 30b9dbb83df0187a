// SPDX-License-Identifier: MIT
// The engine for `.pt`: a TorchScript module, interpreted, differentiated at run time.
#include <mutex>
#include <optional>

#include <c10/core/StreamGuard.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/alias_analysis.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "chain/chain_of.hpp"
#include "engine.hpp"
#include "failure.hpp"
#include "runtime/forward_level.hpp"
#include "script_graph.hpp"
#include "script_signature.hpp"
#include "tensor_view.hpp"

namespace isthmus {
namespace {

namespace jit = torch::jit;
using Tensors = std::vector<at::Tensor>;

/// Which input or output of `forward` a name of a method stands for.
struct Place {
  std::size_t index = 0;
  bool is_derivative = false;
};

/// The first line that is not empty.
std::string first_line(const std::string &text) {
  const std::size_t begin = std::min(text.find_first_not_of('\n'), text.size());
  return text.substr(begin, text.find('\n', begin) - begin);
}

/// The interpreter tells where before it tells why: a short `errmsg` should hold the why.
std::string reason_first(const std::string &text) {
  const std::string mark = "<--- HERE\n";
  const std::size_t end = text.rfind(mark);
  if (end == std::string::npos)
    return text;
  std::size_t begin = end + mark.size();
  while (begin < text.size() && (text[begin] == ' ' || text[begin] == '\n')) // more code
    begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  if (begin == text.size())
    return text;
  const std::string reason = text.substr(begin, text.find_last_not_of('\n') + 1 - begin);
  return reason + "\n" + text.substr(0, end + mark.size() - 1);
}

/// Run `body`; what libtorch throws becomes a Failure without its backtrace.
template <typename Body> void translating(isthmus_status status, Body &&body) try {
  body();
} catch (const Failure &) {
  throw;
} catch (const c10::Error &error) {
  throw Failure(status, reason_first(error.what_without_backtrace()));
} catch (const std::exception &error) {
  throw Failure(status, reason_first(error.what()));
}

bool is_float(const at::Tensor &tensor) {
  return tensor.defined() && at::isFloatingType(tensor.scalar_type());
}

jit::Module loaded(const std::string &path, c10::Device device) {
  jit::Module module = jit::load(path, device, /*load_debug_files=*/false);
  // A module frozen before it was saved has no such attribute, and cannot be frozen again.
  const bool is_frozen = !module.hasattr("training");
  module.eval();
  for (const at::Tensor &parameter : module.parameters())
    parameter.set_requires_grad(false);
  if (is_frozen)
    return module;
  try {
    std::vector<std::string> others; // freezing drops methods that are not named
    for (const jit::Method &method : module.get_methods())
      if (method.name() != "forward")
        others.push_back(method.name());
    // Numerics are left alone: folding batch norms would round differently from PyTorch.
    return jit::freeze(module, others, /*optimize_numerics=*/false);
  } catch (const std::exception &) {
    return module; // what cannot be frozen runs as it is
  }
}

/// Names of the derivatives of `forward`, where the contract does not give them.
Methods with_derivatives(const MethodNames &forward, const ScriptSignature &own,
                         const Contract *contract) {
  const auto differentiable = [&](const std::string &name) {
    return contract ? contract->variables.at(name).is_floating() : !own.is_scalar(name);
  };
  Methods methods = {{"forward", forward}};
  MethodNames jvp = forward, vjp = {forward.inputs, {}};
  for (const std::string &name : forward.inputs)
    if (differentiable(name)) {
      jvp.inputs.push_back(name + "_tl");
      vjp.outputs.push_back(name + "_ad");
    }
  for (const std::string &name : forward.outputs)
    if (differentiable(name)) {
      jvp.outputs.push_back(name + "_tl");
      vjp.inputs.push_back(name + "_ad");
    }
  methods["jvp"] = jvp;
  methods["vjp"] = vjp;
  return methods;
}

using Names = std::vector<std::string>;

/// The place of a name among variables of `forward`: itself, or with a suffix as
/// derivative.
Place place_of(const std::string &name, const Names &primals, const Names &derived,
               const std::string &suffix) {
  for (std::size_t i = 0; i < primals.size(); ++i)
    if (primals[i] == name)
      return {i, false};
  for (std::size_t i = 0; i < derived.size(); ++i)
    if (derived[i] + suffix == name)
      return {i, true};
  throw Failure(ISTHMUS_ERR_CONTRACT,
                "contract names " + in_quotes(name) +
                    " in a method, where 'forward' has no such variable or derivative");
}

class TorchScript final : public Engine {
public:
  TorchScript(const Archive &archive, const std::string &device, const Contract *contract);
  const char *name() const override { return "torchscript"; }
  const Methods &methods() const override { return methods_; }
  std::string device() const override { return device_.str(); }
  void use_stream(void *stream) override { stream_ = stream_of_host(device_, stream); }
  std::string why_not(const std::string &method) const override;
  void use_loops(std::int64_t n_samples) override;
  void prepare(Verb verb, const Call &call) override;
  void run(Verb verb) override;

private:
  /// A method of the module: its own graph, interpreted.
  struct Function {
    ScriptSignature signature;
    jit::GraphExecutor executor;
    std::vector<bool> is_written; // inputs the network modifies: it gets a copy of these
    Autograd autograd;            // what of it a plain evaluation needs
  };
  struct Prepared {
    std::vector<Place> input_places, output_places;
    std::vector<Input> inputs;
    std::vector<Target> targets;
    // For own loops; no samples: the interpreter runs.
    const void *x = nullptr;
    void *y = nullptr;
    std::int64_t n_samples = 0;
  };

  void name_methods(const Contract *contract);
  MethodNames checked_names(const ScriptSignature &own, const std::string &method,
                            const Contract *contract) const;
  Function made(const std::string &method, const Contract *contract) const;
  void prepare_loops(const Call &call, Prepared &prepared) const;
  void check_chain(Chain &chain);
  void prepare_derivative(Verb verb, const Call &call, Prepared &prepared);
  void evaluate(const Tensors &inputs, Tensors &results) {
    evaluate(functions_.at("forward"), methods_.at("forward"), inputs, results);
  }
  void evaluate(Function &function, const MethodNames &names, const Tensors &inputs,
                Tensors &results) {
    auto input = inputs.begin();
    interpret(function, names, [&]() -> const at::Tensor & { return *input++; }, results);
  }
  template <typename Next>
  void interpret(Function &function, const MethodNames &names, Next &&next_input,
                 Tensors &results);
  void run_directly(Verb verb);
  void run_jvp();
  void run_vjp();
  void read(Prepared &prepared, Tensors &primals, Tensors &derivatives);
  void jvp_forward_mode(const Tensors &inputs, const Tensors &tangents, Tensors &results,
                        Tensors &result_tangents);
  void jvp_double_vjp(const Tensors &inputs, const Tensors &tangents, Tensors &results,
                      Tensors &result_tangents);

  c10::Device device_;
  std::optional<c10::Stream> stream_; // of the host program
  jit::Module module_;
  Methods methods_;
  std::map<std::string, std::string> unfit_; // methods with the reason why
  std::map<std::string, Function> functions_;
  std::vector<std::string> order_; // of the methods, by number
  std::vector<Prepared> prepared_; // likewise
  std::vector<std::pair<Function *, const MethodNames *>> direct_; // likewise
  bool has_forward_mode_ = true;
  std::unique_ptr<Chain> chain_; // forward by own loops, for up to n_samples_by_loops_
  std::int64_t n_samples_by_loops_ = 0;
  jit::Stack stack_;
  Tensors results_; // kept to reuse their memory
};

TorchScript::TorchScript(const Archive &archive, const std::string &device,
                         const Contract *contract)
    : device_(checked_device(device)), module_([&] {
        const TorchModes modes(false);
        return loaded(archive.path(), device_);
      }()) {
  const auto method = module_.find_method("forward");
  if (!method)
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(archive.path()) + " has no method 'forward'");
  name_methods(contract);
  order_ = method_order(methods_);
  prepared_.resize(order_.size());
  for (const std::string &name : order_) {
    const auto function = functions_.find(name);
    if (function == functions_.end())
      direct_.emplace_back(nullptr, nullptr);
    else
      direct_.emplace_back(&function->second, &methods_.at(name));
  }
}

TorchScript::Function TorchScript::made(const std::string &method,
                                        const Contract *contract) const {
  const jit::Method found = module_.get_method(method);
  const MethodNames *stated = contract ? &contract->methods.at(method) : nullptr;
  const auto graph = found.graph()->copy();
  jit::Inline(*graph);
  Function function{signature_of(found.function().getSchema(), method, stated),
                    {},
                    {},
                    may_need_autograd(*graph) ? Autograd::idle : Autograd::bypassed};
  const jit::AliasDb aliases(graph);
  for (std::size_t i = 1; i < graph->inputs().size(); ++i)
    if (function.signature.arguments[i - 1].kind != Argument::Kind::left_out)
      function.is_written.push_back(aliases.hasWriters(graph->inputs()[i]));
  // The profiling executor would spend the first calls on profiling, and specialize.
  function.executor = jit::GraphExecutor(graph, method, jit::ExecutorExecutionMode::SIMPLE);
  return function;
}

MethodNames TorchScript::checked_names(const ScriptSignature &own,
                                       const std::string &method,
                                       const Contract *contract) const {
  if (!contract)
    return {own.inputs(), own.outputs};
  const MethodNames &stated = contract->methods.at(method);
  const std::size_t n_inputs = own.inputs().size(), n_outputs = own.outputs.size();
  if (stated.inputs.size() != n_inputs ||
      (!own.has_open_outputs && stated.outputs.size() != n_outputs))
    throw Failure(ISTHMUS_ERR_CONTRACT, method + " has " + std::to_string(n_inputs) +
                                            " inputs and " + std::to_string(n_outputs) +
                                            " outputs, its contract names " +
                                            std::to_string(stated.inputs.size()) + " and " +
                                            std::to_string(stated.outputs.size()));
  return stated;
}

void TorchScript::name_methods(const Contract *contract) {
  functions_["forward"] = made("forward", contract);
  const ScriptSignature &own = functions_["forward"].signature;
  methods_ = with_derivatives(checked_names(own, "forward", contract), own, contract);
  if (contract)
    for (const auto &[name, names] : contract->methods)
      methods_[name] = names;
  const auto is_derivative = [](const std::string &name) {
    return name == "jvp" || name == "vjp"; // made by the engine from forward
  };
  for (const jit::Method &method : module_.get_methods()) {
    const std::string name = method.name();
    if (name == "forward" || is_derivative(name) || name.compare(0, 2, "__") == 0)
      continue;
    if (contract && !contract->methods.count(name)) {
      unfit_[name] = "the contract of the file does not list it";
      continue;
    }
    try {
      Function function = made(name, contract);
      methods_[name] = checked_names(function.signature, name, contract);
      functions_[name] = std::move(function);
    } catch (const Failure &failure) {
      if (contract)
        throw;
      unfit_[name] = failure.what();
    }
  }
  for (const auto &[name, names] : methods_)
    if (!is_derivative(name) && !functions_.count(name))
      throw Failure(ISTHMUS_ERR_CONTRACT, "contract lists the method " + in_quotes(name) +
                                              ", which the module does not have");
}

std::string TorchScript::why_not(const std::string &method) const {
  const auto found = unfit_.find(method);
  return found == unfit_.end() ? "" : found->second;
}

void TorchScript::prepare(Verb verb, const Call &call) {
  const TorchModes modes(false);
  const auto index = static_cast<std::size_t>(verb);
  const MethodNames &names = methods_.at(order_.at(index));
  Prepared prepared;
  if (const Function *function = direct_[index].first) {
    for (std::size_t i = 0; i < names.inputs.size(); ++i)
      prepared.inputs.emplace_back(*call.inputs[i], device_, function->is_written[i]);
  } else {
    prepare_derivative(verb, call, prepared);
  }
  prepared.targets = targets_of(names.outputs, call.outputs);
  if (chain_ && verb == Verb::forward)
    prepare_loops(call, prepared);
  prepared_[index] = std::move(prepared);
}

void TorchScript::use_loops(std::int64_t n_samples) {
  if (n_samples > 0 && !chain_) {
    std::string reason = "it does not run on the CPU";
    std::unique_ptr<Chain> chain;
    if (device_.is_cpu()) {
      const auto graph = module_.get_method("forward").graph()->copy();
      jit::Inline(*graph);
      chain = chain_of(*graph, reason);
    }
    if (!chain)
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    "the network is no chain of layers for own loops: " + reason);
    check_chain(*chain);
    chain_ = std::move(chain);
  }
  n_samples_by_loops_ = n_samples;
}

/// The loops round in another order than torch, and that is all they may do.
void TorchScript::check_chain(Chain &chain) {
  const TorchModes modes(false);
  const at::ScalarType type = scalar_type_of(chain.dtype());
  constexpr std::int64_t n_samples = 7;
  constexpr double n_units = 256; // of rounding, relative to the largest value
  const double epsilon = type == at::kFloat ? 1.2e-7 : 2.3e-16;
  at::Tensor x = at::linspace(-4, 4, n_samples * chain.n_in(), at::TensorOptions(type));
  x = x.mul(7).sin().mul(3).reshape({n_samples, chain.n_in()}).contiguous();
  const at::Tensor y = at::empty({n_samples, chain.n_out()}, at::TensorOptions(type));
  Tensors expected;
  evaluate({x}, expected);
  stack_.clear();
  chain.run(x.const_data_ptr(), y.mutable_data_ptr(), n_samples);
  const double largest = expected[0].abs().max().item().toDouble();
  const double apart = y.sub(expected[0]).abs().max().item().toDouble();
  if (!(apart <= n_units * epsilon * largest))
    throw Failure(ISTHMUS_ERR_RUNTIME, "own loops differ from torch by " +
                                           std::to_string(apart / largest) +
                                           " of the largest value: they are not used");
}

void TorchScript::prepare_loops(const Call &call, Prepared &prepared) const {
  const Array &x = *call.inputs[0], &y = *call.outputs[0];
  const auto fits = [&](const Array &array, int n) {
    return array.device.empty() && array.dtype == chain_->dtype() &&
           array.is_contiguous() && !array.shape.empty() && array.shape.back() == n;
  };
  if (!fits(x, chain_->n_in()) || !fits(y, chain_->n_out()) || overlap(x, y) ||
      !std::equal(x.shape.begin(), x.shape.end() - 1, y.shape.begin(), y.shape.end() - 1))
    return;
  const std::int64_t n_samples = x.n_elements() / chain_->n_in();
  if (n_samples > n_samples_by_loops_)
    return;
  prepared.x = x.data;
  prepared.y = y.data;
  prepared.n_samples = n_samples;
}

void TorchScript::prepare_derivative(Verb verb, const Call &call, Prepared &prepared) {
  const MethodNames &names = methods_.at(order_[static_cast<std::size_t>(verb)]);
  const MethodNames &forward = methods_.at("forward");
  const std::vector<bool> &is_written = functions_.at("forward").is_written;
  const bool is_reverse = verb == Verb::vjp;
  const char *suffix = is_reverse ? "_ad" : "_tl";
  for (std::size_t i = 0; i < names.inputs.size(); ++i) {
    const Place place = place_of(names.inputs[i], forward.inputs,
                                 is_reverse ? forward.outputs : forward.inputs, suffix);
    prepared.input_places.push_back(place);
    const bool as_copy = !place.is_derivative && is_written[place.index];
    prepared.inputs.push_back(call.inputs[i] ? Input(*call.inputs[i], device_, as_copy)
                                             : Input());
  }
  for (const std::string &name : names.outputs)
    prepared.output_places.push_back(place_of(
        name, forward.outputs, is_reverse ? forward.inputs : forward.outputs, suffix));
}

void TorchScript::run(Verb verb) {
  if (const Prepared &by_loops = prepared_[static_cast<std::size_t>(verb)];
      by_loops.n_samples > 0)
    return chain_->run(by_loops.x, by_loops.y, by_loops.n_samples);
  // Also after a failure: no dual tensor may outlive its level, no input its binding.
  struct Release {
    TorchScript &engine;
    ~Release() {
      engine.stack_.clear();
      engine.results_.clear();
    }
  } const release{*this};
  translating(ISTHMUS_ERR_RUNTIME, [&] {
    const c10::OptionalStreamGuard on_stream(stream_);
    if (direct_[static_cast<std::size_t>(verb)].first)
      run_directly(verb);
    else
      verb == Verb::jvp ? run_jvp() : run_vjp();
    if (!stream_)
      wait_for(device_);
  });
}

template <typename Next>
void TorchScript::interpret(Function &function, const MethodNames &names, Next &&next_input,
                            Tensors &results) {
  stack_.clear();
  stack_.emplace_back(module_._ivalue());
  for (const Argument &argument : function.signature.arguments)
    if (argument.kind == Argument::Kind::left_out)
      stack_.emplace_back(argument.standard);
    else
      stack_.push_back(value_of(argument, next_input()));
  function.executor.run(stack_);
  flatten(std::move(stack_.back()), names.outputs, function.signature.has_open_outputs,
          results);
}

/// A method of the module as it stands: forward, or another that the file has.
void TorchScript::run_directly(Verb verb) {
  const auto [function, names] = direct_[static_cast<std::size_t>(verb)];
  const TorchModes modes(function->autograd);
  Prepared &prepared = prepared_[static_cast<std::size_t>(verb)];
  auto input = prepared.inputs.begin();
  interpret(
      *function, *names, [&]() -> const at::Tensor & { return input++->fetch(); },
      results_);
  deliver(results_, prepared.targets);
}

/// Sort what is bound into inputs of `forward` and derivatives (`_tl` of inputs for jvp,
/// `_ad` of outputs for vjp); a derivative that is not bound stays undefined.
void TorchScript::read(Prepared &prepared, Tensors &primals, Tensors &derivatives) {
  const MethodNames &forward = methods_.at("forward");
  primals.resize(forward.inputs.size());
  derivatives.resize(std::max(forward.inputs.size(), forward.outputs.size()));
  for (std::size_t i = 0; i < prepared.inputs.size(); ++i)
    if (prepared.inputs[i].is_bound()) {
      const Place place = prepared.input_places[i];
      (place.is_derivative ? derivatives : primals)[place.index] =
          prepared.inputs[i].fetch();
    }
}

void TorchScript::run_jvp() {
  Prepared &prepared = prepared_[1];
  Tensors primals, tangents, results, result_tangents;
  {
    const TorchModes modes(false);
    read(prepared, primals, tangents);
  }
  if (has_forward_mode_) {
    try {
      jvp_forward_mode(primals, tangents, results, result_tangents);
    } catch (const c10::NotImplementedError &) {
      has_forward_mode_ = false; // an operator of this network has no forward mode
    }
  }
  if (!has_forward_mode_)
    jvp_double_vjp(primals, tangents, results, result_tangents);
  const TorchModes modes(false);
  Tensors ordered;
  for (const Place place : prepared.output_places)
    ordered.push_back((place.is_derivative ? result_tangents : results)[place.index]);
  deliver(ordered, prepared.targets);
}

void TorchScript::jvp_forward_mode(const Tensors &inputs, const Tensors &tangents,
                                   Tensors &results, Tensors &result_tangents) {
  const TorchModes modes(false);
  const ForwardLevel level;
  if (!level.is_open()) {
    jvp_double_vjp(inputs, tangents, results, result_tangents);
    return;
  }
  Tensors duals;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    duals.push_back(tangents[i].defined()
                        ? at::_make_dual(inputs[i], tangents[i], level.get())
                        : inputs[i]);
  evaluate(duals, results);
  stack_.clear(); // no dual may outlive its level
  result_tangents.clear();
  for (at::Tensor &result : results) {
    const auto [primal, tangent] = at::_unpack_dual(result, level.get());
    result_tangents.push_back(tangent.defined() ? tangent.clone() : at::zeros_like(primal));
    result = primal;
  }
}

/// With g(u) = (dy/dx)^T u linear in u, the derivative of <g(u), v> by u is (dy/dx) v.
void TorchScript::jvp_double_vjp(const Tensors &inputs, const Tensors &tangents,
                                 Tensors &results, Tensors &result_tangents) {
  const TorchModes modes(true);
  Tensors leaves, varied, directions;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    leaves.push_back(inputs[i].detach());
    if (tangents[i].defined()) {
      leaves[i].set_requires_grad(true);
      varied.push_back(leaves[i]);
      directions.push_back(tangents[i]);
    }
  }
  evaluate(leaves, results);
  result_tangents.clear();
  Tensors active, weights;
  for (at::Tensor &result : results) {
    result_tangents.push_back(at::zeros_like(result).detach());
    if (!result.requires_grad())
      continue;
    active.push_back(result);
    weights.push_back(at::zeros_like(result).detach().set_requires_grad(true));
  }
  if (active.empty())
    return;
  const Tensors pulled = torch::autograd::grad(active, varied, weights, true, true, true);
  Tensors linear, with;
  for (std::size_t i = 0; i < pulled.size(); ++i)
    if (pulled[i].defined() && pulled[i].requires_grad()) {
      linear.push_back(pulled[i]);
      with.push_back(directions[i]);
    }
  Tensors pushed(weights.size());
  if (!linear.empty())
    pushed = torch::autograd::grad(linear, weights, with, std::nullopt, false, true);
  for (std::size_t i = 0, k = 0; i < results.size(); ++i) {
    if (results[i].requires_grad() && pushed[k++].defined())
      result_tangents[i] = pushed[k - 1].detach();
    results[i] = results[i].detach();
  }
}

void TorchScript::run_vjp() {
  Prepared &prepared = prepared_[2];
  const TorchModes modes(true);
  Tensors primals, adjoints, leaves, varied, results;
  read(prepared, primals, adjoints);
  for (const at::Tensor &primal : primals) {
    leaves.push_back(primal.detach());
    if (is_float(primal))
      varied.push_back(leaves.back().set_requires_grad(true));
  }
  evaluate(leaves, results);
  Tensors active, weights;
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!adjoints[i].defined())
      continue;
    if (adjoints[i].sizes() != results[i].sizes() ||
        adjoints[i].scalar_type() != results[i].scalar_type())
      throw Failure(ISTHMUS_ERR_SHAPE,
                    in_quotes(methods_.at("forward").outputs[i] + "_ad") + " has shape " +
                        shape_text(adjoints[i].sizes().vec()) + ", the output has " +
                        shape_text(results[i].sizes().vec()) + " and maybe another type");
    if (results[i].requires_grad()) {
      active.push_back(results[i]);
      weights.push_back(adjoints[i]);
    }
  }
  Tensors gradients(varied.size());
  if (!active.empty())
    gradients = torch::autograd::grad(active, varied, weights, false, false, true);
  Tensors by_input(primals.size());
  for (std::size_t i = 0, k = 0; i < primals.size(); ++i)
    if (is_float(primals[i])) {
      by_input[i] = gradients[k].defined() ? gradients[k] : at::zeros_like(primals[i]);
      ++k;
    }
  Tensors ordered;
  for (const Place place : prepared.output_places)
    ordered.push_back(place.is_derivative ? by_input[place.index]
                                          : results[place.index].detach());
  for (std::size_t i = 0; i < ordered.size(); ++i)
    if (!ordered[i].defined() && prepared.targets[i].is_bound())
      throw Failure(ISTHMUS_ERR_SHAPE,
                    in_quotes(methods_.at("vjp").outputs[i]) +
                        " is bound, but the input is no floating-point array");
  const TorchModes quiet(false);
  deliver(ordered, prepared.targets);
}

} // namespace

std::unique_ptr<Engine> make_torchscript(const Archive &archive, const std::string &device,
                                         const Contract *contract) {
  std::unique_ptr<Engine> engine;
  try {
    translating(ISTHMUS_ERR_FILE,
                [&] { engine = std::make_unique<TorchScript>(archive, device, contract); });
  } catch (const Failure &failure) {
    if (failure.status() == ISTHMUS_ERR_CONTRACT)
      throw Failure(failure.status(), in_quotes(archive.path()) + ": " + failure.what());
    if (failure.status() != ISTHMUS_ERR_FILE)
      throw;
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(archive.path()) +
                                        " cannot be loaded: " + first_line(failure.what()));
  }
  return engine;
}

} // namespace isthmus
