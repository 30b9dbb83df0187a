// SPDX-License-Identifier: MIT
// SHA-256 (FIPS 180-4): guards model files against damage and mix-ups.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace isthmus {

/// A running sum: update() as often as needed, then hexadecimal() once.
class Sha256 {
public:
  /// @param may_use_instructions  take the processor's own for SHA, if it has them
  explicit Sha256(bool may_use_instructions = true);
  void update(const void *data, std::size_t n_bytes);
  /// 64 lower-case hexadecimal digits.
  std::string hexadecimal();

private:
  void absorb(const unsigned char *block);
  void absorb_portably(const unsigned char *block);

  bool uses_instructions_;
  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<unsigned char, 64> buffer_{};
  std::size_t n_buffered_ = 0;
  std::uint64_t n_bytes_ = 0;
};

/// The sum of one piece of memory.
std::string sha256(const void *data, std::size_t n_bytes);

} // namespace isthmus
