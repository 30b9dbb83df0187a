/* SPDX-License-Identifier: MIT */
/* The process-wide switches: the caching allocator changes no bit and is bounded, the
 * host's threads stay as found, an operator that does not repeat its bits is refused. */
#include "check.h"

#include <omp.h>

enum { n_rows = 512, n_in = 64, n_out = 32, n_blocks = 1000, n_workers = 8 };
static const int64_t in_shape[] = {n_rows, n_in}, out_shape[] = {n_rows, n_out};
static float x[n_rows * n_in], y[n_rows * n_out], reference[n_rows * n_out];

static isthmus_model *bound(const float *input, float *output) {
  isthmus_model *model = load("wide.pt");
  OK(bind_in(model, "x", (void *)input, ISTHMUS_FLOAT32, 2, in_shape));
  OK(bind_out(model, "output_0", output, ISTHMUS_FLOAT32, 2, out_shape));
  return model;
}

static int64_t cached(void) {
  int64_t n_bytes = -1;
  OK(isthmus_allocator_cached_bytes(&n_bytes));
  return n_bytes;
}

static void caching_changes_no_bit(void) {
  isthmus_model *model = bound(x, y);
  OK(isthmus_model_run(model));
  memcpy(reference, y, sizeof y);
  CHECK(cached() == 0);
  OK(isthmus_set_allocator("caching"));
  OK(isthmus_set_allocator("caching")); /* twice is once */
  for (int i = 0; i < 3; ++i) {
    memset(y, 0, sizeof y);
    OK(isthmus_model_run(model));
    CHECK(memcmp(y, reference, sizeof y) == 0);
  }
  const int64_t kept = cached();
  CHECK(kept >= (int64_t)sizeof(float) * n_rows * 128); /* at least one hidden layer */
  for (int i = 0; i < 100; ++i)
    OK(isthmus_model_run(model));
  CHECK(cached() == kept); /* bounded: a steady loop takes what it gave */
  OK(isthmus_trim_allocator());
  CHECK(cached() == 0);
  OK(isthmus_set_allocator_limit(100000));
  OK(isthmus_model_run(model));
  CHECK(cached() <= 100000);
  OK(isthmus_set_allocator_limit(1 << 30));
  OK(isthmus_model_run(model));
  OK(isthmus_set_allocator("default"));
  CHECK(cached() == 0);
  OK(isthmus_model_run(model));
  CHECK(memcmp(y, reference, sizeof y) == 0);
  isthmus_model_free(model);
}

static void bad_arguments_are_refused(void) {
  int32_t n = 7;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'fast'", isthmus_set_allocator("fast"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "null", isthmus_set_allocator(NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "-1 bytes", isthmus_set_allocator_limit(-1));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "null", isthmus_allocator_cached_bytes(NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "threads is -2", isthmus_set_threads(-2));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "null", isthmus_threads(NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "expected 0 or 1", isthmus_set_deterministic(2));
  OK(isthmus_threads(&n));
  CHECK(n == 0);
}

/* Whatever is set for the calls, the host's own parallel regions have its own number. */
static void host_threads_stay(void) {
  isthmus_model *model = bound(x, y);
  for (int of_host = 1; of_host <= 3; ++of_host)
    for (int32_t of_calls = 0; of_calls <= 3; ++of_calls) {
      int32_t found = -1;
      omp_set_num_threads(of_host);
      OK(isthmus_set_threads(of_calls));
      OK(isthmus_threads(&found));
      CHECK(found == of_calls);
      OK(isthmus_model_run(model));
      CHECK(omp_get_max_threads() == of_host);
      int n_found = 0;
#pragma omp parallel
#pragma omp atomic
      ++n_found;
      CHECK(n_found == of_host);
    }
  /* After a failure too. */
  isthmus_model *unbound = load("wide.pt");
  EXPECT(ISTHMUS_ERR_ARGUMENT, "not bound", isthmus_model_run(unbound));
  CHECK(omp_get_max_threads() == 3);
  isthmus_model_free(unbound);
  OK(isthmus_set_threads(0));
  isthmus_model_free(model);
}

/* A network that computes with a team says so by the time its team takes; what can be
 * asserted on any machine is that the number of threads changes no bit here. */
