/* SPDX-License-Identifier: MIT */
/* Names, bindings and runs: what is refused, with which status and words, and that a
 * correct call succeeds afterwards. Both engines. */
#include "check.h"

enum { n_rows = 3, n_columns = 4, n = n_rows * n_columns };
static const int64_t shape[] = {n_rows, n_columns};
static const int64_t rows_only[] = {n_rows};

static double x[n], y[n], s[n_rows], scale = 0.5;

static void bind_all(isthmus_model *model) {
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, shape));
  OK(bind_in(model, "scale", &scale, ISTHMUS_FLOAT64, 0, NULL));
  OK(bind_out(model, "y", y, ISTHMUS_FLOAT64, 2, shape));
  OK(bind_out(model, "s", s, ISTHMUS_FLOAT64, 1, rows_only));
}

static void run_is_right(isthmus_model *model) {
  for (int i = 0; i < n; ++i) {
    x[i] = 0.25 * i - 1;
    y[i] = -1;
  }
  OK(isthmus_model_run(model));
  for (int i = 0; i < n_rows; ++i)
    for (int j = 0; j < n_columns; ++j) {
      const int k = n_columns * i + j;
      CHECK(fabs(y[k] - ((10 * i + j + 1) * x[k] + 0.5 * sin(x[k]))) < 1e-13);
    }
}

static void names_are_told(isthmus_model *model, const char *engine) {
  const char *text = NULL;
  int32_t n_in = -1, n_out = -1;
  double dt = -1;
  OK(isthmus_model_engine(model, &text));
  CHECK(strcmp(text, engine) == 0);
  OK(isthmus_model_contract(model, &text));
  CHECK(strstr(text, "\"weighted\"") != NULL);
  OK(isthmus_model_time_step(model, &dt));
  CHECK(dt == 0.25);
  OK(isthmus_model_count(model, "jvp", &n_in, &n_out));
  CHECK(n_in == 4 && n_out == 4);
  OK(isthmus_model_input_name(model, "vjp", 2, &text));
  CHECK(strcmp(text, "y_ad") == 0);
  OK(isthmus_model_output_name(model, "forward", 1, &text));
  CHECK(strcmp(text, "s") == 0);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "index 2",
         isthmus_model_input_name(model, "forward", 2, &text));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "index -1",
         isthmus_model_output_name(model, "forward", -1, &text));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no method 'backward'",
         isthmus_model_count(model, "backward", &n_in, &n_out));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'n_outputs' is null",
         isthmus_model_count(model, "forward", &n_in, NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model' is null", isthmus_model_engine(NULL, &text));
}

