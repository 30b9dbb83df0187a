// SPDX-License-Identifier: MIT
#include "loops.hpp"

namespace isthmus {

template <typename T> const Loops<T> &best_loops() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    return avx512::loops<T>();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return avx2::loops<T>();
#endif
  return baseline::loops<T>();
}

template const Loops<float> &best_loops<float>();
template const Loops<double> &best_loops<double>();

} // namespace isthmus
