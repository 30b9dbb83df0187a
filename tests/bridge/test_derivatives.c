/* SPDX-License-Identifier: MIT */
/* Tangent-linear and adjoint through both engines, from files with and without a contract:
 * the analytic values, and <y_ad, F x_tl> = <F^T y_ad, x_tl> to rounding. */
#include "check.h"

enum { n_rows = 3, n_columns = 4, n = n_rows * n_columns };
static const int64_t shape[] = {n_rows, n_columns};
static const int64_t rows_only[] = {n_rows};

/* Sums of a few dozen products of size 100: rounding only. */
static const double tolerance = 1e-11;

static double x[n], x_tl[n], x_ad[n], y[n], y_tl[n], y_ad[n];
static double s[n_rows], s_tl[n_rows], s_ad[n_rows];
static double scale = 0.5, scale_tl = -0.3, scale_ad;

struct names {
  const char *y, *s, *y_tl, *s_tl, *y_ad, *s_ad;
};

static void fill(void) {
  for (int i = 0; i < n; ++i) {
    x[i] = 0.3 * i - 1.1;
    x_tl[i] = sin(1.0 + i);
    y_ad[i] = cos(2.0 * i);
    y_tl[i] = x_ad[i] = -99;
  }
  for (int i = 0; i < n_rows; ++i)
    s_ad[i] = 0.7 - i;
}

static void bind_everything(isthmus_model *model, const struct names *names) {
  const isthmus_dtype f64 = ISTHMUS_FLOAT64;
  OK(bind_in(model, "x", x, f64, 2, shape));
  OK(bind_in(model, "scale", &scale, f64, 0, NULL));
  OK(bind_in(model, "x_tl", x_tl, f64, 2, shape));
  OK(bind_in(model, "scale_tl", &scale_tl, f64, 0, NULL));
  OK(bind_in(model, names->y_ad, y_ad, f64, 2, shape));
  OK(bind_in(model, names->s_ad, s_ad, f64, 1, rows_only));
  OK(bind_out(model, names->y, y, f64, 2, shape));
  OK(bind_out(model, names->s, s, f64, 1, rows_only));
  OK(bind_out(model, names->y_tl, y_tl, f64, 2, shape));
  OK(bind_out(model, names->s_tl, s_tl, f64, 1, rows_only));
  OK(bind_out(model, "x_ad", x_ad, f64, 2, shape));
  OK(bind_out(model, "scale_ad", &scale_ad, f64, 0, NULL));
}

static void tangent_is_analytic(void) {
  for (int k = 0; k < n; ++k) {
    const double weight = 10 * (k / n_columns) + k % n_columns + 1;
    const double expected = (weight + scale * cos(x[k])) * x_tl[k] + scale_tl * sin(x[k]);
    CHECK(fabs(y_tl[k] - expected) < tolerance);
    CHECK(fabs(y[k] - (weight * x[k] + scale * sin(x[k]))) < tolerance);
  }
}

static void adjoint_is_transpose_of_tangent(void) {
  double left = 0, right = scale_ad * scale_tl;
  for (int k = 0; k < n; ++k) {
    left += y_ad[k] * y_tl[k];
    right += x_ad[k] * x_tl[k];
  }
  for (int i = 0; i < n_rows; ++i)
    left += s_ad[i] * s_tl[i];
  CHECK(fabs(left - right) < tolerance);
  CHECK(fabs(left) > 1); /* else the test would be empty */
}

static void check_file(const char *file, const struct names *names) {
  isthmus_model *model = load(file);
  fill();
  bind_everything(model, names);
  for (int call = 0; call < 2; ++call) {
    OK(isthmus_model_run_method(model, "jvp"));
    OK(isthmus_model_run_method(model, "vjp"));
    tangent_is_analytic();
    adjoint_is_transpose_of_tangent();
    OK(isthmus_model_run(model)); /* and forward in between */
  }
  isthmus_model_free(model);
}

static void unbound_outputs_are_dropped(void) {
  isthmus_model *model = load("weighted_float64.pt2");
  fill();
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, shape));
  OK(bind_in(model, "scale", &scale, ISTHMUS_FLOAT64, 0, NULL));
  OK(bind_in(model, "x_tl", x_tl, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "input 'scale_tl' is not bound",
         isthmus_model_run_method(model, "jvp"));
  OK(bind_in(model, "scale_tl", &scale_tl, ISTHMUS_FLOAT64, 0, NULL));
  OK(bind_out(model, "y_tl", y_tl, ISTHMUS_FLOAT64, 2, shape));
  OK(isthmus_model_run_method(model, "jvp"));
  CHECK(fabs(y_tl[0] - ((1 + scale * cos(x[0])) * x_tl[0] + scale_tl * sin(x[0]))) <
        tolerance);
  isthmus_model_free(model);
}

