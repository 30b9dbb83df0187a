// SPDX-License-Identifier: MIT
// What every function of network.h and training.h is made of. Includes libtorch.
#pragma once

#include <string>
#include <vector>

#include "../guarded.hpp"
#include "../tensor_view.hpp"
#include "../tensors/tensor.hpp"
#include "runtime/torch_entry.hpp"

namespace isthmus {

using Tensors = std::vector<at::Tensor>;

/// Run `body`; what libtorch throws becomes a Failure without its backtrace.
template <typename Body> auto translating(isthmus_status status, Body &&body) try {
  return body();
} catch (const Failure &) {
  throw;
} catch (const c10::Error &error) {
  throw Failure(status, error.what_without_backtrace());
} catch (const std::bad_alloc &) {
  throw;
} catch (const std::exception &error) {
  throw Failure(status, error.what());
}

/// guarded(), with the host's floating-point traps masked.
template <typename Body> isthmus_status guarded_torch(Body &&body) noexcept {
  return guarded([&] {
    const TorchEntry entry;
    translating(ISTHMUS_ERR_RUNTIME, body);
  });
}

/// A switch of the C interface: 0 or 1.
inline bool checked_switch(std::int32_t value, const char *name) {
  if (value != 0 && value != 1)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  in_quotes(name) + " is " + std::to_string(value) + ", expected 0 or 1");
  return value == 1;
}

/// The tensors behind a list of handles.
inline Tensors tensors_of(const isthmus_tensor *const *handles, std::int32_t n,
                          const char *name) {
  if (n < 0)
    throw Failure(ISTHMUS_ERR_ARGUMENT, in_quotes(name) + " has a negative number");
  Tensors tensors;
  for (std::int32_t i = 0; i < n; ++i)
    tensors.push_back(required((&required(handles, name))[i], name).value);
  return tensors;
}

} // namespace isthmus