static void runs_without_bindings_are_refused(isthmus_model *model) {
  EXPECT(ISTHMUS_ERR_ARGUMENT, "input 'x' is not bound", isthmus_model_run(model));
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "input 'scale' is not bound", isthmus_model_run(model));
  OK(bind_in(model, "scale", &scale, ISTHMUS_FLOAT64, 0, NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "output 'y' is not bound", isthmus_model_run(model));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "input 'x_tl' is not bound",
         isthmus_model_run_method(model, "jvp"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no method 'step'", isthmus_model_run_method(model, "step"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'method' is null", isthmus_model_run_method(model, NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model' is null", isthmus_model_run(NULL));
}

static void bad_arrays_are_refused(isthmus_model *model) {
  const int64_t wide[] = {3, 5}, negative[] = {-3, 4}, huge[] = {INT64_MAX / 2, 4};
  const int64_t cube[] = {3, 4, 1}, backwards[] = {32, -8}, odd[] = {32, 12};
  const int64_t still[] = {0, 8}, sliding[] = {8, 8};
  isthmus_array array = array_of(x, ISTHMUS_FLOAT64, 2, shape);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no input 'z': the network has 'x'",
         bind_in(model, "z", x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no output 'x'",
         bind_out(model, "x", x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'name' is null",
         isthmus_model_bind_input(model, NULL, &array));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "the array is null",
         isthmus_model_bind_input(model, "x", NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "address is null",
         bind_in(model, "x", NULL, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no shape",
         bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, NULL));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' is float32, the network expects float64",
         bind_in(model, "x", x, ISTHMUS_FLOAT32, 2, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "element type 9",
         bind_in(model, "x", x, (isthmus_dtype)9, 2, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has shape [3, 5], the network expects [row, 4]",
         bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, wide));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has shape [3, 4, 1]",
         bind_in(model, "x", x, ISTHMUS_FLOAT64, 3, cube));
  EXPECT(ISTHMUS_ERR_SHAPE, "rank 16", bind_in(model, "x", x, ISTHMUS_FLOAT64, 16, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "rank -1", bind_in(model, "x", x, ISTHMUS_FLOAT64, -1, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "extent -3",
         bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, negative));
  EXPECT(ISTHMUS_ERR_SHAPE, "more elements than memory",
         bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, huge));
  EXPECT(ISTHMUS_ERR_SHAPE, "no multiple of its element",
         bind_in(model, "x", (char *)x + 4, ISTHMUS_FLOAT64, 2, shape));
  array.strides = backwards;
  EXPECT(ISTHMUS_ERR_SHAPE, "byte stride -8", isthmus_model_bind_input(model, "x", &array));
  array.strides = odd;
  EXPECT(ISTHMUS_ERR_SHAPE, "byte stride 12", isthmus_model_bind_input(model, "x", &array));
  array.strides = still;
  EXPECT(ISTHMUS_ERR_SHAPE, "byte stride 0", isthmus_model_bind_output(model, "y", &array));
  array.strides = sliding;
  EXPECT(ISTHMUS_ERR_SHAPE, "overlaps itself",
         isthmus_model_bind_output(model, "y", &array));
}

static void extents_must_agree(isthmus_model *model) {
  const int64_t two[] = {2};
  OK(bind_out(model, "s", s, ISTHMUS_FLOAT64, 1, two));
  EXPECT(ISTHMUS_ERR_SHAPE, "'s' has 'row' = 2, but 'x' has 3", isthmus_model_run(model));
  OK(bind_out(model, "s", y, ISTHMUS_FLOAT64, 1, rows_only));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "outputs 'y' and 's' overlap", isthmus_model_run(model));
  OK(bind_out(model, "s", s, ISTHMUS_FLOAT64, 1, rows_only));
}

/* Even when nothing is to be computed, a step must not fail: a rank may own no columns. */
static void empty_arrays_are_left_alone(isthmus_model *model) {
  const int64_t none[] = {0, 4}, no_rows[] = {0};
  OK(bind_in(model, "x", NULL, ISTHMUS_FLOAT64, 2, none));
  OK(bind_out(model, "y", NULL, ISTHMUS_FLOAT64, 2, none));
  OK(bind_out(model, "s", NULL, ISTHMUS_FLOAT64, 1, no_rows));
  OK(isthmus_model_run(model));
}

static void an_input_may_be_the_output(isthmus_model *model) {
  bind_all(model);
  OK(bind_out(model, "y", x, ISTHMUS_FLOAT64, 2, shape));
  x[5] = 1;
  OK(isthmus_model_run(model));
  CHECK(fabs(x[5] - (12 + 0.5 * sin(1.0))) < 1e-13);
}

int main(int argc, char **argv) {
  const char *files[] = {"weighted_float64.pt", "weighted_float64.pt2"};
  const char *engines[] = {"torchscript", "inductor"};
  if (argc > 1)
    folder = argv[1];
  use_all();
  for (int i = 0; i < 2; ++i) {
    isthmus_model *model = load(files[i]);
    names_are_told(model, engines[i]);
    runs_without_bindings_are_refused(model);
    bind_all(model);
    run_is_right(model);
    bad_arrays_are_refused(model);
    run_is_right(model); /* what was bound before a refusal still is */
    extents_must_agree(model);
    run_is_right(model);
    empty_arrays_are_left_alone(model);
    bind_all(model);
    run_is_right(model);
    an_input_may_be_the_output(model);
    isthmus_model_free(model);
  }
  isthmus_model_free(NULL);
  CHECK(strcmp(isthmus_version(), "0.1.0") == 0);
  CHECK(isthmus_torch_version()[0] != '\0');
  CHECK(strcmp(isthmus_status_name((isthmus_status)99), "unknown status") == 0);
  return finish();
}
