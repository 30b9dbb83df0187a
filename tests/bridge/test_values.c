/* SPDX-License-Identifier: MIT */
/* y = 2 x + (position in C order) for every element type, ranks 0 to 5, contiguous and in
 * sections of a larger array. */
#include "check.h"

#include <stdint.h>

enum { max_rank = 5, max_bytes = 8, room = 1 << 16 };

static const int64_t extents[max_rank] = {2, 3, 4, 2, 3};
static const int sizes[] = {1, 1, 2, 4, 8, 4, 8}; /* by isthmus_dtype */

static unsigned char memory_x[room], memory_y[room];

static double get(const unsigned char *at, isthmus_dtype dtype) {
  union {
    int8_t i8;
    int16_t i16;
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
  } value;
  memcpy(&value, at, (size_t)sizes[dtype]);
  switch (dtype) {
  case ISTHMUS_INT16:
    return value.i16;
  case ISTHMUS_INT32:
    return value.i32;
  case ISTHMUS_INT64:
    return (double)value.i64;
  case ISTHMUS_FLOAT32:
    return value.f32;
  case ISTHMUS_FLOAT64:
    return value.f64;
  default:
    return value.i8;
  }
}

static void put(unsigned char *at, isthmus_dtype dtype, double x) {
  const int8_t i8 = (int8_t)x;
  const int16_t i16 = (int16_t)x;
  const int32_t i32 = (int32_t)x;
  const int64_t i64 = (int64_t)x;
  const float f32 = (float)x;
  const void *from[] = {&i8, &i8, &i16, &i32, &i64, &f32, &x};
  memcpy(at, from[dtype], (size_t)sizes[dtype]);
}

/* Byte strides of a section that takes every `step`-th element of each dimension. */
static int64_t section(int rank, isthmus_dtype dtype, int64_t step, int64_t *strides) {
  int64_t reach = sizes[dtype];
  for (int i = rank - 1; i >= 0; --i) {
    strides[i] = reach * step;
    reach *= step * extents[i];
  }
  return reach;
}

static int64_t offset_of(int64_t position, int rank, const int64_t *strides) {
  int64_t offset = 0;
  for (int i = rank - 1; i >= 0; --i) {
    offset += position % extents[i] * strides[i];
    position /= extents[i];
  }
  return offset;
}

static double value_at(int64_t position, isthmus_dtype dtype) {
  return dtype == ISTHMUS_BOOL ? (double)(position % 2) : (double)(position % 13) - 5;
}

static double expected_at(int64_t position, isthmus_dtype dtype) {
  const double x = value_at(position, dtype);
  double y = 2 * x + (double)position;
  if (dtype == ISTHMUS_BOOL)
    return position % 3 == 0 ? !(int)x : x;
  if (dtype == ISTHMUS_INT8) /* wraps, as in C and PyTorch */
    y = (int8_t)(int64_t)y;
  return y;
}

static void check_case(isthmus_model *model, isthmus_dtype dtype, int rank, int64_t step_x,
                       int64_t step_y) {
  int64_t strides_x[max_rank], strides_y[max_rank], n = 1;
  isthmus_array x = array_of(memory_x, dtype, rank, extents);
  isthmus_array y = array_of(memory_y, dtype, rank, extents);
  const int64_t reach = section(rank, dtype, step_y, strides_y);
  CHECK(section(rank, dtype, step_x, strides_x) <= room && reach <= room);
  for (int i = 0; i < rank; ++i)
    n *= extents[i];
  memset(memory_x, 77, room);
  memset(memory_y, 77, room);
  for (int64_t k = 0; k < n; ++k)
    put(memory_x + offset_of(k, rank, strides_x), dtype, value_at(k, dtype));
  x.strides = strides_x;
  y.strides = strides_y;
  OK(isthmus_model_bind_input(model, "x", &x));
  OK(isthmus_model_bind_output(model, "output_0", &y));
  OK(isthmus_model_run(model));
  for (int64_t k = 0; k < n; ++k) {
    unsigned char *at = memory_y + offset_of(k, rank, strides_y);
    CHECK(get(at, dtype) == expected_at(k, dtype));
    memset(at, 77, (size_t)sizes[dtype]);
  }
  int64_t n_touched = 0; /* outside the section */
  for (int64_t i = 0; i < reach; ++i)
    n_touched += memory_y[i] != 77;
  CHECK(n_touched == 0);
}

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all();
  isthmus_model *model = load("indexed.pt");
  for (int dtype = ISTHMUS_BOOL; dtype <= ISTHMUS_FLOAT64; ++dtype)
    for (int rank = 0; rank <= max_rank; ++rank) {
      check_case(model, (isthmus_dtype)dtype, rank, 1, 1);
      check_case(model, (isthmus_dtype)dtype, rank, 2, 1);
      check_case(model, (isthmus_dtype)dtype, rank, 1, 2);
      check_case(model, (isthmus_dtype)dtype, rank, 2, 2);
    }
  isthmus_model_free(model);
  return finish();
}
