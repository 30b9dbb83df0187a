// SPDX-License-Identifier: MIT
#include "tensor_view.hpp"

#include <algorithm>
#include <cstring>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <c10/core/ScalarType.h>
#include <c10/core/impl/VirtualGuardImpl.h>
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

/// Torch's reasons go on with advice to its developers.
std::string first_sentence(const std::string &reason) {
  return reason.substr(0, std::min(reason.find('\n'), reason.find(". ")));
}

at::Tensor view_of(const Array &array) {
  std::vector<std::int64_t> strides = array.strides;
  for (std::size_t i = 0; i < strides.size(); ++i)
    strides[i] = array.shape[i] <= 1 ? 1 : strides[i] / element_size(array.dtype);
  at::TensorOptions options(scalar_types[array.dtype]);
  if (!array.device.empty())
    options =
        options.device(array.device); // torch then asks the driver whose address it is
  if (array.is_contiguous())
    return at::from_blob(array.data, array.shape, options);
  return at::from_blob(array.data, array.shape, strides, options);
}

std::size_t reach_of(const Array &array) {
  if (array.n_elements() == 0)
    return 0;
  std::int64_t reach = element_size(array.dtype);
  for (std::size_t i = 0; i < array.shape.size(); ++i)
    reach += array.shape[i] > 1 ? array.strides[i] * (array.shape[i] - 1) : 0;
  return static_cast<std::size_t>(reach);
}

} // namespace

at::ScalarType scalar_type_of(isthmus_dtype dtype) { return scalar_types[dtype]; }

TorchModes::Silent TorchModes::silent_;

TorchModes::TorchModes(Autograd autograd)
    : gradients_(autograd == Autograd::recording), no_warnings_(&silent_) {
  if (gradients_.is_inferring()) {
    no_inference_mode_.emplace(false);
    at::GradMode::set_enabled(autograd == Autograd::recording); // leaving turned it on
  }
  c10::DispatchKeySet unwanted = c10::autocast_dispatch_keyset;
  if (autograd == Autograd::bypassed)
    unwanted = unwanted | c10::autograd_dispatch_keyset_with_ADInplaceOrView;
  if (!c10::impl::tls_local_dispatch_key_set().excluded_.has_all(unwanted))
    left_out_.emplace(unwanted);
  keep_thread_count();
}

c10::Device checked_device(const std::string &text) {
  try {
    const c10::Device device(text);
    if (device.is_cpu())
      return device;
    const at::Tensor probe = at::zeros({1}, at::TensorOptions().device(device));
    if (probe.cpu().item<float>() != 0.0F)
      throw Failure(ISTHMUS_ERR_DEVICE, "device " + in_quotes(text) + " does not compute");
    return probe.device();
  } catch (const c10::Error &error) {
    throw Failure(ISTHMUS_ERR_DEVICE, "device " + in_quotes(text) +
                                          " is unknown or not present: " +
                                          first_sentence(error.what_without_backtrace()));
  }
}

c10::Stream stream_of_host(c10::Device device, void *stream) {
  if (!device.is_cuda() && !device.is_hip())
    throw Failure(ISTHMUS_ERR_DEVICE, "device " + in_quotes(device.str()) +
                                          " takes no stream of the host program: "
                                          "expected cuda or hip");
  // Torch numbers the streams it did not make by their address.
  return c10::Stream(c10::Stream::UNSAFE, device, reinterpret_cast<c10::StreamId>(stream));
}

void wait_for(c10::Device device) {
  if (!device.is_cpu())
    c10::impl::VirtualGuardImpl(device.type()).getStream(device).synchronize();
}

Input::Input(const Array &array, c10::Device device, bool as_copy) : view_(view_of(array)) {
  if (as_copy || view_.device() != device)
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
  is_dense_ = array->is_contiguous() && array->device.empty();
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
  if (result.device() != view_.device() || n_bytes_ == 0 || !result.has_storage())
    return false;
  const char *begin = static_cast<const char *>(result.storage().data());
  const char *end = begin + result.storage().nbytes();
  const char *mine = static_cast<const char *>(data_);
  return begin < mine + n_bytes_ && mine < end;
}

void Target::write(const at::Tensor &result) const {
  if (!write_at_once(result))
    view_.copy_(result);
}

bool Target::write_at_once(const at::Tensor &result) const {
  // One set of keys is one device and layout, and no lazy conjugate or sign.
  if (!is_dense_ || result.key_set() != view_.key_set() ||
      result.scalar_type() != view_.scalar_type() || result.sizes() != view_.sizes() ||
      !result.is_contiguous())
    return false;
  if (n_bytes_ > 0)
    std::memmove(data_, result.const_data_ptr(), n_bytes_);
  return true;
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
  if (targets.size() == 1 && targets[0].write_at_once(results[0]))
    return;
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
