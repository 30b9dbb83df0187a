/* SPDX-License-Identifier: MIT */
/* A long run: memory stays flat over 2 10^5 calls of each engine, and over loads and frees;
 * threads with a model each get the bits of one thread. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <omp.h>
#include <unistd.h>

enum { n_calls = 200000, n_threads = 8, n_steps = 200, n_rows = 3, n = 12 };
static const int64_t shape[] = {n_rows, 4};
static const int64_t rows_only[] = {n_rows};

/* Pages the heap may take once and keep: 2 MiB. The C library hands out aligned memory from
 * a free stretch to its end before it uses again what was freed: 1.27 MB here, once, after
 * some thousand calls, in half of the processes. A leak of 16 bytes a call would show. */
static const long slack = 2 << 20;

static long resident_bytes(void) {
  long pages = 0, resident = 0, of_files = 0; /* these come and go as the kernel likes */
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld %ld", &pages, &resident, &of_files) != 3)
    exit(2);
  fclose(file);
  return (resident - of_files) * sysconf(_SC_PAGESIZE);
}

struct state {
  double x[12], y[12], s[3], scale;
};

static isthmus_model *bound(const char *file, struct state *state) {
  isthmus_model *model = load(file);
  state->scale = 0.5;
  OK(bind_in(model, "x", state->x, ISTHMUS_FLOAT64, 2, shape));
  OK(bind_in(model, "scale", &state->scale, ISTHMUS_FLOAT64, 0, NULL));
  OK(bind_out(model, "y", state->y, ISTHMUS_FLOAT64, 2, shape));
  OK(bind_out(model, "s", state->s, ISTHMUS_FLOAT64, 1, rows_only));
  return model;
}

static void memory_stays_flat(const char *file) {
  struct state state = {0};
  isthmus_model *model = bound(file, &state);
  isthmus_status status = ISTHMUS_OK;
  for (int i = 0; i < 2000; ++i)
    OK(isthmus_model_run(model));
  const long before = resident_bytes();
  for (int i = 0; i < n_calls && status == ISTHMUS_OK; ++i)
    status = isthmus_model_run(model);
  CHECK(status == ISTHMUS_OK);
  const long growth = resident_bytes() - before;
  printf("%s: %ld bytes more after %d calls\n", file, growth, n_calls);
  CHECK(growth <= slack);
  isthmus_model_free(model);
}

/* x <- x + 0.001 y, a chain in which a wrong bit would spread. */
static void integrate(isthmus_model *model, struct state *state, int seed) {
  for (int i = 0; i < n; ++i)
    state->x[i] = 0.1 * (i + seed);
  for (int step = 0; step < n_steps; ++step) {
    if (isthmus_model_run(model) != ISTHMUS_OK)
      state->x[0] = NAN;
    for (int i = 0; i < n; ++i)
      state->x[i] -= 0.01 * state->y[i];
  }
}

static void threads_equal_serial(const char *file) {
  struct state serial[n_threads], threaded[n_threads];
  memset(serial, 0, sizeof serial);
  memset(threaded, 0, sizeof threaded);
  for (int i = 0; i < n_threads; ++i) {
    isthmus_model *model = bound(file, &serial[i]);
    integrate(model, &serial[i], i);
    isthmus_model_free(model);
  }
#pragma omp parallel num_threads(n_threads)
  {
    const int i = omp_get_thread_num();
    isthmus_model *model = NULL;
#pragma omp critical
    model = bound(file, &threaded[i]);
#pragma omp barrier
    integrate(model, &threaded[i], i);
    isthmus_model_free(model);
  }
  for (int i = 0; i < n_threads; ++i)
    CHECK(memcmp(serial[i].x, threaded[i].x, sizeof serial[i].x) == 0);
}

static void host_threads_are_left_alone(void) {
  struct state state = {0};
  omp_set_num_threads(3);
  isthmus_model *model = bound("weighted_float64.pt", &state);
  OK(isthmus_model_run(model));
  CHECK(omp_get_max_threads() == 3);
  isthmus_model_free(model);
}

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all();
  host_threads_are_left_alone();
  omp_set_num_threads(1);
  threads_equal_serial("weighted_float64.pt");
  threads_equal_serial("weighted_float64.pt2");
  memory_stays_flat("weighted_float64.pt");
  memory_stays_flat("weighted_float64.pt2");
  return finish();
}
