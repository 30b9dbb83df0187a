// SPDX-License-Identifier: MIT
// The tensor behind the opaque type of tensor.h. Includes libtorch.
#pragma once

#include <ATen/core/Tensor.h>

/// A reference to a tensor; many may share one storage, as in PyTorch.
struct isthmus_tensor {
  at::Tensor value;
};
