// SPDX-License-Identifier: MIT
#define ISTHMUS_SET avx512
#define ISTHMUS_BYTES 64
#include "loops_impl.hpp"
