// SPDX-License-Identifier: MIT
// From the host's arrays to what a step needs: memory of the emulator's own, views by
// sample, and networks bound to both.
#include <algorithm>

#include "../failure.hpp"
#include "emulator.hpp"

namespace isthmus {
namespace {

bool contains(const std::vector<std::string> &names, const std::string &name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

[[noreturn]] void refuse(isthmus_status status, const std::string &text) {
  throw Failure(status, text);
}

bool is_same_memory(const Array &a, const Array &b) {
  return a.data == b.data && a.strides == b.strides;
}

void check_dtype(const std::string &name, isthmus_dtype dtype) {
  if (dtype == ISTHMUS_FLOAT16 || dtype == ISTHMUS_BFLOAT16)
    refuse(ISTHMUS_ERR_SHAPE, in_quotes(name) + " is " + dtype_name(dtype) +
                                  ", which no host computes with: expected float32 or "
                                  "float64");
}

} // namespace

/// The network's own checks of name, type and shape, now and not at the first step.
Array Emulator::checked(Role role, const std::string &name,
                        const isthmus_array *array) const {
  Array own = checked_array(name, array, role);
  check_dtype(name, own.dtype);
  ensemble_.member(0).bind(role, name, array);
  return own;
}

void Emulator::check_output_name(const std::string &name) const {
  if (!contains(names().outputs, name)) {
    std::string listed;
    for (const std::string &each : names().outputs)
      listed += (listed.empty() ? "" : ", ") + in_quotes(each);
    refuse(ISTHMUS_ERR_ARGUMENT,
           "no output " + in_quotes(name) + ": the network has " + listed);
  }
}

void Emulator::bind_input(const std::string &name, const isthmus_array *array) {
  be_idle();
  is_prepared_ = false;
  if (is_memory(name))
    refuse(ISTHMUS_ERR_ARGUMENT, in_quotes(name) +
                                     " is memory: the emulator holds it, and its state "
                                     "has it");
  inputs_[name] = checked(Role::input, name, array);
}

void Emulator::bind_output(const std::string &name, const isthmus_array *array) {
  be_idle();
  is_prepared_ = false;
  outputs_[name] = checked(Role::output, name, array);
}

void Emulator::bind_fallback(const std::string &output, const isthmus_array *array) {
  be_idle();
  check_output_name(output);
  is_prepared_ = false;
  // Read only, but held against the output of that name: type and shape must be its own.
  const std::string name = output;
  Array own = checked_array(output, array, Role::input);
  ensemble_.member(0).bind(Role::output, name, array);
  fallbacks_[output] = std::move(own);
}

void Emulator::bind_spread(const std::string &output, const isthmus_array *array) {
  be_idle();
  check_output_name(output);
  if (ensemble_.size() < 2)
    refuse(ISTHMUS_ERR_ARGUMENT,
           "output " + in_quotes(output) + " has no spread: there is one network");
  is_prepared_ = false;
  spreads_[output] = checked(Role::output, output, array);
}

void Emulator::bind_flags(const isthmus_array *array) {
  be_idle();
  Array own = checked_array("flags", array, Role::output);
  if (own.dtype != ISTHMUS_INT32 || own.shape.size() != 1)
    refuse(ISTHMUS_ERR_SHAPE, std::string("'flags' is ") + dtype_name(own.dtype) +
                                  " of shape " + shape_text(own.shape) +
                                  ", expected int32, one for each sample");
  is_prepared_ = false;
  flags_ = std::move(own);
}

void Emulator::bind_alpha(const isthmus_array *array) {
  be_idle();
  Array own = checked_array("alpha", array, Role::input);
  if (own.dtype != ISTHMUS_FLOAT64 || own.shape.size() != 1)
    refuse(ISTHMUS_ERR_SHAPE, std::string("'alpha' is ") + dtype_name(own.dtype) +
                                  " of shape " + shape_text(own.shape) +
                                  ", expected float64, one for each sample");
  is_prepared_ = false;
  alpha_ = std::move(own);
}

void Emulator::prepare() {
  if (is_prepared_)
    return;
  for (const std::string &name : names().inputs)
    if (!inputs_.count(name) && !is_memory(name))
      refuse(ISTHMUS_ERR_ARGUMENT, "input " + in_quotes(name) + " is not bound");
  for (const std::string &name : names().outputs) {
    const auto &memory = ensemble_.terms().memory;
    const bool is_remembered =
        std::any_of(memory.begin(), memory.end(),
                    [&](const auto &pair) { return pair.second == name; });
    if (!outputs_.count(name) && !is_remembered)
      refuse(ISTHMUS_ERR_ARGUMENT, "output " + in_quotes(name) + " is not bound");
  }
  view_inputs();
  allocate();
  view_outputs();
  check_fallbacks();
  check_sizes(guard_, input_views_, result_views_);
  bind_members();
  is_prepared_ = true;
}

/// Extents of the symbols, from the first array that has each; the rest is checked where
/// networks are bound and run.
void Emulator::collect_symbols(std::map<std::string, std::int64_t> &extents) const {
  for (const Arrays *arrays : {&inputs_, &outputs_})
    for (const auto &[name, array] : *arrays) {
      const auto known = ensemble_.terms().shapes.find(name);
      if (known == ensemble_.terms().shapes.end())
        continue;
      for (std::size_t i = 0; i < known->second.size(); ++i)
        if (!known->second[i].symbol.empty())
          extents.try_emplace(known->second[i].symbol, array.shape[i]);
    }
}

std::vector<std::int64_t> Emulator::shape_of(const std::string &name) const {
  for (const Arrays *arrays : {&inputs_, &outputs_})
    if (const auto bound = arrays->find(name); bound != arrays->end())
      return bound->second.shape;
  std::map<std::string, std::int64_t> extents;
  collect_symbols(extents);
  std::vector<std::int64_t> shape;
  for (const Extent &extent : ensemble_.terms().shapes.at(name)) {
    if (!extent.symbol.empty() && !extents.count(extent.symbol))
      refuse(ISTHMUS_ERR_ARGUMENT, "memory " + in_quotes(name) + " has the extent " +
                                       in_quotes(extent.symbol) +
                                       ", which no bound array tells");
    shape.push_back(extent.symbol.empty() ? extent.fixed : extents[extent.symbol]);
  }
  return shape;
}

isthmus_dtype Emulator::dtype_of(const std::string &name) const {
  for (const Arrays *arrays : {&inputs_, &outputs_})
    if (const auto bound = arrays->find(name); bound != arrays->end())
      return bound->second.dtype;
  return ensemble_.terms().dtypes.at(name);
}

void Emulator::view_inputs() {
  input_views_.clear();
  input_copies_.clear();
  std::optional<std::int64_t> n_samples;
  for (const auto &[name, array] : inputs_) {
    const int axis = ensemble_.terms().axis_of(name);
    if (copies_inputs_) {
      const Field &copy = input_copies_[name] = Field(array.dtype, array.shape, axis);
      input_views_[name] = copy.samples();
    } else {
      input_views_[name] = Samples(array, axis);
    }
    if (axis < 0)
      continue;
    const std::int64_t found = array.shape[static_cast<std::size_t>(axis)];
    if (n_samples && *n_samples != found)
      refuse(ISTHMUS_ERR_SHAPE, in_quotes(name) + " has " + std::to_string(found) +
                                    " samples, another input has " +
                                    std::to_string(*n_samples));
    n_samples = found;
  }
  for (const auto &[name, array] : outputs_) {
    const int axis = ensemble_.terms().axis_of(name);
    if (axis < 0)
      continue;
    const std::int64_t found = array.shape[static_cast<std::size_t>(axis)];
    if (n_samples.value_or(found) != found)
      refuse(ISTHMUS_ERR_SHAPE, in_quotes(name) + " has " + std::to_string(found) +
                                    " samples, the inputs have " +
                                    std::to_string(*n_samples));
    n_samples = found;
  }
  n_samples_ = n_samples.value_or(1);
}

void Emulator::allocate() {
  current_ = Result();
  member_outputs_.assign(ensemble_.size() > 1 ? ensemble_.size() : 0, {});
  result_views_.clear();
  spread_views_.clear();
  for (const std::string &name : names().outputs) {
    const int axis = ensemble_.terms().axis_of(name);
    const Field field(dtype_of(name), shape_of(name), axis);
    if (ensemble_.size() > 1 && !is_floating(field.dtype()))
      refuse(ISTHMUS_ERR_SHAPE, "output " + in_quotes(name) + " is " +
                                    dtype_name(field.dtype()) +
                                    ": an ensemble has no mean of it");
    current_.outputs.push_back(field);
    for (auto &outputs : member_outputs_)
      outputs.push_back(field);
    if (spreads_.count(name) || guard_.spread.count(name))
      current_.spreads[name] = field;
  }
  current_.flags.assign(static_cast<std::size_t>(n_samples_), 0);
  for (std::size_t i = 0; i < names().outputs.size(); ++i)
    result_views_[names().outputs[i]] = current_.outputs[i].samples();
  for (const auto &[name, field] : current_.spreads)
    spread_views_[name] = field.samples();
  allocate_memory();
}

/// Memory and lagged results outlive a new binding, if they still fit.
void Emulator::allocate_memory() {
  std::vector<std::map<std::string, Field>> fresh(ensemble_.size());
  for (auto &member : fresh)
    for (const auto &[input, output] : ensemble_.terms().memory) {
      check_dtype(input, dtype_of(input));
      member[input] =
          Field(dtype_of(input), shape_of(input), ensemble_.terms().axis_of(input));
    }
  for (const auto &[input, field] : fresh[0])
    if (!memory_.empty() && memory_[0].at(input).shape() != field.shape() && step_ > 0)
      refuse(ISTHMUS_ERR_SHAPE, "memory " + in_quotes(input) + " has shape " +
                                    shape_text(memory_[0].at(input).shape()) +
                                    " since step 0, the arrays "
                                    "bound now ask for " +
                                    shape_text(field.shape()));
  for (const Result &late : queue_)
    if (late.flags.size() != current_.flags.size())
      refuse(ISTHMUS_ERR_SHAPE, "a lagged result has " + std::to_string(late.flags.size()) +
                                    " samples, the arrays bound now have " +
                                    std::to_string(current_.flags.size()));
  for (std::size_t m = 0; m < std::min(fresh.size(), memory_.size()); ++m)
    for (auto &[input, field] : fresh[m])
      if (memory_[m].at(input).shape() == field.shape())
        field = memory_[m].at(input);
  memory_ = std::move(fresh);
}

void Emulator::view_outputs() {
  output_views_.clear();
  fallback_views_.clear();
  for (const std::string &name : names().outputs) {
    const int axis = ensemble_.terms().axis_of(name);
    const auto output = outputs_.find(name), physics = fallbacks_.find(name);
    output_views_.push_back(output == outputs_.end() ? Samples()
                                                     : Samples(output->second, axis));
    fallback_views_.push_back(physics == fallbacks_.end() ? Samples()
                                                          : Samples(physics->second, axis));
  }
  for (const auto &[array, name] : {std::pair{&flags_, "flags"}, {&alpha_, "alpha"}})
    if (*array && (*array)->shape[0] != n_samples_)
      refuse(ISTHMUS_ERR_SHAPE,
             in_quotes(name) + " has " + std::to_string((*array)->shape[0]) +
                 " values, there are " + std::to_string(n_samples_) + " samples");
}

/// Physics' values are read while outputs are written: they may share memory with their
/// own output, element by element, and with no other.
void Emulator::check_fallbacks() const {
  for (const auto &[name, physics] : fallbacks_) {
    const auto own = outputs_.find(name);
    if (own == outputs_.end())
      refuse(ISTHMUS_ERR_ARGUMENT,
             "output " + in_quotes(name) + " has physics' values but is not bound");
    if (own->second.shape != physics.shape || own->second.dtype != physics.dtype)
      refuse(ISTHMUS_ERR_SHAPE, "the physics' values of " + in_quotes(name) + " are " +
                                    dtype_name(physics.dtype) + " of shape " +
                                    shape_text(physics.shape) + ", the output is " +
                                    dtype_name(own->second.dtype) + " of shape " +
                                    shape_text(own->second.shape));
    for (const auto &[other, array] : outputs_)
      if (overlap(array, physics) && !(other == name && is_same_memory(array, physics)))
        refuse(ISTHMUS_ERR_ARGUMENT, "the physics' values of " + in_quotes(name) +
                                         " overlap output " + in_quotes(other) +
                                         " in memory");
  }
  for (const auto &[name, spread] : spreads_) {
    const auto own = outputs_.find(name);
    if (own == outputs_.end() || own->second.shape != spread.shape ||
        own->second.dtype != spread.dtype)
      refuse(ISTHMUS_ERR_SHAPE, "the spread of " + in_quotes(name) + " is " +
                                    dtype_name(spread.dtype) + " of shape " +
                                    shape_text(spread.shape) + ", unlike its output");
  }
}

void Emulator::bind_members() {
  for (std::size_t m = 0; m < ensemble_.size(); ++m) {
    Model &model = ensemble_.member(m);
    model.exchange({});
    for (const std::string &name : names().inputs) {
      isthmus_array array{};
      const Array *host = nullptr;
      if (is_memory(name))
        array = memory_[m].at(name).described();
      else if (copies_inputs_)
        array = input_copies_.at(name).described();
      else
        host = &inputs_.at(name);
      if (host)
        array = {host->data,
                 host->dtype,
                 static_cast<int32_t>(host->shape.size()),
                 host->shape.data(),
                 host->strides.data(),
                 nullptr};
      model.bind(Role::input, name, &array);
    }
    for (std::size_t i = 0; i < names().outputs.size(); ++i) {
      const Field &field =
          ensemble_.size() > 1 ? member_outputs_[m][i] : current_.outputs[i];
      const isthmus_array array = field.described();
      model.bind(Role::output, names().outputs[i], &array);
    }
  }
}

} // namespace isthmus
