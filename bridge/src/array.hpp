// SPDX-License-Identifier: MIT
// A caller's array, checked: what the rest of the library may rely on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "isthmus.h"

namespace isthmus {

enum class Role { input, output };

/// Where an array may be.
enum class Where { host, host_or_device };

/// A caller's array whose description makes sense; the memory is the caller's.
struct Array {
  void *data = nullptr;
  isthmus_dtype dtype = ISTHMUS_FLOAT64;
  std::vector<std::int64_t> shape;   // slowest first
  std::vector<std::int64_t> strides; // bytes, same order
  std::string device;                // "" for host memory
  bool may_convert = false;          // to the network's floating-point type

  std::int64_t n_elements() const;
  bool is_contiguous() const;
};

constexpr std::int32_t max_rank = 15;
constexpr int n_dtypes = ISTHMUS_BFLOAT16 + 1;

const char *dtype_name(isthmus_dtype dtype);
std::int64_t element_size(isthmus_dtype dtype);
inline bool is_floating(isthmus_dtype dtype) { return dtype >= ISTHMUS_FLOAT32; }

/// "[3, member, 4]" and the like.
std::string shape_text(const std::vector<std::int64_t> &shape);

/// Check rank, extents, strides, type, address and place.
/// @throws Failure (argument, shape or device), naming `name`
Array checked_array(const std::string &name, const isthmus_array *array, Role role,
                    Where where = Where::host);

/// True if an element of one array shares a byte with an element of the other. Exact:
/// interleaved sections do not overlap.
bool overlap(const Array &a, const Array &b);

/// True if two elements of the array share a byte.
bool overlaps_itself(const Array &a);

} // namespace isthmus
