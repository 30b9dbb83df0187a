// SPDX-License-Identifier: MIT
// What stands behind the opaque pointer of emulator.h.
#pragma once

#include <string>
#include <vector>

#include "emulator.hpp"

struct isthmus_emulator {
  isthmus_emulator(const std::vector<std::string> &paths, const std::string &device)
      : body(paths, device) {}
  isthmus::Emulator body;
  std::vector<isthmus::StateArray> described; // names that state calls hand out
};
