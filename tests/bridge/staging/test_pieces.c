/* SPDX-License-Identifier: MIT */
/* The separable dimension in tiles: a column's bits depend neither on the number of columns
 * nor on their order; in chunks: the same numbers to rounding. */
#include "check.h"

#include <math.h>

enum { n = 211, n_in = 64, n_out = 32 };

/* Any bits: float or double. */
struct fields {
  unsigned char x[n * n_in * 8], x_tl[n * n_in * 8], x_ad[n * n_in * 8];
  unsigned char y[n * n_out * 8], y_tl[n * n_out * 8], y_ad[n * n_out * 8];
};
static struct fields whole, parts;
static isthmus_dtype dtype;
static size_t size; /* of an element */

static void fill_field(unsigned char *field, int count, double phase) {
  for (int i = 0; i < count; ++i) {
    const double value = sin(phase + 0.37 * i) + 0.1 * cos(0.011 * i);
    if (dtype == ISTHMUS_FLOAT64)
      ((double *)field)[i] = value;
    else
      ((float *)field)[i] = (float)value;
  }
}

static void fill(void) {
  fill_field(whole.x, n * n_in, 0.1);
  fill_field(whole.x_tl, n * n_in, 1.3);
  fill_field(whole.y_ad, n * n_out, 2.2);
}

/* Run columns [start, start + count) of `fields`. */
static void run(isthmus_model *model, struct fields *fields, int start, int count,
                int with_derivatives) {
  const int64_t in[] = {count, n_in}, out[] = {count, n_out};
  const size_t of_in = (size_t)start * n_in * size, of_out = (size_t)start * n_out * size;
  OK(bind_in(model, "x", fields->x + of_in, dtype, 2, in));
  OK(bind_out(model, "y", fields->y + of_out, dtype, 2, out));
  OK(isthmus_model_run(model));
  if (!with_derivatives)
    return;
  OK(bind_in(model, "x_tl", fields->x_tl + of_in, dtype, 2, in));
  OK(bind_in(model, "y_ad", fields->y_ad + of_out, dtype, 2, out));
  OK(bind_out(model, "y_tl", fields->y_tl + of_out, dtype, 2, out));
  OK(bind_out(model, "x_ad", fields->x_ad + of_in, dtype, 2, in));
  OK(isthmus_model_run_method(model, "jvp"));
  OK(isthmus_model_run_method(model, "vjp"));
}

static void take_inputs(void) {
  memcpy(parts.x, whole.x, sizeof whole.x);
  memcpy(parts.x_tl, whole.x_tl, sizeof whole.x_tl);
  memcpy(parts.y_ad, whole.y_ad, sizeof whole.y_ad);
  memset(parts.y, 1, sizeof parts.y);
  memset(parts.y_tl, 1, sizeof parts.y_tl);
  memset(parts.x_ad, 1, sizeof parts.x_ad);
}

static int is_equal(int with_derivatives) {
  const size_t in = n * n_in * size, out = n * n_out * size;
  return !memcmp(parts.y, whole.y, out) &&
         (!with_derivatives ||
          (!memcmp(parts.y_tl, whole.y_tl, out) && !memcmp(parts.x_ad, whole.x_ad, in)));
}

static void run_in_parts(isthmus_model *model, int n_parts, int with_derivatives) {
  take_inputs();
  for (int part = 0, start = 0; part < n_parts; ++part) {
    const int count = n / n_parts + (part < n % n_parts);
    run(model, &parts, start, count, with_derivatives);
    start += count;
  }
}

static int permuted(int column) { return (column * 37 + 11) % n; } /* 211 is prime */

static void move(unsigned char *to, int i, const unsigned char *from, int j, int width) {
  memcpy(to + (size_t)i * width * size, from + (size_t)j * width * size, width * size);
}

static void permutation_changes_no_bit(isthmus_model *model, int with_derivatives) {
  static struct fields back;
  take_inputs();
  for (int i = 0; i < n; ++i) {
    move(parts.x, i, whole.x, permuted(i), n_in);
    move(parts.x_tl, i, whole.x_tl, permuted(i), n_in);
    move(parts.y_ad, i, whole.y_ad, permuted(i), n_out);
  }
  run(model, &parts, 0, n, with_derivatives);
  for (int i = 0; i < n; ++i) {
    move(back.y, permuted(i), parts.y, i, n_out);
    move(back.y_tl, permuted(i), parts.y_tl, i, n_out);
    move(back.x_ad, permuted(i), parts.x_ad, i, n_in);
  }
  parts = back;
  CHECK(is_equal(with_derivatives));
}

