/* SPDX-License-Identifier: MIT */
/* What lies between the host's arrays and the network: bench_staging FILE [ROUNDS]. FILE is
 * normalized_float32.pt of the bridge's tests: float32 (column, 4), normalized level by
 * level. The host has float64 (level, column). The bridge's one pass is the phase "pack" of
 * its cost report; beside it the same in three passes by hand (order, type, scale), and a
 * plain copy of as many bytes. One thread, in turns, the least time counts. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "isthmus.h"

enum { n_levels = 4, n_sizes = 4 };
static const int64_t sizes[n_sizes] = {1000, 10000, 100000, 1000000};
static const double mean[n_levels] = {1, 2, 3, 4}, sd[n_levels] = {0.5, 1.5, 2.5, 3.5};

static void must(isthmus_status status) {
  if (status == ISTHMUS_OK)
    return;
  fprintf(stderr, "%s\n", isthmus_error_message());
  exit(1);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* As a host program does it that has no help: one loop for each thing. */
static void three_passes(const double *x, double *turned, float *packed, int64_t n) {
  for (int64_t c = 0; c < n; ++c)
    for (int l = 0; l < n_levels; ++l)
      turned[c * n_levels + l] = x[l * n + c];
  for (int64_t i = 0; i < n * n_levels; ++i)
    packed[i] = (float)turned[i];
  for (int64_t c = 0; c < n; ++c)
    for (int l = 0; l < n_levels; ++l)
      packed[c * n_levels + l] = (packed[c * n_levels + l] - (float)mean[l]) / (float)sd[l];
}

struct buffers {
  double *x, *y, *turned;
  float *packed;
};

static isthmus_model *bound(const char *file, struct buffers *b, int64_t n) {
  isthmus_model *model = NULL;
  const int64_t shape[] = {n_levels, n};
  const int32_t order[] = {1, 0};
  const isthmus_array x = {b->x, ISTHMUS_FLOAT64, 2, shape, NULL, NULL};
  const isthmus_array y = {b->y, ISTHMUS_FLOAT64, 2, shape, NULL, NULL};
  const isthmus_binding as = {1, order};
  must(isthmus_model_load(file, "cpu", &model));
  must(isthmus_model_bind_input_as(model, "x", &x, &as));
  must(isthmus_model_bind_output_as(model, "y", &y, &as));
  return model;
}

static double least(double known, double begin) {
  const double took = seconds() - begin;
  return took < known ? took : known;
}

static void measure(const char *file, struct buffers *b, int64_t n, int n_rounds) {
  isthmus_model *model = bound(file, b, n);
  isthmus_cost fused = {0};
  double by_hand = 1e30, copied = 1e30;
  must(isthmus_cost_set(1));
  for (int round = 0; round < n_rounds; ++round) {
    must(isthmus_model_run(model));
    double begin = seconds();
    three_passes(b->x, b->turned, b->packed, n);
    by_hand = least(by_hand, begin);
    begin = seconds(); /* 8 bytes read and 4 written: as many as 6 copied */
    memcpy(b->turned, b->x, (size_t)n * n_levels * 6);
    copied = least(copied, begin);
  }
  must(isthmus_model_cost(model, "pack", &fused));
  const double bytes = 12e-9 * (double)(n * n_levels);
  printf("| %lld | %.1f | %.1f | %.1f | %.2f | %.2f |\n", (long long)n, bytes / fused.least,
         bytes / by_hand, bytes / copied, by_hand / fused.least, copied / fused.least);
  isthmus_model_free(model);
}

int main(int n_arguments, char **arguments) {
  if (n_arguments < 2) {
    fprintf(stderr, "usage: bench_staging FILE [ROUNDS]\n");
    return 2;
  }
  const size_t n = (size_t)(sizes[n_sizes - 1] * n_levels);
  struct buffers b = {calloc(n, 8), calloc(n, 8), calloc(n, 8), calloc(n, 4)};
  if (!b.x || !b.y || !b.turned || !b.packed)
    return 1;
  for (size_t i = 0; i < n; ++i)
    b.x[i] = 1e-3 * (double)(i % 4999);
  must(isthmus_set_threads(1));
  printf(
      "| columns of 4 levels | one pass, GB/s | three passes | memcpy | one pass against "
      "three | against memcpy |\n|---|---|---|---|---|---|\n");
  for (int s = 0; s < n_sizes; ++s)
    measure(arguments[1], &b, sizes[s], n_arguments > 2 ? atoi(arguments[2]) : 30);
  return 0;
}
