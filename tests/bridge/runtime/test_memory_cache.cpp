// SPDX-License-Identifier: MIT
// Blocks come back, are aligned and apart, are bounded by the limit, and survive threads.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include "runtime/memory_cache.hpp"

namespace {

using isthmus::MemoryCache;

int n_failures = 0;

void check(bool is_so, const char *what, int line) {
  if (!is_so) {
    ++n_failures;
    std::printf("line %d: not so: %s\n", line, what);
  }
}
#define CHECK(condition) check((condition), #condition, __LINE__)

constexpr std::size_t mib = std::size_t{1} << 20;

void classes_fit_and_waste_little() {
  for (std::size_t n = 1; n < std::size_t{1} << 40; n += n / 7 + 1) {
    CHECK(MemoryCache::class_size(n) >= n);
    CHECK(n < MemoryCache::smallest || MemoryCache::class_size(n) <= n + n / 4 + 1);
  }
}

void a_block_comes_back() {
  MemoryCache cache(64 * mib);
  void *first = cache.take(3 * mib);
  CHECK(reinterpret_cast<std::uintptr_t>(first) % MemoryCache::alignment == 0);
  std::memset(first, 1, 3 * mib);
  CHECK(cache.cached_bytes() == 0);
  cache.give(first);
  CHECK(cache.cached_bytes() == MemoryCache::class_size(3 * mib));
  void *again = cache.take(3 * mib - 5);
  CHECK(again == first);
  void *other = cache.take(3 * mib);
  CHECK(other != first);
  cache.give(again);
  cache.give(other);
  CHECK(cache.cached_bytes() == 2 * MemoryCache::class_size(3 * mib));
  cache.trim();
  CHECK(cache.cached_bytes() == 0);
}

void small_blocks_are_not_kept() {
  MemoryCache cache(64 * mib);
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}, MemoryCache::smallest - 1}) {
    void *block = cache.take(n);
    CHECK(reinterpret_cast<std::uintptr_t>(block) % MemoryCache::alignment == 0);
    cache.give(block);
  }
  cache.give(nullptr);
  CHECK(cache.cached_bytes() == 0);
}

void the_limit_holds() {
  MemoryCache cache(8 * mib);
  std::vector<void *> blocks;
  for (int i = 0; i < 20; ++i)
    blocks.push_back(cache.take(mib));
  for (void *block : blocks)
    cache.give(block);
  CHECK(cache.cached_bytes() == 8 * mib);
  void *large = cache.take(6 * mib); // a new size drives out the old one
  cache.give(large);
  CHECK(cache.cached_bytes() <= 8 * mib);
  CHECK(cache.take(6 * mib) == large);
  cache.give(large);
  cache.give(cache.take(100 * mib)); // larger than the limit: not kept
  CHECK(cache.cached_bytes() <= 8 * mib);
  cache.set_limit(mib);
  CHECK(cache.cached_bytes() <= mib);
}

void too_much_is_refused() {
  MemoryCache cache(8 * mib);
  cache.give(cache.take(2 * mib));
  bool is_refused = false;
  try {
    cache.give(cache.take(SIZE_MAX - 100));
  } catch (const std::bad_alloc &) {
    is_refused = true;
  }
  CHECK(is_refused);
  CHECK(cache.cached_bytes() == 0); // what was kept was tried first
}

/// Each thread marks its blocks and finds its marks again; blocks change hands.
void threads_do_not_meet() {
  MemoryCache cache(16 * mib);
  std::vector<std::thread> threads;
  std::vector<int> n_wrong(4, 0);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::size_t n = MemoryCache::smallest * static_cast<std::size_t>(1 + i % 5);
        auto *block = static_cast<unsigned char *>(cache.take(n));
        block[0] = block[n - 1] = static_cast<unsigned char>(t);
        std::this_thread::yield();
        n_wrong[static_cast<std::size_t>(t)] += block[0] != t || block[n - 1] != t;
        cache.give(block);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const int n : n_wrong)
    CHECK(n == 0);
  CHECK(cache.cached_bytes() <= 16 * mib);
}

} // namespace

int main() {
  classes_fit_and_waste_little();
  a_block_comes_back();
  small_blocks_are_not_kept();
  the_limit_holds();
  too_much_is_refused();
  threads_do_not_meet();
  std::printf("%d failures\n", n_failures);
  return n_failures == 0 ? 0 : 1;
}
