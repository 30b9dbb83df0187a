// SPDX-License-Identifier: MIT
#define ISTHMUS_SET baseline
#define ISTHMUS_BYTES 16
#include "loops_impl.hpp"
