// SPDX-License-Identifier: MIT
// Hosts built with -ffpe-trap=invalid,... must survive kernels that overflow on purpose.
#pragma once

#include <cfenv>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace isthmus {

/// Masks floating-point traps while it lives, then restores traps, flags and rounding.
class FpEnvironment {
public:
  FpEnvironment() : is_quick_(begin_quickly()) {
    if (!is_quick_)
      begin();
  }
  ~FpEnvironment() {
    if (is_quick_)
      end_quickly();
    else
      end();
  }
  FpEnvironment(const FpEnvironment &) = delete;
  FpEnvironment &operator=(const FpEnvironment &) = delete;

private:
  void begin();
  void end();
  bool begin_quickly();
  void end_quickly();

  unsigned sse_ = 0;
  bool is_quick_;
  std::fenv_t saved_;
  std::vector<std::fenv_t> of_workers_;
};

#if defined(__x86_64__)

// feholdexcept and fesetenv take a tenth of a microsecond, nearly all of it for the x87
// unit. A host that traps nothing needs the state of SSE kept, and the x87 flags cleared.
inline bool FpEnvironment::begin_quickly() {
  constexpr unsigned flags = 0x3F, masks = 0x1F80;
  unsigned short control = 0, status = 0;
  sse_ = _mm_getcsr();
  __asm__ volatile("fnstcw %0" : "=m"(control));
  __asm__ volatile("fnstsw %0" : "=m"(status));
  if ((control & flags) != flags || (sse_ & masks) != masks || (status & flags) != 0)
    return false;
  _mm_setcsr(sse_ & ~flags);
  return true;
}

inline void FpEnvironment::end_quickly() {
  unsigned short status = 0;
  __asm__ volatile("fnstsw %0" : "=m"(status));
  if (status & 0x3F)
    __asm__ volatile("fnclex");
  _mm_setcsr(sse_);
}

#else

inline bool FpEnvironment::begin_quickly() { return false; }
inline void FpEnvironment::end_quickly() {}

#endif

} // namespace isthmus
