/* SPDX-License-Identifier: MIT */
/* What the caching allocator saves on large batches: bench_allocator FILE [ROUNDS]. FILE
 * takes float32 (n, 64) and gives (n, 32), as wide.pt of the bridge's tests. One thread;
 * both allocators in turn in one run, the least time of all rounds counts. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "isthmus.h"

enum { n_in = 64, n_out = 32, n_sizes = 6 };
static const int64_t sizes[n_sizes] = {16, 256, 1024, 4096, 16384, 65536};
static const char *const allocators[2] = {"default", "caching"};

static void must(isthmus_status status) {
  if (status == ISTHMUS_OK)
    return;
  fprintf(stderr, "%s\n", isthmus_error_message());
  exit(1);
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Least time of one call in microseconds, after one that fills the cache. */
static double measured(isthmus_model *model, int n_calls) {
  double least = 1e30;
  must(isthmus_model_run(model));
  for (int i = 0; i < n_calls; ++i) {
    const double begin = seconds();
    must(isthmus_model_run(model));
    const double took = 1e6 * (seconds() - begin);
    least = took < least ? took : least;
  }
  return least;
}

int main(int n_arguments, char **arguments) {
  if (n_arguments < 2) {
    fprintf(stderr, "usage: bench_allocator FILE [ROUNDS]\n");
    return 2;
  }
  const int n_rounds = n_arguments > 2 ? atoi(arguments[2]) : 10;
  float *x = calloc((size_t)sizes[n_sizes - 1] * n_in, sizeof *x);
  float *y = calloc((size_t)sizes[n_sizes - 1] * n_out, sizeof *y);
  isthmus_model *model = NULL;
  if (!x || !y)
    return 1;
  must(isthmus_set_threads(1));
  must(isthmus_model_load(arguments[1], "cpu", &model));
  printf("| columns | default, us | caching, us | ratio |\n|---|---|---|---|\n");
  for (int s = 0; s < n_sizes; ++s) {
    const int64_t in_shape[] = {sizes[s], n_in}, out_shape[] = {sizes[s], n_out};
    const isthmus_array in = {x, ISTHMUS_FLOAT32, 2, in_shape, NULL, NULL};
    const isthmus_array out = {y, ISTHMUS_FLOAT32, 2, out_shape, NULL, NULL};
    double least[2] = {1e30, 1e30};
    must(isthmus_model_bind_input(model, "x", &in));
    must(isthmus_model_bind_output(model, "output_0", &out));
    for (int round = 0; round < n_rounds; ++round)
      for (int a = 0; a < 2; ++a) {
        must(isthmus_set_allocator(allocators[a]));
        const double took = measured(model, 4);
        least[a] = took < least[a] ? took : least[a];
      }
    printf("| %lld | %.1f | %.1f | %.2f |\n", (long long)sizes[s], least[0], least[1],
           least[0] / least[1]);
  }
  isthmus_model_free(model);
  free(x);
  free(y);
  return 0;
}
