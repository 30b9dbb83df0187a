// SPDX-License-Identifier: MIT
#include "stage.hpp"

#include <algorithm>
#include <cstring>

#include <nlohmann/json.hpp>

#include "../failure.hpp"

namespace isthmus {
namespace {

bool ends_with(const std::string &text, const char *end) {
  const std::size_t n = std::strlen(end);
  return text.size() >= n && text.compare(text.size() - n, n, end) == 0;
}

/// A piece of an array: the samples from `start` on.
Array section(const Array &array, int axis, std::int64_t start, std::int64_t count) {
  Array part = array;
  const auto i = static_cast<std::size_t>(axis);
  part.data = static_cast<char *>(array.data) + start * array.strides[i];
  part.shape[i] = count;
  return part;
}

/// Repeat the sample `count - 1` up to the end of a buffer.
void repeat_last(const Array &buffer, int axis, std::int64_t count) {
  const auto i = static_cast<std::size_t>(axis);
  const Array last = section(buffer, axis, count - 1, 1);
  for (std::int64_t k = count; k < buffer.shape[i]; ++k)
    transfer(last, section(buffer, axis, k, 1), {});
}

std::string separable_of(const Contract &contract) {
  const auto json = nlohmann::json::parse(contract.text, nullptr, false);
  const auto found = json.is_object() ? json.find("separable") : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

} // namespace

std::unique_ptr<Stage> Stage::make(const StagePlan &plan, const Call &call) {
  if (!plan.contract) {
    if (plan.pieces.is_wanted())
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    "a tile or chunk needs a contract that names the separable dimension, "
                    "and this file has no contract");
    return nullptr;
  }
  std::unique_ptr<Stage> stage(new Stage(plan));
  stage->cut(call);
  for (std::size_t i = 0; i < plan.names.inputs.size(); ++i)
    stage->engine_call_.inputs.push_back(
        stage->staged(plan.names.inputs[i], call.inputs[i], false));
  for (std::size_t i = 0; i < plan.names.outputs.size(); ++i)
    stage->engine_call_.outputs.push_back(
        stage->staged(plan.names.outputs[i], call.outputs[i], true));
  if (stage->inputs_.empty() && stage->outputs_.empty())
    return nullptr;
  stage->check_overlaps();
  return stage;
}

/// Find the number of samples, and cut it.
void Stage::cut(const Call &call) {
  const StagePlan &plan = plan_;
  if (!plan.pieces.is_wanted())
    return;
  if (separable_of(*plan.contract).empty())
    throw Failure(
        ISTHMUS_ERR_ARGUMENT,
        "a tile or chunk needs a separable dimension, and the contract names none");
  n_samples_ = -1;
  for (std::size_t i = 0; i < plan.names.inputs.size(); ++i)
    if (const int axis = axis_of(plan.names.inputs[i]); call.inputs[i] && axis >= 0)
      n_samples_ = call.inputs[i]->shape[static_cast<std::size_t>(axis)];
  if (n_samples_ < 0)
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "a tile or chunk needs an input with the separable dimension");
  for (const std::string &name : plan.names.outputs)
    if (axis_of(name) < 0)
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    in_quotes(name) + " has not the separable dimension, so it cannot be "
                                      "computed in pieces: set tile and chunk to 0 for it");
  const std::int64_t most =
      plan.pieces.tile > 0 ? plan.pieces.tile : std::min(plan.pieces.chunk, n_samples_);
  n_pieces_ = most > 0 ? (n_samples_ + most - 1) / most : 0;
  // Chunks are cut evenly, so that few samples are repeated at the end.
  piece_ = plan.pieces.tile > 0 || n_pieces_ == 0
               ? most
               : (n_samples_ + n_pieces_ - 1) / n_pieces_;
}

int Stage::axis_of(const std::string &name) const {
  const Variable &variable = *plan_.contract->find(name);
  const std::string separable = separable_of(*plan_.contract);
  for (std::size_t i = 0; i < variable.shape.size(); ++i)
    if (!separable.empty() && variable.shape[i].symbol == separable)
      return static_cast<int>(i);
  return -1;
}

bool Stage::needs_buffer(const std::string &name, const Array &array) const {
  const bool is_cut = plan_.pieces.is_wanted() && axis_of(name) >= 0 &&
                      (plan_.pieces.tile > 0 || n_pieces_ > 1);
  return is_cut || array.dtype != plan_.contract->find(name)->dtype ||
         plan_.normalizations.count(name) || plan_.normalizations.count(base_name(name));
}

