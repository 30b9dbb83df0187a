// SPDX-License-Identifier: MIT
#include "tensor_view.hpp"

#include <cstring>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/ScalarType.h>
#include <torch/version.h>

#include "engine.hpp"
#include "failure.hpp"

// Of the OpenMP runtime that libtorch brings or the host has; weak, so that none need be.
extern "C" {
int omp_get_max_threads(void) __attribute__((weak));
void omp_set_num_threads(int) __attribute__((weak));
}

namespace isthmus {
namespace {

/// On its first use in a thread, libtorch sets the number of OpenMP threads, the host's
/// too. Let it do so now, and take that back.
void keep_thread_count() {
  thread_local bool is_done = false;
  if (is_done || !omp_get_max_threads || !omp_set_num_threads)
    return;
  const int of_host = omp_get_max_threads();
  at::get_num_threads();
  omp_set_num_threads(of_host);
  is_done = true;
}

constexpr at::ScalarType scalar_types[n_dtypes] = {at::kBool,   at::kChar, at::kShort,
                                                   at::kInt,    at::kLong, at::kFloat,
                                                   at::kDouble, at::kHalf, at::kBFloat16};

std::string type_text(at::ScalarType type) {
  for (int i = ISTHMUS_BOOL; i < n_dtypes; ++i)
    if (scalar_types[i] == type)
      return dtype_name(static_cast<isthmus_dtype>(i));
  return c10::toString(type);
}

std::string form_text(const at::Tensor &tensor) {
  return type_text(tensor.scalar_type()) + " of shape " + shape_text(tensor.sizes().vec());
}

at::Tensor view_of(const Array &array) {
  std::vector<std::int64_t> strides = array.strides;
  for (std::size_t i = 0; i < strides.size(); ++i)
    strides[i] = array.shape[i] <= 1 ? 1 : strides[i] / element_size(array.dtype);
  if (array.is_contiguous())
    return at::from_blob(array.data, array.shape, scalar_types[array.dtype]);
  return at::from_blob(array.data, array.shape, strides, scalar_types[array.dtype]);
}

std::size_t reach_of(const Array &array) {
  if (array.n_elements() == 0)
    return 0;
  std::int64_t reach = element_size(array.dtype);
  for (std::size_t i = 0; i < array.shape.size(); ++i)
    reach += array.shape[i] > 1 ? array.strides[i] * (array.shape[i] - 1) : 0;
  return static_cast<std::size_t>(reach);
}

bool is_plain(const at::Tensor &result) {
  return result.is_contiguous() && result.is_cpu() && !result.is_neg();
}

} // namespace

at::ScalarType scalar_type_of(isthmus_dtype dtype) { return scalar_types[dtype]; }

TorchModes::Silent TorchModes::silent_;

TorchModes::TorchModes(bool with_gradients)
    : gradients_(with_gradients), no_warnings_(&silent_) {
  if (c10::InferenceMode::is_enabled()) {
    no_inference_mode_.emplace(false);
    at::GradMode::set_enabled(with_gradients); // leaving inference mode turned it on
  }
  const c10::DispatchKeySet excluded = c10::impl::tls_local_dispatch_key_set().excluded_;
  if (!excluded.has_all(c10::autocast_dispatch_keyset))
    no_autocast_.emplace(c10::autocast_dispatch_keyset);
  keep_thread_count();
}

c10::Device checked_device(const std::string &text) {
  try {
    const c10::Device device(text);
    if (!device.is_cpu()) {
      const at::Tensor probe = at::zeros({1}, at::TensorOptions().device(device)).cpu();
      if (probe.item<float>() != 0.0F)
        throw Failure(ISTHMUS_ERR_DEVICE,
                      "device " + in_quotes(text) + " does not compute");
    }
    return device;
  } catch (const c10::Error &error) {
    std::string reason = error.what_without_backtrace();
    throw Failure(ISTHMUS_ERR_DEVICE,
                  "device " + in_quotes(text) +
                      " is unknown or not present: " + reason.substr(0, reason.find('\n')));
  }
}

Input::Input(const Array &array, c10::Device device, bool as_copy) : view_(view_of(array)) {
  if (as_copy || !device.is_cpu())
    copy_ = at::empty(array.shape, view_.options().device(device));
}

const at::Tensor &Input::fetch() {
  if (!copy_.defined())
    return view_;
  copy_.copy_(view_);
  return copy_;
}

Target::Target(const std::string &name, const Array *array) : name_(name) {
  if (!array)
    return;
  view_ = view_of(*array);
  data_ = array->data;
  n_bytes_ = reach_of(*array);
  is_dense_ = array->is_contiguous();
}

void Target::check(const at::Tensor &result) const {
  if (result.layout() != at::kStrided || result.is_quantized())
    throw Failure(ISTHMUS_ERR_SHAPE, "output " + in_quotes(name_) +
                                         " of the network is sparse or quantized, expected "
                                         "a dense tensor");
  if (result.scalar_type() != view_.scalar_type() || result.sizes() != view_.sizes())
    throw Failure(ISTHMUS_ERR_SHAPE, "output " + in_quotes(name_) + " of the network is " +
                                         form_text(result) + ", the array bound to it is " +
                                         form_text(view_));
}

bool Target::shares_memory(const at::Tensor &result) const {
  if (!result.is_cpu() || n_bytes_ == 0 || !result.has_storage())
    return false;
  const char *begin = static_cast<const char *>(result.storage().data());
  const char *end = begin + result.storage().nbytes();
  const char *mine = static_cast<const char *>(data_);
  return begin < mine + n_bytes_ && mine < end;
}

void Target::write(const at::Tensor &result) const {
  if (is_dense_ && is_plain(result)) {
    if (n_bytes_ > 0)
      std::memmove(data_, result.const_data_ptr(), n_bytes_);
  } else {
    view_.copy_(result);
  }
}

std::vector<Target> targets_of(const std::vector<std::string> &names,
                               const std::vector<const Array *> &arrays) {
  std::vector<Target> targets;
  for (std::size_t i = 0; i < names.size(); ++i)
    targets.emplace_back(names[i], arrays[i]);
  return targets;
}

void deliver(std::vector<at::Tensor> &results, const std::vector<Target> &targets) {
  if (results.size() != targets.size())
    throw Failure(ISTHMUS_ERR_RUNTIME,
                  "the network returned " + std::to_string(results.size()) +
                      " outputs, expected " + std::to_string(targets.size()));
  for (std::size_t i = 0; i < targets.size(); ++i)
    if (targets[i].is_bound())
      targets[i].check(results[i]);
  // A network may return its input, or a view of it, while the caller steps in place.
  for (at::Tensor &result : results)
    for (const Target &target : targets)
      if (target.is_bound() && target.shares_memory(result)) {
        result = result.clone();
        break;
      }
  for (std::size_t i = 0; i < targets.size(); ++i)
    if (targets[i].is_bound())
      targets[i].write(results[i]);
}

const char *torch_version() { return TORCH_VERSION; }

} // namespace isthmus
