// SPDX-License-Identifier: MIT
// tensor.h: make and free.
#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "tensors/operation.hpp"

namespace {

using namespace isthmus;

using Maker = at::Tensor (*)(at::IntArrayRef, at::TensorOptions);

isthmus_status make(const char *function, Maker maker, isthmus_dtype dtype,
                    std::int32_t rank, const std::int64_t *shape, const char *device,
                    isthmus_tensor **tensor) {
  return on_tensors(function, [&] {
    const at::ScalarType type = checked_type(dtype);
    const std::vector<std::int64_t> extents = checked_shape(rank, shape);
    const at::TensorOptions options =
        at::TensorOptions().dtype(type).device(device_of(device));
    hand_out(tensor, [&] { return maker(extents, options); });
  });
}

void check_random(isthmus_dtype dtype) {
  if (!is_floating(dtype))
    throw Failure(ISTHMUS_ERR_SHAPE, std::string("random numbers of type ") +
                                         dtype_name(dtype) +
                                         ", expected a floating-point type");
}

isthmus_status make_random(const char *function, Maker maker, isthmus_dtype dtype,
                           std::int32_t rank, const std::int64_t *shape, const char *device,
                           isthmus_tensor **tensor) {
  const isthmus_status status = on_tensors(function, [&] {
    checked_type(dtype);
    check_random(dtype);
  });
  if (status != ISTHMUS_OK)
    return status;
  return make(function, maker, dtype, rank, shape, device, tensor);
}

std::vector<std::int64_t> same_order(std::int64_t rank) {
  std::vector<std::int64_t> order;
  for (std::int64_t i = 0; i < rank; ++i)
    order.push_back(i);
  return order;
}

} // namespace

isthmus_status isthmus_tensor_empty(isthmus_dtype dtype, int32_t rank, const int64_t *shape,
                                    const char *device, isthmus_tensor **tensor) {
  const Maker maker = [](at::IntArrayRef extents, at::TensorOptions options) {
    return at::empty(extents, options);
  };
  return make("empty", maker, dtype, rank, shape, device, tensor);
}

isthmus_status isthmus_tensor_zeros(isthmus_dtype dtype, int32_t rank, const int64_t *shape,
                                    const char *device, isthmus_tensor **tensor) {
  const Maker maker = [](at::IntArrayRef extents, at::TensorOptions options) {
    return at::zeros(extents, options);
  };
  return make("zeros", maker, dtype, rank, shape, device, tensor);
}

isthmus_status isthmus_tensor_ones(isthmus_dtype dtype, int32_t rank, const int64_t *shape,
                                   const char *device, isthmus_tensor **tensor) {
  const Maker maker = [](at::IntArrayRef extents, at::TensorOptions options) {
    return at::ones(extents, options);
  };
  return make("ones", maker, dtype, rank, shape, device, tensor);
}

isthmus_status isthmus_tensor_rand(isthmus_dtype dtype, int32_t rank, const int64_t *shape,
                                   const char *device, isthmus_tensor **tensor) {
  const Maker maker = [](at::IntArrayRef extents, at::TensorOptions options) {
    return at::rand(extents, options);
  };
  return make_random("rand", maker, dtype, rank, shape, device, tensor);
}

isthmus_status isthmus_tensor_randn(isthmus_dtype dtype, int32_t rank, const int64_t *shape,
                                    const char *device, isthmus_tensor **tensor) {
  const Maker maker = [](at::IntArrayRef extents, at::TensorOptions options) {
    return at::randn(extents, options);
  };
  return make_random("randn", maker, dtype, rank, shape, device, tensor);
}

isthmus_status isthmus_manual_seed(uint64_t seed) {
  return on_tensors("manual_seed", [&] { at::manual_seed(seed); });
}

isthmus_status isthmus_tensor_from_array(const isthmus_array *array, const int32_t *order,
                                         isthmus_tensor **tensor) {
  return on_tensors("from_array", [&] {
    hand_out(tensor, [&] {
      const at::Tensor view = view_of_array(array, "array", Role::input);
      if (!order)
        return view;
      return view.permute(checked_order(order, view.dim(), same_order(view.dim())));
    });
  });
}

isthmus_status isthmus_tensor_clone(const isthmus_tensor *tensor, isthmus_tensor **copy) {
  return on_tensors("clone", [&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    hand_out(copy, [&] { return value.clone(at::MemoryFormat::Contiguous); });
  });
}

isthmus_status isthmus_tensor_alias(const isthmus_tensor *tensor, isthmus_tensor **alias) {
  return guarded([&] {
    const at::Tensor &value = value_of(tensor, "tensor");
    hand_out(alias, [&] { return value; });
  });
}

void isthmus_tensor_free(isthmus_tensor *tensor) {
  guarded([&] { delete tensor; });
}
