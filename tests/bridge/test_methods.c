/* SPDX-License-Identifier: MIT */
/* Methods beyond forward and its derivatives, results in tuples and dictionaries, numbers
 * among the arguments: both engines. */
#include "check.h"

static const int64_t shape[] = {3, 4};
static float x[12], a[12], b[12], c[12], d[12], e[12];

static int has_output(isthmus_model *model, const char *method, int32_t i,
                      const char *name) {
  const char *found = NULL;
  OK(isthmus_model_output_name(model, method, i, &found));
  return found && strcmp(found, name) == 0;
}

static int has_method(isthmus_model *model, const char *name) {
  int32_t n = 0;
  const char *found = NULL;
  OK(isthmus_model_method_count(model, &n));
  for (int32_t i = 0; i < n; ++i) {
    OK(isthmus_model_method_name(model, i, &found));
    if (strcmp(found, name) == 0)
      return 1;
  }
  EXPECT(ISTHMUS_ERR_ARGUMENT, "outside", isthmus_model_method_name(model, n, &found));
  return 0;
}

static void nested_results_have_paths_as_names(void) {
  isthmus_model *model = load("nested.pt");
  const char *names[] = {"output_0", "output_1.mean", "output_1.spread", "output_2.0",
                         "output_2.1"};
  float *arrays[] = {a, b, c, d, e};
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT32, 2, shape));
  for (int i = 0; i < 5; ++i) {
    CHECK(has_output(model, "forward", i, names[i]));
    OK(bind_out(model, names[i], arrays[i], ISTHMUS_FLOAT32, 2, shape));
  }
  OK(isthmus_model_run(model));
  for (int i = 0; i < 12; ++i)
    CHECK(a[i] == x[i] + 1 && b[i] == 2 * x[i] && c[i] == 3 * x[i] && d[i] == 4 * x[i] &&
          e[i] == 5 * x[i]);
  isthmus_model_free(model);
}

static void other_methods_take_numbers_and_keep_defaults(void) {
  isthmus_model *model = load("nested.pt");
  double dt = 0.5, wrong = 1;
  int64_t n = 3;
  unsigned char flag = 1;
  CHECK(has_method(model, "step") && has_method(model, "jvp"));
  CHECK(!has_method(model, "named") && !has_method(model, "failing"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "not bound", isthmus_model_run_method(model, "step"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "Dict(str, Tensor)",
         isthmus_model_run_method(model, "named"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'names' of failing is of type List[str]",
         isthmus_model_run_method(model, "failing"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no method 'leap'", isthmus_model_run_method(model, "leap"));
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_in(model, "dt", &dt, ISTHMUS_FLOAT64, 0, NULL));
  OK(bind_in(model, "n", &wrong, ISTHMUS_FLOAT64, 0, NULL));
  OK(bind_in(model, "flag", &flag, ISTHMUS_BOOL, 0, NULL));
  OK(bind_out(model, "output_0", a, ISTHMUS_FLOAT32, 2, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "'n' is a number to the network: bind a scalar int64",
         isthmus_model_run_method(model, "step"));
  OK(bind_in(model, "n", &n, ISTHMUS_INT64, 0, NULL));
  OK(isthmus_model_run_method(model, "step"));
  CHECK(a[5] == -(0.5F * x[5] * x[5] + 13));
  flag = 0;
  n = 4; /* read at each run, like any bound array */
  OK(isthmus_model_run_method(model, "step"));
  CHECK(a[5] == 0.5F * x[5] * x[5] + 14);
  isthmus_model_free(model);
}

static void numbers_serve_forward_too(void) {
  isthmus_model *model = load("scaling.pt");
  int64_t n = 7;
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_in(model, "n", &n, ISTHMUS_INT64, 0, NULL));
  OK(bind_out(model, "output_0", a, ISTHMUS_FLOAT32, 2, shape));
  OK(isthmus_model_run(model));
  CHECK(a[5] == 7 * x[5]);
  /* Its tangent is of x alone: a count has none. */
  OK(bind_in(model, "x_tl", x, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "output_0_tl", b, ISTHMUS_FLOAT32, 2, shape));
  OK(isthmus_model_run_method(model, "jvp"));
  CHECK(b[5] == 7 * x[5]);
  isthmus_model_free(model);
}

static void a_contract_names_what_a_dictionary_holds(void) {
  isthmus_model *model = load("named.pt");
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "a.0", a, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "b.0", b, ISTHMUS_FLOAT32, 2, shape));
  OK(isthmus_model_run(model));
  CHECK(a[5] == 2 * x[5] && b[5] == 0.5F * x[5]);
  isthmus_model_free(model);
  model = load("misnamed.pt");
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "b.0", b, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "c.0", c, ISTHMUS_FLOAT32, 2, shape));
  EXPECT(ISTHMUS_ERR_RUNTIME, "returned no 'c.0', only 'a.0', 'b.0'",
         isthmus_model_run(model));
  isthmus_model_free(model);
}

static void a_package_has_methods_and_paths_too(void) {
  isthmus_model *model = load("methods.pt2");
  CHECK(has_method(model, "step") && !has_method(model, "jvp"));
  CHECK(has_output(model, "forward", 0, "a.0") && has_output(model, "forward", 1, "b.0"));
  OK(bind_in(model, "input_0", x, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "a.0", a, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "b.0", b, ISTHMUS_FLOAT32, 2, shape));
  OK(bind_out(model, "output_0", c, ISTHMUS_FLOAT32, 2, shape));
  OK(isthmus_model_run(model));
  OK(isthmus_model_run_method(model, "step"));
  CHECK(a[5] == 2 * x[5] && b[5] == 0.5F * x[5] && c[5] == 2 * x[5] + 5);
  isthmus_model_free(model);
}

/* What AOTInductor hands out for them: one handle, twice; and tensors it goes on to own. */
static void results_may_be_one_tensor_or_the_networks_own(void) {
  isthmus_model *model = load("methods.pt2");
  float *arrays[] = {a, b, c, d};
  char name[] = "output_0";
  OK(bind_in(model, "input_0", x, ISTHMUS_FLOAT32, 2, shape));
  for (int i = 0; i < 4; ++i) {
    name[7] = (char)('0' + i);
    OK(bind_out(model, name, arrays[i], ISTHMUS_FLOAT32, 2, shape));
  }
  for (int round = 0; round < 3; ++round) {
    x[5] += 1;
    d[5] = -1;
    OK(isthmus_model_run_method(model, "repeat"));
    CHECK(a[5] == 2 * x[5] && b[5] == 2 * x[5] && c[5] == x[5] && d[5] == 5);
  }
  isthmus_model_free(model);
}

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all();
  for (int i = 0; i < 12; ++i)
    x[i] = 0.5F * (float)i;
  nested_results_have_paths_as_names();
  other_methods_take_numbers_and_keep_defaults();
  numbers_serve_forward_too();
  a_contract_names_what_a_dictionary_holds();
  a_package_has_methods_and_paths_too();
  results_may_be_one_tensor_or_the_networks_own();
  return finish();
}
