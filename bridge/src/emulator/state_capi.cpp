// SPDX-License-Identifier: MIT
// The functions of emulator.h for the host's restart.
#include <cstring>

#include "../guarded.hpp"
#include "handle.hpp"
#include "state.hpp"

namespace {

using isthmus::Failure;
using isthmus::guarded;
using isthmus::in_quotes;
using isthmus::required;
using isthmus::Role;
using isthmus::StateArray;
using isthmus::text;

void copy_array(const isthmus::Array &from, const isthmus::Array &to) {
  isthmus::copy(isthmus::Samples(from, -1), isthmus::Samples(to, -1));
}

isthmus::Array checked(const StateArray &state, const isthmus_array *array, Role role) {
  isthmus::Array own = isthmus::checked_array(state.name, array, role);
  if (!own.device.empty())
    throw Failure(ISTHMUS_ERR_DEVICE, in_quotes(state.name) + " is on device " +
                                          in_quotes(own.device) + ", expected host memory");
  if (own.dtype != state.field.dtype() || own.shape != state.field.shape())
    throw Failure(ISTHMUS_ERR_SHAPE, "state array " + in_quotes(state.name) + " is " +
                                         isthmus::dtype_name(state.field.dtype()) +
                                         " of shape " +
                                         isthmus::shape_text(state.field.shape()) +
                                         ", found " + isthmus::dtype_name(own.dtype) +
                                         " of shape " + isthmus::shape_text(own.shape));
  return own;
}

} // namespace

isthmus_status isthmus_emulator_state_count(isthmus_emulator *emulator, int32_t *n_arrays) {
  return guarded([&] {
    isthmus_emulator &own = required(emulator, "emulator");
    int32_t &target = required(n_arrays, "n_arrays");
    target = static_cast<int32_t>(own.body.state().size());
  });
}

isthmus_status isthmus_emulator_state_array(isthmus_emulator *emulator, int32_t index,
                                            const char **name, isthmus_dtype *dtype,
                                            int32_t *rank, int64_t *shape) {
  return guarded([&] {
    isthmus_emulator &own = required(emulator, "emulator");
    const char *&to_name = required(name, "name");
    isthmus_dtype &to_dtype = required(dtype, "dtype");
    int32_t &to_rank = required(rank, "rank");
    int64_t *to_shape = &required(shape, "shape");
    own.described = own.body.state();
    if (index < 0 || static_cast<std::size_t>(index) >= own.described.size())
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    "state array " + std::to_string(index) + " is outside the " +
                        std::to_string(own.described.size()) + " there are");
    const StateArray &found = own.described[static_cast<std::size_t>(index)];
    to_name = found.name.c_str();
    to_dtype = found.field.dtype();
    to_rank = static_cast<int32_t>(found.field.shape().size());
    std::copy(found.field.shape().begin(), found.field.shape().end(), to_shape);
  });
}

isthmus_status isthmus_emulator_get_state(isthmus_emulator *emulator, const char *name,
                                          const isthmus_array *array) {
  return guarded([&] {
    const auto arrays = required(emulator, "emulator").body.state();
    const StateArray &found = arrays[isthmus::index_of(arrays, text(name, "name"))];
    copy_array(found.field.array(), checked(found, array, Role::output));
  });
}

isthmus_status isthmus_emulator_put_state(isthmus_emulator *emulator, const char *name,
                                          const isthmus_array *array) {
  return guarded([&] {
    isthmus::Emulator &body = required(emulator, "emulator").body;
    auto arrays = body.state();
    const StateArray &found = arrays[isthmus::index_of(arrays, text(name, "name"))];
    copy_array(checked(found, array, Role::input), found.field.array());
    body.restore(arrays);
  });
}

isthmus_status isthmus_emulator_state_size(isthmus_emulator *emulator, int64_t *n_bytes) {
  return guarded([&] {
    isthmus::Emulator &body = required(emulator, "emulator").body;
    int64_t &target = required(n_bytes, "n_bytes");
    target = static_cast<int64_t>(isthmus::packed(body.state()).size());
  });
}

isthmus_status isthmus_emulator_pack_state(isthmus_emulator *emulator, void *bytes,
                                           int64_t n_bytes) {
  return guarded([&] {
    isthmus::Emulator &body = required(emulator, "emulator").body;
    if (!bytes)
      throw Failure(ISTHMUS_ERR_ARGUMENT, "argument 'bytes' is null");
    const std::vector<unsigned char> packed = isthmus::packed(body.state());
    if (n_bytes != static_cast<int64_t>(packed.size()))
      throw Failure(ISTHMUS_ERR_SHAPE, "the state has " + std::to_string(packed.size()) +
                                           " bytes, found room for " +
                                           std::to_string(n_bytes));
    std::memcpy(bytes, packed.data(), packed.size());
  });
}

isthmus_status isthmus_emulator_unpack_state(isthmus_emulator *emulator, const void *bytes,
                                             int64_t n_bytes) {
  return guarded([&] {
    isthmus::Emulator &body = required(emulator, "emulator").body;
    if (!bytes)
      throw Failure(ISTHMUS_ERR_ARGUMENT, "argument 'bytes' is null");
    body.restore(isthmus::unpacked(bytes, n_bytes, body.state()));
  });
}
