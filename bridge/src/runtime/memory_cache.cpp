// SPDX-License-Identifier: MIT
#include "runtime/memory_cache.hpp"

#include <cstdlib>
#include <limits>
#include <new>

namespace isthmus {
namespace {

constexpr std::size_t uncached = std::numeric_limits<std::size_t>::max();

/// Stands before each block; as long as the alignment, so that the block is aligned too.
struct alignas(MemoryCache::alignment) Header {
  std::size_t size_class;
};

Header *header_of(void *block) { return static_cast<Header *>(block) - 1; }

/// A fresh block, null if the system has none.
void *fresh(std::size_t n_bytes, std::size_t size_class) noexcept {
  if (n_bytes > std::numeric_limits<std::size_t>::max() - 2 * sizeof(Header))
    return nullptr;
  void *memory = nullptr;
  if (posix_memalign(&memory, alignof(Header), n_bytes + sizeof(Header)) != 0)
    return nullptr;
  return new (memory) Header{size_class} + 1;
}

} // namespace

/// Class `steps * p + q` holds blocks of (steps + q) / steps * smallest * 2^p bytes.
std::size_t MemoryCache::size_of_class(std::size_t index) {
  return (smallest / steps) * (steps + index % steps) << (index / steps);
}

std::size_t MemoryCache::class_of(std::size_t n_bytes) {
  if (n_bytes < smallest || n_bytes > size_of_class(n_classes - 1))
    return uncached;
  std::size_t power = 0;
  while (size_of_class(steps * (power + 1)) <= n_bytes && power + 1 < n_classes / steps)
    ++power;
  std::size_t index = steps * power;
  while (size_of_class(index) < n_bytes)
    ++index;
  return index;
}

std::size_t MemoryCache::class_size(std::size_t n_bytes) {
  const std::size_t index = class_of(n_bytes);
  return index == uncached ? n_bytes : size_of_class(index);
}

void *MemoryCache::take(std::size_t n_bytes) {
  const std::size_t index = class_of(n_bytes);
  if (index != uncached) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Class &own = classes_[index];
    own.last_use = ++clock_;
    if (!own.blocks.empty()) {
      void *block = own.blocks.back();
      own.blocks.pop_back();
      cached_ -= size_of_class(index);
      return block;
    }
    // Now, where it may fail: give() must not.
    own.blocks.reserve(own.blocks.capacity() + 1);
  }
  const std::size_t size = index == uncached ? n_bytes : size_of_class(index);
  void *block = fresh(size, index);
  if (!block) {
    trim();
    block = fresh(size, index);
  }
  if (!block)
    throw std::bad_alloc();
  return block;
}

void MemoryCache::give(void *block) noexcept {
  if (!block)
    return;
  const std::size_t index = header_of(block)->size_class;
  if (index != uncached) {
    const std::lock_guard<std::mutex> lock(mutex_);
    Class &own = classes_[index];
    const std::size_t size = size_of_class(index);
    own.last_use = ++clock_;
    if (size <= limit_ && own.blocks.size() < own.blocks.capacity()) {
      shrink_to(limit_ - size, index);
      if (cached_ <= limit_ - size) {
        own.blocks.push_back(block);
        cached_ += size;
        return;
      }
    }
  }
  std::free(header_of(block));
}

/// Free blocks until at most `limit` bytes are kept, of the class longest unused first.
void MemoryCache::shrink_to(std::size_t limit, std::size_t spared) noexcept {
  while (cached_ > limit) {
    std::size_t oldest = n_classes;
    for (std::size_t i = 0; i < n_classes; ++i)
      if (i != spared && !classes_[i].blocks.empty() &&
          (oldest == n_classes || classes_[i].last_use < classes_[oldest].last_use))
        oldest = i;
    if (oldest == n_classes)
      return;
    std::free(header_of(classes_[oldest].blocks.back()));
    classes_[oldest].blocks.pop_back();
    cached_ -= size_of_class(oldest);
  }
}

void MemoryCache::trim() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  shrink_to(0, n_classes);
}

void MemoryCache::set_limit(std::size_t limit) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  limit_ = limit;
  shrink_to(limit, n_classes);
}

std::size_t MemoryCache::cached_bytes() const noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  return cached_;
}

} // namespace isthmus
