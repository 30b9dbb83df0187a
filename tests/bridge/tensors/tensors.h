/* SPDX-License-Identifier: MIT */
/* What the tests of tensors share: tensors from numbers and back. */
#ifndef TENSORS_H
#define TENSORS_H

#include "check.h"

enum { max_numbers = 64 };

/* A tensor of its own memory, from float64 numbers in C order. */
static isthmus_tensor *tensor_of(isthmus_dtype dtype, int32_t rank, const int64_t *shape,
                                 const double *numbers) {
  isthmus_tensor *view = NULL, *copy = NULL;
  const isthmus_array array = array_of((void *)numbers, ISTHMUS_FLOAT64, rank, shape);
  OK(isthmus_tensor_from_array(&array, NULL, &view));
  OK(isthmus_tensor_to(view, dtype, NULL, &copy));
  isthmus_tensor_free(view);
  return copy;
}

static isthmus_tensor *vector_of(isthmus_dtype dtype, int64_t n, const double *numbers) {
  return tensor_of(dtype, 1, &n, numbers);
}

/* Whether the tensor has this shape and, in C order, these values within `tolerance`. */
static int is_near(const isthmus_tensor *tensor, int32_t rank, const int64_t *shape,
                   const double *expected, double tolerance) {
  double found[max_numbers] = {0};
  int64_t n = 1;
  const isthmus_array array = array_of(found, ISTHMUS_FLOAT64, rank, shape);
  for (int32_t i = 0; i < rank; ++i)
    n *= shape[i];
  if (n > max_numbers ||
      isthmus_tensor_copy_to_array(tensor, &array, ISTHMUS_CONVERT) != ISTHMUS_OK)
    return 0;
  for (int64_t i = 0; i < n; ++i)
    if (!(fabs(found[i] - expected[i]) <= tolerance)) {
      printf("element %d is %.17g, expected %.17g\n", (int)i, found[i], expected[i]);
      return 0;
    }
  return 1;
}

static int is_equal(const isthmus_tensor *tensor, int32_t rank, const int64_t *shape,
                    const double *expected) {
  return is_near(tensor, rank, shape, expected, 0.0);
}

static int is_scalar(const isthmus_tensor *tensor, double expected) {
  return is_equal(tensor, 0, NULL, &expected);
}

static isthmus_dtype dtype_of(const isthmus_tensor *tensor) {
  isthmus_dtype dtype = ISTHMUS_BOOL;
  OK(isthmus_tensor_dtype(tensor, &dtype));
  return dtype;
}

static void use_all_of_tensors(void) {
  use_all();
  (void)vector_of, (void)is_scalar, (void)dtype_of, (void)use_all_of_tensors;
}

#endif
