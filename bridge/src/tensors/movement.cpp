// SPDX-License-Identifier: MIT
// tensor.h: move and fill.
#include <ATen/ops/copy.h>
#include <ATen/ops/fill.h>

#include "tensors/operation.hpp"
#include "tensors/scalar.hpp"

namespace {

using namespace isthmus;

void check_copy(const at::Tensor &target, const at::Tensor &source,
                isthmus_conversion conversion) {
  if (conversion != ISTHMUS_EXACT_TYPE && conversion != ISTHMUS_CONVERT)
    throw Failure(ISTHMUS_ERR_ARGUMENT, "'conversion' is " + std::to_string(conversion) +
                                            ", expected one of isthmus_conversion");
  if (target.sizes() != source.sizes() ||
      (conversion == ISTHMUS_EXACT_TYPE && target.scalar_type() != source.scalar_type()))
    throw Failure(ISTHMUS_ERR_SHAPE,
                  "'source' is " + form_of(source) + ", 'target' is " + form_of(target) +
                      (target.sizes() == source.sizes() ? ": ask for the conversion"
                                                        : ", expected the same shape"));
}

std::pair<const char *, const char *> reach_of(const at::Tensor &tensor) {
  const char *begin = static_cast<const char *>(tensor.const_data_ptr());
  std::int64_t last = 0;
  for (std::int64_t i = 0; i < tensor.dim(); ++i)
    last += tensor.stride(i) * (tensor.size(i) - 1);
  return {begin, begin + (last + 1) * static_cast<std::int64_t>(tensor.element_size())};
}

// Views made from the caller's arrays do not know of each other.
bool share_memory(const at::Tensor &left, const at::Tensor &right) {
  if (left.device() != right.device() || left.numel() == 0 || right.numel() == 0)
    return false;
  const auto [left_begin, left_end] = reach_of(left);
  const auto [right_begin, right_end] = reach_of(right);
  return left_begin < right_end && right_begin < left_end;
}

void copy_values(const at::Tensor &target, const at::Tensor &source,
                 isthmus_conversion conversion) {
  check_copy(target, source, conversion);
  target.copy_(share_memory(target, source) ? source.clone() : source);
}

} // namespace

isthmus_status isthmus_tensor_to(const isthmus_tensor *tensor, isthmus_dtype dtype,
                                 const char *device, isthmus_tensor **copy) {
  return on_tensors("to", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    const at::ScalarType type = checked_type(dtype);
    const c10::Device place = device ? checked_device(device) : value.device();
    hand_out(copy, [&] { return value.to(place, type, false, true); });
  });
}

isthmus_status isthmus_tensor_copy(isthmus_tensor *target, const isthmus_tensor *source,
                                   isthmus_conversion conversion) {
  return on_tensors("copy", [&] {
    const at::Tensor &to = value_of(target, "target");
    copy_values(to, value_of(source, "source"), conversion);
  });
}

isthmus_status isthmus_tensor_copy_to_array(const isthmus_tensor *source,
                                            const isthmus_array *target,
                                            isthmus_conversion conversion) {
  return on_tensors("copy_to_array", [&] {
    const at::Tensor from = value_of(source, "source").detach();
    copy_values(view_of_array(target, "target", Role::output), from, conversion);
  });
}

isthmus_status isthmus_tensor_copy_from_array(isthmus_tensor *target,
                                              const isthmus_array *source,
                                              isthmus_conversion conversion) {
  return on_tensors("copy_from_array", [&] {
    const at::Tensor &to = value_of(target, "target");
    copy_values(to, view_of_array(source, "source", Role::input), conversion);
  });
}

isthmus_status isthmus_tensor_fill_float64(isthmus_tensor *tensor, double value) {
  return on_tensors("fill", [&] {
    const at::Tensor &target = value_of(tensor, "tensor");
    target.fill_(checked_scalar(value, target, "value"));
  });
}

isthmus_status isthmus_tensor_fill_int64(isthmus_tensor *tensor, int64_t value) {
  return on_tensors("fill", [&] {
    const at::Tensor &target = value_of(tensor, "tensor");
    target.fill_(checked_scalar(value, target, "value"));
  });
}
