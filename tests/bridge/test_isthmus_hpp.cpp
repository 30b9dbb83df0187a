// SPDX-License-Identifier: MIT
// The header is C++ too, and its functions have C linkage.
#include "isthmus.h"

#include <cstring>

int main() {
  return std::strcmp(isthmus_status_name(ISTHMUS_OK), "ISTHMUS_OK") == 0 ? 0 : 1;
}
