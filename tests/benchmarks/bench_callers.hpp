// SPDX-License-Identifier: MIT
// The ways to evaluate one network that the benchmark compares, each ready to be called.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bench {

/// A call, and what it keeps alive.
using Call = std::function<void()>;

/// A network of one float32 input and one output, and arrays for them.
struct Problem {
  std::vector<std::int64_t> input_shape, output_shape;
  std::vector<float> x, y;
  std::string output; // its name in the file

  Problem(std::vector<std::int64_t> in, std::vector<std::int64_t> out, std::string name);
};

/// isthmus.h, arrays bound once.
Call bound(const std::string &file, Problem &problem);
/// The same with Isthmus' own loops; empty if the network is none for them.
Call by_loops(const std::string &file, Problem &problem);
/// isthmus.h, arrays bound before every run.
Call unbound(const std::string &file, Problem &problem);
/// libtorch in C++ as its tutorial has it: load, forward, copy the result out.
Call libtorch(const std::string &file, Problem &problem);
/// The interpreter alone: frozen graph, input made once, then a copy of the result.
Call interpreter(const std::string &file, Problem &problem);
/// The C interface of a compiled library alone, and a copy of the result.
Call compiled(const std::string &library, Problem &problem);
/// The same call in a thread whose operators do not pass through autograd.
Call past_autograd(const Call &call);

/// Seconds to load and free a file once: isthmus.h and libtorch's own loaders.
double seconds_to_load(const std::string &file);
double seconds_to_load_by_torch(const std::string &file);

} // namespace bench