static void unfit_derivatives_are_refused(void) {
  const int64_t two[] = {2, 4};
  isthmus_model *model = load("plain_weighted.pt");
  const struct names names = {"output_0",    "output_1",    "output_0_tl",
                              "output_1_tl", "output_0_ad", "output_1_ad"};
  fill();
  bind_everything(model, &names);
  OK(bind_in(model, "x_tl", x_tl, ISTHMUS_FLOAT64, 2, two));
  EXPECT(ISTHMUS_ERR_SHAPE,
         "'x_tl' is float64 of shape [2, 4], but 'x' is float64 of shape",
         isthmus_model_run_method(model, "jvp"));
  OK(bind_in(model, "output_0_ad", y_ad, ISTHMUS_FLOAT64, 2, two));
  EXPECT(ISTHMUS_ERR_SHAPE, "'output_0_ad' has shape [2, 4]",
         isthmus_model_run_method(model, "vjp"));
  isthmus_model_free(model);
}

static void operators_without_forward_mode_go_by_two_adjoints(void) {
  isthmus_model *model = load("gamma.pt");
  fill();
  for (int k = 0; k < n; ++k)
    x[k] = 0.1 + 0.2 * k;
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, shape));
  OK(bind_in(model, "x_tl", x_tl, ISTHMUS_FLOAT64, 2, shape));
  OK(bind_out(model, "output_0", y, ISTHMUS_FLOAT64, 2, shape));
  OK(bind_out(model, "output_0_tl", y_tl, ISTHMUS_FLOAT64, 2, shape));
  for (int call = 0; call < 2; ++call) {
    OK(isthmus_model_run_method(model, "jvp"));
    for (int k = 0; k < n; ++k) {
      CHECK(fabs(y[k] - (1 - (1 + x[k]) * exp(-x[k]))) < tolerance);
      CHECK(fabs(y_tl[k] - x[k] * exp(-x[k]) * x_tl[k]) < tolerance);
      y_tl[k] = -99;
    }
  }
  isthmus_model_free(model);
}

/* Compiled packages without derivatives say so. */
static void missing_methods_are_named(void) {
  isthmus_model *model = load("plain.pt2");
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no method 'jvp': the network has 'forward'",
         isthmus_model_run_method(model, "jvp"));
  isthmus_model_free(model);
}

/* Roundings of a few dozen sums; and the square root of a rounding, with a margin. */
static const double dot_tolerance = 1e-13, taylor_tolerance = 1e-6;

static void own_check_agrees(const char *file, const struct names *names) {
  isthmus_model *model = load(file);
  double dot_error = -1, taylor_error = -1, before = 0;
  fill();
  bind_everything(model, names);
  OK(isthmus_model_run(model));
  before = y[5];
  for (uint64_t seed = 0; seed < 3; ++seed) {
    OK(isthmus_model_check_derivatives(model, seed, &dot_error, &taylor_error));
    CHECK(dot_error >= 0 && dot_error < dot_tolerance);
    CHECK(taylor_error > 0 && taylor_error < taylor_tolerance);
  }
  CHECK(y[5] == before && x_ad[3] == -99); /* the caller's arrays are untouched */
  x[5] += 1;
  OK(isthmus_model_run(model)); /* and still bound */
  CHECK(y[5] != before);
  isthmus_model_free(model);
}

/* Stairs that rise by 1 on a slope of 1: torch sees the slope alone. */
static void own_check_finds_a_wrong_derivative(void) {
  isthmus_model *model = load("stairs.pt");
  double dot_error = -1, taylor_error = -1;
  fill();
  EXPECT(ISTHMUS_ERR_ARGUMENT, "input 'x' is not bound: the derivatives are checked",
         isthmus_model_check_derivatives(model, 1, &dot_error, &taylor_error));
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, shape));
  OK(bind_out(model, "output_0", y, ISTHMUS_FLOAT64, 2, shape));
  OK(isthmus_model_check_derivatives(model, 1, &dot_error, &taylor_error));
  CHECK(dot_error < dot_tolerance); /* the adjoint is the transpose, of the wrong thing */
  CHECK(taylor_error > 0.9 && taylor_error < 1.1);
  isthmus_model_free(model);
}

static void own_check_needs_both_methods(void) {
  isthmus_model *model = load("plain.pt2");
  double dot_error = -1, taylor_error = -1;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no method 'jvp'",
         isthmus_model_check_derivatives(model, 1, &dot_error, &taylor_error));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "argument 'taylor_error' is null",
         isthmus_model_check_derivatives(model, 1, &dot_error, NULL));
  CHECK(dot_error == -1 && taylor_error == -1);
  isthmus_model_free(model);
}

int main(int argc, char **argv) {
  const struct names named = {"y", "s", "y_tl", "s_tl", "y_ad", "s_ad"};
  const struct names numbered = {"output_0",    "output_1",    "output_0_tl",
                                 "output_1_tl", "output_0_ad", "output_1_ad"};
  if (argc > 1)
    folder = argv[1];
  use_all();
  check_file("weighted_float64.pt", &named);
  check_file("weighted_float64.pt2", &named);
  check_file("plain_weighted.pt", &numbered);
  check_file("frozen.pt", &numbered);
  unbound_outputs_are_dropped();
  unfit_derivatives_are_refused();
  operators_without_forward_mode_go_by_two_adjoints();
  missing_methods_are_named();
  own_check_agrees("weighted_float64.pt", &named);
  own_check_agrees("weighted_float64.pt2", &named);
  own_check_agrees("plain_weighted.pt", &numbered);
  own_check_finds_a_wrong_derivative();
  own_check_needs_both_methods();
  return finish();
}
