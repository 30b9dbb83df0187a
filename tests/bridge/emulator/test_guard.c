/* SPDX-License-Identifier: MIT */
/* Perturb 5 % of columns: exactly those come back flagged and take the physics' values bit
 * for bit; all others have the network's own bits. With that, each reason by itself, the
 * fixers, and what is refused. */
#include "emulators.h"

enum { n_columns = 200, n_levels = 4, n_values = n_columns * n_levels };

static const double ROUNDING = 1e-12; /* sums of a few products of order one */

static double t[n_values], q[n_values], ps[n_columns];
static double dt[n_values], dq[n_values], dt_physics[n_values], dq_physics[n_values];
static double dt_alone[n_values], dq_alone[n_values];
static int32_t flags[n_columns];
static const int64_t profile[] = {n_columns, n_levels};

static void reset_columns(void) {
  for (unsigned i = 0; i < n_values; ++i) {
    t[i] = 230.0 + 60.0 * pseudo_random(i);
    q[i] = 0.001 + 0.03 * pseudo_random(i + 7919);
    dt_physics[i] = 1000.0 + i;
    dq_physics[i] = -2000.0 - i;
    dt[i] = dq[i] = 77.0;
  }
  for (unsigned i = 0; i < n_columns; ++i) {
    ps[i] = 500.0 + 500.0 * pseudo_random(i + 104729);
    flags[i] = -1;
  }
}

static void bind_columns(isthmus_emulator *emulator) {
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "t", t, 2, profile));
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "q", q, 2, profile));
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "ps", ps, 1, profile));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "dt", dt, 2, profile));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "dq", dq, 2, profile));
}

static void bind_physics(isthmus_emulator *emulator) {
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "dt", dt_physics, 2, profile));
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "dq", dq_physics, 2, profile));
}

/* The network without an emulator around it. */
static void evaluate_alone(const char *name) {
  isthmus_model *model = load(name);
  OK(bind_in(model, "t", t, ISTHMUS_FLOAT64, 2, profile));
  OK(bind_in(model, "q", q, ISTHMUS_FLOAT64, 2, profile));
  OK(bind_in(model, "ps", ps, ISTHMUS_FLOAT64, 1, profile));
  OK(bind_out(model, "dt", dt_alone, ISTHMUS_FLOAT64, 2, profile));
  OK(bind_out(model, "dq", dq_alone, ISTHMUS_FLOAT64, 2, profile));
  OK(isthmus_model_run(model));
  isthmus_model_free(model);
}

static int is_same(const double *a, const double *b, int column) {
  return memcmp(a + column * n_levels, b + column * n_levels, n_levels * sizeof *a) == 0;
}

static void exactly_the_perturbed_columns_take_the_physics(const char *name) {
  isthmus_emulator *emulator = load_emulator(name);
  reset_columns();
  for (int column = 3; column < n_columns; column += 20) /* 5 % */
    t[column * n_levels + column % n_levels] = 400.0;
  bind_columns(emulator);
  bind_physics(emulator);
  OK(bind_flags(emulator, flags, n_columns));
  OK(isthmus_emulator_run(emulator));
  evaluate_alone(name);
  int n_right = 0;
  for (int column = 0; column < n_columns; ++column) {
    const int is_perturbed = column % 20 == 3;
    const double *expected_dt = is_perturbed ? dt_physics : dt_alone;
    const double *expected_dq = is_perturbed ? dq_physics : dq_alone;
    n_right += is_same(dt, expected_dt, column) && is_same(dq, expected_dq, column) &&
               flags[column] == (is_perturbed ? ISTHMUS_REASON_INPUT_RANGE : 0);
  }
  CHECK(n_right == n_columns);
  int64_t n_flagged = -1;
  OK(isthmus_emulator_n_flagged(emulator, &n_flagged));
  CHECK(n_flagged == n_columns / 20);
  const char *report = NULL;
  OK(isthmus_emulator_report(emulator, "json", &report));
  CHECK(strstr(report, "\"input_range\": 10"));
  OK(isthmus_emulator_report(emulator, "text", &report));
  CHECK(strstr(report, "samples 200, flagged 10 (5 %)"));
  CHECK(strstr(report, "t: 0 below, 10 above, 0 not finite"));
  CHECK(strstr(report, "version 7"));
  isthmus_emulator_free(emulator);
}

