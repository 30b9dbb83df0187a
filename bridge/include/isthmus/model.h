/* SPDX-License-Identifier: MIT */
/** @file isthmus/model.h
 *  An exported network, bound by name to the caller's arrays and run. */
#ifndef ISTHMUS_MODEL_H
#define ISTHMUS_MODEL_H

#include "isthmus/array.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A loaded network and the arrays bound to it. Use one per thread. */
typedef struct isthmus_model isthmus_model;

/** Load a network from `.pt` (TorchScript) or `.pt2` (AOTInductor package).
 *  The engine is chosen by what is in the file, not by its name. If the file carries a
 *  contract, its checksums and instruction set are verified before any of it is executed.
 *  @param[in]  path    file on disk; of a network in both, `x.pt` and `x.pt2`, also `x`:
 *                      `isthmus tune x` chooses, the `.pt` is taken where it has not
 *  @param[in]  device  "cpu", "cuda", "cuda:1", ...: torch's own device strings
 *  @param[out] model   freed by isthmus_model_free() */
ISTHMUS_API isthmus_status isthmus_model_load(const char *path, const char *device,
                                              isthmus_model **model);

/** Free the model and forget its bindings. NULL is allowed. */
ISTHMUS_API void isthmus_model_free(isthmus_model *model);

/** The contract in the file as JSON text; "" if it carries none. Owned by the model. */
ISTHMUS_API isthmus_status isthmus_model_contract(const isthmus_model *model,
                                                  const char **json);

/** Time step the network was trained for, as its contract says; 0 if it says none. */
ISTHMUS_API isthmus_status isthmus_model_time_step(const isthmus_model *model, double *dt);

/** "torchscript" or "inductor". Owned by the library. */
ISTHMUS_API isthmus_status isthmus_model_engine(const isthmus_model *model,
                                                const char **engine);

/** Number of methods that can be run: "forward", derivatives, others of the file. */
ISTHMUS_API isthmus_status isthmus_model_method_count(const isthmus_model *model,
                                                      int32_t *n_methods);

/** Name of method `index` (from 0), in alphabetical order. Owned by the model. */
ISTHMUS_API isthmus_status isthmus_model_method_name(const isthmus_model *model,
                                                     int32_t index, const char **name);

/** Number of inputs and of outputs of a method ("forward", "jvp", "vjp"). */
ISTHMUS_API isthmus_status isthmus_model_count(const isthmus_model *model,
                                               const char *method, int32_t *n_inputs,
                                               int32_t *n_outputs);

/** Name of input `index` (from 0) of a method. Owned by the model. */
ISTHMUS_API isthmus_status isthmus_model_input_name(const isthmus_model *model,
                                                    const char *method, int32_t index,
                                                    const char **name);

/** Name of output `index` (from 0) of a method. Owned by the model. */
ISTHMUS_API isthmus_status isthmus_model_output_name(const isthmus_model *model,
                                                     const char *method, int32_t index,
                                                     const char **name);

/** Let the network read its input `name` straight from the caller's memory, without a copy.
 *  Names are shared by all methods of the model: `x` for forward, and for derivatives
 *  `x_tl` (input of jvp) and `y_ad` (input of vjp).
 *  @param[in] array  its memory stays allocated and unmoved until rebound or freed. It is
 *                    in host memory (copied at each run if the network is on a device) or
 *                    on the network's device (`array->device`: read where it is). */
ISTHMUS_API isthmus_status isthmus_model_bind_input(isthmus_model *model, const char *name,
                                                    const isthmus_array *array);

/** Let the network write its output `name` straight into the caller's memory: one copy per
 *  run. It may be the very array bound to an input (in-place step), but no two outputs may
 *  overlap. */
ISTHMUS_API isthmus_status isthmus_model_bind_output(isthmus_model *model, const char *name,
                                                     const isthmus_array *array);

/** What became of the choice that `isthmus tune` stored beside the file (FILE.tune.json):
 *  applied at load, or ignored and why; "" if there is none or the environment has
 *  ISTHMUS_TUNE=0. Owned by the model. */
ISTHMUS_API isthmus_status isthmus_model_tuning(const isthmus_model *model,
                                                const char **note);

/** Evaluate "forward" by loops of Isthmus' own for up to `n_samples` samples, 0 for none
 *  (the default). For a `.pt` that is a chain of linear layers, relu, leaky_relu, tanh,
 *  sigmoid, silu and constant scalings, bound contiguously: there a call costs a tenth of
 *  the interpreter's. Results differ from torch's by rounding; that is checked here, and on
 *  failure nothing changes. `isthmus tune` finds the best number. */
ISTHMUS_API isthmus_status isthmus_model_use_loops(isthmus_model *model, int64_t n_samples);

/** How an array is to be read, where it is not what the network expects. */
typedef struct isthmus_binding {
  int32_t convert;      /**< not 0: another floating-point type is converted to and from the
                             network's at every run. Needs a contract. A finite value that
                             becomes infinite is an error of the run. */
  const int32_t *order; /**< `rank` numbers: which dimension of the array, slowest first and
                             from 0, is the network's i-th. NULL: as they are. */
} isthmus_binding;

/** As isthmus_model_bind_input(), with conversion or another order of the dimensions. An
 *  order costs no copy where the engine can read strides (`.pt`). Conversion, order and a
 *  normalization that the contract asks of the bridge go in one pass. */
