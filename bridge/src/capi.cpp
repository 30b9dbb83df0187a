// SPDX-License-Identifier: MIT
// The C functions of isthmus.h: check the arguments, guard, delegate.
#include "engine.hpp"
#include "guarded.hpp"
#include "handle.hpp"
#include "isthmus.h"

namespace {

using isthmus::Failure;
using isthmus::guarded;
using isthmus::last_message;
using isthmus::required;
using isthmus::Role;
using isthmus::text;

const char *name_at(const std::vector<std::string> &names, int32_t index,
                    const char *method) {
  if (index < 0 || static_cast<std::size_t>(index) >= names.size())
    throw Failure(ISTHMUS_ERR_ARGUMENT,
                  "index " + std::to_string(index) + " is outside the " +
                      std::to_string(names.size()) + " names of method '" + method + "'");
  return names[static_cast<std::size_t>(index)].c_str();
}

} // namespace

const char *isthmus_error_message(void) { return last_message().c_str(); }

const char *isthmus_status_name(isthmus_status status) {
  switch (status) {
  case ISTHMUS_OK:
    return "ISTHMUS_OK";
  case ISTHMUS_ERR_ARGUMENT:
    return "ISTHMUS_ERR_ARGUMENT";
  case ISTHMUS_ERR_FILE:
    return "ISTHMUS_ERR_FILE";
  case ISTHMUS_ERR_SHAPE:
    return "ISTHMUS_ERR_SHAPE";
  case ISTHMUS_ERR_DEVICE:
    return "ISTHMUS_ERR_DEVICE";
  case ISTHMUS_ERR_RUNTIME:
    return "ISTHMUS_ERR_RUNTIME";
  case ISTHMUS_ERR_INTERNAL:
    return "ISTHMUS_ERR_INTERNAL";
  case ISTHMUS_ERR_CONTRACT:
    return "ISTHMUS_ERR_CONTRACT";
  }
  return "unknown status";
}

const char *isthmus_version(void) { return ISTHMUS_VERSION; }

const char *isthmus_torch_version(void) { return isthmus::torch_version(); }

isthmus_status isthmus_model_load(const char *path, const char *device,
                                  isthmus_model **model) {
  return guarded([&] {
    isthmus_model *&target = required(model, "model");
    target = new isthmus_model{{text(path, "path"), text(device, "device")}};
  });
}

void isthmus_model_free(isthmus_model *model) {
  guarded([&] { delete model; });
}

isthmus_status isthmus_model_contract(const isthmus_model *model, const char **json) {
  return guarded([&] {
    const isthmus::Model &body = required(model, "model").body;
    required(json, "json") = body.contract();
  });
}

isthmus_status isthmus_model_time_step(const isthmus_model *model, double *dt) {
  return guarded([&] {
    const isthmus::Model &body = required(model, "model").body;
    required(dt, "dt") = body.dt();
  });
}

isthmus_status isthmus_model_engine(const isthmus_model *model, const char **engine) {
  return guarded([&] {
    const isthmus::Model &body = required(model, "model").body;
    required(engine, "engine") = body.engine();
  });
}

isthmus_status isthmus_model_method_count(const isthmus_model *model, int32_t *n_methods) {
  return guarded([&] {
    const isthmus::Model &body = required(model, "model").body;
    required(n_methods, "n_methods") = static_cast<int32_t>(body.methods().size());
  });
}

isthmus_status isthmus_model_method_name(const isthmus_model *model, int32_t index,
                                         const char **name) {
  return guarded([&] {
    const isthmus::Methods &methods = required(model, "model").body.methods();
    const char *&target = required(name, "name");
    if (index < 0 || static_cast<std::size_t>(index) >= methods.size())
      throw Failure(ISTHMUS_ERR_ARGUMENT, "index " + std::to_string(index) +
                                              " is outside the " +
                                              std::to_string(methods.size()) + " methods");
    target = std::next(methods.begin(), index)->first.c_str();
  });
}

