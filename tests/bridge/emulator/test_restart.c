/* SPDX-License-Identifier: MIT */
/* 2N steps are N steps, a restart into a new emulator, and N steps: bit for bit, with
 * recurrent memory, counters, random numbers, an ensemble and lagged results. */
#include "emulators.h"

enum { n_cells = 20, n_half = 6 };

static const int64_t cells = n_cells;
static double x[n_cells], y[n_cells], physics[n_cells];

static void bind_cells(isthmus_emulator *emulator) {
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "x", x, 1, &cells));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "y", y, 1, &cells));
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "y", physics, 1, &cells));
}

/* The host's forcing at a step; NaN now and then, so that the guard counts. */
static void set_forcing(int step) {
  for (unsigned c = 0; c < n_cells; ++c) {
    x[c] = 2.0 * pseudo_random((unsigned)step * n_cells + c) - 1.0;
    physics[c] = 100.0 * step + c;
  }
  if (step % 4 == 1)
    x[step] = NAN;
}

static isthmus_emulator *fresh(const char *name, int64_t lag) {
  isthmus_emulator *emulator = load_emulator(name);
  bind_cells(emulator);
  OK(isthmus_emulator_set_lag(emulator, lag));
  return emulator;
}

static void advance(isthmus_emulator *emulator, int from, int to, double *history) {
  for (int step = from; step < to; ++step) {
    set_forcing(step);
    OK(isthmus_emulator_run(emulator));
    memcpy(history + step * n_cells, y, sizeof y);
  }
}

/* By one piece of bytes. */
static void pass_bytes(isthmus_emulator *from, isthmus_emulator *to) {
  int64_t n_bytes = 0;
  OK(isthmus_emulator_state_size(from, &n_bytes));
  CHECK(n_bytes > 0);
  char *bytes = malloc((size_t)n_bytes);
  OK(isthmus_emulator_pack_state(from, bytes, n_bytes));
  OK(isthmus_emulator_unpack_state(to, bytes, n_bytes));
  free(bytes);
}

/* By single arrays, as a host with a netCDF restart does. */
static void pass_arrays(isthmus_emulator *from, isthmus_emulator *to) {
  int32_t n_arrays = 0;
  OK(isthmus_emulator_state_count(from, &n_arrays));
  CHECK(n_arrays >= 5);
  for (int32_t i = 0; i < n_arrays; ++i) {
    const char *name = NULL;
    char own_name[64];
    isthmus_dtype dtype = ISTHMUS_BOOL;
    int32_t rank = -1;
    int64_t shape[15];
    static double room[100000];
    OK(isthmus_emulator_state_array(from, i, &name, &dtype, &rank, shape));
    snprintf(own_name, sizeof own_name, "%s", name);
    const isthmus_array array = array_of(room, dtype, rank, shape);
    OK(isthmus_emulator_get_state(from, own_name, &array));
    OK(isthmus_emulator_put_state(to, own_name, &array));
  }
}

static void a_restart_is_no_restart(const char *name, int64_t lag, int64_t seed) {
  double history[2 * n_half * n_cells], restarted[2 * n_half * n_cells];
  const char *report = NULL;
  static char whole_report[4096];
  isthmus_emulator *whole = fresh(name, lag);
  OK(isthmus_emulator_set_seed(whole, seed));
  advance(whole, 0, 2 * n_half, history);
  OK(isthmus_emulator_report(whole, "json", &report));
  snprintf(whole_report, sizeof whole_report, "%s", report);
  isthmus_emulator_free(whole);
  for (int by_arrays = 0; by_arrays < 2; ++by_arrays) {
    isthmus_emulator *first = fresh(name, lag), *second = fresh(name, lag);
    OK(isthmus_emulator_set_seed(first, seed));
    advance(first, 0, n_half, restarted);
    (by_arrays ? pass_arrays : pass_bytes)(first, second);
    isthmus_emulator_free(first);
    advance(second, n_half, 2 * n_half, restarted);
    CHECK(memcmp(history, restarted, sizeof history) == 0);
    OK(isthmus_emulator_report(second, "json", &report));
    CHECK(strcmp(whole_report, report) == 0);
    isthmus_emulator_free(second);
  }
}

/* Otherwise the test above would pass with a network that forgets. */
static void the_network_depends_on_its_past(const char *name) {
  double history[2 * n_half * n_cells], forgetful[2 * n_half * n_cells];
  isthmus_emulator *whole = fresh(name, 0), *late = fresh(name, 0);
  advance(whole, 0, 2 * n_half, history);
  advance(late, n_half, 2 * n_half, forgetful);
  CHECK(memcmp(history + n_half * n_cells, forgetful + n_half * n_cells,
               n_half * n_cells * sizeof *history) != 0);
  isthmus_emulator_free(whole);
  isthmus_emulator_free(late);
}

