// SPDX-License-Identifier: MIT
// What `isthmus tune` found best on a machine, kept beside the model file.
#pragma once

#include <cstdint>
#include <string>

namespace isthmus {

struct Tuning {
  std::int64_t n_samples_by_loops = 0; // see isthmus_model_use_loops
  std::int64_t chunk = 0;              // of "forward", where the host sets no pieces
  bool is_caching = false;             // of tensors' memory, in the whole process
  std::string note; // "" if there is no such file; else what became of it
  bool is_valid = false;
};

/// Read `path`.tune.json, unless ISTHMUS_TUNE=0. A choice made for another file, processor
/// or torch is not taken, and the note says why.
Tuning tuning_of(const std::string &path);

/// The file that a path stands for.
struct ChosenFile {
  std::string path;
  std::string note; // why this one of two, "" if there was no choice
};

/// A path without `.pt` or `.pt2` stands for the network in both: `isthmus tune` has chosen
/// the engine, and the `.pt`, which runs on any machine, is taken where it has not.
ChosenFile chosen_file(const std::string &path);

} // namespace isthmus
