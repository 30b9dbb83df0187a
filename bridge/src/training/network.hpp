// SPDX-License-Identifier: MIT
// A TorchScript module that computes on tensors and can be trained. Includes libtorch.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include "../script_signature.hpp"
#include "torch_call.hpp"

namespace isthmus {

struct NamedTensor {
  std::string name; // "layers.0.weight"
  at::Tensor value; // an alias
};

class Network {
public:
  /// @throws Failure (file, device, contract)
  Network(const std::string &path, const std::string &device, bool is_training);
  /// The same network with weights of its own.
  std::unique_ptr<Network> copy() const;

  /// Names of the inputs that a method needs, and of its outputs as far as they are known.
  const MethodNames &names(const std::string &method);
  /// Nested results are flattened depth first, left to right.
  Tensors forward(const std::string &method, const Tensors &inputs, bool with_tape);

  /// Each once, in PyTorch's order.
  std::vector<NamedTensor> parameters() const;
  std::vector<NamedTensor> buffers() const;
  Tensors trainable() const;
  /// Set whether parameters whose names start with `prefix` are trained; how many they are.
  std::size_t set_trainable(const std::string &prefix, bool is_trainable);
  void set_training(bool is_training);
  bool is_training() const;
  std::string text(bool with_values) const;
  /// Written beside and renamed: the file is whole or not there.
  /// @throws Failure (file)
  void save(const std::string &path) const;
  const c10::Device &device() const { return device_; }

private:
  struct Function {
    ScriptSignature signature;
    torch::jit::GraphExecutor executor;
    MethodNames names;
  };
  explicit Network(torch::jit::Module module, c10::Device device)
      : device_(device), module_(std::move(module)) {}
  Function &function(const std::string &method, std::size_t n_inputs);
  Function made(const std::string &method, std::size_t n_inputs) const;

  c10::Device device_;
  mutable torch::jit::Module module_;
  std::optional<Contract> contract_; // names of what goes in and out
  std::map<std::pair<std::string, std::size_t>, Function> functions_;
  std::mutex functions_lock_; // threads may evaluate one network
};

/// Write a file so that it is there whole or as it was before.
/// @throws Failure (file)
void write_atomically(const std::string &path, const std::string &bytes);

} // namespace isthmus

struct isthmus_network {
  std::unique_ptr<isthmus::Network> body;
  std::string name; // the last one handed out
};
