/* SPDX-License-Identifier: MIT */
/* Alpha 0 is the physics bit for bit, alpha 1 the network; between, the blend. Shadow gives
 * the physics and records the differences. The mode may change between any two steps. */
#include "emulators.h"

enum { n_cells = 50, n_values = 2 * n_cells };

static const double ROUNDING = 1e-15; /* one blend of numbers of order one */

static const int64_t shape[] = {n_cells, 2};
static double x[n_values], y[n_values], physics[n_values], network_y[n_values];

static isthmus_emulator *member_zero(void) {
  isthmus_emulator *emulator = load_emulator("member_0.pt"); /* y = x + x x / 10 */
  for (unsigned i = 0; i < n_values; ++i) {
    x[i] = pseudo_random(i) - 0.5;
    physics[i] = 0.9 * x[i] + 0.01;
    y[i] = -99.0;
  }
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "x", x, 2, shape));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "y", y, 2, shape));
  OK(isthmus_emulator_run(emulator));
  memcpy(network_y, y, sizeof y);
  OK(bind_real64(isthmus_emulator_bind_fallback, emulator, "y", physics, 2, shape));
  return emulator;
}

static int all_are(const double *expected) { return memcmp(y, expected, sizeof y) == 0; }

static int all_blend(double alpha) {
  for (int i = 0; i < n_values; ++i)
    if (fabs(y[i] - ((1 - alpha) * physics[i] + alpha * network_y[i])) > ROUNDING)
      return 0;
  return 1;
}

static void the_ends_of_a_blend_are_bits(void) {
  isthmus_emulator *emulator = member_zero();
  OK(isthmus_emulator_set_mode(emulator, ISTHMUS_MODE_PHYSICS));
  OK(isthmus_emulator_run(emulator));
  CHECK(all_are(physics));
  OK(isthmus_emulator_set_mode(emulator, ISTHMUS_MODE_BLEND));
  OK(isthmus_emulator_run(emulator)); /* alpha is 1 unless set */
  CHECK(all_are(network_y));
  OK(isthmus_emulator_set_blend(emulator, 0.0, 0, 0));
  OK(isthmus_emulator_run(emulator));
  CHECK(all_are(physics));
  OK(isthmus_emulator_set_blend(emulator, 0.25, 0, 0));
  OK(isthmus_emulator_run(emulator));
  CHECK(all_blend(0.25) && !all_are(physics));
  OK(isthmus_emulator_set_mode(emulator, ISTHMUS_MODE_EMULATOR));
  OK(isthmus_emulator_run(emulator));
  CHECK(all_are(network_y));
  isthmus_emulator_free(emulator);
}

static void a_ramp_follows_the_steps(void) {
  isthmus_emulator *emulator = member_zero();
  int64_t step = -1;
  OK(isthmus_emulator_step(emulator, &step));
  CHECK(step == 1);
  OK(isthmus_emulator_set_mode(emulator, ISTHMUS_MODE_BLEND));
  OK(isthmus_emulator_set_blend(emulator, 0.8, 3, 4));
  const double expected[] = {0, 0, 0, 0, 0.2, 0.4, 0.6, 0.8, 0.8};
  for (step = 1; step < 9; ++step) {
    OK(isthmus_emulator_run(emulator));
    CHECK(all_blend(expected[step]));
    CHECK((expected[step] == 0) == all_are(physics));
  }
  isthmus_emulator_free(emulator);
}

static void each_sample_may_have_its_weight(void) {
  isthmus_emulator *emulator = member_zero();
  const int64_t n = n_cells;
  double alpha[n_cells];
  for (int c = 0; c < n_cells; ++c)
    alpha[c] = c % 3 == 0 ? 0.0 : c % 3 == 1 ? 1.0 : 0.5;
  const isthmus_array array = array_of(alpha, ISTHMUS_FLOAT64, 1, &n);
  OK(isthmus_emulator_bind_alpha(emulator, &array));
  OK(isthmus_emulator_set_mode(emulator, ISTHMUS_MODE_BLEND));
  OK(isthmus_emulator_run(emulator));
  for (int i = 0; i < n_values; ++i) {
    const double half = 0.5 * physics[i] + 0.5 * network_y[i];
    const int kind = i / 2 % 3;
    CHECK(kind == 0   ? y[i] == physics[i]
          : kind == 1 ? y[i] == network_y[i]
                      : fabs(y[i] - half) <= ROUNDING);
  }
  alpha[7] = 1.5;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'alpha' is 1.5", isthmus_emulator_run(emulator));
  alpha[7] = NAN;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "sample 7 (from 0)", isthmus_emulator_run(emulator));
  isthmus_emulator_free(emulator);
}

