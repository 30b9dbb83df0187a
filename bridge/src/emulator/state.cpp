// SPDX-License-Identifier: MIT
#include "state.hpp"

#include <cstring>

#include "../failure.hpp"

namespace isthmus {
namespace {

template <typename T>
StateArray array_of(const std::string &name, isthmus_dtype dtype,
                    const std::vector<T> &values, std::vector<std::int64_t> shape) {
  StateArray array{name, Field(dtype, std::move(shape), -1)};
  if (!values.empty())
    std::memcpy(array.field.bytes().data(), values.data(), array.field.bytes().size());
  return array;
}

template <typename T> std::vector<T> values_of(const StateArray &array) {
  std::vector<T> values(array.field.bytes().size() / sizeof(T));
  if (!values.empty())
    std::memcpy(values.data(), array.field.bytes().data(), array.field.bytes().size());
  return values;
}

/// One field of each lagged result, oldest first, zero where there is none.
template <typename Get>
StateArray stacked(const std::string &name, const Field &like, std::int64_t lag,
                   const std::deque<Result> &queue, Get &&get) {
  std::vector<std::int64_t> shape = like.shape();
  shape.insert(shape.begin(), lag);
  StateArray array{name, Field(like.dtype(), shape, -1)};
  unsigned char *to = array.field.bytes().data();
  for (const Result &result : queue) {
    if (result.is_ready && !like.bytes().empty())
      std::memcpy(to, get(result).bytes().data(), like.bytes().size());
    to += like.bytes().size();
  }
  return array;
}

template <typename Get>
void unstack(const StateArray &array, std::deque<Result> &queue, Get &&get) {
  const unsigned char *from = array.field.bytes().data();
  for (Result &result : queue) {
    std::vector<unsigned char> &bytes = get(result).bytes();
    if (!bytes.empty())
      std::memcpy(bytes.data(), from, bytes.size());
    from += bytes.size();
  }
}

const StateArray &find(const std::vector<StateArray> &arrays, const std::string &name) {
  return arrays[index_of(arrays, name)];
}

std::string memory_name(std::size_t member, const std::string &input) {
  return "memory." + std::to_string(member) + "." + input;
}

std::vector<std::string> variables_of(const MethodNames &names) {
  std::vector<std::string> variables = names.inputs;
  variables.insert(variables.end(), names.outputs.begin(), names.outputs.end());
  return variables;
}

} // namespace

std::size_t index_of(const std::vector<StateArray> &arrays, const std::string &name) {
  std::string known;
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    if (arrays[i].name == name)
      return i;
    known += (known.empty() ? "" : ", ") + in_quotes(arrays[i].name);
  }
  throw Failure(ISTHMUS_ERR_ARGUMENT,
                "no state array " + in_quotes(name) + ": there are " + known);
}

std::vector<StateArray> Emulator::state() {
  be_idle();
  prepare();
  std::vector<StateArray> arrays;
  arrays.push_back(array_of<std::int64_t>("step", ISTHMUS_INT64, {step_}, {}));
  arrays.push_back(array_of<std::int64_t>("seed", ISTHMUS_INT64, {settings_.seed}, {}));
  std::vector<std::int64_t> counters = {counters_.steps, counters_.samples,
                                        counters_.flagged};
  counters.insert(counters.end(), counters_.reasons.begin(), counters_.reasons.end());
  const auto n_counters = static_cast<std::int64_t>(counters.size());
  arrays.push_back(array_of("counters", ISTHMUS_INT64, counters, {n_counters}));
  std::vector<std::int64_t> tallies;
  for (const std::string &name : variables_of(names())) {
    const Tally &tally = tallies_[name];
    tallies.insert(tallies.end(), {tally.below, tally.above, tally.not_finite});
  }
  const auto n_tallies = static_cast<std::int64_t>(tallies.size()) / 3;
  arrays.push_back(array_of("tallies", ISTHMUS_INT64, tallies, {n_tallies, 3}));
  std::vector<double> differences;
  for (const std::string &name : names().outputs) {
    const Difference &own = record_.sums()[name];
    differences.insert(differences.end(),
                       {static_cast<double>(own.n), own.sum, own.squares, own.largest});
  }
  const auto n_outputs = static_cast<std::int64_t>(names().outputs.size());
  arrays.push_back(array_of("differences", ISTHMUS_FLOAT64, differences, {n_outputs, 4}));
  for (std::size_t m = 0; m < memory_.size(); ++m)
    for (const auto &[input, field] : memory_[m])
      arrays.push_back({memory_name(m, input), field});
  if (settings_.lag > 0)
    append_queue(arrays);
  return arrays;
}

