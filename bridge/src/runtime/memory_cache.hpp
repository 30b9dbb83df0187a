// SPDX-License-Identifier: MIT
// Large blocks of memory kept for their next use, by size class. Knows no libtorch.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace isthmus {

/// The system hands out fresh pages for every large block and takes them back when it is
/// freed; touching them for the first time can cost more than the network's arithmetic.
/// Safe to use from several threads.
class MemoryCache {
public:
  /// Smaller blocks go to malloc, which keeps them itself.
  static constexpr std::size_t smallest = std::size_t{1} << 15;
  static constexpr std::size_t alignment = 64;

  explicit MemoryCache(std::size_t limit) : limit_(limit) {}
  ~MemoryCache() { trim(); }
  MemoryCache(const MemoryCache &) = delete;
  MemoryCache &operator=(const MemoryCache &) = delete;

  /// A block of at least `n_bytes`, aligned.
  /// @throws std::bad_alloc, after what is kept was given to the system and did not help
  void *take(std::size_t n_bytes);
  /// Give a block back, from any thread.
  void give(void *block) noexcept;
  /// Return all that is kept to the system.
  void trim() noexcept;
  /// Keep no more than this many bytes.
  void set_limit(std::size_t limit) noexcept;
  /// Bytes kept for their next use.
  std::size_t cached_bytes() const noexcept;

  /// The size of the blocks that serve a request: at most a quarter more than asked for.
  static std::size_t class_size(std::size_t n_bytes);

private:
  static constexpr std::size_t steps = 4; // classes from one power of two to the next
  static constexpr std::size_t n_classes = steps * (48 - 15);
  struct Class {
    std::vector<void *> blocks;
    std::uint64_t last_use = 0;
  };

  static std::size_t class_of(std::size_t n_bytes);
  static std::size_t size_of_class(std::size_t index);
  void shrink_to(std::size_t limit, std::size_t spared) noexcept;

  mutable std::mutex mutex_;
  std::array<Class, n_classes> classes_;
  std::size_t cached_ = 0;
  std::size_t limit_;
  std::uint64_t clock_ = 0;
};

} // namespace isthmus
