// SPDX-License-Identifier: MIT
// tape.h: derivatives.
#include "tensors/tape.hpp"

#include "tensors/operation.hpp"

namespace isthmus {

bool &is_tape_on() noexcept {
  thread_local bool is_on = true;
  return is_on;
}

namespace {

bool checked_switch(std::int32_t value, const char *name) {
  if (value != 0 && value != 1)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  in_quotes(name) + " is " + std::to_string(value) + ", expected 0 or 1");
  return value == 1;
}

void check_leaf(const at::Tensor &tensor) {
  if (!tensor.is_leaf())
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "'tensor' is the result of a recorded operation, expected a leaf: "
                  "detach it first");
}

void check_backward(const at::Tensor &tensor, const isthmus_tensor *gradient) {
  if (!tensor.requires_grad())
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "'tensor' was not made, with the tape on, from a tensor that requires a "
                  "gradient");
  if (!gradient && tensor.numel() != 1)
    throw Failure(ISTHMUS_ERR_SHAPE, "'tensor' has shape " +
                                         shape_text(tensor.sizes().vec()) +
                                         ", expected one element, or a gradient given");
  if (!gradient)
    return;
  check_same_kind(tensor, "tensor", gradient->value, "gradient");
  check_same_shape(tensor, "tensor", gradient->value, "gradient");
}

} // namespace
} // namespace isthmus

using namespace isthmus;

isthmus_status isthmus_tape_set(int32_t is_on) {
  return guarded([&] { is_tape_on() = checked_switch(is_on, "is_on"); });
}

isthmus_status isthmus_tape_is_on(int32_t *is_on) {
  return guarded([&] { required(is_on, "is_on") = is_tape_on() ? 1 : 0; });
}

isthmus_status isthmus_tensor_set_requires_grad(isthmus_tensor *tensor,
                                                int32_t is_required) {
  return on_tensors("set_requires_grad", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    const bool is_wanted = checked_switch(is_required, "is_required");
    check_leaf(value);
    if (is_wanted)
      check_floating(value, "tensor");
    value.set_requires_grad(is_wanted);
  });
}

isthmus_status isthmus_tensor_requires_grad(const isthmus_tensor *tensor,
                                            int32_t *is_required) {
  return guarded([&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    required(is_required, "is_required") = value.requires_grad() ? 1 : 0;
  });
}

isthmus_status isthmus_tensor_is_leaf(const isthmus_tensor *tensor, int32_t *is_leaf) {
  return guarded([&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    required(is_leaf, "is_leaf") = value.is_leaf() ? 1 : 0;
  });
}

isthmus_status isthmus_tensor_backward(const isthmus_tensor *tensor,
                                       const isthmus_tensor *gradient, int32_t retain_graph,
                                       int32_t create_graph) {
  return on_tensors("backward", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    const bool does_retain = checked_switch(retain_graph, "retain_graph");
    const bool does_create = checked_switch(create_graph, "create_graph");
    check_backward(value, gradient);
    value.backward(gradient ? gradient->value : at::Tensor(), does_retain || does_create,
                   does_create);
  });
}

isthmus_status isthmus_tensor_gradient(const isthmus_tensor *tensor,
                                       isthmus_tensor **gradient) {
  return on_tensors("gradient", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    if (!value.is_leaf() || !value.grad().defined())
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    "'tensor' has no gradient: it must be a leaf that requires one, and "
                    "backward must have reached it");
    hand_out(gradient, [&] { return value.grad(); });
  });
}

isthmus_status isthmus_tensor_zero_grad(isthmus_tensor *tensor) {
  return on_tensors("zero_grad", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    if (!value.is_leaf() || !value.grad().defined())
      return;
    at::Tensor &gradient = value.mutable_grad();
    if (gradient.requires_grad())
      gradient = gradient.detach().clone(); // one with a tape of its own
    gradient.zero_();
  });
}

isthmus_status isthmus_tensor_detach(const isthmus_tensor *tensor,
                                     isthmus_tensor **result) {
  return on_tensors("detach", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    hand_out(result, [&] { return value.detach(); });
  });
}
