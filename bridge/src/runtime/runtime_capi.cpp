// SPDX-License-Identifier: MIT
// The C functions of runtime.h.
#include <string>

#include "guarded.hpp"
#include "isthmus/runtime.h"
#include "runtime/thread_budget.hpp"
#include "runtime/torch_settings.hpp"

using isthmus::Failure;
using isthmus::guarded;
using isthmus::required;

isthmus_status isthmus_set_allocator(const char *name) {
  return guarded([&] {
    const std::string wanted = isthmus::text(name, "name");
    if (wanted != "caching" && wanted != "default")
      throw Failure(ISTHMUS_ERR_ARGUMENT, "no allocator " + isthmus::in_quotes(wanted) +
                                              ": there are 'caching' and 'default'");
    isthmus::use_caching_allocator(wanted == "caching");
  });
}

isthmus_status isthmus_set_allocator_limit(int64_t n_bytes) {
  return guarded([&] {
    if (n_bytes < 0)
      throw Failure(ISTHMUS_ERR_ARGUMENT, "the allocator's limit is " +
                                              std::to_string(n_bytes) +
                                              " bytes, expected 0 or more");
    isthmus::tensor_memory().set_limit(static_cast<std::size_t>(n_bytes));
  });
}

isthmus_status isthmus_trim_allocator(void) {
  return guarded([&] { isthmus::tensor_memory().trim(); });
}

isthmus_status isthmus_allocator_cached_bytes(int64_t *n_bytes) {
  return guarded([&] {
    required(n_bytes, "n_bytes") =
        static_cast<int64_t>(isthmus::tensor_memory().cached_bytes());
  });
}

isthmus_status isthmus_set_threads(int32_t n_threads) {
  return guarded([&] {
    if (n_threads < 0)
      throw Failure(ISTHMUS_ERR_ARGUMENT, "the number of threads is " +
                                              std::to_string(n_threads) +
                                              ", expected 1 or more, or 0 for the host's");
    isthmus::set_thread_budget(n_threads);
  });
}

isthmus_status isthmus_threads(int32_t *n_threads) {
  return guarded([&] { required(n_threads, "n_threads") = isthmus::thread_budget(); });
}

isthmus_status isthmus_set_deterministic(int32_t is_deterministic) {
  return guarded([&] {
    if (is_deterministic != 0 && is_deterministic != 1)
      throw Failure(ISTHMUS_ERR_ARGUMENT, "is_deterministic is " +
                                              std::to_string(is_deterministic) +
                                              ", expected 0 or 1");
    isthmus::use_deterministic_algorithms(is_deterministic == 1);
  });
}
