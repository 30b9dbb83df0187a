/* SPDX-License-Identifier: MIT */
/* Columns spread over MPI ranks. `test_ranks FOLDER MODE`:
 *   bits   in tiles of one size, a column's bits depend neither on the number of ranks nor
 * on the order of columns; rank 0 prints their digest, for comparison between runs fail one
 * rank's load and run fail: it gets a status, tells the others, all go on abort  one rank's
 * load fails and it ends the job by MPI_Abort, with the status as code */
#include "../check.h"

#include <mpi.h>

enum { n_columns = 1001, n_in = 10, n_out = 3, n_tile = 16 };

static int rank, n_ranks;
static const char *const files[] = {"columns.pt", "columns.pt2"};

/* A model with arrays of one tile. */
struct tile {
  isthmus_model *model;
  float x[n_tile * n_in], y[n_tile * n_out];
};

static void open_tile(struct tile *tile, const char *file) {
  const int64_t in[] = {n_tile, n_in}, out[] = {n_tile, n_out};
  tile->model = load(file); /* all ranks at once, each its own copy */
  OK(bind_in(tile->model, "x", tile->x, ISTHMUS_FLOAT32, 2, in));
  OK(bind_out(tile->model, "y", tile->y, ISTHMUS_FLOAT32, 2, out));
}

/* Values of column `c`, whoever owns it. */
static void fill(float *x, int c) {
  for (int i = 0; i < n_in; ++i)
    x[i] = sinf(0.1F * (float)(c * n_in + i)) * (float)(1 + i);
}

/* y of the columns `which`, in tiles; the last one is filled up with zeros. */
static void compute(struct tile *tile, const int *which, int n, float *y) {
  for (int begin = 0; begin < n; begin += n_tile) {
    const int n_here = n - begin < n_tile ? n - begin : n_tile;
    memset(tile->x, 0, sizeof tile->x);
    for (int c = 0; c < n_here; ++c)
      fill(tile->x + c * n_in, which[begin + c]);
    OK(isthmus_model_run(tile->model));
    memcpy(y + begin * n_out, tile->y, sizeof(float) * (size_t)(n_here * n_out));
  }
}

/* The columns in another order, the same on all ranks. */
static void permute(int *order, int seed) {
  unsigned state = 12345U + (unsigned)seed;
  for (int i = 0; i < n_columns; ++i)
    order[i] = i;
  for (int i = n_columns - 1; seed > 0 && i > 0; --i) {
    state = state * 1664525U + 1013904223U;
    const int j = (int)(state >> 8) % (i + 1), kept = order[i];
    order[i] = order[j];
    order[j] = kept;
  }
}

/* All columns on rank 0 in their own order, computed by all ranks in the order of `seed`.
 */
static void spread(struct tile *tile, int seed, float *y) {
  static int order[n_columns], n_of[64], begin_of[64];
  static float mine[n_columns * n_out], gathered[n_columns * n_out];
  permute(order, seed);
  for (int r = 0, begin = 0; r < n_ranks; ++r) { /* uneven parts, some may be empty */
    n_of[r] = r == n_ranks - 1 ? n_columns - begin : (n_columns - begin) / 3;
    begin_of[r] = begin;
    begin += n_of[r];
  }
  compute(tile, order + begin_of[rank], n_of[rank], mine);
  for (int r = 0; r < n_ranks; ++r) {
    n_of[r] *= n_out;
    begin_of[r] *= n_out;
  }
  MPI_Gatherv(mine, n_of[rank], MPI_FLOAT, gathered, n_of, begin_of, MPI_FLOAT, 0,
              MPI_COMM_WORLD);
  for (int i = 0; i < n_columns; ++i)
    memcpy(y + order[i] * n_out, gathered + i * n_out, sizeof(float) * n_out);
}

static unsigned long digest(const void *data, size_t n) { /* FNV-1a */
  unsigned long sum = 14695981039346656037UL;
  for (size_t i = 0; i < n; ++i)
    sum = (sum ^ ((const unsigned char *)data)[i]) * 1099511628211UL;
  return sum;
}

static void bits_depend_on_nothing(const char *file) {
  static float y[n_columns * n_out], expected[n_columns * n_out];
  static int all[n_columns];
  struct tile tile;
  open_tile(&tile, file);
  permute(all, 0);
  if (rank == 0)
    compute(&tile, all, n_columns, expected); /* alone */
  for (int seed = 0; seed < 4; ++seed) {
    spread(&tile, seed, y);
    CHECK(rank != 0 || memcmp(y, expected, sizeof y) == 0);
  }
  CHECK(rank != 0 || (isfinite(y[0]) && y[0] != y[n_out]));
  if (rank == 0)
    printf("%s %016lx\n", file, digest(y, sizeof y));
  isthmus_model_free(tile.model);
}

