// SPDX-License-Identifier: MIT
// What evaluates a network. Two engines stand behind this face; neither knows names or
// bindings, which are the Model's affair.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "archive.hpp"
#include "array.hpp"
#include "contract.hpp"

namespace isthmus {

enum class Verb { forward, jvp, vjp };
constexpr std::size_t n_verbs = 3;
constexpr std::array<const char *, n_verbs> verb_names = {"forward", "jvp", "vjp"};

/// The arrays of one method in the order of its names; null where none is bound.
struct Call {
  std::vector<const Array *> inputs, outputs;
};

class Engine {
public:
  virtual ~Engine() = default;
  virtual const char *name() const = 0;
  /// What can be evaluated, and the names its inputs and outputs go by.
  virtual const Methods &methods() const = 0;
  /// Take the arrays of a method; they stay where they are until the next prepare().
  virtual void prepare(Verb verb, const Call &call) = 0;
  /// Evaluate a method on the arrays taken; unbound outputs are dropped.
  virtual void run(Verb verb) = 0;
};

/// @throws Failure (file, device, contract)
std::unique_ptr<Engine> make_torchscript(const Archive &archive, const std::string &device,
                                         const Contract *contract);
std::unique_ptr<Engine> make_inductor(const Archive &archive, const std::string &device,
                                      const Contract *contract);

/// Version of the libtorch this library was built with.
const char *torch_version();

} // namespace isthmus
