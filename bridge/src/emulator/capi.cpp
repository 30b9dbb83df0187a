// SPDX-License-Identifier: MIT
// The functions of emulator.h but for the state: check the arguments, guard, delegate.
#include "handle.hpp"

#include "../guarded.hpp"

namespace {

using isthmus::Emulator;
using isthmus::Failure;
using isthmus::guarded;
using isthmus::required;
using isthmus::text;

Emulator &body_of(isthmus_emulator *emulator) {
  return required(emulator, "emulator").body;
}

const Emulator &body_of(const isthmus_emulator *emulator) {
  return required(emulator, "emulator").body;
}

std::vector<std::string> paths_of(const char *const *paths, int32_t n_paths) {
  std::vector<std::string> list;
  for (int32_t i = 0; i < n_paths; ++i)
    list.push_back(text((&required(paths, "paths"))[i], "paths"));
  return list;
}

std::size_t member_index(const Emulator &body, int32_t index) {
  if (index < 0 || static_cast<std::size_t>(index) >= body.ensemble().size())
    throw Failure(ISTHMUS_ERR_ARGUMENT, "member " + std::to_string(index) +
                                            " is outside the ensemble of " +
                                            std::to_string(body.ensemble().size()));
  return static_cast<std::size_t>(index);
}

} // namespace

isthmus_status isthmus_emulator_load(const char *const *paths, int32_t n_paths,
                                     const char *device, isthmus_emulator **emulator) {
  return guarded([&] {
    isthmus_emulator *&target = required(emulator, "emulator");
    target = new isthmus_emulator(paths_of(paths, n_paths), text(device, "device"));
  });
}

void isthmus_emulator_free(isthmus_emulator *emulator) {
  guarded([&] { delete emulator; });
}

isthmus_status isthmus_emulator_member(const isthmus_emulator *emulator, int32_t index,
                                       isthmus_model **model) {
  return guarded([&] {
    const Emulator &body = body_of(emulator);
    isthmus_model *&target = required(model, "model");
    target = body.ensemble().handle(member_index(body, index));
  });
}

isthmus_status isthmus_emulator_size(const isthmus_emulator *emulator, int32_t *n_members) {
  return guarded([&] {
    const Emulator &body = body_of(emulator);
    required(n_members, "n_members") = static_cast<int32_t>(body.ensemble().size());
  });
}

isthmus_status isthmus_emulator_bind_input(isthmus_emulator *emulator, const char *name,
                                           const isthmus_array *array) {
  return guarded([&] { body_of(emulator).bind_input(text(name, "name"), array); });
}

isthmus_status isthmus_emulator_bind_output(isthmus_emulator *emulator, const char *name,
                                            const isthmus_array *array) {
  return guarded([&] { body_of(emulator).bind_output(text(name, "name"), array); });
}

isthmus_status isthmus_emulator_bind_fallback(isthmus_emulator *emulator,
                                              const char *output,
                                              const isthmus_array *physics) {
  return guarded([&] { body_of(emulator).bind_fallback(text(output, "output"), physics); });
}

isthmus_status isthmus_emulator_bind_spread(isthmus_emulator *emulator, const char *output,
                                            const isthmus_array *spread) {
  return guarded([&] { body_of(emulator).bind_spread(text(output, "output"), spread); });
}

isthmus_status isthmus_emulator_bind_flags(isthmus_emulator *emulator,
                                           const isthmus_array *flags) {
  return guarded([&] { body_of(emulator).bind_flags(flags); });
}

isthmus_status isthmus_emulator_bind_alpha(isthmus_emulator *emulator,
                                           const isthmus_array *alpha) {
  return guarded([&] { body_of(emulator).bind_alpha(alpha); });
}

isthmus_status isthmus_emulator_run(isthmus_emulator *emulator) {
  return guarded([&] { body_of(emulator).run(); });
}

isthmus_status isthmus_emulator_submit(isthmus_emulator *emulator) {
  return guarded([&] { body_of(emulator).submit(); });
}

isthmus_status isthmus_emulator_wait(isthmus_emulator *emulator) {
  return guarded([&] { body_of(emulator).wait(); });
}

isthmus_status isthmus_emulator_set_mode(isthmus_emulator *emulator, isthmus_mode mode) {
  return guarded([&] { body_of(emulator).set_mode(mode); });
}

