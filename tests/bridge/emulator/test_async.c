/* SPDX-License-Identifier: MIT */
/* submit() returns while the network runs; the host may change its inputs; wait() delivers
 * what run() would have, and what went wrong. A lag of n delivers the step n before. */
#include <fenv.h>
#include <time.h>

#include "emulators.h"

enum { n_cells = 8, n_steps = 7 };

static const int64_t cells = n_cells, pairs[] = {n_cells, 2};
static double x[2 * n_cells], y[2 * n_cells], physics[2 * n_cells];

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static isthmus_emulator *bound(const char *name, int32_t rank, const int64_t *shape) {
  isthmus_emulator *emulator = load_emulator(name);
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "x", x, rank, shape));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "y", y, rank, shape));
  return emulator;
}

/* Work of the host's own: the number keeps the compiler from dropping it. */
static double dynamics(double seconds) {
  const double start = now();
  double sum = 0.0;
  while (now() - start < seconds)
    for (int i = 0; i < 1000; ++i)
      sum += sin(i);
  return sum;
}

/* Time of both together over that of one: 2 is no overlap, 1 is all of it. */
static double time_together(isthmus_emulator *emulator) {
  for (int c = 0; c < n_cells; ++c)
    x[c] = c + 0.5;
  double start = now();
  OK(isthmus_emulator_run(emulator));
  const double alone = now() - start;
  memset(y, 0, sizeof y);
  start = now();
  OK(isthmus_emulator_submit(emulator));
  const double submitting = now() - start;
  for (int c = 0; c < n_cells; ++c)
    x[c] = -1.0; /* the host goes on */
  CHECK(y[0] == 0.0);
  CHECK(dynamics(alone) < 1e9);
  OK(isthmus_emulator_wait(emulator));
  const double together = now() - start;
  for (int c = 0; c < n_cells; ++c)
    CHECK(y[c] == c + 0.5);
  printf("network %.1f ms, host as long, both %.1f ms, submit %.3f ms: overlap %.0f %%\n",
         1e3 * alone, 1e3 * together, 1e3 * submitting,
         100 * (2 * alone - together) / alone);
  return together / alone;
}

static void the_network_runs_beside_the_host(void) {
  isthmus_emulator *emulator = bound("slow.pt", 1, &cells);
  double best = 2.0;
  OK(isthmus_emulator_run(emulator)); /* the first call compiles */
  /* Others may use the machine: one quiet moment shows that there is overlap. */
  for (int i = 0; i < 8 && best > 1.5; ++i)
    best = fmin(best, time_together(emulator));
  CHECK(best < 1.9);
  isthmus_emulator_free(emulator);
}

static void what_fails_beside_the_host_is_told_at_wait(void) {
  isthmus_emulator *emulator = bound("fragile.pt", 2, pairs);
  for (int i = 0; i < 2 * n_cells; ++i)
    x[i] = i;
  x[5] = -1.0;
  y[0] = 77.0;
  OK(isthmus_emulator_submit(emulator));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "a step was submitted", isthmus_emulator_run(emulator));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "was submitted before", isthmus_emulator_submit(emulator));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "a step was submitted",
         isthmus_emulator_set_mode(emulator, ISTHMUS_MODE_BLEND));
  EXPECT(ISTHMUS_ERR_RUNTIME, "1 of 8 samples are flagged, the first is sample 2",
         isthmus_emulator_wait(emulator));
  CHECK(y[0] == 77.0);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "nothing was submitted", isthmus_emulator_wait(emulator));
  x[5] = 9.0;
  OK(isthmus_emulator_submit(emulator));
  OK(isthmus_emulator_wait(emulator));
  CHECK(y[5] == 3.0);
  OK(isthmus_emulator_submit(emulator)); /* freed while it runs */
  isthmus_emulator_free(emulator);
}

