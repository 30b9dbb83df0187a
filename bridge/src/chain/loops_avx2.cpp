// SPDX-License-Identifier: MIT
#define ISTHMUS_SET avx2
#define ISTHMUS_BYTES 32
#include "loops_impl.hpp"
