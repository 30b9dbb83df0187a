/* SPDX-License-Identifier: MIT */
/* Fortran 2018 C descriptors as arrays of isthmus.h: any kind, rank and section, uncopied.
 */
#include <ISO_Fortran_binding.h>
#include <stdint.h>
#include <stdio.h>

#include "isthmus.h"

enum { max_rank = 15 };

/* Bytes of an element, by isthmus_dtype. */
static const size_t sizes[] = {1, 1, 2, 4, 8, 4, 8};

/* Declared here only: the Fortran module is the sole caller. */
int isthmus_fortran_bind(isthmus_model *model, const char *name, CFI_cdesc_t *array,
                         int dtype, int is_output, char *text, int n_text);
int isthmus_fortran_bind_pointer(isthmus_model *model, const char *name, void *address,
                                 int dtype, int rank, const int64_t *shape, int is_output,
                                 char *text, int n_text, const int64_t *strides);

struct message {
  char *text;
  int n_text;
};

static int refuse(struct message message, isthmus_status status, const char *name,
                  const char *reason) {
  snprintf(message.text, (size_t)message.n_text, "'%s' %s", name, reason);
  return status;
}

static int bind_array(isthmus_model *model, const char *name, const isthmus_array *array,
                      int is_output, struct message message) {
  const isthmus_status status = is_output ? isthmus_model_bind_output(model, name, array)
                                          : isthmus_model_bind_input(model, name, array);
  if (status != ISTHMUS_OK)
    snprintf(message.text, (size_t)message.n_text, "%s%s", isthmus_error_message(),
             status == ISTHMUS_ERR_SHAPE && array->rank > 1
                 ? " (shapes slowest first: Fortran's extents in reverse)"
                 : "");
  return status;
}

int isthmus_fortran_bind(isthmus_model *model, const char *name, CFI_cdesc_t *array,
                         int dtype, int is_output, char *text, int n_text) {
  const struct message message = {text, n_text};
  isthmus_array seen = {0};
  int64_t shape[max_rank], strides[max_rank];
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
  seen.data = array->base_addr;
  seen.dtype = (isthmus_dtype)dtype;
  seen.rank = array->rank;
  seen.shape = shape;
  seen.strides = strides;
  return bind_array(model, name, &seen, is_output, message);
}

int isthmus_fortran_bind_pointer(isthmus_model *model, const char *name, void *address,
                                 int dtype, int rank, const int64_t *shape, int is_output,
                                 char *text, int n_text, const int64_t *strides) {
  const struct message message = {text, n_text};
  isthmus_array seen = {0};
  int64_t reversed[max_rank], steps[max_rank];
  if (rank < 0 || rank > max_rank)
    return refuse(message, ISTHMUS_ERR_SHAPE, name, "must have 0 to 15 dimensions");
  for (int i = 0; i < rank; ++i) {
    reversed[i] = shape[rank - 1 - i];
    steps[i] = strides ? strides[rank - 1 - i] : 0;
  }
  seen.data = address;
  seen.dtype = (isthmus_dtype)dtype;
  seen.rank = rank;
  seen.shape = reversed;
  seen.strides = strides ? steps : NULL;
  return bind_array(model, name, &seen, is_output, message);
}
