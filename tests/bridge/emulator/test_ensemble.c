/* SPDX-License-Identifier: MIT */
/* An ensemble answers its mean or a member drawn from the seed; its spread is an output and
 * a guard. Other weights take effect at exactly the step that was said. */
#include "emulators.h"

enum { n_cells = 6, n_values = 2 * n_cells, n_steps = 12 };

static const double ROUNDING = 1e-13; /* sums of three products of order ten */

static const int64_t shape[] = {n_cells, 2};
static const char *const members[] = {"member_0.pt", "member_1.pt", "member_2.pt"};
static const double weights[] = {1.0, 2.0, 4.0};
static double x[n_values], y[n_values], physics[n_values], spread[n_values];

static isthmus_emulator *bound(int n_members) {
  isthmus_emulator *emulator = load_emulators(members, n_members);
  for (int i = 0; i < n_values; ++i) {
    x[i] = 0.1 * (i + 1);
    physics[i] = -1.0 - i;
  }
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "x", x, 2, shape));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "y", y, 2, shape));
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "y", physics, 2, shape));
  return emulator;
}

/* The weight of the network that gave y, 0 if it is none. */
static double weight_found(void) {
  const double weight = y[3] / (x[3] * (1 + x[3] / 10));
  for (int i = 0; i < n_values; ++i)
    if (fabs(y[i] - weight * x[i] * (1 + x[i] / 10)) > ROUNDING)
      return 0.0;
  return weight;
}

static int is_near(double a, double b) { return fabs(a - b) < 1e-12; }

static void the_mean_and_the_spread_are_those_of_the_members(void) {
  isthmus_emulator *emulator = bound(3);
  int32_t n = 0;
  const char *version = NULL;
  OK(isthmus_emulator_size(emulator, &n));
  CHECK(n == 3);
  OK(isthmus_emulator_version(emulator, 2, &version));
  CHECK(strcmp(version, "v2") == 0);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "member 3 is outside",
         isthmus_emulator_version(emulator, 3, &version));
  OK(bind_real64(isthmus_emulator_bind_spread, emulator, "y", spread, 2, shape));
  OK(isthmus_emulator_run(emulator));
  CHECK(is_near(weight_found(), 7.0 / 3.0));
  for (int i = 0; i < n_values; ++i) /* sd of 1, 2, 4, times x (1 + x / 10) */
    CHECK(is_near(spread[i], sqrt(7.0 / 3.0) * x[i] * (1 + x[i] / 10)));
  isthmus_emulator_free(emulator);
}

static void where_members_disagree_the_physics_counts(void) {
  isthmus_emulator *emulator = bound(3);
  int32_t why[n_cells];
  OK(bind_flags(emulator, why, n_cells));
  OK(isthmus_emulator_set_spread_limit(emulator, "y", 1.0));
  OK(isthmus_emulator_run(emulator));
  for (int c = 0; c < n_cells; ++c) {
    const double last = x[2 * c + 1], sd = sqrt(7.0 / 3.0) * last * (1 + last / 10);
    CHECK(why[c] == (sd > 1.0 ? ISTHMUS_REASON_SPREAD : 0));
    CHECK((y[2 * c] == physics[2 * c]) == (sd > 1.0));
  }
  EXPECT(ISTHMUS_ERR_ARGUMENT, "expected 0 or more",
         isthmus_emulator_set_spread_limit(emulator, "y", -1.0));
  isthmus_emulator_free(emulator);
}

static void members_are_drawn_from_the_seed(void) {
  double drawn[2][n_steps];
  int n_of[3] = {0}, n_different = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    isthmus_emulator *emulator = bound(3);
    OK(isthmus_emulator_set_answer(emulator, ISTHMUS_ANSWER_MEMBER));
    OK(isthmus_emulator_set_seed(emulator, repeat < 2 ? 11 : 12));
    for (int step = 0; step < n_steps; ++step) {
      OK(isthmus_emulator_run(emulator));
      const double weight = weight_found();
      if (repeat == 2)
        n_different += !is_near(weight, drawn[0][step]);
      else
        drawn[repeat][step] = weight;
      for (int m = 0; m < 3; ++m)
        n_of[m] += is_near(weight, weights[m]);
    }
    isthmus_emulator_free(emulator);
  }
  CHECK(memcmp(drawn[0], drawn[1], sizeof drawn[0]) == 0);
  CHECK(n_of[0] + n_of[1] + n_of[2] == 3 * n_steps);
  CHECK(n_of[0] > 0 && n_of[1] > 0 && n_of[2] > 0 && n_different > 0);
}

