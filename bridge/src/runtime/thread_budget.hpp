// SPDX-License-Identifier: MIT
// The number of threads inside a call; the host's own number is put back.
#pragma once

namespace isthmus {

/// For all calls from now on; 0 leaves the number to the host.
void set_thread_budget(int n_threads);
int thread_budget();

/// While it lives, parallel regions of this thread have the number of threads set. In a
/// parallel region of the host they have one: it has spread its work already. So they have
/// in a forked child, which has no workers.
class ThreadBudget {
public:
  ThreadBudget();
  ~ThreadBudget();
  ThreadBudget(const ThreadBudget &) = delete;
  ThreadBudget &operator=(const ThreadBudget &) = delete;

private:
  int of_host_ = 0; // to put back; 0 for nothing
};

} // namespace isthmus
