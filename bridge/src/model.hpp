// SPDX-License-Identifier: MIT
// A loaded network with the names of its inputs and outputs and the arrays bound to them.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "contract.hpp"
#include "cost/cost.hpp"
#include "engine.hpp"
#include "staging/stage.hpp"
#include "tuning.hpp"

namespace isthmus {

class Model {
public:
  using Bindings = std::map<std::string, Array>;
  struct Bound {
    Bindings inputs, outputs;
  };

  /// @param path  a file, or what `x.pt` and `x.pt2` have in common: see chosen_file()
  /// @throws Failure (file, device, contract)
  Model(const std::string &path, const std::string &device);

  const char *contract() const { return contract_ ? contract_->text.c_str() : ""; }
  double dt() const { return contract_ ? contract_->dt : 0.0; }
  const char *engine() const { return engine_->name(); }
  /// Where the network is: "cpu", "cuda:0", ...
  const char *device() const { return device_.c_str(); }
  /// Methods of the network and their names.
  const Methods &methods() const { return engine_->methods(); }
  /// @throws Failure (argument) if the file has no such method
  const MethodNames &names(const std::string &method) const;

  /// What became of the choice of `isthmus tune`; "" if there is none.
  const char *tuning() const { return tuning_note_.c_str(); }
  /// Evaluate "forward" by own loops for up to that many samples.
  /// @throws Failure (argument, runtime)
  void use_loops(std::int64_t n_samples);
  /// Queue all work on a stream of the host program.
  /// @throws Failure (device)
  void use_stream(void *stream);
  /// @throws Failure (argument, shape, device)
  void bind(Role role, const std::string &name, const isthmus_array *array,
            const isthmus_binding *binding = nullptr);
  /// Cut the separable dimension from the next run on.
  void set_pieces(Pieces pieces);
  const Pieces &pieces() const { return pieces_; }
  /// Replace all bindings and return them: for a run on other arrays in between.
  Bound exchange(Bound bound);
  /// @throws Failure (argument, shape, runtime)
  void run(const char *method);
  void run(Verb verb);
  const CostLog &cost() const { return cost_; }

private:
  Model(const ChosenFile &file, const std::string &device);
  void apply_tuning(const std::string &path);
  void add_note(const std::string &note);
  /// Two threads in one model would compute each other's numbers: the second is refused.
  class Turn {
  public:
    /// @throws Failure (argument) if another thread is at it
    explicit Turn(std::atomic_flag &is_taken);
    ~Turn() { is_taken_.clear(std::memory_order_release); }
    Turn(const Turn &) = delete;
    Turn &operator=(const Turn &) = delete;

  private:
    std::atomic_flag &is_taken_;
  };

  struct State {
    unsigned long prepared_for = 0; // value of changes_ at that time
    bool has_nothing_to_do = false;
    std::unique_ptr<Stage> stage; // null: the engine takes the arrays as they are
  };

  void prepare(Verb verb);
  void evaluate(Verb verb);
  void run_in_pieces(Verb verb, Stage &stage, bool is_timed);
  const Array *input_of(Verb verb, const std::string &name) const;
  bool may_be_unbound(Verb verb, const std::string &name) const;
  void check_derivative(const std::string &name, const Array &array) const;

  std::optional<Contract> contract_;
  std::unique_ptr<Engine> engine_;
  std::string device_; // the engine's
  std::map<std::string, Normalization> normalizations_;
  Pieces pieces_;
  Pieces tuned_; // of "forward", until the host sets its own
  bool has_own_pieces_ = false;
  CostLog cost_;
  Bindings inputs_, outputs_;
  unsigned long changes_ = 1;
  std::string tuning_note_;
  std::vector<std::string> order_; // methods by number
  std::vector<State> states_;      // likewise
  std::atomic_flag is_taken_ = ATOMIC_FLAG_INIT;
};

} // namespace isthmus