static isthmus_status swap(isthmus_emulator *emulator, int64_t step, const char *name,
                           int in_background) {
  char path[4096];
  const char *list[] = {path};
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return isthmus_emulator_swap_at(emulator, step, list, 1, in_background);
}

static void weights_change_at_the_step_that_was_said(int in_background, int64_t lag) {
  isthmus_emulator *emulator = bound(1);
  const char *version = NULL;
  OK(isthmus_emulator_set_lag(emulator, lag));
  OK(swap(emulator, 4, "member_2.pt", in_background));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "to change at step 4 already",
         swap(emulator, 5, "member_1.pt", 0));
  for (int step = 0; step < 8; ++step) {
    OK(isthmus_emulator_version(emulator, 0, &version));
    CHECK(strcmp(version, step <= 4 ? "v0" : "v2") == 0);
    OK(isthmus_emulator_run(emulator));
    if (step >= lag)
      CHECK(is_near(weight_found(), step - lag < 4 ? 1.0 : 4.0));
  }
  EXPECT(ISTHMUS_ERR_ARGUMENT, "the next is 8", swap(emulator, 3, "member_1.pt", 0));
  isthmus_emulator_free(emulator);
}

static void another_contract_is_refused(void) {
  isthmus_emulator *emulator = bound(1);
  EXPECT(ISTHMUS_ERR_CONTRACT, "member_other_units.pt' has another contract",
         swap(emulator, 0, "member_other_units.pt", 0));
  EXPECT(ISTHMUS_ERR_FILE, "nothing.pt", swap(emulator, 0, "nothing.pt", 0));
  OK(swap(emulator, 1, "fragile.pt", 1));
  OK(isthmus_emulator_run(emulator));
  OK(isthmus_emulator_run(emulator)); /* fragile.pt has the same contract but the name */
  OK(swap(emulator, 2, "member_other_units.pt", 1));
  EXPECT(ISTHMUS_ERR_CONTRACT, "another contract", isthmus_emulator_run(emulator));
  OK(isthmus_emulator_run(emulator)); /* told once, nothing changed */
  isthmus_emulator_free(emulator);
  char paths[2][4096];
  const char *list[] = {paths[0], paths[1]};
  snprintf(paths[0], sizeof paths[0], "%s/member_0.pt", folder);
  snprintf(paths[1], sizeof paths[1], "%s/member_other_units.pt", folder);
  emulator = NULL;
  EXPECT(ISTHMUS_ERR_CONTRACT, "has another contract than",
         isthmus_emulator_load(list, 2, "cpu", &emulator));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no file is named",
         isthmus_emulator_load(list, 0, "cpu", &emulator));
  CHECK(emulator == NULL);
}

static void random_numbers_follow_from_the_seed(void) {
  const int64_t cells = n_cells;
  double first[n_cells];
  for (int repeat = 0; repeat < 3; ++repeat) {
    isthmus_emulator *emulator = load_emulator("noisy.pt");
    OK(bind_real64(isthmus_emulator_bind_input, emulator, "x", x, 1, &cells));
    OK(bind_real64(isthmus_emulator_bind_output, emulator, "y", y, 1, &cells));
    OK(isthmus_emulator_set_seed(emulator, repeat < 2 ? 5 : 6));
    OK(isthmus_emulator_run(emulator));
    const int is_same = memcmp(first, y, sizeof first) == 0;
    CHECK(repeat == 0 || is_same == (repeat == 1));
    memcpy(first, y, sizeof first);
    OK(isthmus_emulator_run(emulator));
    CHECK(memcmp(first, y, sizeof first) != 0); /* each step has its own */
    isthmus_emulator_free(emulator);
  }
}

int main(int n_arguments, char **arguments) {
  begin(n_arguments, arguments);
  the_mean_and_the_spread_are_those_of_the_members();
  where_members_disagree_the_physics_counts();
  members_are_drawn_from_the_seed();
  for (int in_background = 0; in_background < 2; ++in_background) {
    weights_change_at_the_step_that_was_said(in_background, 0);
    weights_change_at_the_step_that_was_said(in_background, 2);
  }
  another_contract_is_refused();
  random_numbers_follow_from_the_seed();
  return finish();
}
