// SPDX-License-Identifier: MIT
// From an element type of the C interface to the C++ type that holds one.
#pragma once

#include <cstdint>

#include "isthmus/array.h"

namespace isthmus {

/// Call `visit` with a zero of the type; false for those that C++ has no type for.
template <typename Visit> bool with_element_type(isthmus_dtype dtype, Visit &&visit) {
  switch (dtype) {
  case ISTHMUS_BOOL:
    visit(false);
    return true;
  case ISTHMUS_INT8:
    visit(std::int8_t{});
    return true;
  case ISTHMUS_INT16:
    visit(std::int16_t{});
    return true;
  case ISTHMUS_INT32:
    visit(std::int32_t{});
    return true;
  case ISTHMUS_INT64:
    visit(std::int64_t{});
    return true;
  case ISTHMUS_FLOAT32:
    visit(float{});
    return true;
  case ISTHMUS_FLOAT64:
    visit(double{});
    return true;
  default:
    return false;
  }
}

} // namespace isthmus
