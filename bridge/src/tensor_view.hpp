// SPDX-License-Identifier: MIT
// Caller memory seen as tensors, and results written back to it. Includes libtorch.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/AutogradState.h>
#include <c10/core/Device.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "array.hpp"

namespace isthmus {

/// What autograd does while the bridge computes.
enum class Autograd {
  recording, ///< operations go on the tape
  idle,      ///< nothing is recorded; dual numbers and tapes of the network's own work
  bypassed   ///< operators do not pass through it: a fifth of a small network's time
};

/// at::AutoGradMode, with one look at the state of the thread in place of four.
class GradientMode {
public:
  explicit GradientMode(bool is_on)
      : state_(c10::AutogradState::get_tls_state()), found_(state_.get_grad_mode()) {
    state_.set_grad_mode(is_on);
  }
  ~GradientMode() { state_.set_grad_mode(found_); }
  GradientMode(const GradientMode &) = delete;
  GradientMode &operator=(const GradientMode &) = delete;
  bool is_inferring() const { return state_.get_inference_mode(); }

private:
  c10::AutogradState &state_;
  bool found_;
};

/// Torch's modes as the bridge needs them, whatever the calling thread has set: no
/// inference mode (its tensors cannot be differentiated), no autocast, warnings unprinted.
class TorchModes {
public:
  explicit TorchModes(Autograd autograd);
  explicit TorchModes(bool with_gradients)
      : TorchModes(with_gradients ? Autograd::recording : Autograd::idle) {}

private:
  struct Silent : c10::WarningHandler {
    void process(const c10::Warning &) override {}
  };
  static Silent silent_;
  GradientMode gradients_; // first: it restores the caller's mode after the next one
  std::optional<c10::InferenceMode> no_inference_mode_;
  std::optional<c10::impl::ExcludeDispatchKeyGuard> left_out_; // of the dispatch
  c10::WarningUtils::WarningHandlerGuard no_warnings_;
};

/// The device a text names, with its number, after a check that it is there.
/// @throws Failure (device)
c10::Device checked_device(const std::string &text);

/// A stream of the host program: cudaStream_t, hipStream_t.
/// @throws Failure (device) if the device has no streams
c10::Stream stream_of_host(c10::Device device, void *stream);

/// Wait until the device has done what this thread has queued; nothing on the processor.
void wait_for(c10::Device device);

/// Torch's name for an element type.
at::ScalarType scalar_type_of(isthmus_dtype dtype);

/// An input as the engine reads it: the caller's memory, or a private copy of it.
class Input {
public:
  Input() = default;
  /// @param as_copy  read a contiguous copy, fresh at each run
  Input(const Array &array, c10::Device device, bool as_copy);
  /// The tensor to read; copies now if it must.
  const at::Tensor &fetch();
  bool is_bound() const { return view_.defined(); }

private:
  at::Tensor view_;
  at::Tensor copy_;
};

/// Where an output goes.
class Target {
public:
  Target() = default;
  Target(const std::string &name, const Array *array);
  bool is_bound() const { return view_.defined(); }
  /// @throws Failure (shape) unless the result is exactly what the array can hold
  void check(const at::Tensor &result) const;
  /// Whether a result lies in the memory this target will overwrite.
  bool shares_memory(const at::Tensor &result) const;
  void write(const at::Tensor &result) const;
  /// Write a result that is what the array is: dense, of its type and shape.
  /// @return false, and nothing is written, if it is not
  bool write_at_once(const at::Tensor &result) const;

private:
  std::string name_;
  at::Tensor view_;
  void *data_ = nullptr;
  std::size_t n_bytes_ = 0; // reach of the array in memory
  bool is_dense_ = false;
};

std::vector<Target> targets_of(const std::vector<std::string> &names,
                               const std::vector<const Array *> &arrays);

/// Check all results, then write them; none is written if one does not fit.
void deliver(std::vector<at::Tensor> &results, const std::vector<Target> &targets);

} // namespace isthmus
