/* SPDX-License-Identifier: MIT */
/** @file isthmus/emulator.h
 *  What stands in a time loop: one network or an ensemble, with a guard that hands single
 *  samples (columns) back to the physics, modes for validating online, memory, restart,
 *  evaluation beside the host, and weights that change at a stated step.
 *
 *  A *sample* is one index of the dimension that the contract calls `separable`. Without
 *  one the whole call is a single sample. Each call of isthmus_emulator_run(), or pair of
 *  _submit() and _wait(), is one *step*, counted from 0.
 *
 *  On any failure the host's arrays, the memory and the step are as before the call, and
 *  the same call may be tried again. */
#ifndef ISTHMUS_EMULATOR_H
#define ISTHMUS_EMULATOR_H

#include "isthmus/array.h"
#include "isthmus/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Networks and all that a time loop needs around them. Use one per thread. */
typedef struct isthmus_emulator isthmus_emulator;

/** Whose values the outputs get. All but "emulator" need the physics' values of every
 *  output: isthmus_emulator_bind_fallback(). */
typedef enum isthmus_mode {
  ISTHMUS_MODE_PHYSICS = 0,  /**< the physics'; the network is not evaluated */
  ISTHMUS_MODE_EMULATOR = 1, /**< the network's (the default) */
  ISTHMUS_MODE_SHADOW = 2,   /**< the physics'; the network's differences are recorded */
  ISTHMUS_MODE_BLEND = 3     /**< (1 - alpha) physics + alpha network */
} isthmus_mode;

/** What happens to samples that the guard flags, where the network's values would count. */
typedef enum isthmus_policy {
  ISTHMUS_POLICY_FALLBACK = 0, /**< they take the physics' values bit for bit (the default);
                                    an error if these are not bound */
  ISTHMUS_POLICY_COUNT = 1,    /**< they are only counted: the network's values stay */
  ISTHMUS_POLICY_FAIL = 2      /**< the step fails: ISTHMUS_ERR_RUNTIME */
} isthmus_policy;

/** Why a sample is flagged; several may hold. */
typedef enum isthmus_reason {
  ISTHMUS_REASON_INPUT_RANGE = 1,        /**< an input is outside its limits */
  ISTHMUS_REASON_INPUT_NOT_FINITE = 2,   /**< an input is NaN or infinite */
  ISTHMUS_REASON_INPUT_DISTANCE = 4,     /**< Mahalanobis distance above its threshold */
  ISTHMUS_REASON_OUTPUT_RANGE = 8,       /**< an output is outside its limits */
  ISTHMUS_REASON_OUTPUT_NOT_FINITE = 16, /**< an output is NaN or infinite */
  ISTHMUS_REASON_SPREAD = 32,            /**< the ensemble disagrees */
  ISTHMUS_REASON_NOT_READY = 64          /**< lag: there is no result yet */
} isthmus_reason;

/** What an ensemble answers. */
typedef enum isthmus_answer {
  ISTHMUS_ANSWER_MEAN = 0,  /**< the mean of its members (the default) */
  ISTHMUS_ANSWER_MEMBER = 1 /**< one member, drawn anew each step from the seed */
} isthmus_answer;

/** Load one network, or several of equal contracts as an ensemble.
 *  @param[in]  paths     `n_paths` files
 *  @param[in]  device    as in isthmus_model_load()
 *  @param[out] emulator  freed by isthmus_emulator_free() */
ISTHMUS_API isthmus_status isthmus_emulator_load(const char *const *paths, int32_t n_paths,
                                                 const char *device,
                                                 isthmus_emulator **emulator);

/** Free it; an evaluation that is under way is waited for. NULL is allowed. */
ISTHMUS_API void isthmus_emulator_free(isthmus_emulator *emulator);

/** Member `index` (from 0) as a model, to ask for its names and contract, to require what
 *  the host will pass, to test itself. It is the emulator's: do not bind, run or free it.
 *  It changes when weights are swapped. */
ISTHMUS_API isthmus_status isthmus_emulator_member(const isthmus_emulator *emulator,
                                                   int32_t index, isthmus_model **model);

/** Number of networks in the ensemble. */
ISTHMUS_API isthmus_status isthmus_emulator_size(const isthmus_emulator *emulator,
                                                 int32_t *n_members);

/** Let the networks read input `name` from the caller's memory, at each step. Inputs that
 *  are memory (contract key "memory") belong to the emulator and are not bound. */
