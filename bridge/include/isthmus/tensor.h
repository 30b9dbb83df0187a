/* SPDX-License-Identifier: MIT */
/** @file isthmus/tensor.h
 *  Tensors that libtorch owns or that look at the caller's memory: made, asked, moved.
 *  tensor_math.h computes with them, tape.h differentiates.
 *
 *  Rules for all three headers:
 *  - a function that makes a tensor hands out a new handle, freed by isthmus_tensor_free().
 *    Handles are independent: several may share one memory, which goes with the last.
 *  - element types are never mixed or converted unless the call says so, and shapes are
 *    never stretched, but for an operand of one element.
 *  - calls on different tensors may run at the same time in different threads. */
#ifndef ISTHMUS_TENSOR_H
#define ISTHMUS_TENSOR_H

#include "isthmus/array.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A reference to a tensor of libtorch. */
typedef struct isthmus_tensor isthmus_tensor;

/* Make and free ------------------------------------------------------------------------ */

/** A tensor whose values are not set.
 *  @param[in]  shape   `rank` extents, slowest first; may be NULL for a scalar
 *  @param[in]  device  "cpu", "cuda:1", ...: torch's device strings; NULL is "cpu" */
ISTHMUS_API isthmus_status isthmus_tensor_empty(isthmus_dtype dtype, int32_t rank,
                                                const int64_t *shape, const char *device,
                                                isthmus_tensor **tensor);

/** As isthmus_tensor_empty(), of zeros. */
ISTHMUS_API isthmus_status isthmus_tensor_zeros(isthmus_dtype dtype, int32_t rank,
                                                const int64_t *shape, const char *device,
                                                isthmus_tensor **tensor);

/** As isthmus_tensor_empty(), of ones. */
ISTHMUS_API isthmus_status isthmus_tensor_ones(isthmus_dtype dtype, int32_t rank,
                                               const int64_t *shape, const char *device,
                                               isthmus_tensor **tensor);

/** As isthmus_tensor_empty(), of random numbers, even in [0, 1). Floating-point types. */
ISTHMUS_API isthmus_status isthmus_tensor_rand(isthmus_dtype dtype, int32_t rank,
                                               const int64_t *shape, const char *device,
                                               isthmus_tensor **tensor);

/** As isthmus_tensor_empty(), of normal random numbers, mean 0, variance 1. */
ISTHMUS_API isthmus_status isthmus_tensor_randn(isthmus_dtype dtype, int32_t rank,
                                                const int64_t *shape, const char *device,
                                                isthmus_tensor **tensor);

/** Start the random numbers of all devices anew from `seed`. */
ISTHMUS_API isthmus_status isthmus_manual_seed(uint64_t seed);

/** A tensor that looks at the caller's memory, on the host or on a device, without a copy.
 *  Any positive strides are taken as they are.
 *  @param[in]  array  its memory stays allocated and unmoved as long as any tensor made
 *                     from this one, and any tape that recorded it
 *  @param[in]  order  dimension `i` of the tensor is dimension `order[i]` of the array: a
 *                     permutation of 0 .. rank-1. NULL keeps the order of the array */
ISTHMUS_API isthmus_status isthmus_tensor_from_array(const isthmus_array *array,
                                                     const int32_t *order,
                                                     isthmus_tensor **tensor);

/** A contiguous copy in memory of its own. The tape follows it. */
ISTHMUS_API isthmus_status isthmus_tensor_clone(const isthmus_tensor *tensor,
                                                isthmus_tensor **copy);

/** One more handle of the same tensor. */
ISTHMUS_API isthmus_status isthmus_tensor_alias(const isthmus_tensor *tensor,
                                                isthmus_tensor **alias);

/** Free the handle. NULL is allowed. */
ISTHMUS_API void isthmus_tensor_free(isthmus_tensor *tensor);

/* Ask ---------------------------------------------------------------------------------- */

