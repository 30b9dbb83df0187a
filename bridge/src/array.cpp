// SPDX-License-Identifier: MIT
#include "array.hpp"

#include <algorithm>
#include <numeric>

#include "failure.hpp"

namespace isthmus {
namespace {

struct DtypeRow {
  const char *name;
  std::int64_t size;
};
constexpr DtypeRow dtypes[] = {{"bool", 1},    {"int8", 1},    {"int16", 2},
                               {"int32", 4},   {"int64", 8},   {"float32", 4},
                               {"float64", 8}, {"float16", 2}, {"bfloat16", 2}};

[[noreturn]] void refuse(const std::string &name, const std::string &text) {
  throw Failure(ISTHMUS_ERR_SHAPE, in_quotes(name) + " " + text);
}

std::vector<std::int64_t> contiguous_strides(const Array &array) {
  std::vector<std::int64_t> strides(array.shape.size());
  std::int64_t step = element_size(array.dtype);
  for (std::size_t i = array.shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= std::max<std::int64_t>(1, array.shape[i]);
  }
  return strides;
}

void check_extents(const std::string &name, const isthmus_array &array) {
  if (array.rank < 0 || array.rank > max_rank)
    refuse(name, "has rank " + std::to_string(array.rank) + ", expected 0 to 15");
  if (array.rank > 0 && !array.shape)
    throw Failure(ISTHMUS_ERR_ARGUMENT, in_quotes(name) + " has rank " +
                                            std::to_string(array.rank) + " but no shape");
  std::int64_t bytes = element_size(array.dtype);
  for (std::int32_t i = 0; i < array.rank; ++i) {
    if (array.shape[i] < 0)
      refuse(name, "has extent " + std::to_string(array.shape[i]) + " in dimension " +
                       std::to_string(i) + ", expected 0 or more");
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(1, array.shape[i]), &bytes))
      refuse(name, "has more elements than memory can hold");
  }
}

// Negative strides would abort the process inside libtorch, which computes the size of the
// storage in a noexcept function.
void check_strides(const std::string &name, const Array &array, Role role) {
  const std::int64_t size = element_size(array.dtype);
  std::int64_t reach = 0;
  for (std::size_t i = 0; i < array.shape.size(); ++i) {
    const std::int64_t stride = array.strides[i];
    const std::string where = " in dimension " + std::to_string(i);
    if (array.shape[i] <= 1)
      continue; // never multiplied by anything but zero
    if (stride < 0)
      refuse(name, "has byte stride " + std::to_string(stride) + where +
                       ", expected a positive one: a reversed section must be copied");
    if (stride % size != 0)
      refuse(name, "has byte stride " + std::to_string(stride) + where +
                       ", expected a multiple of its element's " + std::to_string(size));
    if (stride == 0 && role == Role::output)
      refuse(name, "has byte stride 0" + where + ": an output needs room for each element");
    std::int64_t extent_bytes = 0;
    if (__builtin_mul_overflow(stride, array.shape[i] - 1, &extent_bytes) ||
        __builtin_add_overflow(reach, extent_bytes, &reach))
      refuse(name, "has strides that reach beyond memory");
  }
}

void check_address(const std::string &name, const Array &array) {
  if (!array.data)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  in_quotes(name) + " has no memory: its address is null");
  const auto address = reinterpret_cast<std::uintptr_t>(array.data);
  if (address % static_cast<std::uintptr_t>(element_size(array.dtype)) != 0)
    refuse(name, "starts at an address that is no multiple of its element's size");
}

/// Offsets of all elements in bytes divided by `unit`, passed to `visit`.
template <typename Visit>
void for_each_offset(const Array &a, std::int64_t unit, Visit &&visit) {
  std::vector<std::int64_t> index(a.shape.size(), 0);
  std::int64_t offset = 0;
  for (;;) {
    visit(offset / unit);
    std::size_t i = a.shape.size();
    while (i-- > 0) {
      offset += a.strides[i];
      if (++index[i] < a.shape[i])
        break;
      offset -= a.strides[i] * a.shape[i];
      index[i] = 0;
    }
    if (i == static_cast<std::size_t>(-1))
      return;
  }
}

std::int64_t reach_of(const Array &a) {
  std::int64_t reach = element_size(a.dtype);
  for (std::size_t i = 0; i < a.shape.size(); ++i)
    reach += a.strides[i] * (a.shape[i] - 1);
  return reach;
}

