// SPDX-License-Identifier: MIT
// tensor.h: ask.
#include <array>
#include <cstring>
#include <memory>
#include <sstream>

#include <ATen/core/Formatting.h>
#include <c10/core/DeviceType.h>

#include "tensors/operation.hpp"

namespace {

using namespace isthmus;

constexpr std::int64_t line_width = 92;

// Names that live as long as the library.
const char *type_name(c10::DeviceType type) {
  static const auto names = [] {
    std::array<std::string, c10::COMPILE_TIME_MAX_DEVICE_TYPES> all;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto each = static_cast<c10::DeviceType>(i);
      if (c10::isValidDeviceType(each))
        all[i] = c10::DeviceTypeName(each, true);
    }
    return all;
  }();
  return names[static_cast<std::size_t>(type)].c_str();
}

void copy_out(at::IntArrayRef numbers, std::int32_t room, std::int64_t *target,
              const char *name) {
  if (room < static_cast<std::int64_t>(numbers.size()))
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  in_quotes(name) + " has room for " + std::to_string(room) +
                      " numbers, the tensor has rank " + std::to_string(numbers.size()));
  if (!numbers.empty())
    std::copy(numbers.begin(), numbers.end(), &required(target, name));
}

} // namespace

isthmus_status isthmus_tensor_rank(const isthmus_tensor *tensor, int32_t *rank) {
  return guarded([&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    required(rank, "rank") = static_cast<std::int32_t>(value.dim());
  });
}

isthmus_status isthmus_tensor_shape(const isthmus_tensor *tensor, int32_t room,
                                    int64_t *shape) {
  return guarded([&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    copy_out(value.sizes(), room, shape, "shape");
  });
}

isthmus_status isthmus_tensor_strides(const isthmus_tensor *tensor, int32_t room,
                                      int64_t *strides) {
  return on_tensors("strides", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    copy_out(value.strides(), room, strides, "strides");
  });
}

isthmus_status isthmus_tensor_dtype(const isthmus_tensor *tensor, isthmus_dtype *dtype) {
  return guarded([&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    required(dtype, "dtype") = dtype_of(value.scalar_type());
  });
}

isthmus_status isthmus_tensor_device(const isthmus_tensor *tensor, const char **type,
                                     int32_t *index) {
  return guarded([&] {
    const c10::Device device = value_of(tensor, "tensor").device();
    std::int32_t &number = required(index, "index");
    required(type, "type") = type_name(device.type());
    number = device.has_index() ? device.index() : 0;
  });
}

isthmus_status isthmus_tensor_n_elements(const isthmus_tensor *tensor,
                                         int64_t *n_elements) {
  return guarded([&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    required(n_elements, "n_elements") = value.numel();
  });
}

isthmus_status isthmus_tensor_data(const isthmus_tensor *tensor, void **data) {
  return on_tensors("data", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    void *&target = required(data, "data");
    target = value.data_ptr();
  });
}

isthmus_status isthmus_tensor_text(const isthmus_tensor *tensor, char **text) {
  return on_tensors("text", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    char *&target = required(text, "text");
    std::ostringstream stream;
    at::print(stream, value, line_width);
    const std::string printed = stream.str();
    auto copy = std::make_unique<char[]>(printed.size() + 1);
    std::memcpy(copy.get(), printed.c_str(), printed.size() + 1);
    target = copy.release();
  });
}

void isthmus_text_free(char *text) {
  guarded([&] { delete[] text; });
}