static void the_hosts_traps_are_not_the_workers(void) {
  isthmus_emulator *emulator = bound("fragile.pt", 2, pairs);
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "y", physics, 2, pairs));
  x[3] = -4.0; /* sqrt raises invalid */
  feclearexcept(FE_ALL_EXCEPT);
  OK(isthmus_emulator_submit(emulator));
  OK(isthmus_emulator_wait(emulator));
  OK(isthmus_emulator_run(emulator));
  CHECK(fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW) == 0);
  isthmus_emulator_free(emulator);
}

static void inputs_shared_by_promise_are_read_in_place(void) {
  isthmus_emulator *emulator = bound("member_1.pt", 2, pairs);
  OK(isthmus_emulator_share_inputs(emulator, 1));
  for (int i = 0; i < 2 * n_cells; ++i)
    x[i] = 0.25 * i;
  OK(isthmus_emulator_submit(emulator));
  OK(isthmus_emulator_wait(emulator));
  for (int i = 0; i < 2 * n_cells; ++i)
    CHECK(fabs(y[i] - 2 * x[i] * (1 + x[i] / 10)) < 1e-13);
  isthmus_emulator_free(emulator);
}

static void a_lag_delivers_the_step_before(int64_t lag) {
  isthmus_emulator *emulator = bound("member_0.pt", 2, pairs);
  int32_t why[n_cells];
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'lag' is -1", isthmus_emulator_set_lag(emulator, -1));
  OK(isthmus_emulator_set_lag(emulator, lag));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "there is no lagged result yet",
         isthmus_emulator_run(emulator));
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "y", physics, 2, pairs));
  OK(bind_flags(emulator, why, n_cells));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "submit() with a lag", isthmus_emulator_submit(emulator));
  for (int step = 0; step < n_steps; ++step) {
    for (int i = 0; i < 2 * n_cells; ++i) {
      x[i] = step + 0.01 * i;
      physics[i] = -step;
    }
    OK(isthmus_emulator_run(emulator));
    for (int i = 0; i < 2 * n_cells; ++i) {
      const double before = (double)(step - lag) + 0.01 * i;
      CHECK(step < lag ? y[i] == physics[i]
                       : fabs(y[i] - before * (1 + before / 10)) < 1e-13);
    }
    CHECK(why[0] == (step < lag ? ISTHMUS_REASON_NOT_READY : 0));
  }
  EXPECT(ISTHMUS_ERR_ARGUMENT, "expected before the first",
         isthmus_emulator_set_lag(emulator, lag + 1));
  isthmus_emulator_free(emulator);
}

static void a_lagged_failure_is_told_once(void) {
  isthmus_emulator *emulator = bound("fragile.pt", 2, pairs);
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "y", physics, 2, pairs));
  OK(isthmus_emulator_set_policy(emulator, ISTHMUS_POLICY_FAIL));
  OK(isthmus_emulator_set_lag(emulator, 1));
  for (int i = 0; i < 2 * n_cells; ++i) {
    x[i] = 4.0;
    physics[i] = -7.0;
  }
  x[0] = -1.0;
  OK(isthmus_emulator_run(emulator));
  x[0] = 4.0;
  EXPECT(ISTHMUS_ERR_RUNTIME, "1 of 8 samples", isthmus_emulator_run(emulator));
  OK(isthmus_emulator_run(emulator)); /* the lost result is the physics' */
  CHECK(y[0] == -7.0 && y[9] == -7.0);
  OK(isthmus_emulator_run(emulator));
  CHECK(y[0] == 2.0 && y[9] == 2.0);
  isthmus_emulator_free(emulator);
}

int main(int n_arguments, char **arguments) {
  begin(n_arguments, arguments);
  the_network_runs_beside_the_host();
  what_fails_beside_the_host_is_told_at_wait();
  the_hosts_traps_are_not_the_workers();
  inputs_shared_by_promise_are_read_in_place();
  a_lag_delivers_the_step_before(1);
  a_lag_delivers_the_step_before(3);
  a_lagged_failure_is_told_once();
  return finish();
}
