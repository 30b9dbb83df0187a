// SPDX-License-Identifier: MIT
#include "network.hpp"

#include <cmath>
#include <set>
#include <sstream>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/import.h>

#include "../archive.hpp"

namespace isthmus {
namespace {

namespace jit = torch::jit;

std::string first_line(const std::string &text) { return text.substr(0, text.find('\n')); }

std::vector<NamedTensor> once_each(std::vector<NamedTensor> all) {
  std::vector<NamedTensor> distinct;
  std::set<const void *> seen;
  for (NamedTensor &each : all)
    if (seen.insert(each.value.unsafeGetTensorImpl()).second)
      distinct.push_back(std::move(each));
  return distinct;
}

jit::Module loaded(const std::string &path, c10::Device device) {
  const TorchModes modes(false);
  try {
    return jit::load(path, device, /*load_debug_files=*/false);
  } catch (const c10::Error &error) {
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(path) + " cannot be loaded: " +
                                        first_line(error.what_without_backtrace()));
  }
}

std::string list_of_methods(const jit::Module &module) {
  std::string list;
  for (const jit::Method &method : module.get_methods())
    list += (list.empty() ? "" : ", ") + in_quotes(method.name());
  return list;
}

} // namespace

Network::Network(const std::string &path, const std::string &device, bool is_training)
    : device_(checked_device(device)) {
  const Archive archive(path);
  if (archive.kind() != EngineKind::torchscript)
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(path) + " is a compiled package: only "
                                                      "TorchScript (.pt) can be trained");
  contract_ = verified_contract(archive);
  module_ = loaded(path, device_);
  if (module_.hasattr("training"))
    set_training(is_training);
  else if (is_training)
    throw Failure(ISTHMUS_ERR_FILE, in_quotes(path) +
                                        " was frozen at its export: it has no parameters "
                                        "to train");
}

std::unique_ptr<Network> Network::copy() const {
  const TorchModes modes(false);
  std::unique_ptr<Network> twin(new Network(module_.deepcopy(), device_));
  twin->contract_ = contract_;
  const auto from = parameters(), to = twin->parameters();
  for (std::size_t i = 0; i < from.size(); ++i)
    to[i].value.set_requires_grad(from[i].value.requires_grad());
  return twin;
}

Network::Function Network::made(const std::string &method, std::size_t n_inputs) const {
  const auto found = module_.find_method(method);
  if (!found)
    throw Failure(ISTHMUS_ERR_ARGUMENT, "the network has no method " + in_quotes(method) +
                                            ", it has " + list_of_methods(module_));
  // Names that are not told: the results may be open, and optional arguments be given.
  MethodNames stated{std::vector<std::string>(n_inputs), {}};
  Function function{signature_of(found->function().getSchema(), method, &stated), {}, {}};
  function.names = {function.signature.inputs(), function.signature.outputs};
  if (contract_ && contract_->methods.count(method)) {
    const MethodNames &own = contract_->methods.at(method);
    if (own.inputs.size() == function.names.inputs.size())
      function.names.inputs = own.inputs;
    if (function.signature.has_open_outputs ||
        own.outputs.size() == function.names.outputs.size())
      function.names.outputs = own.outputs;
  }
  const auto graph = found->graph()->copy();
  jit::Inline(*graph);
  // Operation by operation, as eager PyTorch does: the same bits, forward and backward.
  function.executor = jit::GraphExecutor(graph, method, jit::ExecutorExecutionMode::SIMPLE);
  return function;
}

Network::Function &Network::function(const std::string &method, std::size_t n_inputs) {
  const auto key = std::make_pair(method, n_inputs);
  const std::lock_guard lock(functions_lock_);
  const auto found = functions_.find(key);
  if (found != functions_.end())
    return found->second;
  return functions_.emplace(key, made(method, n_inputs)).first->second;
}

const MethodNames &Network::names(const std::string &method) {
  return function(method, 0).names;
}

