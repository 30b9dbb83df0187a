/* SPDX-License-Identifier: MIT */
/* Costs by phase: nothing when off; when on, the phases add up to the calls, and the calls
 * to the clock on the wall. */
#define _POSIX_C_SOURCE 199309L
#include "check.h"

#include <time.h>

enum { n_columns = 211, n_calls = 40 };
static double x[n_columns * 64], y[n_columns * 32];

/* What the report may miss of the wall clock; and how often another process may come in
 * between before that is our fault. */
static const double missing = 0.02;
enum { n_tries = 8 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

static isthmus_model *bound(void) {
  const int64_t in[] = {n_columns, 64}, out[] = {n_columns, 32};
  isthmus_model *model = load("mlp_float64.pt");
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, in));
  OK(bind_out(model, "y", y, ISTHMUS_FLOAT64, 2, out));
  return model;
}

static isthmus_cost cost_of(isthmus_model *model, const char *phase) {
  isthmus_cost cost = {0};
  OK(isthmus_model_cost(model, phase, &cost));
  return cost;
}

static double sum_of(isthmus_cost cost) { return cost.first + cost.total; }

static int adds_up(isthmus_model *model) {
  double parts = 0, whole = 0, wall = now();
  OK(isthmus_cost_set(1));
  for (int i = 0; i < n_calls; ++i)
    OK(isthmus_model_run(model));
  wall = now() - wall;
  OK(isthmus_cost_set(0));
  whole = sum_of(cost_of(model, "call"));
  parts = sum_of(cost_of(model, "pack")) + sum_of(cost_of(model, "run")) +
          sum_of(cost_of(model, "unpack"));
  CHECK(parts <= whole && whole <= wall);
  return whole > (1 - missing) * wall && parts > (1 - missing) * whole;
}

static void phases_add_up(int tile) {
  isthmus_model *model = bound();
  int is_so = 0;
  OK(isthmus_model_set_tile(model, tile));
  for (int i = 0; i < n_tries && !is_so; ++i)
    is_so = adds_up(model);
  CHECK(is_so);
  const isthmus_cost run = cost_of(model, "run"), pack = cost_of(model, "pack");
  CHECK(run.n_calls == n_calls && run.first > 0 && run.least > 0);
  CHECK(run.least <= run.most && run.total >= (n_calls - 1) * run.least);
  CHECK(tile > 0 ? pack.total > 0 : pack.total == 0);
  isthmus_model_free(model);
}

static void nothing_is_measured_unasked(void) {
  isthmus_model *model = bound();
  const char *text = NULL;
  OK(isthmus_model_run(model));
  CHECK(cost_of(model, "call").n_calls == 0);
  OK(isthmus_cost_report("json", &text));
  CHECK(text && !strcmp(text, "[]"));
  isthmus_model_free(model);
}

static void reports_are_written(void) {
  isthmus_model *model = bound();
  const char *text = NULL;
  OK(isthmus_cost_set(1));
  OK(isthmus_model_run(model));
  OK(isthmus_cost_report("text", &text));
  CHECK(strstr(text, "mlp_float64.pt") && strstr(text, "unpack"));
  OK(isthmus_cost_report("json", &text));
  CHECK(strstr(text, "\"n_calls\": 1") && strstr(text, "mlp_float64.pt"));
  OK(isthmus_cost_set(1)); /* again: what was measured is forgotten */
  CHECK(cost_of(model, "run").n_calls == 0);
  OK(isthmus_cost_set(0));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no format 'xml'", isthmus_cost_report("xml", &text));
  isthmus_cost cost = {0};
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no phase 'think', expected pack",
         isthmus_model_cost(model, "think", &cost));
  isthmus_model_free(model);
}

/* Two ranks with the same table: their range is a point, their calls are twice as many. */
static void reports_are_written_over_ranks(void) {
  isthmus_model *model = bound();
  const char *text = NULL;
  double tables[2 * ISTHMUS_COST_ROW];
  int32_t lengths[2] = {-1, 0};
  OK(isthmus_cost_set(1));
  for (int i = 0; i < 3; ++i)
    OK(isthmus_model_run(model));
  OK(isthmus_cost_table(0, NULL, &lengths[0]));
  CHECK(lengths[0] == ISTHMUS_COST_ROW);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "room for 3 numbers, expected 21",
         isthmus_cost_table(3, tables, &lengths[0]));
  OK(isthmus_cost_table(ISTHMUS_COST_ROW, tables, &lengths[0]));
  memcpy(tables + ISTHMUS_COST_ROW, tables, sizeof tables / 2);
  lengths[1] = lengths[0];
  OK(isthmus_cost_report_of_ranks("text", 2, lengths, tables, &text));
  CHECK(strstr(text, "mlp_float64.pt (on 2 of 2 ranks)") && strstr(text, " 6 "));
  tables[ISTHMUS_COST_ROW] += 1; /* another file, which this rank has not */
  OK(isthmus_cost_report_of_ranks("json", 2, lengths, tables, &text));
  CHECK(strstr(text, "\"a file of other ranks\"") && strstr(text, "\"n_ranks\": 1"));
  lengths[1] = 5;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "rank 1 has 5 numbers",
         isthmus_cost_report_of_ranks("json", 2, lengths, tables, &text));
  OK(isthmus_cost_set(0));
  isthmus_model_free(model);
}

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all();
  for (int i = 0; i < n_columns * 64; ++i)
    x[i] = 0.001 * (i % 977);
  nothing_is_measured_unasked();
  phases_add_up(0);
  phases_add_up(16);
  reports_are_written();
  reports_are_written_over_ranks();
  return finish();
}