static void threads_change_no_bit(void) {
  isthmus_model *model = bound(x, y);
  for (int32_t n = 1; n <= 4; ++n) {
    memset(y, 0, sizeof y);
    OK(isthmus_set_threads(n));
    OK(isthmus_model_run(model));
    CHECK(memcmp(y, reference, sizeof y) == 0);
  }
  OK(isthmus_set_threads(0));
  isthmus_model_free(model);
}

/* Blocks of columns spread over the host's threads, with the allocator shared. */
static void workers_equal_serial(const char *allocator) {
  enum { n_columns = 16, n_distinct = n_rows / n_columns };
  static const int64_t block_in[] = {n_columns, n_in}, block_out[] = {n_columns, n_out};
  static float serial[n_distinct][n_columns * n_out];
  isthmus_model *model = load("wide.pt");
  for (int b = 0; b < n_distinct; ++b) {
    OK(bind_in(model, "x", x + b * n_columns * n_in, ISTHMUS_FLOAT32, 2, block_in));
    OK(bind_out(model, "output_0", serial[b], ISTHMUS_FLOAT32, 2, block_out));
    OK(isthmus_model_run(model));
  }
  isthmus_model_free(model);
  OK(isthmus_set_allocator(allocator));
  int n_wrong = 0;
  const double begin = omp_get_wtime();
#pragma omp parallel num_threads(n_workers) reduction(+ : n_wrong)
  {
    static float out[n_workers][n_columns * n_out];
    const int worker = omp_get_thread_num();
    isthmus_model *own = NULL;
#pragma omp critical
    own = load("wide.pt");
    const int of_host = omp_get_max_threads();
    for (int i = 0; i < n_blocks; ++i) {
      const int b = (i * 7 + worker) % n_distinct;
      isthmus_array in = array_of(x + b * n_columns * n_in, ISTHMUS_FLOAT32, 2, block_in);
      isthmus_array result = array_of(out[worker], ISTHMUS_FLOAT32, 2, block_out);
      n_wrong += isthmus_model_bind_input(own, "x", &in) != ISTHMUS_OK ||
                 isthmus_model_bind_output(own, "output_0", &result) != ISTHMUS_OK ||
                 isthmus_model_run(own) != ISTHMUS_OK ||
                 memcmp(out[worker], serial[b], sizeof serial[b]) != 0;
    }
    n_wrong += omp_get_max_threads() != of_host;
    isthmus_model_free(own);
  }
  printf("%s: %d workers x %d blocks in %.2f s\n", allocator, n_workers, n_blocks,
         omp_get_wtime() - begin);
  CHECK(n_wrong == 0);
  OK(isthmus_set_allocator("default"));
}

static void unrepeatable_is_refused(void) {
  float in[4] = {1, 2, 3, 4}, out[4] = {0};
  const int64_t shape[] = {4};
  isthmus_model *model = load("putting.pt");
  OK(bind_in(model, "x", in, ISTHMUS_FLOAT32, 1, shape));
  OK(bind_out(model, "output_0", out, ISTHMUS_FLOAT32, 1, shape));
  OK(isthmus_set_deterministic(1));
  EXPECT(ISTHMUS_ERR_RUNTIME, "put_", isthmus_model_run(model));
  CHECK(out[0] == 0);
  isthmus_model *other = bound(x, y);
  OK(isthmus_model_run(other)); /* what repeats its bits is not touched */
  CHECK(memcmp(y, reference, sizeof y) == 0);
  OK(isthmus_set_deterministic(0));
  OK(isthmus_model_run(model));
  CHECK(memcmp(in, out, sizeof in) == 0);
  isthmus_model_free(other);
  isthmus_model_free(model);
}

int main(int n_arguments, char **arguments) {
  if (n_arguments > 1)
    folder = arguments[1];
  for (int i = 0; i < n_rows * n_in; ++i)
    x[i] = (float)sin(0.37 * i);
  bad_arguments_are_refused();
  caching_changes_no_bit();
  host_threads_stay();
  threads_change_no_bit();
  workers_equal_serial("default");
  workers_equal_serial("caching");
  unrepeatable_is_refused();
  (void)use_all;
  return finish();
}