/* Every rank runs as often as its number says; rank 0 tells of all. */
static void costs_are_told_of_all_ranks(void) {
  struct tile tile;
  static double mine[ISTHMUS_COST_ROW], all[64 * ISTHMUS_COST_ROW];
  int32_t n_mine = 0, lengths[64], begins[64];
  const char *text = NULL;
  char expected[40];
  open_tile(&tile, files[0]);
  OK(isthmus_cost_set(1));
  for (int i = 0; i < 2 + rank; ++i)
    OK(isthmus_model_run(tile.model));
  OK(isthmus_cost_table(ISTHMUS_COST_ROW, mine, &n_mine));
  CHECK(n_mine == ISTHMUS_COST_ROW);
  MPI_Allgather(&n_mine, 1, MPI_INT32_T, lengths, 1, MPI_INT32_T, MPI_COMM_WORLD);
  for (int r = 0; r < n_ranks; ++r)
    begins[r] = r == 0 ? 0 : begins[r - 1] + lengths[r - 1];
  MPI_Gatherv(mine, n_mine, MPI_DOUBLE, all, lengths, begins, MPI_DOUBLE, 0,
              MPI_COMM_WORLD);
  if (rank == 0) {
    OK(isthmus_cost_report_of_ranks("text", n_ranks, lengths, all, &text));
    snprintf(expected, sizeof expected, "(on %d of %d ranks)", n_ranks, n_ranks);
    CHECK(strstr(text, expected) && strstr(text, files[0]));
    OK(isthmus_cost_report_of_ranks("json", n_ranks, lengths, all, &text));
    snprintf(expected, sizeof expected, "\"most\": %d.0", n_ranks + 1); /* calls */
    CHECK(strstr(text, "\"least\": 2.0") && strstr(text, expected));
  }
  OK(isthmus_cost_set(0));
  isthmus_model_free(tile.model);
}

/* The last rank cannot load its file, and its network refuses its arrays. */
static isthmus_status provoke(struct tile *tile) {
  const int64_t wide[] = {n_tile, n_in + 1};
  isthmus_model *model = NULL;
  if (rank < n_ranks - 1)
    return ISTHMUS_OK;
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has shape [16, 11], the network expects [column, 10]",
         bind_in(tile->model, "x", tile->x, ISTHMUS_FLOAT32, 2, wide));
  return isthmus_model_load(network("absent.pt"), "cpu", &model);
}

static void all_ranks_hear_of_a_failure(void) {
  struct tile tile;
  float x[n_tile * n_in], y[n_tile * n_out];
  open_tile(&tile, files[0]);
  int worst = (int)provoke(&tile);
  MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  CHECK(worst == ISTHMUS_ERR_FILE);
  for (int c = 0; c < n_tile; ++c) /* and all go on */
    fill(tile.x + c * n_in, c);
  memcpy(x, tile.x, sizeof x);
  OK(isthmus_model_run(tile.model));
  memcpy(y, tile.y, sizeof y);
  MPI_Bcast(y, n_tile * n_out, MPI_FLOAT, 0, MPI_COMM_WORLD);
  CHECK(memcmp(y, tile.y, sizeof y) == 0 && memcmp(x, tile.x, sizeof x) == 0);
  isthmus_model_free(tile.model);
}

static void one_rank_ends_the_job(void) {
  struct tile tile;
  open_tile(&tile, files[0]);
  const isthmus_status status = provoke(&tile);
  if (status != ISTHMUS_OK) {
    fprintf(stderr, "rank %d: %s\n", rank, isthmus_error_message());
    MPI_Abort(MPI_COMM_WORLD, (int)status);
  }
  MPI_Barrier(MPI_COMM_WORLD); /* the others would wait here for ever */
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &n_ranks);
  if (argc != 3)
    MPI_Abort(MPI_COMM_WORLD, 99);
  folder = argv[1];
  use_all();
  if (strcmp(argv[2], "bits") == 0) {
    bits_depend_on_nothing(files[0]);
    bits_depend_on_nothing(files[1]);
  } else if (strcmp(argv[2], "fail") == 0) {
    all_ranks_hear_of_a_failure();
    costs_are_told_of_all_ranks();
  } else {
    one_rank_ends_the_job();
  }
  MPI_Allreduce(MPI_IN_PLACE, &n_failures, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Finalize();
  return n_failures == 0 ? 0 : 1;
}
