// SPDX-License-Identifier: MIT
// What evaluates a network. Two engines stand behind this face; neither knows names or
// bindings, which are the Model's affair.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "archive.hpp"
#include "array.hpp"
#include "contract.hpp"
#include "failure.hpp"

namespace isthmus {

/// A method by its number: the three that every caller knows, then the others of the file
/// in the order of method_order().
enum class Verb : std::size_t { forward, jvp, vjp };
constexpr std::size_t n_verbs = 3;
constexpr std::array<const char *, n_verbs> verb_names = {"forward", "jvp", "vjp"};

/// Names of all methods by their numbers; "jvp" and "vjp" have theirs also where absent.
inline std::vector<std::string> method_order(const Methods &methods) {
  std::vector<std::string> order(verb_names.begin(), verb_names.end());
  for (const auto &[name, names] : methods)
    if (std::find(order.begin(), order.end(), name) == order.end())
      order.push_back(name);
  return order;
}

/// The arrays of one method in the order of its names; null where none is bound.
struct Call {
  std::vector<const Array *> inputs, outputs;
};

class Engine {
public:
  virtual ~Engine() = default;
  virtual const char *name() const = 0;
  /// Where the network is: "cpu", "cuda:0", ...
  virtual std::string device() const = 0;
  /// Queue all work on a stream of the host program; null is the device's default.
  /// @throws Failure (device) if the device has no streams
  virtual void use_stream(void *stream) = 0;
  /// What can be evaluated, and the names its inputs and outputs go by.
  virtual const Methods &methods() const = 0;
  /// Why a method that the file has cannot be called; "" if it has none of that name.
  virtual std::string why_not(const std::string & /*method*/) const { return ""; }
  /// Evaluate "forward" by own loops instead, for up to that many samples; 0 for none.
  /// Holds from the next prepare() on.
  /// @throws Failure (argument) if the network is none they can evaluate
  virtual void use_loops(std::int64_t n_samples) {
    if (n_samples > 0)
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    std::string("the engine ") + name() + " has no own loops");
  }
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
