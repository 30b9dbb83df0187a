// SPDX-License-Identifier: MIT
#include "tensors/operation.hpp"

#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>

namespace isthmus {
namespace {

const std::string expected_same = ", expected the same: convert one with 'to'";

void refuse_shape(const std::string &text) { throw Failure(ISTHMUS_ERR_SHAPE, text); }

std::string shape_of(const at::Tensor &tensor) { return shape_text(tensor.sizes().vec()); }

} // namespace

std::string reason_of(const c10::Error &error) {
  const std::string text = error.what_without_backtrace();
  return text.substr(0, text.find('\n'));
}

const at::Tensor &value_of(const isthmus_tensor *tensor, const char *name) {
  return required(tensor, name).value;
}

std::string form_of(const at::Tensor &tensor) {
  return name_of(tensor.scalar_type()) + " of shape " + shape_of(tensor);
}

at::ScalarType checked_type(isthmus_dtype dtype) {
  if (dtype < ISTHMUS_BOOL || dtype >= n_dtypes)
    refuse_shape("'dtype' is " + std::to_string(dtype) +
                 ", expected one of isthmus_dtype, 0 to " + std::to_string(n_dtypes - 1));
  return scalar_type_of(dtype);
}

isthmus_dtype dtype_of(at::ScalarType type) {
  for (int i = ISTHMUS_BOOL; i < n_dtypes; ++i)
    if (scalar_type_of(static_cast<isthmus_dtype>(i)) == type)
      return static_cast<isthmus_dtype>(i);
  throw Failure(ISTHMUS_ERR_SHAPE, std::string("'tensor' has element type ") +
                                       c10::toString(type) +
                                       ", which isthmus_dtype does not name");
}

std::string name_of(at::ScalarType type) {
  for (int i = ISTHMUS_BOOL; i < n_dtypes; ++i)
    if (scalar_type_of(static_cast<isthmus_dtype>(i)) == type)
      return dtype_name(static_cast<isthmus_dtype>(i));
  return c10::toString(type);
}

c10::Device device_of(const char *device) {
  return checked_device(device ? device : "cpu");
}

std::vector<std::int64_t> checked_shape(std::int32_t rank, const std::int64_t *shape) {
  if (rank < 0 || rank > max_rank)
    refuse_shape("'rank' is " + std::to_string(rank) + ", expected 0 to 15");
  if (rank > 0)
    required(shape, "shape");
  const std::vector<std::int64_t> extents(shape, shape + rank);
  std::int64_t bytes = static_cast<std::int64_t>(sizeof(double));
  for (const std::int64_t extent : extents) {
    if (extent < 0)
      refuse_shape("'shape' is " + shape_text(extents) + ", expected extents of 0 or more");
    if (__builtin_mul_overflow(bytes, extent > 0 ? extent : 1, &bytes))
      refuse_shape("'shape' is " + shape_text(extents) +
                   ", more elements than memory can hold");
  }
  return extents;
}

std::vector<std::int64_t> checked_order(const std::int32_t *order, std::int64_t rank,
                                        std::vector<std::int64_t> otherwise) {
  if (!order)
    return otherwise;
  const std::vector<std::int64_t> dims(order, order + rank);
  std::vector<bool> is_taken(dims.size(), false);
  for (const std::int64_t dim : dims) {
    if (dim < 0 || dim >= rank || is_taken[static_cast<std::size_t>(dim)])
      throw Failure(ISTHMUS_ERR_ARGUMENT, "'order' is " + shape_text(dims) +
                                              ", expected each of 0 to " +
                                              std::to_string(rank - 1) + " once");
    is_taken[static_cast<std::size_t>(dim)] = true;
  }
  return dims;
}

std::int64_t checked_dim(std::int32_t dim, const at::Tensor &tensor) {
  if (dim < 0 || dim >= tensor.dim())
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "dimension " + std::to_string(dim) + " is not one of the " +
                      std::to_string(tensor.dim()) + " of shape " + shape_of(tensor));
  return dim;
}

void check_same_kind(const at::Tensor &left, const char *left_name, const at::Tensor &right,
                     const char *right_name) {
  if (left.scalar_type() != right.scalar_type())
    refuse_shape(in_quotes(left_name) + " is " + name_of(left.scalar_type()) + ", " +
                 in_quotes(right_name) + " is " + name_of(right.scalar_type()) +
                 expected_same);
  if (left.device() != right.device())
    throw Failure(ISTHMUS_ERR_DEVICE, in_quotes(left_name) + " is on " +
                                          left.device().str() + ", " +
                                          in_quotes(right_name) + " is on " +
                                          right.device().str() + expected_same);
}

void check_same_shape(const at::Tensor &left, const char *left_name,
                      const at::Tensor &right, const char *right_name) {
  if (left.sizes() != right.sizes())
    refuse_shape(in_quotes(left_name) + " has shape " + shape_of(left) + ", " +
                 in_quotes(right_name) + " has shape " + shape_of(right) +
                 ", expected the same");
}

void check_floating(const at::Tensor &tensor, const char *name) {
  if (!at::isFloatingType(tensor.scalar_type()))
    refuse_shape(in_quotes(name) + " is " + name_of(tensor.scalar_type()) +
                 ", expected a floating-point type: convert it with 'to'");
}

at::Tensor view_of_array(const isthmus_array *array, const char *name, Role role) {
  const Array checked = checked_array(name, array, role, Where::host_or_device);
  const c10::Device device =
      checked_device(checked.device.empty() ? "cpu" : checked.device);
  std::vector<std::int64_t> strides = checked.strides;
  for (std::size_t i = 0; i < strides.size(); ++i)
    strides[i] = checked.shape[i] <= 1 ? 1 : strides[i] / element_size(checked.dtype);
  const at::TensorOptions options =
      at::TensorOptions().dtype(scalar_type_of(checked.dtype)).device(device);
  auto maker = at::for_blob(checked.data, checked.shape);
  if (!checked.is_contiguous())
    maker.strides(strides);
  return maker.options(options).target_device(device).make_tensor();
}

} // namespace isthmus
