/* SPDX-License-Identifier: MIT */
/** @file isthmus/array.h
 *  The caller's memory as the library sees it. */
#ifndef ISTHMUS_ARRAY_H
#define ISTHMUS_ARRAY_H

#include "isthmus/status.h"

/** Element types. */
typedef enum isthmus_dtype {
  ISTHMUS_BOOL = 0, /**< one byte, 0 or 1: C `bool`, Fortran `logical(c_bool)` */
  ISTHMUS_INT8 = 1,
  ISTHMUS_INT16 = 2,
  ISTHMUS_INT32 = 3,
  ISTHMUS_INT64 = 4,
  ISTHMUS_FLOAT32 = 5,
  ISTHMUS_FLOAT64 = 6,
  ISTHMUS_FLOAT16 = 7, /**< IEEE half; networks and devices, no Fortran kind */
  ISTHMUS_BFLOAT16 = 8 /**< upper half of a float32 */
} isthmus_dtype;

/** A caller's array: any rank from 0 to 15, any positive strides. The struct is read during
 *  the call and not kept; the memory behind `data` is. */
typedef struct isthmus_array {
  void *data;             /**< address of the first element */
  isthmus_dtype dtype;    /**< element type */
  int32_t rank;           /**< number of dimensions, 0 for a scalar */
  const int64_t *shape;   /**< `rank` extents, slowest first; may be NULL for a scalar */
  const int64_t *strides; /**< `rank` byte strides, same order; NULL means C-contiguous */
  const char *device;     /**< where `data` points: NULL or "cpu" for host memory, else
                               torch's device string ("cuda:0"), for OpenACC, OpenMP and
                               CUDA Fortran device addresses */
} isthmus_array;

#endif /* ISTHMUS_ARRAY_H */
