/* SPDX-License-Identifier: MIT */
/* Faults within networks: what they raise, return, want or overwrite reaches the caller as
 * a status, nothing is written, and the same network can be called again. */
#include "faults.h"

#include <fenv.h>

static const int64_t small[] = {2, 4};
static double x[8], y[8];

static isthmus_model *bound(const char *file) {
  isthmus_model *model = load(file);
  for (int i = 0; i < 8; ++i) {
    x[i] = i;
    y[i] = -1;
  }
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, small));
  OK(bind_out(model, "output_0", y, ISTHMUS_FLOAT64, 2, small));
  return model;
}

/* Fails for 101 in its input, and doubles what is small. */
static void fails_then_doubles(const char *file, const char *fragment) {
  isthmus_model *model = bound(file);
  for (int round = 0; round < 3; ++round) {
    x[3] = 101;
    y[3] = -1;
    EXPECT(ISTHMUS_ERR_RUNTIME, fragment, isthmus_model_run(model));
    CHECK(y[3] == -1); /* nothing was written */
    x[3] = 3;
    OK(isthmus_model_run(model));
    CHECK(y[3] == 6);
  }
  isthmus_model_free(model);
}

static void raising(void) { fails_then_doubles("failing.pt", "x is above 100"); }

static void wanting_a_pebibyte(void) {
  fails_then_doubles("faults/hungry.pt", "can't allocate memory");
}

static void reading_outside(void) {
  fails_then_doubles("faults/pointing.pt", "out of bounds");
}

static void raising_in_derivatives(void) {
  isthmus_model *model = bound("failing.pt");
  double x_tl[8] = {0}, x_ad[8], y_tl[8];
  x[3] = 101;
  OK(bind_in(model, "x_tl", x_tl, ISTHMUS_FLOAT64, 2, small));
  OK(bind_out(model, "output_0_tl", y_tl, ISTHMUS_FLOAT64, 2, small));
  OK(bind_in(model, "output_0_ad", x_tl, ISTHMUS_FLOAT64, 2, small));
  OK(bind_out(model, "x_ad", x_ad, ISTHMUS_FLOAT64, 2, small));
  EXPECT(ISTHMUS_ERR_RUNTIME, "above 100", isthmus_model_run_method(model, "jvp"));
  EXPECT(ISTHMUS_ERR_RUNTIME, "above 100", isthmus_model_run_method(model, "vjp"));
  x[3] = 3;
  x_tl[3] = 1;
  OK(isthmus_model_run_method(model, "jvp"));
  OK(isthmus_model_run_method(model, "vjp"));
  CHECK(y_tl[3] == 2 && y_tl[2] == 0 && x_ad[3] == 2 && x_ad[2] == 0);
  isthmus_model_free(model);
}

static void returning_no_tensors(void) {
  refused("faults/silent.pt", ISTHMUS_ERR_FILE, "forward returns NoneType");
}

static void given_another_number(void) {
  isthmus_model *model = bound("scaling.pt"); /* forward(x, n: int) */
  int64_t n = 2;
  OK(bind_in(model, "n", x, ISTHMUS_FLOAT64, 0, NULL));
  EXPECT(ISTHMUS_ERR_SHAPE, "'n' is a number to the network: bind a scalar int64",
         isthmus_model_run(model));
  OK(bind_in(model, "n", &n, ISTHMUS_INT64, 0, NULL));
  OK(isthmus_model_run(model));
  CHECK(y[3] == 6);
  isthmus_model_free(model);
}

static void shape_from_values(void) {
  isthmus_model *model = bound("faults/choosing.pt");
  const int64_t seven[] = {7};
  EXPECT(ISTHMUS_ERR_SHAPE,
         "'output_0' of the network is float64 of shape [7], the array bound to it",
         isthmus_model_run(model));
  CHECK(y[0] == -1);
  OK(bind_out(model, "output_0", y, ISTHMUS_FLOAT64, 1, seven));
  OK(isthmus_model_run(model)); /* as long as seven of the eight are positive */
  CHECK(y[0] == 1 && y[6] == 7);
  isthmus_model_free(model);
}

static void returning_another_shape(void) {
  isthmus_model *model = bound("wider.pt");
  EXPECT(ISTHMUS_ERR_SHAPE, "float64 of shape [2, 5], the array bound to it is float64 of",
         isthmus_model_run(model));
  CHECK(y[0] == -1);
  isthmus_model_free(model);
}

static void returning_another_type(void) {
  isthmus_model *model = bound("half.pt");
  EXPECT(ISTHMUS_ERR_SHAPE, "is float16 of shape [2, 4]", isthmus_model_run(model));
  CHECK(y[0] == -1);
  isthmus_model_free(model);
}

