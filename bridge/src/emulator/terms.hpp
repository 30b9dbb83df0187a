// SPDX-License-Identifier: MIT
// What a contract says about a network in a time loop: which dimension counts samples, what
// is remembered from step to step, what the guard knows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../model.hpp"
#include "guard.hpp"

namespace isthmus {

struct Terms {
  std::string version;
  double dt = 0.0;                           // 0: none
  std::map<std::string, int> axis;           // of the samples; -1 or absent: none
  std::map<std::string, std::string> memory; // input <- output of the call before
  std::map<std::string, isthmus_dtype> dtypes;
  /// Extents of each variable, -1 and a symbol for those that vary.
  std::map<std::string, std::vector<Extent>> shapes;
  std::string guard;     // JSON text, "" if there is none
  std::string signature; // what two networks must have in common to stand for each other

  int axis_of(const std::string &name) const;
};

/// @throws Failure (contract)
Terms terms_of(const Model &model);

} // namespace isthmus
