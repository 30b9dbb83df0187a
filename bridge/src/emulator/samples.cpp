// SPDX-License-Identifier: MIT
#include "samples.hpp"

#include <cstring>

#include "../failure.hpp"

namespace isthmus {
namespace {

/// Offsets in bytes of all elements of an array but for one dimension, in C order.
std::vector<std::int64_t> offsets_without(const Array &array, int axis) {
  std::vector<std::int64_t> offsets = {0};
  for (std::size_t i = 0; i < array.shape.size(); ++i) {
    if (static_cast<int>(i) == axis)
      continue;
    std::vector<std::int64_t> next;
    next.reserve(offsets.size() * static_cast<std::size_t>(array.shape[i]));
    for (const std::int64_t offset : offsets)
      for (std::int64_t k = 0; k < array.shape[i]; ++k)
        next.push_back(offset + k * array.strides[i]);
    offsets = std::move(next);
  }
  return offsets;
}

template <typename Copy> void copy_by_size(const Samples &from, Copy &&copy_as) {
  switch (element_size(from.dtype())) {
  case 1:
    return copy_as(std::uint8_t{});
  case 2:
    return copy_as(std::uint16_t{});
  case 4:
    return copy_as(std::uint32_t{});
  default:
    return copy_as(std::uint64_t{});
  }
}

} // namespace

Samples::Samples(const Array &array, int axis)
    : data_(static_cast<char *>(array.data)), dtype_(array.dtype), is_shared_(axis < 0) {
  const auto index = static_cast<std::size_t>(axis < 0 ? 0 : axis);
  n_samples_ = is_shared_ ? 1 : array.shape[index];
  stride_ = is_shared_ ? 0 : array.strides[index];
  if (array.n_elements() > 0)
    offsets_ = offsets_without(array, axis);
  samples_are_dense_ = !is_shared_ && stride_ == element_size(dtype_);
}

double value_at(const Samples &samples, std::int64_t sample, std::int64_t element) {
  double value = 0.0;
  with_element_type(samples.dtype(), [&](auto zero) {
    value = static_cast<double>(samples.at<decltype(zero)>(sample, element));
  });
  return value;
}

void copy(const Samples &from, const Samples &to) {
  copy_by_size(from, [&](auto zero) {
    using T = decltype(zero);
    to.for_each([&](std::int64_t s, std::int64_t e) { to.at<T>(s, e) = from.at<T>(s, e); });
  });
}

void copy_sample(const Samples &from, const Samples &to, std::int64_t sample) {
  copy_by_size(from, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t e = 0; e < to.n_elements(); ++e)
      to.at<T>(sample, e) = from.at<T>(sample, e);
  });
}

Field::Field(isthmus_dtype dtype, std::vector<std::int64_t> shape, int axis)
    : dtype_(dtype), shape_(std::move(shape)), axis_(axis) {
  std::int64_t n = element_size(dtype);
  for (const std::int64_t extent : shape_)
    n *= extent;
  bytes_.resize(static_cast<std::size_t>(n));
  view();
}

Field::Field(const Field &other)
    : dtype_(other.dtype_), shape_(other.shape_), axis_(other.axis_), bytes_(other.bytes_) {
  view();
}

Field &Field::operator=(const Field &other) {
  if (this != &other)
    *this = Field(other);
  return *this;
}

Array Field::array() const {
  const isthmus_array own = described();
  return checked_array("field", &own, Role::input);
}

isthmus_array Field::described() const {
  isthmus_array own{};
  own.data = const_cast<unsigned char *>(bytes_.data());
  own.dtype = dtype_;
  own.rank = static_cast<int32_t>(shape_.size());
  own.shape = shape_.data();
  return own;
}

void Field::view() { samples_ = Samples(array(), axis_); }

} // namespace isthmus
