// SPDX-License-Identifier: MIT
#include "runtime/torch_settings.hpp"

#include <mutex>

#include <ATen/Context.h>
#include <c10/core/CPUAllocator.h>

namespace isthmus {
namespace {

constexpr std::size_t standard_limit = std::size_t{1} << 30;
constexpr std::uint8_t priority = 1; // above the one that libtorch sets for its own

void give_back(void *block) { tensor_memory().give(block); }

class CachingAllocator final : public at::Allocator {
public:
  at::DataPtr allocate(std::size_t n_bytes) override {
    void *block = n_bytes == 0 ? nullptr : tensor_memory().take(n_bytes);
    return {block, block, &give_back, at::Device(at::DeviceType::CPU)};
  }
  at::DeleterFnPtr raw_deleter() const override { return &give_back; }
  void copy_data(void *to, const void *from, std::size_t n_bytes) const override {
    default_copy_data(to, from, n_bytes);
  }
};

} // namespace

MemoryCache &tensor_memory() {
  // Never destroyed: tensors of the host's static objects may outlive this library's.
  static MemoryCache *memory = new MemoryCache(standard_limit);
  return *memory;
}

void use_caching_allocator(bool is_wanted) {
  static std::mutex switching;
  static CachingAllocator *own = new CachingAllocator;
  static at::Allocator *before = nullptr; // what was there when ours was set
  const std::lock_guard<std::mutex> lock(switching);
  at::Allocator *current = c10::GetCPUAllocator();
  if (is_wanted == (current == own))
    return;
  if (is_wanted)
    before = current;
  c10::SetCPUAllocator(is_wanted ? own : before, priority);
  if (!is_wanted)
    tensor_memory().trim();
}

void use_deterministic_algorithms(bool is_wanted) {
  at::globalContext().setDeterministicAlgorithms(is_wanted, /*warn_only=*/false);
}

} // namespace isthmus
