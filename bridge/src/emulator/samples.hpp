// SPDX-License-Identifier: MIT
// An array seen as samples: whatever its strides, sample s has elements 0, 1, ... in C
// order. Nothing else in this folder knows where the sample dimension lies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "../array.hpp"
#include "../element_type.hpp"

namespace isthmus {

/// A view of memory by sample and element. Without a sample dimension the whole array is
/// one sample, which belongs to all (`is_shared`).
class Samples {
public:
  Samples() = default;
  /// @param axis  dimension of the samples, -1 if there is none
  Samples(const Array &array, int axis);

  isthmus_dtype dtype() const { return dtype_; }
  std::int64_t n_samples() const { return n_samples_; }
  std::int64_t n_elements() const { return static_cast<std::int64_t>(offsets_.size()); }
  bool is_shared() const { return is_shared_; }

  template <typename T> T &at(std::int64_t sample, std::int64_t element) const {
    return *reinterpret_cast<T *>(data_ + sample * stride_ +
                                  offsets_[static_cast<std::size_t>(element)]);
  }

  /// Call visit(sample, element) for all, in the order in which memory is read fastest.
  template <typename Visit> void for_each(Visit &&visit) const {
    if (samples_are_dense_) {
      for (std::int64_t e = 0; e < n_elements(); ++e)
        for (std::int64_t s = 0; s < n_samples_; ++s)
          visit(s, e);
    } else {
      for (std::int64_t s = 0; s < n_samples_; ++s)
        for (std::int64_t e = 0; e < n_elements(); ++e)
          visit(s, e);
    }
  }

private:
  char *data_ = nullptr;
  isthmus_dtype dtype_ = ISTHMUS_FLOAT64;
  std::int64_t n_samples_ = 0;
  std::int64_t stride_ = 0;           // bytes from sample to sample
  std::vector<std::int64_t> offsets_; // bytes of each element within its sample
  bool is_shared_ = false;
  bool samples_are_dense_ = false;
};

/// Values of a type in doubles; exact but for int64 beyond 2^53.
double value_at(const Samples &samples, std::int64_t sample, std::int64_t element);

/// Copy all elements, bit for bit. Type, samples and elements are those of `to`.
void copy(const Samples &from, const Samples &to);
/// Copy one sample, bit for bit.
void copy_sample(const Samples &from, const Samples &to, std::int64_t sample);

/// Memory of the emulator's own, in the shape of a caller's array, contiguous.
class Field {
public:
  Field() = default;
  Field(isthmus_dtype dtype, std::vector<std::int64_t> shape, int axis);

  Array array() const;
  isthmus_array described() const;
  const Samples &samples() const { return samples_; }
  isthmus_dtype dtype() const { return dtype_; }
  const std::vector<std::int64_t> &shape() const { return shape_; }
  std::vector<unsigned char> &bytes() { return bytes_; }
  const std::vector<unsigned char> &bytes() const { return bytes_; }

  // The view points into the bytes, which move with the object but are not shared.
  Field(const Field &other);
  Field &operator=(const Field &other);
  Field(Field &&) = default;
  Field &operator=(Field &&) = default;

private:
  void view();
  isthmus_dtype dtype_ = ISTHMUS_FLOAT64;
  std::vector<std::int64_t> shape_;
  int axis_ = -1;
  std::vector<unsigned char> bytes_;
  Samples samples_;
};

} // namespace isthmus
