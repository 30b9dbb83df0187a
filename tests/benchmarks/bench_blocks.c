/* SPDX-License-Identifier: MIT */
/* Blocks of columns over OpenMP threads, each with a network of its own: bench_blocks FILE
 * [COLUMNS [BLOCKS]]. FILE takes float32 x (n, 64) and gives y (n, 32), as mlp_float32.pt2
 * of the bridge's tests. The ideal is one thread's time divided by the threads; threads in
 * turns, the least time of seven counts. */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "isthmus.h"

enum { n_in = 64, n_out = 32, n_rounds = 7 };

static void must(isthmus_status status) {
  if (status == ISTHMUS_OK)
    return;
  fprintf(stderr, "%s\n", isthmus_error_message());
  exit(1);
}

struct block {
  isthmus_model *model;
  float *x, *y;
};

static struct block open_block(const char *file, int64_t n) {
  const int64_t in_shape[] = {n, n_in}, out_shape[] = {n, n_out};
  struct block block = {NULL, calloc((size_t)n * n_in, 4), calloc((size_t)n * n_out, 4)};
  if (!block.x || !block.y)
    exit(1);
  const isthmus_array x = {block.x, ISTHMUS_FLOAT32, 2, in_shape, NULL, NULL};
  const isthmus_array y = {block.y, ISTHMUS_FLOAT32, 2, out_shape, NULL, NULL};
  must(isthmus_model_load(file, "cpu", &block.model));
  must(isthmus_model_bind_input(block.model, "x", &x));
  must(isthmus_model_bind_output(block.model, "y", &y));
  must(isthmus_model_run(block.model));
  return block;
}

static double spread(struct block *blocks, int n_threads, int n_blocks) {
  const double begin = omp_get_wtime();
#pragma omp parallel for num_threads(n_threads) schedule(dynamic)
  for (int i = 0; i < n_blocks; ++i)
    must(isthmus_model_run(blocks[omp_get_thread_num()].model));
  return omp_get_wtime() - begin;
}

int main(int n_arguments, char **arguments) {
  if (n_arguments < 2) {
    fprintf(stderr, "usage: bench_blocks FILE [COLUMNS [BLOCKS]]\n");
    return 2;
  }
  const int n_columns = n_arguments > 2 ? atoi(arguments[2]) : 64;
  const int n_blocks = n_arguments > 3 ? atoi(arguments[3]) : 2000;
  const int n_cores = omp_get_num_procs();
  must(isthmus_set_threads(1)); /* also in a team of one, which is no parallel region */
  double *times = malloc((size_t)(n_cores + 1) * sizeof *times);
  struct block *blocks = malloc((size_t)n_cores * sizeof *blocks);
  for (int i = 0; i < n_cores; ++i)
    blocks[i] = open_block(arguments[1], n_columns);
  for (int t = 1; t <= n_cores; ++t)
    times[t] = 1e30;
  for (int round = 0; round < n_rounds; ++round)
    for (int t = 1; t <= n_cores; ++t) {
      const double took = spread(blocks, t, n_blocks);
      times[t] = took < times[t] ? took : times[t];
    }
  printf("| threads | %d blocks of %d columns, ms | of the ideal |\n|---|---|---|\n",
         n_blocks, n_columns);
  for (int t = 1; t <= n_cores; ++t)
    printf("| %d | %.2f | %.2f |\n", t, 1e3 * times[t], times[1] / t / times[t]);
  for (int i = 0; i < n_cores; ++i)
    isthmus_model_free(blocks[i].model);
  return 0;
}
