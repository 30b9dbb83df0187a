/* SPDX-License-Identifier: MIT */
/* Arrays bound with conversion, in another order, and normalized by the bridge: equal bit
 * for bit to the same done by hand in three passes. */
#include "check.h"

#include <math.h>

enum { n_columns = 150, n_levels = 4, n = n_columns * n_levels };
static const int64_t shape[] = {n_columns, n_levels}, reversed[] = {n_levels, n_columns};
static const int32_t as_is[] = {0, 1}, crossed[] = {1, 0};
static const double mean[] = {1, 2, 3, 4}, sd[] = {0.5, 1.5, 2.5, 3.5};

static double x[n], y[n], x_crossed[n], y_crossed[n];
static float x_float[n], y_float[n];

static isthmus_status bind(isthmus_model *model, int is_output, const char *name,
                           void *data, isthmus_dtype dtype, const int64_t *extents,
                           int convert, const int32_t *order) {
  const isthmus_array array = array_of(data, dtype, 2, extents);
  isthmus_binding binding = {0};
  binding.convert = convert;
  binding.order = order;
  return is_output ? isthmus_model_bind_output_as(model, name, &array, &binding)
                   : isthmus_model_bind_input_as(model, name, &array, &binding);
}

static void fill(void) {
  for (int i = 0; i < n; ++i) {
    x[i] = 3 * sin(0.7 * i) + 0.001 * i;
    x_crossed[(i % n_levels) * n_columns + i / n_levels] = x[i];
  }
}

/* y = x x + (level + 1) x in float32, by hand. */
static void by_hand(void) {
  for (int i = 0; i < n; ++i) {
    const float level = (float)(i % n_levels + 1), value = x_float[i];
    y_float[i] = value * value + level * value;
  }
}

static void conversion_is_that_of_C(void) {
  isthmus_model *model = load("profile_float32.pt");
  OK(bind(model, 0, "x", x, ISTHMUS_FLOAT64, shape, 1, NULL));
  OK(bind(model, 1, "y", y, ISTHMUS_FLOAT64, shape, 1, NULL));
  for (int i = 0; i < n; ++i)
    x_float[i] = (float)x[i];
  by_hand();
  for (int call = 0; call < 2; ++call) {
    memset(y, 0, sizeof y);
    OK(isthmus_model_run(model));
    for (int i = 0; i < n; ++i)
      CHECK(y[i] == (double)y_float[i]);
  }
  isthmus_model_free(model);
}

static void order_reads_across(const char *file, int convert) {
  isthmus_model *model = load(file);
  OK(bind(model, 0, "x", x, ISTHMUS_FLOAT64, shape, convert, as_is));
  OK(bind(model, 1, "y", y, ISTHMUS_FLOAT64, shape, convert, NULL));
  OK(isthmus_model_run(model));
  OK(bind(model, 0, "x", x_crossed, ISTHMUS_FLOAT64, reversed, convert, crossed));
  OK(bind(model, 1, "y", y_crossed, ISTHMUS_FLOAT64, reversed, convert, crossed));
  OK(isthmus_model_run(model));
  for (int i = 0; i < n; ++i)
    CHECK(y[i] == y_crossed[(i % n_levels) * n_columns + i / n_levels]);
  isthmus_model_free(model);
}

static void normalization_is_applied_once(int tile) {
  isthmus_model *model = load("normalized_float32.pt");
  OK(isthmus_model_set_tile(model, tile));
  OK(bind(model, 0, "x", x_crossed, ISTHMUS_FLOAT64, reversed, 1, crossed));
  OK(bind(model, 1, "y", y, ISTHMUS_FLOAT64, shape, 1, NULL));
  OK(isthmus_model_run(model));
  for (int i = 0; i < n; ++i)
    x_float[i] = (float)((x[i] - mean[i % n_levels]) / sd[i % n_levels]);
  by_hand();
  for (int i = 0; i < n; ++i)
    CHECK(y[i] == (double)y_float[i] * 3.0 + -10.0);
  isthmus_model_free(model);
}

static void normalized_without_conversion(void) {
  isthmus_model *model = load("normalized_float64.pt");
  OK(bind(model, 0, "x", x, ISTHMUS_FLOAT64, shape, 0, NULL));
  OK(bind(model, 1, "y", y, ISTHMUS_FLOAT64, shape, 0, NULL));
  OK(isthmus_model_run(model));
  for (int i = 0; i < n; ++i) {
    const double level = i % n_levels + 1,
                 value = (x[i] - mean[i % n_levels]) / sd[i % n_levels];
    CHECK(y[i] == (value * value + level * value) * 3.0 + -10.0);
  }
  isthmus_model_free(model);
}