/// The array the engine gets in place of the caller's.
const Array *Stage::staged(const std::string &name, const Array *array, bool is_output) {
  if (!array || !needs_buffer(name, *array))
    return array;
  if (!array->device.empty())
    throw Failure(ISTHMUS_ERR_DEVICE,
                  in_quotes(name) + " is on device " + in_quotes(array->device) +
                      ": conversion, tiles, chunks and normalization by the bridge need "
                      "host memory");
  auto buffer = std::make_unique<Buffer>();
  buffer->name = name;
  buffer->host = *array;
  buffer->network = *array;
  buffer->network.dtype = plan_.contract->find(name)->dtype;
  if (plan_.pieces.is_wanted() && axis_of(name) >= 0) {
    buffer->axis = axis_of(name);
    buffer->network.shape[static_cast<std::size_t>(buffer->axis)] = piece_;
  }
  std::int64_t step = element_size(buffer->network.dtype);
  for (std::size_t i = buffer->network.shape.size(); i-- > 0;) {
    buffer->network.strides[i] = step;
    step *= std::max<std::int64_t>(1, buffer->network.shape[i]);
  }
  buffer->bytes.resize(static_cast<std::size_t>(step));
  buffer->network.data = buffer->bytes.data();
  set_factors(*buffer, is_output);
  auto &side = is_output ? outputs_ : inputs_;
  side.push_back(std::move(buffer));
  return &side.back()->network;
}

/// Values are reduced on their way in and expanded on their way out; a tangent only by its
/// scale, and an adjoint by the transpose of what its variable is.
void Stage::set_factors(Buffer &buffer, bool is_output) const {
  const std::string base = base_name(buffer.name);
  const bool is_derivative = !plan_.contract->variables.count(buffer.name);
  const auto found = plan_.normalizations.find(is_derivative ? base : buffer.name);
  if (found == plan_.normalizations.end())
    return;
  const bool is_adjoint = is_derivative && ends_with(buffer.name, "_ad");
  buffer.mean = found->second.mean;
  buffer.sd = found->second.sd;
  if (is_derivative)
    std::fill(buffer.mean.begin(), buffer.mean.end(), 0.0);
  buffer.factors = {is_output != is_adjoint ? Scaling::expand : Scaling::reduce,
                    buffer.mean.data(), buffer.sd.data(), found->second.dimension};
}

/// A later piece must not read what an earlier one wrote, unless sample by sample.
void Stage::check_overlaps() const {
  if (n_pieces_ < 2)
    return;
  for (const auto &output : outputs_)
    for (const auto &input : inputs_) {
      const bool is_same = output->host.data == input->host.data &&
                           output->host.strides == input->host.strides &&
                           output->host.shape == input->host.shape;
      if (!is_same && overlap(output->host, input->host))
        throw Failure(ISTHMUS_ERR_ARGUMENT, "output " + in_quotes(output->name) +
                                                " overlaps input " +
                                                in_quotes(input->name) +
                                                " in memory, and pieces would read what "
                                                "others wrote");
    }
}

/// The same samples on both sides.
std::pair<Array, Array> Stage::piece_of(const Buffer &buffer, std::int64_t piece) const {
  if (buffer.axis < 0)
    return {buffer.host, buffer.network};
  const std::int64_t start = piece * piece_;
  const std::int64_t count = std::min(piece_, n_samples_ - start);
  return {section(buffer.host, buffer.axis, start, count),
          section(buffer.network, buffer.axis, 0, count)};
}

void Stage::pack(std::int64_t piece) {
  for (const auto &buffer : inputs_) {
    if (buffer->axis < 0 && piece > 0)
      continue; // as it was
    const auto [from, to] = piece_of(*buffer, piece);
    if (!transfer(from, to, buffer->factors))
      throw Failure(ISTHMUS_ERR_RUNTIME,
                    in_quotes(buffer->name) + " has a value too large for " +
                        dtype_name(buffer->network.dtype) + ", the network's type");
    if (buffer->axis >= 0)
      repeat_last(buffer->network, buffer->axis,
                  to.shape[static_cast<std::size_t>(buffer->axis)]);
  }
}

void Stage::unpack(std::int64_t piece) {
  for (const auto &buffer : outputs_) {
    const auto [to, from] = piece_of(*buffer, piece);
    if (!transfer(from, to, buffer->factors))
      throw Failure(ISTHMUS_ERR_RUNTIME, in_quotes(buffer->name) +
                                             " has a value too large for " +
                                             dtype_name(buffer->host.dtype) +
                                             ", the type of the array bound to it");
  }
}

} // namespace isthmus