static void a_flagged_sample_is_not_blended(void) {
  isthmus_emulator *emulator = member_zero();
  OK(isthmus_emulator_set_limits(emulator, "x", -0.6, 0.6));
  OK(isthmus_emulator_set_mode(emulator, ISTHMUS_MODE_BLEND));
  OK(isthmus_emulator_set_blend(emulator, 0.5, 0, 0));
  x[4] = 5.0;
  OK(isthmus_emulator_run(emulator));
  CHECK(y[4] == physics[4] && y[5] == physics[5] && y[6] != physics[6]);
  isthmus_emulator_free(emulator);
}

static void shadow_gives_the_physics_and_records(void) {
  isthmus_emulator *emulator = member_zero();
  char path[] = "shadow.csv", line[256] = "";
  double mean = 0.0, squares = 0.0, largest = 0.0, stats[3];
  int64_t n = -1;
  remove(path);
  for (int i = 0; i < n_values; ++i) {
    const double d = network_y[i] - physics[i];
    mean += d / n_values;
    squares += d * d / n_values;
    largest = fmax(largest, fabs(d));
  }
  OK(isthmus_emulator_difference(emulator, "y", &n, stats));
  CHECK(n == 0 && stats[2] == 0.0);
  OK(isthmus_emulator_set_record(emulator, path));
  OK(isthmus_emulator_set_mode(emulator, ISTHMUS_MODE_SHADOW));
  OK(isthmus_emulator_run(emulator));
  CHECK(all_are(physics));
  OK(isthmus_emulator_run(emulator));
  OK(isthmus_emulator_difference(emulator, "y", &n, stats));
  CHECK(n == 2 * n_values);
  CHECK(fabs(stats[0] - mean) < 1e-14 && fabs(stats[1] - sqrt(squares)) < 1e-14);
  CHECK(stats[2] == largest);
  OK(isthmus_emulator_set_record(emulator, ""));
  FILE *file = fopen(path, "r");
  CHECK(file != NULL);
  if (!file)
    return;
  int n_lines = 0;
  while (fgets(line, sizeof line, file))
    CHECK(n_lines++ ? !strncmp(line, n_lines == 2 ? "1,y,100," : "2,y,100,", 8)
                    : !strcmp(line, "step,output,n,mean,rms,largest\n"));
  CHECK(n_lines == 3);
  fclose(file);
  remove(path);
  isthmus_emulator_free(emulator);
}

static void what_a_mode_lacks_is_told(void) {
  isthmus_emulator *emulator = load_emulator("member_0.pt");
  OK(bind_real64(isthmus_emulator_bind_input, emulator, "x", x, 2, shape));
  OK(bind_real64(isthmus_emulator_bind_output, emulator, "y", y, 2, shape));
  for (int mode = 0; mode < 4; ++mode) {
    OK(isthmus_emulator_set_mode(emulator, (isthmus_mode)mode));
    if (mode != ISTHMUS_MODE_EMULATOR)
      EXPECT(ISTHMUS_ERR_ARGUMENT, "output 'y' has no physics' values bound",
             isthmus_emulator_run(emulator));
  }
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'alpha' is 1.5",
         isthmus_emulator_set_blend(emulator, 1.5, 0, 0));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "expected 0 or more",
         isthmus_emulator_set_blend(emulator, 0.5, -1, 0));
  EXPECT(ISTHMUS_ERR_FILE, "cannot be written",
         isthmus_emulator_set_record(emulator, "/nowhere/at/all.csv"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'policy' is -1",
         isthmus_emulator_set_policy(emulator, (isthmus_policy)-1));
  isthmus_emulator_free(emulator);
}

int main(int n_arguments, char **arguments) {
  begin(n_arguments, arguments);
  the_ends_of_a_blend_are_bits();
  a_ramp_follows_the_steps();
  each_sample_may_have_its_weight();
  a_flagged_sample_is_not_blended();
  shadow_gives_the_physics_and_records();
  what_a_mode_lacks_is_told();
  return finish();
}
