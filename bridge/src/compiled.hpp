// SPDX-License-Identifier: MIT
// One compiled model of a `.pt2`, driven through the C interface of its own library.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include "archive.hpp"

namespace isthmus {

/// A folder of this process alone; gone with its contents when the object is.
class PrivateFolder {
public:
  /// @throws Failure (file)
  PrivateFolder();
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder &) = delete;
  PrivateFolder &operator=(const PrivateFolder &) = delete;
  const std::string &path() const { return path_; }

private:
  std::string path_;
};

/// torch's package loader does the same with more: a lock, vectors and copies of handles at
/// each call, and folders left behind by loads that fail.
class CompiledModel {
public:
  /// @param model  name of one of archive.compiled_models()
  /// @throws Failure (file) with AOTInductor's own reason
  CompiledModel(const Archive &archive, const std::string &model, c10::Device device);
  ~CompiledModel();
  CompiledModel(const CompiledModel &) = delete;
  CompiledModel &operator=(const CompiledModel &) = delete;

  std::size_t n_inputs() const { return n_inputs_; }
  std::size_t n_outputs() const { return n_outputs_; }
  /// Whether it calls operators that were registered by somebody else than torch.
  bool has_own_operators() const;
  /// What torch.export wrote about the structure of the results.
  const std::string &output_structure() const { return output_structure_; }

  /// Evaluate. Allocates handles as the interface asks for; `results` keeps its memory.
  /// @param stream  where the device queues it; null is its default stream
  /// @throws Failure (runtime)
  void run(const std::vector<at::Tensor> &inputs, std::vector<at::Tensor> &results,
           void *stream);

private:
  struct Library;
  void create(const std::string &folder, c10::Device device);
  void take(std::vector<at::Tensor> &results);

  std::unique_ptr<PrivateFolder> folder_; // kept for devices that load kernels later
  std::unique_ptr<Library> library_;
  std::size_t n_inputs_ = 0, n_outputs_ = 0;
  std::string output_structure_;
  std::vector<void *> handles_; // inputs, then outputs
};

} // namespace isthmus
