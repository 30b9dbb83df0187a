// SPDX-License-Identifier: MIT
// A number that meets a tensor: refused where its type cannot hold the number.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>
#include <c10/core/Scalar.h>

namespace isthmus {

/// @throws Failure (shape) unless the tensor is of a floating-point type
c10::Scalar checked_scalar(double value, const at::Tensor &tensor, const char *name);

/// @throws Failure (shape) if the value is beyond the integers of the tensor's type
c10::Scalar checked_scalar(std::int64_t value, const at::Tensor &tensor, const char *name);

} // namespace isthmus
