/* SPDX-License-Identifier: MIT */
/* Own loops give what the interpreter gives, to rounding, for every function and element
 * type they know, and refuse every other network. */
#include "check.h"

enum { n_in = 5, n_out = 19, n_samples = 6 };
static const int64_t in[] = {n_samples, n_in}, out[] = {n_samples, n_out};
/* Rounding of sums of tens of terms, relative to the largest value. */
static const double allowed_float = 3e-6, allowed_double = 1e-14;

static float xf[n_samples * n_in], yf[n_samples * n_out], zf[n_samples * n_out];
static double xd[n_samples * n_in], yd[n_samples * n_out], zd[n_samples * n_out];

static double apart(int is_double) {
  double largest = 0, difference = 0;
  for (int i = 0; i < n_samples * n_out; ++i) {
    const double y = is_double ? yd[i] : yf[i], z = is_double ? zd[i] : zf[i];
    largest = fmax(largest, fabs(z));
    difference = fmax(difference, fabs(y - z));
    if (isnan(y) != isnan(z))
      return INFINITY;
  }
  CHECK(largest > 0.01);
  return difference / largest;
}

static void loops_equal_the_interpreter(const char *file, int is_double) {
  isthmus_model *model = load(file);
  const isthmus_dtype type = is_double ? ISTHMUS_FLOAT64 : ISTHMUS_FLOAT32;
  OK(bind_in(model, "x", is_double ? (void *)xd : (void *)xf, type, 2, in));
  OK(bind_out(model, "output_0", is_double ? (void *)zd : (void *)zf, type, 2, out));
  OK(isthmus_model_run(model));
  OK(isthmus_model_use_loops(model, n_samples));
  OK(bind_out(model, "output_0", is_double ? (void *)yd : (void *)yf, type, 2, out));
  OK(isthmus_model_run(model));
  const double error = apart(is_double);
  printf("%s: loops differ by %.1e\n", file, error);
  CHECK(error <= (is_double ? allowed_double : allowed_float));
  CHECK(error > 0 || is_double); /* else they did not run: sums are in another order */
  isthmus_model_free(model);
}

static void what_is_not_a_number_stays_so(void) {
  isthmus_model *model = load("chain_float32.pt");
  OK(isthmus_model_use_loops(model, n_samples));
  xf[0] = NAN;
  OK(bind_in(model, "x", xf, ISTHMUS_FLOAT32, 2, in));
  OK(bind_out(model, "output_0", yf, ISTHMUS_FLOAT32, 2, out));
  OK(isthmus_model_run(model));
  for (int i = 0; i < n_out; ++i)
    CHECK(isnan(yf[i]) && !isnan(yf[i + n_out]));
  xf[0] = 0.5F;
  isthmus_model_free(model);
}

/* Own loops read the array at each run, and a larger batch goes to the interpreter. */
static void the_limit_holds(void) {
  isthmus_model *model = load("chain_float32.pt");
  OK(bind_in(model, "x", xf, ISTHMUS_FLOAT32, 2, in));
  OK(bind_out(model, "output_0", zf, ISTHMUS_FLOAT32, 2, out));
  OK(isthmus_model_run(model));
  OK(isthmus_model_use_loops(model, n_samples - 1));
  OK(bind_out(model, "output_0", yf, ISTHMUS_FLOAT32, 2, out));
  OK(isthmus_model_run(model));
  CHECK(memcmp(yf, zf, sizeof yf) == 0);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "expected 0 or more", isthmus_model_use_loops(model, -1));
  isthmus_model_free(model);
}

static void other_networks_are_refused(void) {
  static const struct {
    const char *file, *reason;
  } rows[] = {{"plain_weighted.pt", "no chain of layers"},
              {"gamma.pt", "no chain of layers"},
              {"passing.pt", "no chain of layers"},
              {"plain.pt2", "has no own loops"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    isthmus_model *model = load(rows[i].file);
    EXPECT(ISTHMUS_ERR_ARGUMENT, rows[i].reason, isthmus_model_use_loops(model, 1));
    OK(isthmus_model_use_loops(model, 0));
    isthmus_model_free(model);
  }
}

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all();
  for (int i = 0; i < n_samples * n_in; ++i)
    xf[i] = (float)(xd[i] = 3 * sin(7.0 * i + 0.3));
  loops_equal_the_interpreter("chain_float32.pt", 0);
  loops_equal_the_interpreter("chain_float64.pt", 1);
  what_is_not_a_number_stays_so();
  the_limit_holds();
  other_networks_are_refused();
  return finish();
}