/** Number of dimensions, 0 for a scalar. */
ISTHMUS_API isthmus_status isthmus_tensor_rank(const isthmus_tensor *tensor, int32_t *rank);

/** Extents, slowest first.
 *  @param[in]  room   number of elements `shape` has; at least the rank */
ISTHMUS_API isthmus_status isthmus_tensor_shape(const isthmus_tensor *tensor, int32_t room,
                                                int64_t *shape);

/** Strides in elements, not bytes, in the order of the extents.
 *  @param[in]  room   number of elements `strides` has; at least the rank */
ISTHMUS_API isthmus_status isthmus_tensor_strides(const isthmus_tensor *tensor,
                                                  int32_t room, int64_t *strides);

/** Element type; a type that isthmus_dtype does not name is an error. */
ISTHMUS_API isthmus_status isthmus_tensor_dtype(const isthmus_tensor *tensor,
                                                isthmus_dtype *dtype);

/** Device type, "cpu", "cuda", ..., owned by the library, and which one; 0 for "cpu". */
ISTHMUS_API isthmus_status isthmus_tensor_device(const isthmus_tensor *tensor,
                                                 const char **type, int32_t *index);

/** Number of elements, 1 for a scalar. */
ISTHMUS_API isthmus_status isthmus_tensor_n_elements(const isthmus_tensor *tensor,
                                                     int64_t *n_elements);

/** Address of the first element, on the tensor's device. Valid while a handle is. */
ISTHMUS_API isthmus_status isthmus_tensor_data(const isthmus_tensor *tensor, void **data);

/** Values, type and shape as torch prints them. Costs a copy to the host.
 *  @param[out] text  freed by isthmus_text_free() */
ISTHMUS_API isthmus_status isthmus_tensor_text(const isthmus_tensor *tensor, char **text);

/** Free a text. NULL is allowed. */
ISTHMUS_API void isthmus_text_free(char *text);

/* Move and fill ------------------------------------------------------------------------ */

/** Conversion of element types by a copy: asked for, or refused. */
typedef enum isthmus_conversion {
  ISTHMUS_EXACT_TYPE = 0, /**< other types are refused */
  ISTHMUS_CONVERT = 1     /**< values are converted as by a C cast */
} isthmus_conversion;

/** A copy of another element type or on another device. The tape follows it.
 *  @param[in]  device  NULL keeps the device */
ISTHMUS_API isthmus_status isthmus_tensor_to(const isthmus_tensor *tensor,
                                             isthmus_dtype dtype, const char *device,
                                             isthmus_tensor **copy);

/** Overwrite the values of `target`, on any device, by those of `source`. Shapes must be
 *  equal. They may share memory. With the tape on, `target` becomes a result of `source`;
 *  a leaf that requires a gradient is refused then. */
ISTHMUS_API isthmus_status isthmus_tensor_copy(isthmus_tensor *target,
                                               const isthmus_tensor *source,
                                               isthmus_conversion conversion);

/** Write the values into the caller's memory, on the host or on a device. Shapes must be
 *  equal. */
ISTHMUS_API isthmus_status isthmus_tensor_copy_to_array(const isthmus_tensor *source,
                                                        const isthmus_array *target,
                                                        isthmus_conversion conversion);

/** Overwrite the values by those of the caller's array. Shapes must be equal. */
ISTHMUS_API isthmus_status isthmus_tensor_copy_from_array(isthmus_tensor *target,
                                                          const isthmus_array *source,
                                                          isthmus_conversion conversion);

/** Set every element to a value that the element type can hold. */
ISTHMUS_API isthmus_status isthmus_tensor_fill_float64(isthmus_tensor *tensor,
                                                       double value);

/** Set every element to a value that the element type can hold. */
ISTHMUS_API isthmus_status isthmus_tensor_fill_int64(isthmus_tensor *tensor, int64_t value);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_TENSOR_H */