isthmus_status isthmus_emulator_set_blend(isthmus_emulator *emulator, double alpha,
                                          int64_t ramp_start, int64_t ramp_steps) {
  return guarded([&] { body_of(emulator).set_blend(alpha, ramp_start, ramp_steps); });
}

isthmus_status isthmus_emulator_set_record(isthmus_emulator *emulator, const char *path) {
  return guarded([&] { body_of(emulator).set_record(text(path, "path")); });
}

isthmus_status isthmus_emulator_set_policy(isthmus_emulator *emulator,
                                           isthmus_policy policy) {
  return guarded([&] { body_of(emulator).set_policy(policy); });
}

isthmus_status isthmus_emulator_set_guard(isthmus_emulator *emulator, const char *json) {
  return guarded([&] { body_of(emulator).set_guard(text(json, "json")); });
}

isthmus_status isthmus_emulator_set_limits(isthmus_emulator *emulator, const char *name,
                                           double low, double high) {
  return guarded([&] { body_of(emulator).set_limits(text(name, "name"), low, high); });
}

isthmus_status isthmus_emulator_set_spread_limit(isthmus_emulator *emulator,
                                                 const char *output, double limit) {
  return guarded(
      [&] { body_of(emulator).set_spread_limit(text(output, "output"), limit); });
}

isthmus_status isthmus_emulator_set_answer(isthmus_emulator *emulator,
                                           isthmus_answer answer) {
  return guarded([&] { body_of(emulator).set_answer(answer); });
}

isthmus_status isthmus_emulator_set_seed(isthmus_emulator *emulator, int64_t seed) {
  return guarded([&] { body_of(emulator).set_seed(seed); });
}

isthmus_status isthmus_emulator_set_lag(isthmus_emulator *emulator, int64_t n_steps) {
  return guarded([&] { body_of(emulator).set_lag(n_steps); });
}

isthmus_status isthmus_emulator_share_inputs(isthmus_emulator *emulator,
                                             int32_t is_promised) {
  return guarded([&] { body_of(emulator).share_inputs(is_promised != 0); });
}

isthmus_status isthmus_emulator_set_threads(isthmus_emulator *emulator, int32_t n_threads) {
  return guarded([&] { body_of(emulator).set_threads(n_threads); });
}

isthmus_status isthmus_emulator_swap_at(isthmus_emulator *emulator, int64_t step,
                                        const char *const *paths, int32_t n_paths,
                                        int32_t in_background) {
  return guarded([&] {
    body_of(emulator).swap_at(step, paths_of(paths, n_paths), in_background != 0);
  });
}

isthmus_status isthmus_emulator_step(const isthmus_emulator *emulator, int64_t *step) {
  return guarded([&] {
    const Emulator &body = body_of(emulator);
    required(step, "step") = body.step();
  });
}

isthmus_status isthmus_emulator_version(const isthmus_emulator *emulator, int32_t index,
                                        const char **version) {
  return guarded([&] {
    const Emulator &body = body_of(emulator);
    const char *&target = required(version, "version");
    target = body.ensemble().version(member_index(body, index)).c_str();
  });
}

isthmus_status isthmus_emulator_n_flagged(const isthmus_emulator *emulator,
                                          int64_t *n_flagged) {
  return guarded([&] {
    const Emulator &body = body_of(emulator);
    required(n_flagged, "n_flagged") = body.n_flagged();
  });
}

isthmus_status isthmus_emulator_report(isthmus_emulator *emulator, const char *format,
                                       const char **report) {
  return guarded([&] {
    Emulator &body = body_of(emulator);
    const char *&target = required(report, "report");
    target = body.report(text(format, "format")).c_str();
  });
}

isthmus_status isthmus_emulator_difference(const isthmus_emulator *emulator,
                                           const char *output, int64_t *n,
                                           double stats[3]) {
  return guarded([&] {
    const isthmus::Difference &difference =
        body_of(emulator).difference(text(output, "output"));
    int64_t &target = required(n, "n");
    double *values = &required(stats, "stats");
    target = difference.n;
    values[0] = difference.mean();
    values[1] = difference.rms();
    values[2] = difference.largest;
  });
}