static void breaking_its_contract(void) {
  isthmus_model *model = load("lying_shape.pt");
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, small));
  OK(bind_out(model, "y", y, ISTHMUS_FLOAT64, 2, small));
  EXPECT(ISTHMUS_ERR_SHAPE, "[2, 5], the array bound to it is float64 of shape [2, 4]",
         isthmus_model_run(model));
  isthmus_model_free(model);
}

static void fitting_another_width(void) {
  isthmus_model *model = bound("faults/multiplying.pt");
  const int64_t narrow[] = {4, 2};
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, narrow));
  EXPECT(ISTHMUS_ERR_RUNTIME, "mat1 and mat2 shapes cannot be multiplied (4x2 and 4x4)",
         isthmus_model_run(model));
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, small));
  OK(isthmus_model_run(model));
  CHECK(y[7] == 14);
  isthmus_model_free(model);
}

static void overwriting_its_input(void) {
  isthmus_model *model = bound("mutating.pt");
  OK(isthmus_model_run(model));
  CHECK(x[3] == 3 && y[3] == 8); /* the network worked on a copy */
  isthmus_model_free(model);
}

static void given_nothing_finite(void) {
  isthmus_model *model = load("weighted_float64.pt2");
  struct good good;
  bind_good(model, &good);
  for (int k = 0; k < n_values; ++k)
    good.x[k] = k % 3 == 0 ? NAN : k % 3 == 1 ? INFINITY : 1;
  OK(isthmus_model_run(model));
  CHECK(isnan(good.y[0]) && !isfinite(good.y[1]) && isfinite(good.y[2]));
  isthmus_model_free(model);
}

static void raising_every_exception(void) {
  isthmus_model *model = bound("wild.pt");
  feclearexcept(FE_ALL_EXCEPT);
  OK(isthmus_model_run(model));
  CHECK(y[3] == 6);
  CHECK(fetestexcept(FE_ALL_EXCEPT) == 0); /* they are not the host's */
  isthmus_model_free(model);
}

static void compiled_for_other_inputs(void) {
  const int64_t wide[] = {2, 3}, two[] = {2};
  float a[8] = {0, 1, 2, 3, 4, 5, 6, 7}, b[8], s[2], scale = 0.5F;
  isthmus_model *model = load("plain.pt2");
  OK(bind_in(model, "input_0", a, ISTHMUS_FLOAT32, 2, wide));
  OK(bind_in(model, "input_1", &scale, ISTHMUS_FLOAT32, 0, NULL));
  OK(bind_out(model, "output_0", b, ISTHMUS_FLOAT32, 2, small));
  OK(bind_out(model, "output_1", s, ISTHMUS_FLOAT32, 1, two));
  CHECK(isthmus_model_run(model) != ISTHMUS_OK);
  CHECK(isthmus_error_message()[0] != '\0');
  OK(bind_in(model, "input_0", x, ISTHMUS_FLOAT64, 2, small));
  EXPECT(ISTHMUS_ERR_RUNTIME, "dtype", isthmus_model_run(model));
  OK(bind_in(model, "input_0", a, ISTHMUS_FLOAT32, 2, small));
  OK(isthmus_model_run(model));
  CHECK(fabsf(b[5] - (12 * 5.0F + 0.5F * sinf(5.0F))) < 1e-5F);
  isthmus_model_free(model);
}

static void named_beyond_ascii(void) {
  isthmus_model *model = load("faults/quoted.pt");
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no input 'x': the network has 'x \"raw\"'",
         bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, small));
  OK(bind_in(model, "x \"raw\"", x, ISTHMUS_FLOAT64, 2, small));
  OK(bind_out(model, "y '\xc3\xa9'", y, ISTHMUS_FLOAT64, 2, small));
  OK(isthmus_model_run(model));
  CHECK(y[7] == 2 * x[7]);
  isthmus_model_free(model);
}

static const struct fault faults[] = {
    {"N01", "forward raises", raising},
    {"N02", "forward wants a pebibyte", wanting_a_pebibyte},
    {"N03", "forward reads outside a table", reading_outside},
    {"N04", "forward raises under jvp and vjp", raising_in_derivatives},
    {"N05", "forward returns no tensors", returning_no_tensors},
    {"N06", "number of another type", given_another_number},
    {"N07", "shape depends on values", shape_from_values},
    {"N08", "result has another shape", returning_another_shape},
    {"N09", "result has another type", returning_another_type},
    {"N10", "network breaks its contract", breaking_its_contract},
    {"N11", "input of another width", fitting_another_width},
    {"N12", "network overwrites its input", overwriting_its_input},
    {"N13", "NaN and infinity come in", given_nothing_finite},
    {"N14", "every floating-point exception", raising_every_exception},
    {"N15", "compiled for other inputs, no contract", compiled_for_other_inputs},
    {"N16", "names beyond ASCII", named_beyond_ascii},
};

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all_of_faults();
  PROVOKE(faults);
  return finish();
}
