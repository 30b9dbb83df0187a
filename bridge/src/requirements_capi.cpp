// SPDX-License-Identifier: MIT
// The functions of model.h that hold a network against the host, and against itself.
#include "requirements.hpp"

#include "derivative_check.hpp"
#include "guarded.hpp"
#include "handle.hpp"

namespace {

using isthmus::Failure;
using isthmus::guarded;
using isthmus::in_quotes;
using isthmus::required;
using isthmus::Requirement;
using isthmus::Role;
using isthmus::text;

Requirement requirement_of(const std::string &name, const isthmus_requirement &said) {
  Requirement requirement;
  if (said.units)
    requirement.units = said.units;
  if (said.dtype) {
    if (*said.dtype < ISTHMUS_BOOL || *said.dtype >= isthmus::n_dtypes)
      throw Failure(ISTHMUS_ERR_ARGUMENT, in_quotes(name) + " has element type " +
                                              std::to_string(*said.dtype) +
                                              ", expected one of isthmus_dtype");
    requirement.dtype = *said.dtype;
  }
  const bool has_rank = said.shape || said.dims;
  if (has_rank && (said.rank < 0 || said.rank > isthmus::max_rank))
    throw Failure(ISTHMUS_ERR_ARGUMENT, in_quotes(name) + " has rank " +
                                            std::to_string(said.rank) +
                                            ", expected 0 to 15");
  if (said.shape)
    requirement.shape.emplace(said.shape, said.shape + said.rank);
  if (said.dims) {
    requirement.dims.emplace();
    for (int32_t i = 0; i < said.rank; ++i)
      requirement.dims->push_back(text(said.dims[i], "dims"));
  }
  return requirement;
}

isthmus_status require_one(const isthmus_model *model, Role role, const char *name,
                           const isthmus_requirement *said) {
  return guarded([&] {
    const isthmus::Model &body = required(model, "model").body;
    const std::string key = text(name, "name");
    isthmus::require_variable(body, role, key,
                              requirement_of(key, required(said, "requirement")));
  });
}

} // namespace

isthmus_status isthmus_model_require_input(const isthmus_model *model, const char *name,
                                           const isthmus_requirement *requirement) {
  return require_one(model, Role::input, name, requirement);
}

isthmus_status isthmus_model_require_output(const isthmus_model *model, const char *name,
                                            const isthmus_requirement *requirement) {
  return require_one(model, Role::output, name, requirement);
}

isthmus_status isthmus_model_require_time_step(const isthmus_model *model, double dt) {
  return guarded([&] { isthmus::require_time_step(required(model, "model").body, dt); });
}

isthmus_status isthmus_model_self_test(isthmus_model *model, double *largest_error) {
  return guarded([&] {
    isthmus::Model &body = required(model, "model").body;
    double &target = required(largest_error, "largest_error");
    target = isthmus::self_test(body);
  });
}

isthmus_status isthmus_model_check_derivatives(isthmus_model *model, uint64_t seed,
                                               double *dot_error, double *taylor_error) {
  return guarded([&] {
    isthmus::Model &body = required(model, "model").body;
    double &dot = required(dot_error, "dot_error");
    double &taylor = required(taylor_error, "taylor_error");
    const isthmus::DerivativeErrors errors = isthmus::check_derivatives(body, seed);
    dot = errors.dot;
    taylor = errors.taylor;
  });
}