static void limits_of_the_contract_are_by_level(void) {
  isthmus_emulator *emulator = load_emulator("column.pt");
  reset_columns();
  for (int level = 0; level < n_levels; ++level)
    t[level * n_levels + level] = 195.0; /* below 200, 200; not below 190 and none */
  bind_columns(emulator);
  bind_physics(emulator);
  OK(bind_flags(emulator, flags, n_columns));
  OK(isthmus_emulator_run(emulator));
  CHECK(flags[0] == ISTHMUS_REASON_INPUT_RANGE && flags[1] == ISTHMUS_REASON_INPUT_RANGE);
  CHECK(flags[2] == 0 && flags[3] == 0);
  isthmus_emulator_free(emulator);
}

/* One column for each reason that needs no ensemble. */
static void each_reason_has_its_bit(void) {
  isthmus_emulator *emulator = load_emulator("column.pt");
  reset_columns();
  t[0 * n_levels + 1] = NAN;
  q[1 * n_levels + 2] = INFINITY;
  q[2 * n_levels + 3] = -1.0;
  ps[3] = 1e6; /* makes dt as low as -400 */
  t[3 * n_levels + 3] = 300.0;
  ps[4] = NAN;
  bind_columns(emulator);
  bind_physics(emulator);
  OK(bind_flags(emulator, flags, n_columns));
  OK(isthmus_emulator_run(emulator));
  CHECK(flags[0] & ISTHMUS_REASON_INPUT_NOT_FINITE);
  CHECK(flags[0] & ISTHMUS_REASON_OUTPUT_NOT_FINITE);
  CHECK(flags[1] & ISTHMUS_REASON_INPUT_NOT_FINITE);
  CHECK(flags[2] == ISTHMUS_REASON_INPUT_RANGE);
  CHECK(flags[3] == ISTHMUS_REASON_OUTPUT_RANGE);
  CHECK(flags[4] & ISTHMUS_REASON_INPUT_NOT_FINITE);
  for (int column = 0; column < n_columns; ++column)
    CHECK(column < 5 ? is_same(dt, dt_physics, column) : flags[column] == 0);
  isthmus_emulator_free(emulator);
}

static void a_network_that_fails_on_some_is_caught(void) {
  isthmus_emulator *emulator = load_emulator("fragile.pt");
  const int64_t shape[] = {4, 2};
  double x[8] = {1, 4, 9, -1, 2000, 1, 16, 25}, y[8] = {0}, physics[8] = {0};
  int32_t why[4];
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "x", x, 2, shape));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "y", y, 2, shape));
  OK(bind_flags(emulator, why, 4));
  EXPECT(ISTHMUS_ERR_RUNTIME,
         "2 of 4 samples are flagged, the first is sample 1 (from 0): output_not_finite, "
         "variables: 'y'; no physics' values are bound",
         isthmus_emulator_run(emulator));
  CHECK(y[0] == 0.0 && why[1] == ISTHMUS_REASON_OUTPUT_NOT_FINITE);
  OK(isthmus_emulator_set_policy(emulator, ISTHMUS_POLICY_COUNT));
  OK(isthmus_emulator_run(emulator));
  CHECK(y[0] == 1.0 && isnan(y[3]) && isinf(y[4]));
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "y", physics, 2, shape));
  OK(isthmus_emulator_set_policy(emulator, ISTHMUS_POLICY_FAIL));
  EXPECT(ISTHMUS_ERR_RUNTIME, "2 of 4 samples", isthmus_emulator_run(emulator));
  OK(isthmus_emulator_set_policy(emulator, ISTHMUS_POLICY_FALLBACK));
  OK(isthmus_emulator_run(emulator));
  CHECK(y[1] == 2.0 && y[2] == 0.0 && y[3] == 0.0 && y[4] == 0.0 && y[7] == 5.0);
  OK(isthmus_emulator_set_limits(emulator, "x", 0.0, 20.0));
  OK(isthmus_emulator_run(emulator));
  CHECK(why[0] == 0 && why[3] == ISTHMUS_REASON_INPUT_RANGE);
  isthmus_emulator_free(emulator);
}