void Emulator::append_queue(std::vector<StateArray> &arrays) {
  const std::int64_t lag = settings_.lag;
  // 0: empty, 1: a step without a result, 2: a result.
  std::vector<std::int32_t> kinds(static_cast<std::size_t>(lag), 0);
  std::vector<std::int32_t> flags(static_cast<std::size_t>(lag * n_samples_), 0);
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    kinds[i] = queue_[i].is_ready ? 2 : 1;
    std::copy(queue_[i].flags.begin(), queue_[i].flags.end(),
              flags.begin() + static_cast<std::int64_t>(i) * n_samples_);
  }
  arrays.push_back(array_of("lag.kinds", ISTHMUS_INT32, kinds, {lag}));
  arrays.push_back(array_of("lag.flags", ISTHMUS_INT32, flags, {lag, n_samples_}));
  for (std::size_t i = 0; i < names().outputs.size(); ++i)
    arrays.push_back(
        stacked("lag." + names().outputs[i], current_.outputs[i], lag, queue_,
                [i](const Result &r) -> const Field & { return r.outputs[i]; }));
  for (const auto &[name, field] : current_.spreads)
    arrays.push_back(stacked(
        "lag.spread." + name, field, lag, queue_,
        [&name = name](const Result &r) -> const Field & { return r.spreads.at(name); }));
}

void Emulator::restore(const std::vector<StateArray> &arrays) {
  be_idle();
  prepare();
  step_ = values_of<std::int64_t>(find(arrays, "step"))[0];
  settings_.seed = values_of<std::int64_t>(find(arrays, "seed"))[0];
  const auto counters = values_of<std::int64_t>(find(arrays, "counters"));
  counters_.steps = counters[0];
  counters_.samples = counters[1];
  counters_.flagged = counters[2];
  std::copy(counters.begin() + 3, counters.end(), counters_.reasons.begin());
  const auto tallies = values_of<std::int64_t>(find(arrays, "tallies"));
  const auto variables = variables_of(names());
  for (std::size_t i = 0; i < variables.size(); ++i)
    tallies_[variables[i]] = {tallies[3 * i], tallies[3 * i + 1], tallies[3 * i + 2]};
  const auto differences = values_of<double>(find(arrays, "differences"));
  for (std::size_t i = 0; i < names().outputs.size(); ++i)
    record_.sums()[names().outputs[i]] = {static_cast<std::int64_t>(differences[4 * i]),
                                          differences[4 * i + 1], differences[4 * i + 2],
                                          differences[4 * i + 3]};
  for (std::size_t m = 0; m < memory_.size(); ++m)
    for (auto &[input, field] : memory_[m])
      // In place: the networks are bound to these bytes.
      std::copy(find(arrays, memory_name(m, input)).field.bytes().begin(),
                find(arrays, memory_name(m, input)).field.bytes().end(),
                field.bytes().begin());
  if (settings_.lag > 0)
    restore_queue(arrays);
}

void Emulator::restore_queue(const std::vector<StateArray> &arrays) {
  const auto kinds = values_of<std::int32_t>(find(arrays, "lag.kinds"));
  const auto flags = values_of<std::int32_t>(find(arrays, "lag.flags"));
  queue_.clear();
  for (std::size_t i = 0; i < kinds.size() && kinds[i] != 0; ++i) {
    queue_.push_back(current_);
    queue_.back().is_ready = kinds[i] == 2;
    const auto begin = flags.begin() + static_cast<std::int64_t>(i) * n_samples_;
    queue_.back().flags.assign(begin, begin + n_samples_);
  }
  for (std::size_t i = 0; i < names().outputs.size(); ++i)
    unstack(find(arrays, "lag." + names().outputs[i]), queue_,
            [i](Result &r) -> Field & { return r.outputs[i]; });
  for (const auto &[name, field] : current_.spreads)
    unstack(find(arrays, "lag.spread." + name), queue_,
            [&name = name](Result &r) -> Field & { return r.spreads.at(name); });
}

} // namespace isthmus
