/* SPDX-License-Identifier: MIT */
/* Fortran 2018 C descriptors read for isthmus.h: any kind, rank and section, uncopied. */
#include <ISO_Fortran_binding.h>
#include <stdint.h>
#include <stdio.h>

#include "isthmus.h"

enum { max_rank = 15 };

/* Bytes of an element, by isthmus_dtype. */
static const size_t sizes[] = {1, 1, 2, 4, 8, 4, 8, 2, 2};

/* Declared here only: the Fortran module isthmus_arrays is the sole caller. */
int isthmus_fortran_describe(const char *name, CFI_cdesc_t *array, int dtype,
                             void **address, int32_t *rank, int64_t *shape,
                             int64_t *strides, char *text, int n_text);

struct message {
  char *text;
  int n_text;
};

static int refuse(struct message message, isthmus_status status, const char *name,
                  const char *reason) {
  snprintf(message.text, (size_t)message.n_text, "'%s' %s", name, reason);
  return status;
}

int isthmus_fortran_describe(const char *name, CFI_cdesc_t *array, int dtype,
                             void **address, int32_t *rank, int64_t *shape,
                             int64_t *strides, char *text, int n_text) {
  const struct message message = {text, n_text};
  if (array->rank > max_rank)
    return refuse(message, ISTHMUS_ERR_SHAPE, name, "has more than 15 dimensions");
  if (!array->base_addr)
    return refuse(message, ISTHMUS_ERR_ARGUMENT, name,
                  "has no memory: it is not allocated or not associated");
  /* gfortran passes `columns%t` with the address and element size of `columns`. */
  if (array->elem_len != sizes[dtype])
    return refuse(message, ISTHMUS_ERR_SHAPE, name,
                  "is a component of an array of derived type: bind it by its address and "
                  "strides, bind_input_pointer or bind_output_pointer");
  for (int i = 0; i < array->rank; ++i) { /* Fortran's last dimension is the slowest */
    const CFI_dim_t *dim = &array->dim[array->rank - 1 - i];
    if (dim->extent < 0)
      return refuse(
          message, ISTHMUS_ERR_SHAPE, name,
          "is an assumed-size array, whose last extent is unknown: pass a section "
          "with bounds");
    shape[i] = dim->extent;
    strides[i] = dim->sm;
  }
  *address = array->base_addr;
  *rank = array->rank;
  return ISTHMUS_OK;
}
