// SPDX-License-Identifier: MIT
// Hosts built with -ffpe-trap=invalid,... must survive kernels that overflow on purpose.
#pragma once

#include <cfenv>

namespace isthmus {

/// Masks floating-point traps while it lives, then restores traps, flags and rounding.
class FpEnvironment {
public:
  FpEnvironment() { std::feholdexcept(&saved_); }
  ~FpEnvironment() { std::fesetenv(&saved_); }
  FpEnvironment(const FpEnvironment &) = delete;
  FpEnvironment &operator=(const FpEnvironment &) = delete;

private:
  std::fenv_t saved_;
};

} // namespace isthmus