isthmus_status isthmus_model_count(const isthmus_model *model, const char *method,
                                   int32_t *n_inputs, int32_t *n_outputs) {
  return guarded([&] {
    const auto &names = required(model, "model").body.names(text(method, "method"));
    int32_t &n_in = required(n_inputs, "n_inputs");
    int32_t &n_out = required(n_outputs, "n_outputs");
    n_in = static_cast<int32_t>(names.inputs.size());
    n_out = static_cast<int32_t>(names.outputs.size());
  });
}

isthmus_status isthmus_model_input_name(const isthmus_model *model, const char *method,
                                        int32_t index, const char **name) {
  return guarded([&] {
    const auto &names = required(model, "model").body.names(text(method, "method"));
    required(name, "name") = name_at(names.inputs, index, method);
  });
}

isthmus_status isthmus_model_output_name(const isthmus_model *model, const char *method,
                                         int32_t index, const char **name) {
  return guarded([&] {
    const auto &names = required(model, "model").body.names(text(method, "method"));
    required(name, "name") = name_at(names.outputs, index, method);
  });
}

isthmus_status isthmus_model_bind_input(isthmus_model *model, const char *name,
                                        const isthmus_array *array) {
  return guarded(
      [&] { required(model, "model").body.bind(Role::input, text(name, "name"), array); });
}

isthmus_status isthmus_model_bind_input_as(isthmus_model *model, const char *name,
                                           const isthmus_array *array,
                                           const isthmus_binding *binding) {
  return guarded([&] {
    required(model, "model").body.bind(Role::input, text(name, "name"), array, binding);
  });
}

isthmus_status isthmus_model_bind_output_as(isthmus_model *model, const char *name,
                                            const isthmus_array *array,
                                            const isthmus_binding *binding) {
  return guarded([&] {
    required(model, "model").body.bind(Role::output, text(name, "name"), array, binding);
  });
}

isthmus_status isthmus_model_set_tile(isthmus_model *model, int64_t n_samples) {
  return guarded([&] {
    isthmus::Model &body = required(model, "model").body;
    if (n_samples < 0 || (n_samples & (n_samples - 1)) != 0)
      throw Failure(ISTHMUS_ERR_ARGUMENT, "a tile of " + std::to_string(n_samples) +
                                              " samples: expected a power of two, or 0");
    body.set_pieces({n_samples, 0});
  });
}

isthmus_status isthmus_model_set_chunk(isthmus_model *model, int64_t n_samples) {
  return guarded([&] {
    isthmus::Model &body = required(model, "model").body;
    if (n_samples < 0)
      throw Failure(ISTHMUS_ERR_ARGUMENT, "a chunk of " + std::to_string(n_samples) +
                                              " samples: expected 0 or more");
    body.set_pieces({0, n_samples});
  });
}

isthmus_status isthmus_model_bind_output(isthmus_model *model, const char *name,
                                         const isthmus_array *array) {
  return guarded(
      [&] { required(model, "model").body.bind(Role::output, text(name, "name"), array); });
}

isthmus_status isthmus_model_tuning(const isthmus_model *model, const char **note) {
  return guarded([&] {
    const isthmus::Model &body = required(model, "model").body;
    required(note, "note") = body.tuning();
  });
}

isthmus_status isthmus_model_use_loops(isthmus_model *model, int64_t n_samples) {
  return guarded([&] { required(model, "model").body.use_loops(n_samples); });
}

isthmus_status isthmus_model_device(const isthmus_model *model, const char **device) {
  return guarded([&] {
    const auto &body = required(model, "model").body;
    required(device, "device") = body.device();
  });
}

isthmus_status isthmus_model_set_stream(isthmus_model *model, void *stream) {
  return guarded([&] { required(model, "model").body.use_stream(stream); });
}

isthmus_status isthmus_model_run(isthmus_model *model) {
  return guarded([&] { required(model, "model").body.run(isthmus::Verb::forward); });
}

isthmus_status isthmus_model_run_method(isthmus_model *model, const char *method) {
  return guarded([&] { required(model, "model").body.run(text(method, "method")); });
}
