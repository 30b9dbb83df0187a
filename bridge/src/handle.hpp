// SPDX-License-Identifier: MIT
// What stands behind the opaque pointer of model.h, for the files that implement it.
#pragma once

#include "model.hpp"

struct isthmus_model {
  isthmus::Model body;
};