Tensors Network::forward(const std::string &method, const Tensors &inputs, bool with_tape) {
  const TorchModes modes(with_tape);
  Function &called = function(method, inputs.size());
  const std::vector<std::string> &names = called.names.inputs;
  if (inputs.size() != names.size())
    throw Failure(ISTHMUS_ERR_ARGUMENT, in_quotes(method) + " takes " +
                                            std::to_string(names.size()) + " inputs, got " +
                                            std::to_string(inputs.size()));
  jit::Stack stack{module_._ivalue()};
  auto input = inputs.begin();
  std::size_t i = 0;
  for (const Argument &argument : called.signature.arguments) {
    if (argument.kind == Argument::Kind::left_out) {
      stack.emplace_back(argument.standard);
      continue;
    }
    if (input->device() != device_)
      throw Failure(ISTHMUS_ERR_DEVICE, in_quotes(names[i]) + " is on " +
                                            input->device().str() + ", the network on " +
                                            device_.str());
    stack.push_back(value_of(argument, *input++));
    ++i;
  }
  Tensors results;
  called.executor.run(stack);
  flatten(std::move(stack.back()), called.names.outputs, called.signature.has_open_outputs,
          results);
  return results;
}

std::vector<NamedTensor> Network::parameters() const {
  std::vector<NamedTensor> list;
  for (const auto &each : module_.named_parameters(/*recurse=*/true))
    list.push_back({each.name, each.value});
  return once_each(std::move(list));
}

std::vector<NamedTensor> Network::buffers() const {
  std::vector<NamedTensor> list;
  for (const auto &each : module_.named_buffers(/*recurse=*/true))
    list.push_back({each.name, each.value});
  return once_each(std::move(list));
}

Tensors Network::trainable() const {
  Tensors tensors;
  for (const NamedTensor &each : parameters())
    if (each.value.requires_grad())
      tensors.push_back(each.value);
  return tensors;
}

std::size_t Network::set_trainable(const std::string &prefix, bool is_trainable) {
  std::size_t n = 0;
  std::string known;
  for (const NamedTensor &each : parameters()) {
    known += (known.empty() ? "" : ", ") + in_quotes(each.name);
    if (each.name.compare(0, prefix.size(), prefix) != 0)
      continue;
    if (is_trainable && !at::isFloatingType(each.value.scalar_type()))
      throw Failure(ISTHMUS_ERR_SHAPE, in_quotes(each.name) + " is no floating-point "
                                                              "parameter to train");
    each.value.set_requires_grad(is_trainable);
    ++n;
  }
  if (n == 0)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "no parameter starts with " + in_quotes(prefix) +
                      (known.empty() ? ": the network has none" : ", there are " + known));
  return n;
}

void Network::set_training(bool is_training) {
  if (!module_.hasattr("training"))
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "the network was frozen at its export: it has no training mode");
  module_.train(is_training);
}

bool Network::is_training() const {
  return module_.hasattr("training") && module_.is_training();
}

std::string Network::text(bool with_values) const {
  const TorchModes modes(false);
  std::ostringstream out;
  std::int64_t n_values = 0, n_trained = 0;
  const auto all = parameters();
  for (const NamedTensor &each : all) {
    n_values += each.value.numel();
    n_trained += each.value.requires_grad() ? each.value.numel() : 0;
    out << each.name << "  " << c10::toString(each.value.scalar_type()) << " "
        << shape_text(each.value.sizes().vec())
        << (each.value.requires_grad() ? "" : "  frozen") << "\n";
    if (with_values)
      out << each.value.detach() << "\n";
  }
  out << all.size() << " parameters of " << n_values << " values, " << n_trained
      << " of them trained\n";
  return out.str();
}

void Network::save(const std::string &path) const {
  const TorchModes modes(false);
  std::ostringstream bytes;
  module_.save(bytes);
  write_atomically(path, bytes.str());
}

} // namespace isthmus
