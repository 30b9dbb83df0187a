/* SPDX-License-Identifier: MIT */
/* Memory of Fortran's fields, from the start of a cache line. */
#include <ISO_Fortran_binding.h>
#include <stdlib.h>

enum { line_bytes = 64 };

/* Allocate a field with these bounds; not 0 if it cannot be done. */
int isthmus_swe_allocate_lines(CFI_cdesc_t *field, const int *lower, const int *upper) {
#ifdef ISTHMUS_FREE_TAKES_ALL
  /* What gfortran allocates it gives back by free(), which takes these bytes, too. */
  size_t size = field->elem_len;
  for (int k = 0; k < field->rank; k++) {
    const CFI_index_t extent = (CFI_index_t)upper[k] - lower[k] + 1;
    field->dim[k].lower_bound = lower[k];
    field->dim[k].extent = extent;
    field->dim[k].sm = (CFI_index_t)size;
    if (__builtin_mul_overflow(size, (size_t)extent, &size)) return CFI_ERROR_MEM_ALLOCATION;
  }
  size = (size + line_bytes - 1) / line_bytes * line_bytes;
  field->base_addr = aligned_alloc(line_bytes, size);
  return field->base_addr ? CFI_SUCCESS : CFI_ERROR_MEM_ALLOCATION;
#else
  CFI_index_t first[CFI_MAX_RANK], last[CFI_MAX_RANK];
  for (int k = 0; k < field->rank; k++) {
    first[k] = lower[k];
    last[k] = upper[k];
  }
  return CFI_allocate(field, first, last, 0);
#endif
}
