// SPDX-License-Identifier: MIT
// One thread that does one job at a time, beside the host's.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace isthmus {

class Worker {
public:
  ~Worker();
  /// Begin a job; the one before must have been waited for.
  /// @param n_threads  of OpenMP, for libtorch within this thread
  void start(std::function<void()> job, int n_threads);
  /// Until the job is done. Rethrows what it threw.
  void wait();
  /// Between start() and wait().
  bool is_busy() const { return is_busy_; }

private:
  void serve();

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> job_;
  std::exception_ptr error_;
  int n_threads_ = 1;
  bool is_busy_ = false; // of the host's thread alone
  bool is_done_ = true;
  bool is_ending_ = false;
};

} // namespace isthmus
