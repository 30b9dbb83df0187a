/* SPDX-License-Identifier: MIT */
/* What networks do that a caller must be protected from: fail, change their input, return
 * it, return another shape or type, disagree with their contract. */
#include "check.h"

static const int64_t shape[] = {2, 4};
static float x[8], y[8], z[8];

static void reset(void) {
  for (int i = 0; i < 8; ++i) {
    x[i] = (float)i;
    y[i] = z[i] = -1;
  }
}

static isthmus_model *bound(const char *file) {
  isthmus_model *model = load(file);
  reset();
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "output_0", y, ISTHMUS_FLOAT32, 2, shape));
  return model;
}

static void a_failing_network_can_be_called_again(void) {
  isthmus_model *model = bound("failing.pt");
  x[3] = 101;
  EXPECT(ISTHMUS_ERR_RUNTIME, "x is above 100", isthmus_model_run(model));
  CHECK(y[3] == -1); /* nothing was written */
  x[3] = 3;
  OK(isthmus_model_run(model));
  CHECK(y[3] == 6);
  isthmus_model_free(model);
}

static void an_input_is_never_changed(void) {
  isthmus_model *model = bound("mutating.pt");
  for (int call = 0; call < 3; ++call) {
    OK(isthmus_model_run(model));
    CHECK(x[3] == 3 && y[3] == 8);
  }
  isthmus_model_free(model);
}

/* 2 x goes to the array of x, and x itself to another: the second must be the old x. */
static void a_returned_input_survives_a_step_in_place(void) {
  isthmus_model *model = bound("passing.pt");
  OK(bind_out(model, "output_0", x, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "output_1", z, ISTHMUS_FLOAT32, 2, shape));
  OK(isthmus_model_run(model));
  CHECK(x[3] == 6 && z[3] == 3);
  isthmus_model_free(model);
}

static void results_are_neither_broadcast_nor_converted(void) {
  isthmus_model *model = bound("wider.pt");
  EXPECT(ISTHMUS_ERR_SHAPE, "'output_0' of the network is float32 of shape [2, 5]",
         isthmus_model_run(model));
  isthmus_model_free(model);
  model = bound("half.pt");
  EXPECT(ISTHMUS_ERR_SHAPE, "is float16 of shape [2, 4]", isthmus_model_run(model));
  CHECK(y[0] == -1);
  isthmus_model_free(model);
}

static void a_false_contract_shows_at_the_run(void) {
  double xd[8] = {0}, yd[8];
  isthmus_model *model = load("lying_shape.pt");
  OK(bind_in(model, "x", xd, ISTHMUS_FLOAT64, 2, shape));
  OK(bind_out(model, "y", yd, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "[2, 5], the array bound to it is float64 of shape [2, 4]",
         isthmus_model_run(model));
  isthmus_model_free(model);
}

/* Compiled code without a contract: told a wrong type or shape, it must not compute. */
static void a_foreign_package_checks_its_inputs(void) {
  const int64_t wide[] = {2, 3}, two[] = {2};
  float scale = 0.5F, s[2];
  double wrong[8] = {0};
  isthmus_model *model = load("plain.pt2");
  reset();
  OK(bind_in(model, "input_0", x, ISTHMUS_FLOAT32, 2, wide));
  OK(bind_in(model, "input_1", &scale, ISTHMUS_FLOAT32, 0, NULL));
  OK(bind_out(model, "output_0", y, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "output_1", s, ISTHMUS_FLOAT32, 1, two));
  EXPECT(ISTHMUS_ERR_RUNTIME, "", isthmus_model_run(model));
  CHECK(isthmus_error_message()[0] != '\0');
  OK(bind_in(model, "input_0", wrong, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_RUNTIME, "dtype", isthmus_model_run(model));
  OK(bind_in(model, "input_0", x, ISTHMUS_FLOAT32, 2, shape));
  OK(isthmus_model_run(model));
  CHECK(fabsf(y[5] - (12 * 5.0F + 0.5F * sinf(5.0F))) < 1e-5F);
  CHECK(getenv("AOTI_RUNTIME_CHECK_INPUTS") == NULL);
  isthmus_model_free(model);
}

static void several_kinds_go_through_one_network(void) {
  const int64_t rows[] = {2}, columns[] = {3}, both[] = {2, 3};
  float a[6] = {1, 2, 3, 4, 5, 6}, b[6];
  int32_t n[2] = {10, 20};
  int64_t m[3] = {1, 2, 3}, whole[6];
  unsigned char mask[6] = {1, 0, 1, 0, 1, 0}, unmasked[6];
  isthmus_model *model = load("mixed.pt");
  OK(bind_in(model, "a", a, ISTHMUS_FLOAT32, 2, both));
  OK(bind_in(model, "n", n, ISTHMUS_INT32, 1, rows));
  OK(bind_in(model, "m", m, ISTHMUS_INT64, 1, columns));
  OK(bind_in(model, "mask", mask, ISTHMUS_BOOL, 2, both));
  OK(bind_out(model, "b", b, ISTHMUS_FLOAT32, 2, both));
  OK(bind_out(model, "whole", whole, ISTHMUS_INT64, 2, both));
  OK(bind_out(model, "unmasked", unmasked, ISTHMUS_BOOL, 2, both));
  OK(isthmus_model_run(model));
  for (int i = 0; i < 6; ++i) {
    const int64_t sum = n[i / 3] + m[i % 3];
    CHECK(whole[i] == sum);
    CHECK(unmasked[i] == !mask[i]);
    CHECK(b[i] == (mask[i] ? a[i] : 0.5F * a[i] + (float)sum));
  }
  isthmus_model_free(model);
}

int main(int argc, char **argv) {
  char printed[256] = "";
  if (argc > 1)
    folder = argv[1];
  use_all();
  if (!freopen("test_engines.stderr", "w+", stderr))
    return 2;
  a_failing_network_can_be_called_again();
  an_input_is_never_changed();
  a_returned_input_survives_a_step_in_place();
  results_are_neither_broadcast_nor_converted();
  a_false_contract_shows_at_the_run();
  a_foreign_package_checks_its_inputs();
  several_kinds_go_through_one_network();
  fflush(stderr);
  rewind(stderr);
  CHECK(fread(printed, 1, sizeof printed - 1, stderr) == 0); /* the library printed */
  if (printed[0])
    printf("on stderr: %s\n", printed);
  return finish();
}
