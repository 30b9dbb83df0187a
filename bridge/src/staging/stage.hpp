// SPDX-License-Identifier: MIT
// Between the caller's arrays and the engine, where the engine cannot have them as they
// are: converted, normalized, or cut into pieces of the separable dimension.
#pragma once

#include <memory>
#include <vector>

#include "../engine.hpp"
#include "normalization.hpp"
#include "transfer.hpp"

namespace isthmus {

/// How the separable dimension is cut; 0 and 0: not at all.
struct Pieces {
  std::int64_t tile = 0;  // always this many samples, the last ones repeated if need be
  std::int64_t chunk = 0; // at most this many
  bool is_wanted() const { return tile > 0 || chunk > 0; }
};

/// What a stage must know of a method.
struct StagePlan {
  Verb verb;
  const MethodNames &names;
  const Contract *contract;
  const std::map<std::string, Normalization> &normalizations;
  Pieces pieces;
};

class Stage {
public:
  /// `call` holds the caller's arrays. Null if the engine can take them as they are.
  /// @throws Failure (argument, shape) for what cannot be staged
  static std::unique_ptr<Stage> make(const StagePlan &plan, const Call &call);

  /// What the engine is to be prepared for: buffers, and the caller's arrays elsewhere.
  const Call &engine_call() const { return engine_call_; }
  std::int64_t n_pieces() const { return n_pieces_; }
  /// Fill the buffers of the inputs with a piece.
  /// @throws Failure (runtime) if a value does not fit the network's type
  void pack(std::int64_t piece);
  /// Write a piece of the results to the caller's arrays.
  void unpack(std::int64_t piece);

private:
  struct Buffer {
    std::string name;
    Array host;    // the caller's, all samples
    Array network; // ours, one piece
    std::vector<unsigned char> bytes;
    int axis = -1; // the separable dimension, if it is cut
    Factors factors;
    std::vector<double> mean, sd; // behind `factors`
  };

  explicit Stage(const StagePlan &plan) : plan_(plan) {}
  void cut(const Call &call);
  bool needs_buffer(const std::string &name, const Array &array) const;
  const Array *staged(const std::string &name, const Array *array, bool is_output);
  void set_factors(Buffer &buffer, bool is_output) const;
  int axis_of(const std::string &name) const;
  void check_overlaps() const;
  std::pair<Array, Array> piece_of(const Buffer &buffer, std::int64_t piece) const;

  const StagePlan plan_; // what it refers to is the Model's, and outlives this
  std::int64_t n_samples_ = 0, piece_ = 0, n_pieces_ = 1;
  std::vector<std::unique_ptr<Buffer>> inputs_, outputs_;
  Call engine_call_;
};

} // namespace isthmus
