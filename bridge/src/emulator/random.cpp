// SPDX-License-Identifier: MIT
#include "random.hpp"

#include <mutex>

#include <ATen/CPUGeneratorImpl.h>

namespace isthmus {
namespace {

/// The finalizer of SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195).
std::uint64_t finalized(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

constexpr std::uint64_t golden = 0x9E3779B97F4A7C15ULL; // 2^64 over the golden ratio

} // namespace

std::uint64_t mixed(std::int64_t seed, std::int64_t step, std::int64_t stream) {
  std::uint64_t z = finalized(static_cast<std::uint64_t>(seed) + golden);
  z = finalized(z + golden * (static_cast<std::uint64_t>(step) + 1));
  return finalized(z + golden * (static_cast<std::uint64_t>(stream) + 1));
}

struct SeededTorch::Before {
  at::Generator generator;
  c10::intrusive_ptr<c10::TensorImpl> state;
};

SeededTorch::SeededTorch(std::uint64_t seed)
    : before_(new Before{at::detail::getDefaultCPUGenerator(), {}}) {
  const std::lock_guard<std::mutex> lock(before_->generator.mutex());
  before_->state = before_->generator.unsafeGetGeneratorImpl()->get_state();
  before_->generator.set_current_seed(seed);
}

SeededTorch::~SeededTorch() {
  const std::lock_guard<std::mutex> lock(before_->generator.mutex());
  before_->generator.unsafeGetGeneratorImpl()->set_state(*before_->state);
}

} // namespace isthmus
