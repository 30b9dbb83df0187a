// SPDX-License-Identifier: MIT
#include "fp_environment.hpp"

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace isthmus {
namespace {

#if defined(_OPENMP)

// The host's OpenMP workers have its traps since they were made, and libtorch uses them.
bool has_workers() { return !omp_in_parallel() && omp_get_max_threads() > 1; }

std::vector<std::fenv_t> masked_workers() {
  std::vector<std::fenv_t> saved(static_cast<std::size_t>(omp_get_max_threads()));
#pragma omp parallel
  std::feholdexcept(&saved[static_cast<std::size_t>(omp_get_thread_num())]);
  return saved;
}

void restore_workers(const std::vector<std::fenv_t> &saved) {
#pragma omp parallel num_threads(static_cast<int>(saved.size()))
  std::fesetenv(&saved[static_cast<std::size_t>(omp_get_thread_num())]);
}

#else

bool has_workers() { return false; }
std::vector<std::fenv_t> masked_workers() { return {}; }
void restore_workers(const std::vector<std::fenv_t> &) {}

#endif

} // namespace

void FpEnvironment::begin() {
  std::feholdexcept(&saved_);
  if (has_workers())
    of_workers_ = masked_workers();
}

void FpEnvironment::end() {
  if (!of_workers_.empty())
    restore_workers(of_workers_);
  std::fesetenv(&saved_);
}

} // namespace isthmus
