// SPDX-License-Identifier: MIT
// tensor_math.h: other shapes of the same elements.
#include <ATen/ops/cat.h>

#include "tensors/operation.hpp"

namespace {

using namespace isthmus;

std::vector<std::int64_t> reversed(std::int64_t rank) {
  std::vector<std::int64_t> order;
  for (std::int64_t i = rank; i-- > 0;)
    order.push_back(i);
  return order;
}

void check_range(std::int64_t first, std::int64_t end, std::int64_t step,
                 std::int64_t extent) {
  if (step < 1)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "'step' is " + std::to_string(step) + ", expected 1 or more");
  if (first < 0 || end > extent || first > end)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "elements " + std::to_string(first) + " to " + std::to_string(end) +
                      " are not within the extent " + std::to_string(extent));
}

void check_joint(const at::Tensor &first, const at::Tensor &other, std::int64_t dim,
                 const std::string &name) {
  check_same_kind(first, "tensors[0]", other, name.c_str());
  bool fits = first.dim() == other.dim();
  for (std::int64_t i = 0; fits && i < first.dim(); ++i)
    fits = i == dim || first.size(i) == other.size(i);
  if (!fits)
    throw Failure(ISTHMUS_ERR_SHAPE,
                  "'tensors[0]' has shape " + shape_text(first.sizes().vec()) + ", " +
                      in_quotes(name) + " has shape " + shape_text(other.sizes().vec()) +
                      ", expected the same but for dimension " + std::to_string(dim));
}

std::vector<at::Tensor> checked_list(std::int32_t n_tensors,
                                     const isthmus_tensor *const *tensors,
                                     std::int32_t dim) {
  if (n_tensors < 1)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "'n_tensors' is " + std::to_string(n_tensors) + ", expected 1 or more");
  required(tensors, "tensors");
  std::vector<at::Tensor> list;
  for (std::int32_t i = 0; i < n_tensors; ++i) {
    const std::string name = "tensors[" + std::to_string(i) + "]";
    list.push_back(value_of(tensors[i], name.c_str()));
    check_joint(list[0], list.back(), checked_dim(dim, list[0]), name);
  }
  return list;
}

} // namespace

isthmus_status isthmus_tensor_permute(const isthmus_tensor *tensor, const int32_t *order,
                                      isthmus_tensor **result) {
  return on_tensors("permute", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    const std::vector<std::int64_t> dims =
        checked_order(order, value.dim(), reversed(value.dim()));
    hand_out(result, [&] { return value.permute(dims); });
  });
}

isthmus_status isthmus_tensor_reshape(const isthmus_tensor *tensor, int32_t rank,
                                      const int64_t *shape, isthmus_tensor **result) {
  return on_tensors("reshape", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    const std::vector<std::int64_t> extents = checked_shape(rank, shape);
    std::int64_t n_elements = 1;
    for (const std::int64_t extent : extents)
      n_elements *= extent;
    if (n_elements != value.numel())
      throw Failure(ISTHMUS_ERR_SHAPE,
                    "'tensor' has shape " + shape_text(value.sizes().vec()) +
                        ", which does not have the " + std::to_string(n_elements) +
                        " elements of shape " + shape_text(extents));
    hand_out(result, [&] { return value.reshape(extents); });
  });
}

isthmus_status isthmus_tensor_slice(const isthmus_tensor *tensor, int32_t dim,
                                    int64_t first, int64_t end, int64_t step,
                                    isthmus_tensor **result) {
  return on_tensors("slice", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    const std::int64_t along = checked_dim(dim, value);
    check_range(first, end, step, value.size(along));
    hand_out(result, [&] { return value.slice(along, first, end, step); });
  });
}

isthmus_status isthmus_tensor_cat(int32_t n_tensors, const isthmus_tensor *const *tensors,
                                  int32_t dim, isthmus_tensor **result) {
  return on_tensors("cat", [&] {
    const std::vector<at::Tensor> list = checked_list(n_tensors, tensors, dim);
    hand_out(result, [&] { return at::cat(list, dim); });
  });
}
