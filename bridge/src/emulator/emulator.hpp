// SPDX-License-Identifier: MIT
// Networks in a host's time loop (isthmus/emulator.h tells what each call does). A step is
// evaluate(), perhaps on the worker's thread, which writes to memory of the emulator's own
// alone, and then finish() on the host's thread, which changes what the host sees.
#pragma once

#include <array>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ensemble.hpp"
#include "guard.hpp"
#include "modes.hpp"
#include "worker.hpp"

namespace isthmus {

/// What an evaluation leaves.
struct Result {
  bool is_ready = false;
  std::vector<Field> outputs; // in the order of their names
  std::map<std::string, Field> spreads;
  Flags flags;
};

struct Counters {
  std::int64_t steps = 0, samples = 0, flagged = 0;
  std::array<std::int64_t, reason_names.size()> reasons{};
};

struct EmulatorSettings {
  isthmus_mode mode = ISTHMUS_MODE_EMULATOR;
  isthmus_policy policy = ISTHMUS_POLICY_FALLBACK;
  isthmus_answer answer = ISTHMUS_ANSWER_MEAN;
  Ramp ramp;
  std::int64_t seed = -1;
  std::int64_t lag = 0;
  bool shares_inputs = false;
  int n_threads = 1;
};

/// An array of the state, by name.
struct StateArray {
  std::string name;
  Field field;
};

class Emulator {
public:
  Emulator(const std::vector<std::string> &paths, const std::string &device);
  ~Emulator();

  // binding.cpp
  void bind_input(const std::string &name, const isthmus_array *array);
  void bind_output(const std::string &name, const isthmus_array *array);
  void bind_fallback(const std::string &output, const isthmus_array *array);
  void bind_spread(const std::string &output, const isthmus_array *array);
  void bind_flags(const isthmus_array *array);
  void bind_alpha(const isthmus_array *array);

  // emulator.cpp
  void run();
  void submit();
  void wait();

  // settings.cpp
  void set_mode(isthmus_mode mode);
  void set_blend(double alpha, std::int64_t start, std::int64_t n_steps);
  void set_record(const std::string &path);
  void set_policy(isthmus_policy policy);
  void set_guard(const std::string &json);
  void set_limits(const std::string &name, double low, double high);
  void set_spread_limit(const std::string &output, double limit);
  void set_answer(isthmus_answer answer);
  void set_seed(std::int64_t seed);
  void set_lag(std::int64_t n_steps);
  void share_inputs(bool is_promised);
  void set_threads(int n_threads);
  void swap_at(std::int64_t step, const std::vector<std::string> &paths,
               bool in_background);

  const Ensemble &ensemble() const { return ensemble_; }
  std::int64_t step() const { return step_; }
  std::int64_t n_flagged() const { return n_flagged_; }
  const Difference &difference(const std::string &output) const;

  // report.cpp
  const std::string &report(const std::string &format);

  // state.cpp
  std::vector<StateArray> state();
  void restore(const std::vector<StateArray> &arrays);

private:
  using Arrays = std::map<std::string, Array>;
  struct Swap {
    std::int64_t step = 0;
    std::future<Ensemble> ensemble;
  };

  const MethodNames &names() const { return ensemble_.member(0).names("forward"); }
  bool is_memory(const std::string &input) const {
    return ensemble_.terms().memory.count(input) != 0;
  }

  // binding.cpp: from what is bound to what a step needs
  Array checked(Role role, const std::string &name, const isthmus_array *array) const;
  void check_output_name(const std::string &name) const;
  void prepare();
  void collect_symbols(std::map<std::string, std::int64_t> &extents) const;
  std::vector<std::int64_t> shape_of(const std::string &name) const;
  isthmus_dtype dtype_of(const std::string &name) const;
  void allocate();
  void allocate_memory();
  void view_inputs();
  void view_outputs();
  void check_fallbacks() const;
  void bind_members();

  // settings.cpp
  void be_idle();
  void swap_if_due();
  void derive_guard();

  // state.cpp
  void append_queue(std::vector<StateArray> &arrays);
  void restore_queue(const std::vector<StateArray> &arrays);

  // emulator.cpp
  void begin_step();
  void check_ready() const;
  void copy_inputs();
  void start();
  void settle();
  void finish(const Result &result);
  void run_lagged();
  Result unready() const;

  // evaluate.cpp
  void evaluate(std::int64_t step);
  void run_members(std::int64_t step);
  void combine(std::int64_t step);
  bool runs_all_members() const;
  void refuse_flagged() const;
  void remember();

  // delivery.cpp
  void deliver(const Result &result);
  void record(const Result &result);
  std::vector<double> weights_of(const Result &result) const;
  void write_flags(const Flags &flags);
  void count(const Flags &flags);

  std::string device_;
  Ensemble ensemble_;
  EmulatorSettings settings_;
  Guard guard_;
  std::optional<std::string> own_guard_; // set by the host, in place of the contract's
  std::map<std::string, Limits> own_limits_;
  std::map<std::string, double> own_spread_;
  std::optional<Swap> swap_;

  Arrays inputs_, outputs_, fallbacks_, spreads_; // of the host
  std::optional<Array> flags_, alpha_;

  bool is_prepared_ = false;
  bool copies_inputs_ = false;
  std::int64_t n_samples_ = 0;
  std::map<std::string, Field> input_copies_;
  Views input_views_;                                // what the guard reads
  std::vector<std::map<std::string, Field>> memory_; // of each member, by input
  std::vector<std::vector<Field>> member_outputs_;   // of several members
  Result current_;
  Tallies evaluated_;                                  // of the evaluation under way
  Views result_views_, spread_views_;                  // into current_
  std::vector<Samples> output_views_, fallback_views_; // of the host; empty if unbound

  std::int64_t step_ = 0;
  std::int64_t n_flagged_ = 0;
  bool is_submitted_ = false;
  std::deque<Result> queue_; // of lagged steps, the oldest first
  Counters counters_;
  Tallies tallies_;
  Record record_;
  std::string report_;
  Worker worker_; // last: it is joined before anything else goes
};

} // namespace isthmus
