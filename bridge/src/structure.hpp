// SPDX-License-Identifier: MIT
// Names of the tensors in nested arguments and results of a method: paths of dictionary
// keys, fields and positions, depth first, left to right.
#pragma once

#include <string>
#include <vector>

namespace isthmus {

/// "input_0", "input_1", ...
std::vector<std::string> numbered(const std::string &stem, std::size_t n);

/// One step of a path: at the top a bare position is "output_2", below it is "2".
std::string path_below(const std::string &path, const std::string &step);

/// Names for a compiled model, from the structure torch.export wrote about its results. A
/// structure that cannot be read gives numbers.
std::vector<std::string> output_names(const std::string &structure, std::size_t n);

} // namespace isthmus