ISTHMUS_API isthmus_status isthmus_model_bind_input_as(isthmus_model *model,
                                                       const char *name,
                                                       const isthmus_array *array,
                                                       const isthmus_binding *binding);

/** As isthmus_model_bind_output(), with conversion or another order of the dimensions. */
ISTHMUS_API isthmus_status isthmus_model_bind_output_as(isthmus_model *model,
                                                        const char *name,
                                                        const isthmus_array *array,
                                                        const isthmus_binding *binding);

/** Evaluate the separable dimension in tiles of exactly `n_samples` (a power of two; 0:
 * off), the last one filled up by repeating its last sample. A sample's bits then depend
 * neither on the number of samples nor on their order, ranks or threads. Ends a chunk. If a
 * tile fails, those before it are written. */
ISTHMUS_API isthmus_status isthmus_model_set_tile(isthmus_model *model, int64_t n_samples);

/** Evaluate the separable dimension in even chunks of at most `n_samples` (0: off), which
 *  keeps intermediate results in the cache. Ends a tile. If a chunk fails, those before it
 *  are written. */
ISTHMUS_API isthmus_status isthmus_model_set_chunk(isthmus_model *model, int64_t n_samples);

/** Where the network is: "cpu", "cuda:0", ... Owned by the model. */
ISTHMUS_API isthmus_status isthmus_model_device(const isthmus_model *model,
                                                const char **device);

/** Queue the network's work on a stream of the host program (cudaStream_t, hipStream_t)
 *  from the next run on; NULL is the device's default stream. A run whose outputs are all
 *  on the device then returns before they are computed: wait on the stream. Without this
 *  call every run waits until its outputs are there. Refused (device) on devices without
 *  streams, the CPU among them. */
ISTHMUS_API isthmus_status isthmus_model_set_stream(isthmus_model *model, void *stream);

/** Evaluate "forward" on the bound arrays. Every input and output must be bound. */
ISTHMUS_API isthmus_status isthmus_model_run(isthmus_model *model);

/** Evaluate a method: "forward", "jvp" (tangent-linear: reads `x`, `x_tl`, fills `y`,
 *  `y_tl`), "vjp" (adjoint: reads `x`, `y_ad`, fills `x_ad`) or any other the file has.
 *  Outputs left unbound are computed and dropped for "jvp" and "vjp". Results in tuples,
 *  lists and dictionaries have paths as names, such as "state.0". A number (`n: int`) is
 *  bound as a scalar: int64, float64 or bool; arguments with a default keep it. */
ISTHMUS_API isthmus_status isthmus_model_run_method(isthmus_model *model,
                                                    const char *method);

/** What the host will pass under one name. A NULL member is not said, and not checked. */
typedef struct isthmus_requirement {
  const char *units;          /**< "K", compared letter by letter */
  int32_t rank;               /**< length of `shape` and `dims` */
  const int64_t *shape;       /**< extents, slowest first; -1 for one that may vary */
  const char *const *dims;    /**< names of the dimensions, slowest first */
  const isthmus_dtype *dtype; /**< element type */
} isthmus_requirement;

/** Hold input `name` of "forward" against what the host says it will pass. What is said
 *  and not in the contract, or otherwise there, is refused with a text that names the
 *  variable, what the network expects and what was found. Call it once, after loading:
 *  nothing of it is kept. */
ISTHMUS_API isthmus_status isthmus_model_require_input(
    const isthmus_model *model, const char *name, const isthmus_requirement *requirement);

/** The same for an output of "forward". */
ISTHMUS_API isthmus_status isthmus_model_require_output(
    const isthmus_model *model, const char *name, const isthmus_requirement *requirement);

/** Refuse a network that was trained for another time step than the host's, or for an
 *  unknown one. Equal is equal to single precision: time steps come from namelists. */
ISTHMUS_API isthmus_status isthmus_model_require_time_step(const isthmus_model *model,
                                                           double dt);

/** Evaluate "forward" on the vectors stored in the contract by PyTorch at export, here and
 *  now. What is bound stays bound and untouched.
 *  @param[out] largest_error  of all elements, relative to the largest expected value of
 *                             their output. Untouched if it is above the contract's
 *                             tolerance: that is ISTHMUS_ERR_CONTRACT, with both in the
 *                             text. */
ISTHMUS_API isthmus_status isthmus_model_self_test(isthmus_model *model,
                                                   double *largest_error);

/** Try "jvp" and "vjp" at the point that is bound for "forward" (all inputs and outputs),
 * in random directions. What is bound stays bound and untouched.
 *  @param[in]  seed          of the directions
 *  @param[out] dot_error     |<F x_tl, y_ad> - <x_tl, F^T y_ad>| relative to the norms:
 * some roundings of the network's precision if the adjoint is the transpose of the
 * tangent-linear
 *  @param[out] taylor_error  smallest, over steps h, of |f(x + h x_tl) - f(x) - h F x_tl|
 *                            relative to |h F x_tl|: about the square root of a rounding if
 *                            the tangent-linear is the derivative, near 1 if it is not */
ISTHMUS_API isthmus_status isthmus_model_check_derivatives(isthmus_model *model,
                                                           uint64_t seed, double *dot_error,
                                                           double *taylor_error);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_MODEL_H */
