// SPDX-License-Identifier: MIT
// tensor_math.h: sums over elements, and products of matrices.
#include <ATen/ops/amax.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/sum.h>

#include "tensors/operation.hpp"

namespace {

using namespace isthmus;

// An empty list means all dimensions, to torch too.
std::vector<std::int64_t> checked_dims(const at::Tensor &tensor, std::int32_t n_dims,
                                       const std::int32_t *dims) {
  if (n_dims < 0)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "'n_dims' is " + std::to_string(n_dims) + ", expected 0 or more");
  std::vector<std::int64_t> checked;
  for (std::int32_t i = 0; i < n_dims; ++i) {
    const std::int64_t dim = checked_dim((&required(dims, "dims"))[i], tensor);
    if (std::find(checked.begin(), checked.end(), dim) != checked.end())
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    "dimension " + std::to_string(dim) + " is listed twice in 'dims'");
    checked.push_back(dim);
  }
  return checked;
}

void check_reduction(const at::Tensor &tensor, isthmus_reduction reduction) {
  if (reduction < ISTHMUS_SUM || reduction > ISTHMUS_NORM)
    throw Failure(ISTHMUS_ERR_ARGUMENT, "'reduction' is " + std::to_string(reduction) +
                                            ", expected one of isthmus_reduction");
  if (reduction == ISTHMUS_MEAN || reduction == ISTHMUS_NORM)
    check_floating(tensor, "tensor");
  if (tensor.numel() == 0 && reduction != ISTHMUS_SUM && reduction != ISTHMUS_NORM)
    throw Failure(ISTHMUS_ERR_SHAPE, "'tensor' is " + form_of(tensor) +
                                         ": no elements have no mean, least or greatest");
}

at::Tensor reduced(const at::Tensor &tensor, isthmus_reduction reduction,
                   const std::vector<std::int64_t> &dims) {
  switch (reduction) {
  case ISTHMUS_SUM:
    return at::sum(tensor, dims);
  case ISTHMUS_MEAN:
    return at::mean(tensor, dims);
  case ISTHMUS_MIN:
    return at::amin(tensor, dims);
  case ISTHMUS_MAX:
    return at::amax(tensor, dims);
  default:
    return at::linalg_vector_norm(tensor, 2, dims);
  }
}

void check_matrices(const at::Tensor &left, const at::Tensor &right) {
  const bool have_rank = left.dim() > 0 && right.dim() > 0;
  const std::int64_t rows = !have_rank ? 0 : right.size(right.dim() > 1 ? -2 : 0);
  const bool fit = have_rank && left.size(-1) == rows;
  const bool are_stacks = left.dim() > 2 && right.dim() > 2;
  if (fit && (!are_stacks || left.sizes().slice(0, left.dim() - 2) ==
                                 right.sizes().slice(0, right.dim() - 2)))
    return;
  throw Failure(ISTHMUS_ERR_SHAPE, "'left' has shape " + shape_text(left.sizes().vec()) +
                                       ", 'right' has shape " +
                                       shape_text(right.sizes().vec()) +
                                       ", expected [.., n, k] and [.., k, m]");
}

} // namespace

isthmus_status isthmus_tensor_reduce(const isthmus_tensor *tensor,
                                     isthmus_reduction reduction, int32_t n_dims,
                                     const int32_t *dims, isthmus_tensor **result) {
  return on_tensors("reduce", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    check_reduction(value, reduction);
    const std::vector<std::int64_t> chosen = checked_dims(value, n_dims, dims);
    hand_out(result, [&] { return reduced(value, reduction, chosen); });
  });
}

isthmus_status isthmus_tensor_dot(const isthmus_tensor *left, const isthmus_tensor *right,
                                  isthmus_tensor **result) {
  return on_tensors("dot", [&] {
    const at::Tensor &a = value_of(left, "left");
    const at::Tensor &b = value_of(right, "right");
    check_same_kind(a, "left", b, "right");
    check_same_shape(a, "left", b, "right");
    hand_out(result, [&] { return at::dot(a.reshape({-1}), b.reshape({-1})); });
  });
}

isthmus_status isthmus_tensor_matmul(const isthmus_tensor *left,
                                     const isthmus_tensor *right, isthmus_tensor **result) {
  return on_tensors("matmul", [&] {
    const at::Tensor &a = value_of(left, "left");
    const at::Tensor &b = value_of(right, "right");
    check_same_kind(a, "left", b, "right");
    check_matrices(a, b);
    hand_out(result, [&] { return at::matmul(a, b); });
  });
}