/* Returns whether the bits did depend on the split before the tile was set. */
static int tiles_fix_the_bits(const char *file, isthmus_dtype of, int with_derivatives) {
  static const int splits[] = {1, 3, 7, 16, 101};
  isthmus_model *model = load(file);
  int did_depend = 0;
  dtype = of;
  size = of == ISTHMUS_FLOAT64 ? 8 : 4;
  fill();
  run(model, &whole, 0, n, with_derivatives);
  run_in_parts(model, n, with_derivatives);
  did_depend = !is_equal(with_derivatives);
  for (int tile = 8; tile <= 16; tile *= 2) {
    OK(isthmus_model_set_tile(model, tile));
    run(model, &whole, 0, n, with_derivatives);
    for (size_t i = 0; i < sizeof splits / sizeof *splits; ++i) {
      run_in_parts(model, splits[i], with_derivatives);
      CHECK(is_equal(with_derivatives));
    }
    permutation_changes_no_bit(model, with_derivatives);
  }
  isthmus_model_free(model);
  return did_depend;
}

/* Sums of 128 products of size 1 in float32. */
static const double chunk_tolerance = 1e-5;

static void chunks_change_only_rounding(void) {
  isthmus_model *model = load("mlp_float32.pt2");
  const float *one = (const float *)whole.y, *other = (const float *)parts.y;
  double largest = 0;
  dtype = ISTHMUS_FLOAT32;
  size = 4;
  fill();
  run(model, &whole, 0, n, 0);
  for (int chunk = 1; chunk < 400; chunk = 3 * chunk + 1) {
    OK(isthmus_model_set_chunk(model, chunk));
    run_in_parts(model, 1, 0);
    for (int i = 0; i < n * n_out; ++i)
      largest = fmax(largest, fabs(one[i] - other[i]));
  }
  CHECK(largest < chunk_tolerance);
  OK(isthmus_model_set_chunk(model, 0));
  run_in_parts(model, 1, 0);
  CHECK(is_equal(0)); /* off again */
  isthmus_model_free(model);
}

static void no_columns_are_no_error(void) {
  isthmus_model *model = load("mlp_float32.pt2");
  dtype = ISTHMUS_FLOAT32;
  OK(isthmus_model_set_tile(model, 16));
  run(model, &whole, 0, 0, 0);
  OK(isthmus_model_set_chunk(model, 16));
  run(model, &whole, 0, 0, 0);
  isthmus_model_free(model);
}

static void what_cannot_be_cut_is_refused(void) {
  double x[6] = {1, 2, 3, 4, 5, 6}, y[6], mean, scale = 2;
  const int64_t shape[] = {6};
  isthmus_model *model = load("shared.pt");
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 1, shape));
  OK(bind_in(model, "scale", &scale, ISTHMUS_FLOAT64, 0, NULL));
  OK(bind_out(model, "y", y, ISTHMUS_FLOAT64, 1, shape));
  OK(bind_out(model, "mean", &mean, ISTHMUS_FLOAT64, 0, NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "a tile of 3 samples: expected a power of two",
         isthmus_model_set_tile(model, 3));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "a chunk of -1 samples", isthmus_model_set_chunk(model, -1));
  OK(isthmus_model_set_tile(model, 4));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'mean' has not the separable dimension",
         isthmus_model_run(model));
  OK(isthmus_model_set_tile(model, 0));
  OK(isthmus_model_run(model));
  CHECK(mean == 3.5 && y[5] == 12);
  isthmus_model_free(model);
}

int main(int argc, char **argv) {
  int n_dependent = 0;
  if (argc > 1)
    folder = argv[1];
  use_all();
  n_dependent += tiles_fix_the_bits("mlp_float32.pt", ISTHMUS_FLOAT32, 1);
  n_dependent += tiles_fix_the_bits("mlp_float64.pt", ISTHMUS_FLOAT64, 1);
  n_dependent += tiles_fix_the_bits("mlp_float32.pt2", ISTHMUS_FLOAT32, 0);
  CHECK(n_dependent > 0); /* else the test would be empty */
  printf("%d of 3 networks depended on the split without tiles\n", n_dependent);
  chunks_change_only_rounding();
  no_columns_are_no_error();
  what_cannot_be_cut_is_refused();
  return finish();
}