static void the_host_may_say_the_guard(void) {
  isthmus_emulator *emulator = load_emulator("fragile.pt");
  const int64_t shape[] = {4, 2};
  double x[8] = {1, 1, 2, 2, 4, 0, 1, 1.5}, y[8] = {0}, physics[8] = {0};
  int32_t why[4];
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "x", x, 2, shape));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "y", y, 2, shape));
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "y", physics, 2, shape));
  OK(bind_flags(emulator, why, 4));
  OK(isthmus_emulator_set_guard(emulator,
                                "{\"mahalanobis\": {\"inputs\": [\"x\"], \"mean\": [1, 1],"
                                " \"whitening\": [[1, 0], [0, 2]], \"threshold\": 5.0}}"));
  OK(isthmus_emulator_run(emulator)); /* distances 0, 5, 13, 1 */
  CHECK(why[0] == 0 && why[1] == 0 && why[2] == ISTHMUS_REASON_INPUT_DISTANCE);
  CHECK(why[3] == 0);
  OK(isthmus_emulator_set_guard(emulator, ""));
  OK(isthmus_emulator_run(emulator));
  CHECK(why[2] == 0);
  EXPECT(ISTHMUS_ERR_CONTRACT, "guard: unknown key 'guard.imputs'",
         isthmus_emulator_set_guard(emulator, "{\"imputs\": {}}"));
  EXPECT(ISTHMUS_ERR_CONTRACT, "'inputs' names 'z'",
         isthmus_emulator_set_guard(emulator, "{\"inputs\": {\"z\": {\"low\": 1}}}"));
  EXPECT(ISTHMUS_ERR_CONTRACT, "low limit above",
         isthmus_emulator_set_guard(emulator,
                                    "{\"inputs\": {\"x\": {\"low\": 2, \"high\": 1}}}"));
  EXPECT(ISTHMUS_ERR_CONTRACT, "guard: ", isthmus_emulator_set_guard(emulator, "{"));
  OK(isthmus_emulator_set_guard(emulator, "{\"inputs\": {\"x\": {\"low\": [1, 2, 3]}}}"));
  EXPECT(ISTHMUS_ERR_CONTRACT, "low of 'x' has 3 numbers, a sample has 2",
         isthmus_emulator_run(emulator));
  isthmus_emulator_free(emulator);
}

static const char *const FIXERS =
    "{\"inputs\": {\"t\": {\"high\": 310}}, \"fixers\": ["
    "{\"kind\": \"bounds\", \"output\": \"dt\", \"low\": [-0.1, -0.1, null, null],"
    " \"high\": 0.2},"
    "{\"kind\": \"positive_state\", \"tendency\": \"dq\", \"state\": \"q\"}]}";

static void fixers_leave_flagged_columns(void) {
  isthmus_emulator *emulator = load_emulator("column.pt");
  const double step = 2.0;
  reset_columns();
  for (int i = 0; i < n_values; ++i)
    q[i] *= i % 3 == 0 ? 1e-3 : 1.0; /* dq = -q/4 + ... */
  t[0] = 400.0;
  bind_columns(emulator);
  bind_physics(emulator);
  OK(isthmus_emulator_set_guard(emulator, FIXERS));
  OK(isthmus_emulator_run(emulator));
  evaluate_alone("column.pt");
  CHECK(is_same(dt, dt_physics, 0) && is_same(dq, dq_physics, 0));
  for (int i = n_levels; i < n_values; ++i) {
    const double low = i % n_levels < 2 ? -0.1 : -1e300;
    CHECK(dt[i] == fmin(fmax(dt_alone[i], low), 0.2));
    CHECK(q[i] + step * dq[i] >= 0.0);
    CHECK(q[i] + step * dq_alone[i] < 0.0 || dq[i] == dq_alone[i]);
  }
  isthmus_emulator_free(emulator);
}

static void budgets_are_closed_by_the_smallest_change(void) {
  isthmus_emulator *emulator = load_emulator("column.pt");
  reset_columns();
  bind_columns(emulator);
  bind_physics(emulator);
  OK(isthmus_emulator_set_guard(
      emulator, "{\"fixers\": [{\"kind\": \"conserve\", \"total\": 0.5, \"weights\":"
                " {\"dt\": [1, 2, 3, 4], \"dq\": [10, 0, 0, -10]}}]}"));
  OK(isthmus_emulator_run(emulator));
  evaluate_alone("column.pt");
  for (int c = 0; c < n_columns; ++c) {
    const double *a = dt + c * n_levels, *b = dq + c * n_levels;
    const double total = a[0] + 2 * a[1] + 3 * a[2] + 4 * a[3] + 10 * b[0] - 10 * b[3];
    CHECK(fabs(total - 0.5) < ROUNDING);
    /* along the weights: d(dt[1]) = 2 d(dt[0]), d(dq[0]) = 10 d(dt[0]), d(dq[1]) = 0 */
    const double d = a[0] - dt_alone[c * n_levels];
    CHECK(fabs(a[1] - dt_alone[c * n_levels + 1] - 2 * d) < ROUNDING);
    CHECK(fabs(b[0] - dq_alone[c * n_levels] - 10 * d) < ROUNDING);
    CHECK(b[1] == dq_alone[c * n_levels + 1]);
  }
  isthmus_emulator_free(emulator);
}

