// SPDX-License-Identifier: MIT
#include "runtime/thread_budget.hpp"

#include <atomic>

#include <pthread.h>

// Of the OpenMP runtime that libtorch brings or the host has; weak, so that none need be.
extern "C" {
int omp_get_max_threads(void) __attribute__((weak));
int omp_in_parallel(void) __attribute__((weak));
void omp_set_num_threads(int) __attribute__((weak));
}

namespace isthmus {
namespace {

std::atomic<int> budget{0};

// OpenMP's workers do not come along into a forked child, and it waits for them for ever.
std::atomic<bool> is_forked_child{false};
[[maybe_unused]] const int is_registered =
    pthread_atfork(nullptr, nullptr, [] { is_forked_child.store(true); });

} // namespace

void set_thread_budget(int n_threads) { budget.store(n_threads); }

int thread_budget() { return budget.load(); }

// Not at::set_num_threads: that would hold for threads the host starts later, too. OpenMP's
// number belongs to the calling thread; ATen, MKL and compiled packages follow it.
ThreadBudget::ThreadBudget() {
  if (!omp_get_max_threads || !omp_in_parallel || !omp_set_num_threads)
    return;
  const int set = budget.load(std::memory_order_relaxed);
  const bool is_alone = is_forked_child.load(std::memory_order_relaxed);
  const int wanted = is_alone || omp_in_parallel() ? 1 : set;
  if (wanted == 0)
    return;
  const int found = omp_get_max_threads();
  if (found == wanted)
    return;
  omp_set_num_threads(wanted);
  of_host_ = found;
}

ThreadBudget::~ThreadBudget() {
  if (of_host_ > 0)
    omp_set_num_threads(of_host_);
}

} // namespace isthmus
