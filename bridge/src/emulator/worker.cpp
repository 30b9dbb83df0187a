// SPDX-License-Identifier: MIT
#include "worker.hpp"

#include <utility>

#if defined(_OPENMP)
#include <omp.h>
#endif

#include "../fp_environment.hpp"

namespace isthmus {

Worker::~Worker() {
  if (!thread_.joinable())
    return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Worker::start(std::function<void()> job, int n_threads) {
  if (!thread_.joinable())
    thread_ = std::thread([this] { serve(); });
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    job_ = std::move(job);
    n_threads_ = n_threads;
    error_ = nullptr;
    is_done_ = false;
  }
  is_busy_ = true;
  changed_.notify_all();
}

void Worker::wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return is_done_; });
  is_busy_ = false;
  if (error_)
    std::rethrow_exception(std::exchange(error_, nullptr));
}

void Worker::serve() {
  const FpEnvironment masked; // a thread inherits the traps of the one that made it
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_ending_ || !is_done_; });
    if (is_done_)
      return;
    lock.unlock();
#if defined(_OPENMP)
    omp_set_num_threads(n_threads_); // of this thread's own parallel regions
#endif
    std::exception_ptr error;
    try {
      job_();
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    error_ = error;
    is_done_ = true;
    changed_.notify_all();
  }
}

} // namespace isthmus
