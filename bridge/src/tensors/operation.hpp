// SPDX-License-Identifier: MIT
// What every function on tensors is made of: guards around the body, checks before torch
// is called, and a handle around the result. Includes libtorch.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "array.hpp"
#include "guarded.hpp"
#include "runtime/torch_entry.hpp"
#include "tape.hpp"
#include "tensor.hpp"
#include "tensor_view.hpp"

namespace isthmus {

/// The first line of torch's message: the rest is of no use to a caller.
std::string reason_of(const c10::Error &error);

/// Run a body on tensors: traps masked, torch's modes set, what it throws turned into a
/// status whose text starts with the name of the function.
template <typename Body>
isthmus_status on_tensors(const char *function, Body &&body) noexcept {
  return guarded([&] {
    const TorchEntry entry;
    const TorchModes modes(is_tape_on());
    const std::string prefix = std::string(function) + ": ";
    try {
      body();
    } catch (const Failure &failure) {
      throw Failure(failure.status(), prefix + failure.what());
    } catch (const c10::Error &error) {
      throw Failure(ISTHMUS_ERR_RUNTIME, prefix + reason_of(error));
    }
  });
}

/// The tensor behind a handle.
/// @throws Failure (argument) if the handle is null
const at::Tensor &value_of(const isthmus_tensor *tensor, const char *name);

/// Evaluate, and only then touch the caller's handle.
template <typename Make> void hand_out(isthmus_tensor **result, Make &&make) {
  isthmus_tensor *&target = required(result, "result");
  target = new isthmus_tensor{std::forward<Make>(make)()};
}

/// "float32 of shape [3, 4]", for messages.
std::string form_of(const at::Tensor &tensor);

/// Torch's name of an element type that a caller gave.
/// @throws Failure (shape)
at::ScalarType checked_type(isthmus_dtype dtype);

/// Isthmus' name of torch's type.
/// @throws Failure (shape) if it has none
isthmus_dtype dtype_of(at::ScalarType type);

/// Name of an element type, ours if there is one.
std::string name_of(at::ScalarType type);

/// The device a caller named; NULL is the host.
c10::Device device_of(const char *device);

/// @throws Failure (shape) unless rank and extents are possible
std::vector<std::int64_t> checked_shape(std::int32_t rank, const std::int64_t *shape);

/// A permutation of 0 .. rank-1; NULL is `otherwise`.
/// @throws Failure (argument)
std::vector<std::int64_t> checked_order(const std::int32_t *order, std::int64_t rank,
                                        std::vector<std::int64_t> otherwise);

/// A dimension of a tensor.
/// @throws Failure (argument)
std::int64_t checked_dim(std::int32_t dim, const at::Tensor &tensor);

/// @throws Failure (shape, device) unless type and device are the same
void check_same_kind(const at::Tensor &left, const char *left_name, const at::Tensor &right,
                     const char *right_name);

/// @throws Failure (shape) unless shapes are equal
void check_same_shape(const at::Tensor &left, const char *left_name,
                      const at::Tensor &right, const char *right_name);

/// @throws Failure (shape) unless the type is a floating-point one
void check_floating(const at::Tensor &tensor, const char *name);

/// A checked array of the caller as a tensor, without a copy.
at::Tensor view_of_array(const isthmus_array *array, const char *name, Role role);

} // namespace isthmus