ISTHMUS_API isthmus_status isthmus_emulator_bind_input(isthmus_emulator *emulator,
                                                       const char *name,
                                                       const isthmus_array *array);

/** Where output `name` goes. It is written at the end of a step, all outputs or none. */
ISTHMUS_API isthmus_status isthmus_emulator_bind_output(isthmus_emulator *emulator,
                                                        const char *name,
                                                        const isthmus_array *array);

/** The physics' values of output `name`, computed by the host before run() or wait(). Of
 *  the output's type and shape; it may be the very memory bound to the output. */
ISTHMUS_API isthmus_status isthmus_emulator_bind_fallback(isthmus_emulator *emulator,
                                                          const char *output,
                                                          const isthmus_array *physics);

/** Where the ensemble's standard deviation of output `name` goes: of its type and shape. */
ISTHMUS_API isthmus_status isthmus_emulator_bind_spread(isthmus_emulator *emulator,
                                                        const char *output,
                                                        const isthmus_array *spread);

/** Where the reason bits of each sample go: int32, one per sample. Filled at every step,
 *  and also when a step fails because of flagged samples. */
ISTHMUS_API isthmus_status isthmus_emulator_bind_flags(isthmus_emulator *emulator,
                                                       const isthmus_array *flags);

/** Weight of the network for each sample, float64 in [0, 1], multiplied with the ramp's:
 *  read at each step in mode "blend". */
ISTHMUS_API isthmus_status isthmus_emulator_bind_alpha(isthmus_emulator *emulator,
                                                       const isthmus_array *alpha);

/** One step: evaluate the networks on the inputs, fill the outputs. */
ISTHMUS_API isthmus_status isthmus_emulator_run(isthmus_emulator *emulator);

/** Begin a step on a thread of the emulator's own. The inputs are copied first, so that the
 *  host may go on changing them (see isthmus_emulator_share_inputs()). */
ISTHMUS_API isthmus_status isthmus_emulator_submit(isthmus_emulator *emulator);

/** End the step that submit() began: wait for the networks, then fill the outputs. What
 *  failed on the thread is reported here. */
ISTHMUS_API isthmus_status isthmus_emulator_wait(isthmus_emulator *emulator);

/** Whose values the outputs get, from the next step on. */
ISTHMUS_API isthmus_status isthmus_emulator_set_mode(isthmus_emulator *emulator,
                                                     isthmus_mode mode);

/** Weight of the network in mode "blend" at step i: alpha after the ramp, 0 at and before
 *  step `ramp_start`, linear in `ramp_steps` between; `ramp_steps` 0 is no ramp. */
ISTHMUS_API isthmus_status isthmus_emulator_set_blend(isthmus_emulator *emulator,
                                                      double alpha, int64_t ramp_start,
                                                      int64_t ramp_steps);

/** Append the differences found in mode "shadow" to a CSV file, a line per step and output:
 *  step, output, n, mean, rms, largest. "" closes it. */
ISTHMUS_API isthmus_status isthmus_emulator_set_record(isthmus_emulator *emulator,
                                                       const char *path);

/** What happens to flagged samples. */
ISTHMUS_API isthmus_status isthmus_emulator_set_policy(isthmus_emulator *emulator,
                                                       isthmus_policy policy);

/** Replace the contract's guard: the same JSON text as under its key "guard"; "" leaves
 *  only the check for NaN and infinity. */
ISTHMUS_API isthmus_status isthmus_emulator_set_guard(isthmus_emulator *emulator,
                                                      const char *json);

/** Limits of an input or output, for all its elements; infinite is none. */
ISTHMUS_API isthmus_status isthmus_emulator_set_limits(isthmus_emulator *emulator,
                                                       const char *name, double low,
                                                       double high);

/** Flag samples where the standard deviation of an output is above `limit` anywhere. */
ISTHMUS_API isthmus_status isthmus_emulator_set_spread_limit(isthmus_emulator *emulator,
                                                             const char *output,
                                                             double limit);

/** What an ensemble answers. */
ISTHMUS_API isthmus_status isthmus_emulator_set_answer(isthmus_emulator *emulator,
                                                       isthmus_answer answer);

/** Seed of the member drawn and of torch's random numbers within the networks: both follow
 *  from it and the step alone. Negative, the default: torch's generator is left alone. */
ISTHMUS_API isthmus_status isthmus_emulator_set_seed(isthmus_emulator *emulator,
                                                     int64_t seed);

