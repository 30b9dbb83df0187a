// SPDX-License-Identifier: MIT
#include "tensors/scalar.hpp"

#include <limits>

#include "tensors/operation.hpp"

namespace isthmus {
namespace {

template <typename Kind> bool holds(std::int64_t value) {
  return value >= std::numeric_limits<Kind>::min() &&
         value <= std::numeric_limits<Kind>::max();
}

bool can_hold(at::ScalarType type, std::int64_t value) {
  switch (type) {
  case at::kBool:
    return value == 0 || value == 1;
  case at::kChar:
    return holds<std::int8_t>(value);
  case at::kShort:
    return holds<std::int16_t>(value);
  case at::kInt:
    return holds<std::int32_t>(value);
  default:
    return true;
  }
}

} // namespace

c10::Scalar checked_scalar(double value, const at::Tensor &tensor, const char *name) {
  if (!at::isFloatingType(tensor.scalar_type()))
    throw Failure(ISTHMUS_ERR_SHAPE, in_quotes(name) + " is a real number, the tensor is " +
                                         name_of(tensor.scalar_type()) +
                                         ": convert the tensor with 'to'");
  return {value};
}

c10::Scalar checked_scalar(std::int64_t value, const at::Tensor &tensor, const char *name) {
  if (!can_hold(tensor.scalar_type(), value))
    throw Failure(ISTHMUS_ERR_SHAPE, in_quotes(name) + " is " + std::to_string(value) +
                                         ", which " + name_of(tensor.scalar_type()) +
                                         " does not hold");
  return {value};
}

} // namespace isthmus