/// Marks of the units an array covers, from `origin` on; false if one was marked before.
bool mark(const Array &a, std::uintptr_t origin, std::vector<bool> &marks) {
  const auto start =
      static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(a.data) - origin);
  const std::int64_t size = element_size(a.dtype);
  bool is_free = true;
  for_each_offset(a, 1, [&](std::int64_t offset) {
    for (std::int64_t byte = start + offset; byte < start + offset + size; ++byte) {
      is_free = is_free && !marks[static_cast<std::size_t>(byte)];
      marks[static_cast<std::size_t>(byte)] = true;
    }
  });
  return is_free;
}

} // namespace

std::int64_t Array::n_elements() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1},
                         std::multiplies<std::int64_t>());
}

bool Array::is_contiguous() const {
  std::int64_t step = element_size(dtype);
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] > 1 && strides[i] != step)
      return false;
    step *= shape[i];
  }
  return true;
}

const char *dtype_name(isthmus_dtype dtype) { return dtypes[dtype].name; }

std::int64_t element_size(isthmus_dtype dtype) { return dtypes[dtype].size; }

std::string shape_text(const std::vector<std::int64_t> &shape) {
  std::string text = "[";
  for (const std::int64_t extent : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

Array checked_array(const std::string &name, const isthmus_array *array, Role role,
                    Where where) {
  if (!array)
    throw Failure(ISTHMUS_ERR_ARGUMENT, in_quotes(name) + ": the array is null");
  if (array->dtype < ISTHMUS_BOOL || array->dtype >= n_dtypes)
    refuse(name, "has element type " + std::to_string(array->dtype) +
                     ", expected one of isthmus_dtype");
  check_extents(name, *array);
  Array checked;
  checked.data = array->data;
  checked.dtype = array->dtype;
  if (array->device && std::string(array->device) != "cpu")
    checked.device = array->device;
  if (where == Where::host && !checked.device.empty())
    throw Failure(ISTHMUS_ERR_DEVICE, in_quotes(name) + " is on device " +
                                          in_quotes(checked.device) +
                                          ", expected host memory");
  checked.shape.assign(array->shape, array->shape + array->rank);
  if (array->strides)
    checked.strides.assign(array->strides, array->strides + array->rank);
  else
    checked.strides = contiguous_strides(checked);
  if (checked.n_elements() == 0) {
    checked.strides = contiguous_strides(checked); // nothing will be touched
    return checked;
  }
  check_strides(name, checked, role);
  check_address(name, checked);
  if (role == Role::output && overlaps_itself(checked))
    refuse(name, "overlaps itself: two of its elements share memory");
  return checked;
}

bool overlap(const Array &a, const Array &b) {
  if (a.n_elements() == 0 || b.n_elements() == 0 || a.device != b.device)
    return false;
  const auto a_begin = reinterpret_cast<std::uintptr_t>(a.data);
  const auto b_begin = reinterpret_cast<std::uintptr_t>(b.data);
  const std::uintptr_t a_end = a_begin + static_cast<std::uintptr_t>(reach_of(a));
  const std::uintptr_t b_end = b_begin + static_cast<std::uintptr_t>(reach_of(b));
  if (a_end <= b_begin || b_end <= a_begin)
    return false;
  const std::uintptr_t origin = std::min(a_begin, b_begin);
  std::vector<bool> marks(std::max(a_end, b_end) - origin, false);
  mark(a, origin, marks);
  return !mark(b, origin, marks);
}

bool overlaps_itself(const Array &a) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < a.shape.size(); ++i)
    if (a.shape[i] > 1)
      order.push_back(i);
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return a.strides[i] < a.strides[j]; });
  std::int64_t room = element_size(a.dtype);
  bool is_nested = true; // each stride steps over all that the smaller ones reach
  for (const std::size_t i : order) {
    is_nested = is_nested && a.strides[i] >= room;
    room = a.strides[i] * (a.shape[i] - 1) + room;
  }
  if (is_nested)
    return false;
  std::vector<bool> marks(static_cast<std::size_t>(reach_of(a)), false);
  return !mark(a, reinterpret_cast<std::uintptr_t>(a.data), marks);
}

} // namespace isthmus