/** With a lag of n steps run() fills the outputs with what was evaluated n steps before,
 *  and evaluates on the emulator's thread while the host goes on. The first n steps have no
 *  result: they take the physics' values. Set it before the first step. */
ISTHMUS_API isthmus_status isthmus_emulator_set_lag(isthmus_emulator *emulator,
                                                    int64_t n_steps);

/** With 1, submit() and lagged steps read the inputs in place, by the host's promise not
 *  to change them until the evaluation is over. */
ISTHMUS_API isthmus_status isthmus_emulator_share_inputs(isthmus_emulator *emulator,
                                                         int32_t is_promised);

/** OpenMP threads of libtorch on the emulator's thread (1 by default). The host's own
 *  setting is not touched. */
ISTHMUS_API isthmus_status isthmus_emulator_set_threads(isthmus_emulator *emulator,
                                                        int32_t n_threads);

/** Use other weights from step `step` on. The files must have the contract of those they
 *  replace, but for weights, guard and version; otherwise they are refused.
 *  @param[in] in_background  1: load on another thread while the host goes on; what fails
 *                            is then reported once by the step, which changes nothing */
ISTHMUS_API isthmus_status isthmus_emulator_swap_at(isthmus_emulator *emulator,
                                                    int64_t step, const char *const *paths,
                                                    int32_t n_paths, int32_t in_background);

/** Number of the next step. */
ISTHMUS_API isthmus_status isthmus_emulator_step(const isthmus_emulator *emulator,
                                                 int64_t *step);

/** Version of the weights of member `index`, "" if its contract says none. Owned by the
 *  emulator, until weights are swapped. */
ISTHMUS_API isthmus_status isthmus_emulator_version(const isthmus_emulator *emulator,
                                                    int32_t index, const char **version);

/** Number of samples that the last step flagged. */
ISTHMUS_API isthmus_status isthmus_emulator_n_flagged(const isthmus_emulator *emulator,
                                                      int64_t *n_flagged);

/** All counters since the start, restarts included: steps, samples, flags by reason and by
 *  variable, differences in shadow mode. Owned by the emulator, until the next report.
 *  @param[in] format  "text" or "json" */
ISTHMUS_API isthmus_status isthmus_emulator_report(isthmus_emulator *emulator,
                                                   const char *format, const char **report);

/** Differences network - physics of an output over all steps in mode "shadow".
 *  @param[out] n      number of values; the others are 0 if it is
 *  @param[out] stats  mean, root mean square, largest absolute value */
ISTHMUS_API isthmus_status isthmus_emulator_difference(const isthmus_emulator *emulator,
                                                       const char *output, int64_t *n,
                                                       double stats[3]);

/** Number of arrays in the state: all that the host's restart must keep so that 2N steps
 *  are N, a restart and N, bit for bit. Arrays must be bound (they tell the sizes). A
 *  lagged evaluation is waited for. */
ISTHMUS_API isthmus_status isthmus_emulator_state_count(isthmus_emulator *emulator,
                                                        int32_t *n_arrays);

/** Name, type, rank and shape (slowest first, room for 15) of state array `index` (from 0).
 *  The name is owned by the emulator, until the next call of isthmus_emulator_state_*. */
ISTHMUS_API isthmus_status isthmus_emulator_state_array(isthmus_emulator *emulator,
                                                        int32_t index, const char **name,
                                                        isthmus_dtype *dtype, int32_t *rank,
                                                        int64_t *shape);

/** Copy a state array to the host's memory, of exactly its type and shape. */
ISTHMUS_API isthmus_status isthmus_emulator_get_state(isthmus_emulator *emulator,
                                                      const char *name,
                                                      const isthmus_array *array);

/** Copy a state array from the host's memory. */
ISTHMUS_API isthmus_status isthmus_emulator_put_state(isthmus_emulator *emulator,
                                                      const char *name,
                                                      const isthmus_array *array);

/** Bytes of the whole state. */
ISTHMUS_API isthmus_status isthmus_emulator_state_size(isthmus_emulator *emulator,
                                                       int64_t *n_bytes);

/** The whole state as bytes, with names, types, shapes and a checksum. */
ISTHMUS_API isthmus_status isthmus_emulator_pack_state(isthmus_emulator *emulator,
                                                       void *bytes, int64_t n_bytes);

/** Take the whole state from bytes; all of it or, on failure, nothing. */
ISTHMUS_API isthmus_status isthmus_emulator_unpack_state(isthmus_emulator *emulator,
                                                         const void *bytes,
                                                         int64_t n_bytes);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_EMULATOR_H */