/* Two roundings of the half types, times the slope of y. */
static void half_types_are_converted(const char *file, double tolerance) {
  isthmus_model *model = load(file);
  double largest = 0;
  OK(bind(model, 0, "x", x, ISTHMUS_FLOAT64, shape, 1, NULL));
  OK(bind(model, 1, "y", y, ISTHMUS_FLOAT64, shape, 1, NULL));
  OK(isthmus_model_run(model));
  for (int i = 0; i < n; ++i)
    largest = fmax(largest, fabs(y[i] - x[i] * (x[i] + i % n_levels + 1)));
  CHECK(largest > 0 && largest < tolerance);
  isthmus_model_free(model);
}

/* Of products in float32 or float64, through scales of size 1. */
static void derivatives_pass_the_stage(const char *file, int tile, double rounding,
                                       double root) {
  isthmus_model *model = load(file);
  double dot_error = -1, taylor_error = -1;
  OK(isthmus_model_set_tile(model, tile));
  OK(bind(model, 0, "x", x, ISTHMUS_FLOAT64, shape, 1, NULL));
  OK(bind(model, 1, "y", y_crossed, ISTHMUS_FLOAT64, reversed, 1, crossed));
  OK(isthmus_model_check_derivatives(model, 4, &dot_error, &taylor_error));
  CHECK(dot_error >= 0 && dot_error < rounding);
  CHECK(taylor_error > 0 && taylor_error < root);
  isthmus_model_free(model);
}

static void what_overflows_is_told(void) {
  isthmus_model *model = load("profile_float32.pt");
  OK(bind(model, 0, "x", x, ISTHMUS_FLOAT64, shape, 1, NULL));
  OK(bind(model, 1, "y", y, ISTHMUS_FLOAT64, shape, 1, NULL));
  x[77] = 1e39;
  EXPECT(ISTHMUS_ERR_RUNTIME, "'x' has a value too large for float32",
         isthmus_model_run(model));
  x[77] = INFINITY; /* was no number before, is none afterwards */
  OK(isthmus_model_run(model));
  CHECK(isinf(y[77]));
  fill();
  OK(isthmus_model_run(model));
  isthmus_model_free(model);
  model = load("profile_float16.pt");
  OK(bind(model, 0, "x", x, ISTHMUS_FLOAT64, shape, 1, NULL));
  OK(bind(model, 1, "y", y, ISTHMUS_FLOAT64, shape, 1, NULL));
  x[5] = 65536;
  EXPECT(ISTHMUS_ERR_RUNTIME, "'x' has a value too large for float16",
         isthmus_model_run(model));
  fill();
  isthmus_model_free(model);
}

static void nothing_is_converted_unasked(void) {
  static int32_t integers[n];
  static const int32_t twice[] = {1, 1}, outside[] = {0, 2};
  isthmus_model *model = load("profile_float32.pt");
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' is float64, the network expects float32 (bind it with",
         bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' is float64, the network expects float32",
         bind(model, 0, "x", x, ISTHMUS_FLOAT64, shape, 0, as_is));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' is int32, the network expects float32",
         bind(model, 0, "x", integers, ISTHMUS_INT32, shape, 1, NULL));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has shape [4, 150]",
         bind(model, 0, "x", x, ISTHMUS_FLOAT64, reversed, 1, NULL));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has an order that is no order of its 2 dimensions",
         bind(model, 0, "x", x, ISTHMUS_FLOAT64, shape, 1, twice));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has an order that is no order",
         bind(model, 0, "x", x, ISTHMUS_FLOAT64, shape, 1, outside));
  isthmus_model_free(model);
}

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all();
  fill();
  conversion_is_that_of_C();
  order_reads_across("profile_float64.pt", 0);
  order_reads_across("profile_float32.pt", 1);
  normalization_is_applied_once(0);
  normalization_is_applied_once(64);
  normalized_without_conversion();
  half_types_are_converted("profile_float16.pt", 0.1);
  half_types_are_converted("profile_bfloat16.pt", 0.5);
  derivatives_pass_the_stage("normalized_float64.pt", 0, 1e-13, 1e-6);
  derivatives_pass_the_stage("normalized_float64.pt", 32, 1e-13, 1e-6);
  derivatives_pass_the_stage("normalized_float32.pt", 0, 1e-5, 1e-2);
  what_overflows_is_told();
  nothing_is_converted_unasked();
  return finish();
}