static void physics_may_lie_in_the_outputs_own_memory(void) {
  isthmus_emulator *emulator = load_emulator("column.pt");
  reset_columns();
  t[5 * n_levels] = 1e3;
  bind_columns(emulator);
  bind_physics(emulator);
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "dt", dt, 2, profile));
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "dq", dq, 2, profile));
  OK(isthmus_emulator_run(emulator));
  evaluate_alone("column.pt");
  CHECK(dt[5 * n_levels] == 77.0 && dq[5 * n_levels + 3] == 77.0);
  CHECK(is_same(dt, dt_alone, 4) && is_same(dq, dq_alone, 6));
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "dt", dq, 2, profile));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "the physics' values of 'dt' overlap output 'dq'",
         isthmus_emulator_run(emulator));
  isthmus_emulator_free(emulator);
}

static void samples_may_be_the_fastest_dimension(void) {
  isthmus_emulator *emulator = load_emulator("column.pt");
  static double t_turned[n_values];
  reset_columns();
  t[7 * n_levels + 2] = 500.0;
  for (int c = 0; c < n_columns; ++c)
    for (int k = 0; k < n_levels; ++k)
      t_turned[k * n_columns + c] = t[c * n_levels + k];
  bind_columns(emulator);
  bind_physics(emulator);
  const int64_t strides[] = {sizeof(double), n_columns * sizeof(double)};
  isthmus_array turned = array_of(t_turned, ISTHMUS_FLOAT64, 2, profile);
  turned.strides = strides;
  OK(isthmus_emulator_bind_input(emulator, "t", &turned));
  OK(bind_flags(emulator, flags, n_columns));
  OK(isthmus_emulator_run(emulator));
  evaluate_alone("column.pt");
  for (int c = 0; c < n_columns; ++c)
    CHECK(flags[c] == (c == 7) && is_same(dt, c == 7 ? dt_physics : dt_alone, c));
  isthmus_emulator_free(emulator);
}

static void nonsense_is_refused(void) {
  isthmus_emulator *emulator = load_emulator("column.pt");
  const char *report = NULL;
  const int64_t wrong[] = {n_columns, 3};
  const int64_t fewer[] = {n_columns - 1, n_levels};
  int64_t half = n_columns / 2;
  reset_columns();
  EXPECT(ISTHMUS_ERR_ARGUMENT, "input 't' is not bound", isthmus_emulator_run(emulator));
  EXPECT(ISTHMUS_ERR_SHAPE, "'t' has shape [200, 3]",
         bind_real64(isthmus_emulator_bind_input, emulator, "t", t, 2, wrong));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no input 'u'",
         bind_real64(isthmus_emulator_bind_input, emulator, "u", t, 2, profile));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no output 't': the network has 'dt', 'dq'",
         bind_real64(isthmus_emulator_bind_fallback, emulator, "t", t, 2, profile));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "has no spread: there is one network",
         bind_real64(isthmus_emulator_bind_spread, emulator, "dt", t, 2, profile));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'mode' is 9",
         isthmus_emulator_set_mode(emulator, (isthmus_mode)9));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "expected them in rising order",
         isthmus_emulator_set_limits(emulator, "t", 2.0, 1.0));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no input or output 'z'",
         isthmus_emulator_set_limits(emulator, "z", 0.0, 1.0));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'emulator' is null", isthmus_emulator_run(NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no report format 'xml'",
         isthmus_emulator_report(emulator, "xml", &report));
  bind_columns(emulator);
  OK(bind_flags(emulator, flags, half));
  EXPECT(ISTHMUS_ERR_SHAPE, "'flags' has 100 values, there are 200 samples",
         isthmus_emulator_run(emulator));
  OK(bind_flags(emulator, flags, n_columns));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "dq", dq, 2, fewer));
  EXPECT(ISTHMUS_ERR_SHAPE, "'dq' has 199 samples, the inputs have 200",
         isthmus_emulator_run(emulator));
  isthmus_emulator_free(emulator);
  isthmus_emulator_free(NULL);
}

int main(int n_arguments, char **arguments) {
  begin(n_arguments, arguments);
  exactly_the_perturbed_columns_take_the_physics("column.pt");
  exactly_the_perturbed_columns_take_the_physics("column.pt2");
  limits_of_the_contract_are_by_level();
  each_reason_has_its_bit();
  a_network_that_fails_on_some_is_caught();
  the_host_may_say_the_guard();
  fixers_leave_flagged_columns();
  budgets_are_closed_by_the_smallest_change();
  physics_may_lie_in_the_outputs_own_memory();
  samples_may_be_the_fastest_dimension();
  nonsense_is_refused();
  return finish();
}
