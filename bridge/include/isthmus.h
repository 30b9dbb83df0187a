/* SPDX-License-Identifier: MIT */
/** @file isthmus.h
 *  The whole C interface of Isthmus: networks exported from PyTorch, called on the
 *  caller's own memory. Valid C99 and C++; no libtorch type appears here.
 *
 *  Rules that hold for every function:
 *  - it returns a status; zero is success. The text for the last failure of this thread
 *    is in isthmus_error_message(). Nothing is printed, nothing aborts, no exception
 * leaves.
 *  - out-parameters come last and are untouched on failure.
 *  - shapes are given slowest first, as in C, Python and netCDF: the Fortran array
 *    `u(nx, ny)` is {ny, nx}.
 */
#ifndef ISTHMUS_H
#define ISTHMUS_H

#include <stdint.h>

#if defined(__GNUC__)
#define ISTHMUS_API __attribute__((visibility("default")))
#else
#define ISTHMUS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Outcome of a call. Zero is success; isthmus_error_message() tells the rest. */
typedef enum isthmus_status {
  ISTHMUS_OK = 0,
  ISTHMUS_ERR_ARGUMENT = 1, /**< null pointer, unknown name, call out of order */
  ISTHMUS_ERR_FILE = 2,     /**< model file absent, unreadable or of another format */
  ISTHMUS_ERR_SHAPE = 3,   /**< rank, extent, stride or element type is not the network's */
  ISTHMUS_ERR_DEVICE = 4,  /**< device unknown, or not present on this machine */
  ISTHMUS_ERR_RUNTIME = 5, /**< the engine failed while evaluating the network */
  ISTHMUS_ERR_INTERNAL = 6, /**< a defect of isthmus; please report it */
  ISTHMUS_ERR_CONTRACT = 7  /**< the file breaks its own contract: checksum, ISA, format */
} isthmus_status;

/** Element types a caller's array may have. */
typedef enum isthmus_dtype {
  ISTHMUS_BOOL = 0, /**< one byte, 0 or 1: C `bool`, Fortran `logical(c_bool)` */
  ISTHMUS_INT8 = 1,
  ISTHMUS_INT16 = 2,
  ISTHMUS_INT32 = 3,
  ISTHMUS_INT64 = 4,
  ISTHMUS_FLOAT32 = 5,
  ISTHMUS_FLOAT64 = 6
} isthmus_dtype;

/** A caller's array: any rank from 0 to 15, any positive strides. The struct is read during
 *  the call and not kept; the memory behind `data` is. */
typedef struct isthmus_array {
  void *data;             /**< address of the first element */
  isthmus_dtype dtype;    /**< element type */
  int32_t rank;           /**< number of dimensions, 0 for a scalar */
  const int64_t *shape;   /**< `rank` extents, slowest first; may be NULL for a scalar */
  const int64_t *strides; /**< `rank` byte strides, same order; NULL means C-contiguous */
} isthmus_array;

/** A loaded network and the arrays bound to it. Use one per thread. */
typedef struct isthmus_model isthmus_model;

/** Why the last call on this thread failed ("" if it did not). Owned by the library,
 *  valid until the next isthmus call on the same thread. */
ISTHMUS_API const char *isthmus_error_message(void);

/** Name of a status as it stands in this header, e.g. "ISTHMUS_ERR_SHAPE". Never NULL. */
ISTHMUS_API const char *isthmus_status_name(isthmus_status status);

/** Version of this library, "major.minor.patch". */
ISTHMUS_API const char *isthmus_version(void);

/** Version of the libtorch underneath, e.g. "2.13.0". */
ISTHMUS_API const char *isthmus_torch_version(void);

/** Load a network from `.pt` (TorchScript) or `.pt2` (AOTInductor package).
 *  The engine is chosen by what is in the file, not by its name. If the file carries a
 *  contract, its checksums and instruction set are verified before any of it is executed.
 *  @param[in]  path    file on disk
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
 *  @param[in] array  its memory stays allocated and unmoved until rebound or freed */
ISTHMUS_API isthmus_status isthmus_model_bind_input(isthmus_model *model, const char *name,
                                                    const isthmus_array *array);

/** Let the network write its output `name` straight into the caller's memory: one copy per
 *  run. It may be the very array bound to an input (in-place step), but no two outputs may
 *  overlap. */
ISTHMUS_API isthmus_status isthmus_model_bind_output(isthmus_model *model, const char *name,
                                                     const isthmus_array *array);

/** Evaluate "forward" on the bound arrays. Every input and output must be bound. */
ISTHMUS_API isthmus_status isthmus_model_run(isthmus_model *model);

/** Evaluate a method: "forward", "jvp" (tangent-linear: reads `x`, `x_tl`, fills `y`,
 * `y_tl`) or "vjp" (adjoint: reads `x`, `y_ad`, fills `x_ad`). Outputs left unbound are
 * computed and dropped for "jvp" and "vjp". */
ISTHMUS_API isthmus_status isthmus_model_run_method(isthmus_model *model,
                                                    const char *method);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_H */
