/* SPDX-License-Identifier: MIT */
/* How a fault is provoked: it must return a status and a text, leave out-parameters alone,
 * and a correct call must follow. Numbers are those of docs/faults.md. */
#ifndef FAULTS_H
#define FAULTS_H

#include "../check.h"

struct fault {
  const char *number; /* in docs/faults.md */
  const char *what;
  void (*provoke)(void);
};

enum { n_rows = 3, n_columns = 4, n_values = n_rows * n_columns };
static const int64_t shape[] = {n_rows, n_columns};
static const int64_t rows_only[] = {n_rows};

/* The arrays of the network that must go on: y = (10 i + j + 1) x + scale sin(x). */
struct good {
  double x[n_values], y[n_values], s[n_rows], scale;
};

/* Usable in threads: it counts nothing. */
static int binds(isthmus_model *model, struct good *good) {
  good->scale = 0.5;
  return bind_in(model, "x", good->x, ISTHMUS_FLOAT64, 2, shape) == ISTHMUS_OK &&
         bind_in(model, "scale", &good->scale, ISTHMUS_FLOAT64, 0, NULL) == ISTHMUS_OK &&
         bind_out(model, "y", good->y, ISTHMUS_FLOAT64, 2, shape) == ISTHMUS_OK &&
         bind_out(model, "s", good->s, ISTHMUS_FLOAT64, 1, rows_only) == ISTHMUS_OK;
}

static void bind_good(isthmus_model *model, struct good *good) {
  CHECK(binds(model, good));
}

/* Rounding of values up to 100. */
static const double rounding = 1e-13;

static int is_right(isthmus_model *model, struct good *good) {
  int n_wrong = 0;
  for (int k = 0; k < n_values; ++k) {
    good->x[k] = 0.25 * k - 1;
    good->y[k] = -1;
  }
  if (isthmus_model_run(model) != ISTHMUS_OK)
    return 0;
  for (int i = 0; i < n_rows; ++i)
    for (int j = 0; j < n_columns; ++j) {
      const double x = good->x[n_columns * i + j];
      const double expected = (10 * i + j + 1) * x + 0.5 * sin(x);
      n_wrong += !(fabs(good->y[n_columns * i + j] - expected) < rounding);
    }
  return n_wrong == 0;
}

/* A load must fail so, and leave its out-parameter alone. */
static void refused(const char *file, isthmus_status status, const char *fragment) {
  isthmus_model *const before = (isthmus_model *)&n_checks;
  isthmus_model *model = before;
  EXPECT(status, fragment, isthmus_model_load(network(file), "cpu", &model));
  CHECK(model == before);
}

static void provoke_all(const struct fault *faults, size_t n) {
  static struct good script_arrays, package_arrays;
  isthmus_model *script = load("weighted_float64.pt");
  isthmus_model *package = load("weighted_float64.pt2");
  bind_good(script, &script_arrays);
  bind_good(package, &package_arrays);
  for (size_t i = 0; i < n; ++i) {
    const int before = n_failures;
    faults[i].provoke();
    CHECK(is_right(script, &script_arrays)); /* the program goes on */
    CHECK(is_right(package, &package_arrays));
    printf("%s %s: %s\n", faults[i].number, faults[i].what,
           n_failures == before ? "told and survived" : "NOT SO");
    fflush(stdout);
  }
  isthmus_model_free(script);
  isthmus_model_free(package);
}

#define PROVOKE(faults) provoke_all(faults, sizeof(faults) / sizeof((faults)[0]))

static void use_all_of_faults(void) {
  use_all();
  (void)refused, (void)provoke_all, (void)use_all_of_faults;
}

#endif
