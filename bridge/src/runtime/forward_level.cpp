// SPDX-License-Identifier: MIT
#include "runtime/forward_level.hpp"

#include <torch/csrc/autograd/forward_grad.h>

#include <mutex>

namespace isthmus {
namespace {

using torch::autograd::ForwardADLevel;

std::mutex shares;
int n_shares = 0;
std::uint64_t shared_level = 0;

} // namespace

ForwardLevel::ForwardLevel() {
  const std::lock_guard<std::mutex> lock(shares);
  if (n_shares == 0) {
    try {
      shared_level = ForwardADLevel::get_next_idx();
    } catch (const c10::Error &) {
      return; // the host is within a level of its own
    }
  }
  ++n_shares;
  level_ = shared_level;
  is_open_ = true;
}

ForwardLevel::~ForwardLevel() {
  const std::lock_guard<std::mutex> lock(shares);
  if (is_open_ && --n_shares == 0)
    ForwardADLevel::release_idx(shared_level);
}

} // namespace isthmus