/* h_next = tanh(a h + b x) with a, b of the exporter. */
static void memory_is_what_the_call_before_left(void) {
  isthmus_emulator *emulator = fresh("recurrent.pt", 0);
  const double a[] = {0.75, -0.5, 0.25}, b[] = {1.0, 0.625, -0.375};
  double h[n_cells][3] = {{0}}, next[3];
  for (int step = 0; step < n_half; ++step) {
    set_forcing(step);
    OK(isthmus_emulator_run(emulator));
    for (int c = 0; c < n_cells; ++c) {
      double sum = 0.0;
      for (int i = 0; i < 3; ++i)
        sum += next[i] = tanh(a[i] * h[c][2 - i] + b[i] * x[c]);
      if (isnan(x[c])) { /* flagged: the physics' value, and the memory stays */
        CHECK(y[c] == physics[c]);
        continue;
      }
      CHECK(fabs(y[c] - sum) < 1e-14);
      memcpy(h[c], next, sizeof next);
    }
  }
  isthmus_emulator_free(emulator);
}

static void a_failed_step_remembers_nothing(void) {
  double history[2 * n_half * n_cells], disturbed[2 * n_half * n_cells];
  isthmus_emulator *calm = fresh("recurrent.pt", 0), *other = fresh("recurrent.pt", 0);
  advance(calm, 0, 2 * n_half, history);
  advance(other, 0, 3, disturbed);
  OK(isthmus_emulator_set_policy(other, ISTHMUS_POLICY_FAIL));
  set_forcing(1);
  EXPECT(ISTHMUS_ERR_RUNTIME, "1 of 20 samples", isthmus_emulator_run(other));
  OK(isthmus_emulator_set_policy(other, ISTHMUS_POLICY_FALLBACK));
  advance(other, 3, 2 * n_half, disturbed);
  CHECK(memcmp(history, disturbed, sizeof history) == 0);
  isthmus_emulator_free(calm);
  isthmus_emulator_free(other);
}

static void a_foreign_or_damaged_state_is_refused(void) {
  isthmus_emulator *emulator = fresh("recurrent.pt", 0), *lagged = fresh("recurrent.pt", 2);
  char bytes[4096];
  int64_t n = 0, step = -1, wrong = 3;
  double history[2 * n_half * n_cells];
  advance(emulator, 0, 2, history);
  OK(isthmus_emulator_state_size(emulator, &n));
  CHECK(n < (int64_t)sizeof bytes);
  EXPECT(ISTHMUS_ERR_SHAPE, "found room for 7",
         isthmus_emulator_pack_state(emulator, bytes, 7));
  OK(isthmus_emulator_pack_state(emulator, bytes, n));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "arrays, expected",
         isthmus_emulator_unpack_state(lagged, bytes, n));
  bytes[100] ^= 1;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "the bytes were changed",
         isthmus_emulator_unpack_state(emulator, bytes, n));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no state of an emulator",
         isthmus_emulator_unpack_state(emulator, "what is this", 12));
  OK(isthmus_emulator_step(emulator, &step));
  CHECK(step == 2);
  const isthmus_array array = array_of(history, ISTHMUS_FLOAT64, 1, &wrong);
  EXPECT(ISTHMUS_ERR_SHAPE, "state array 'memory.0.h' is float64 of shape [20, 3], found",
         isthmus_emulator_put_state(emulator, "memory.0.h", &array));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no state array 'z': there are 'step', 'seed'",
         isthmus_emulator_put_state(emulator, "z", &array));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'h' is memory",
         bind_real64(isthmus_emulator_bind_input, emulator, "h", history, 1, &wrong));
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "x", x, 1, &wrong));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "y", y, 1, &wrong));
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "y", physics, 1, &wrong));
  EXPECT(ISTHMUS_ERR_SHAPE, "memory 'h' has shape [20, 3] since step 0",
         isthmus_emulator_run(emulator));
  isthmus_emulator_free(emulator);
  isthmus_emulator_free(lagged);
}

int main(int n_arguments, char **arguments) {
  begin(n_arguments, arguments);
  const char *const recurrent[] = {"recurrent.pt", "recurrent.pt2"};
  for (int i = 0; i < 2; ++i) {
    the_network_depends_on_its_past(recurrent[i]);
    a_restart_is_no_restart(recurrent[i], 0, -1);
    a_restart_is_no_restart(recurrent[i], 1, -1);
    a_restart_is_no_restart(recurrent[i], 3, -1);
  }
  a_restart_is_no_restart("noisy.pt", 0, 42);
  a_restart_is_no_restart("noisy.pt", 2, 42);
  memory_is_what_the_call_before_left();
  a_failed_step_remembers_nothing();
  a_foreign_or_damaged_state_is_refused();
  return finish();
}
