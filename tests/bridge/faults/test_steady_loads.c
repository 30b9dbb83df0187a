/* SPDX-License-Identifier: MIT */
/* Memory, open files, mappings and temporary files stay flat: over a million bound calls,
 * over calls that bind anew each time, over failing calls, over loads and frees, both
 * engines. Argument 2, if there, multiplies the numbers of calls. (test_steady.c: threads.)
 */
#define _POSIX_C_SOURCE 200809L
#include "faults.h"

#include <dirent.h>
#include <malloc.h>
#include <unistd.h>

/* A leak of 2 bytes a call shows over a million; of 400 bytes a load over 5000. */
static const long slack = 2L << 20;

struct usage {
  long resident, files, mappings, temporary;
};

static long entries_in(const char *path, const char *start) {
  long n = 0;
  DIR *directory = opendir(path);
  for (struct dirent *entry; directory && (entry = readdir(directory));)
    n += strncmp(entry->d_name, start, strlen(start)) == 0;
  if (directory)
    closedir(directory);
  return n;
}

static long lines_of(const char *path) {
  long n = 0;
  FILE *file = fopen(path, "r");
  for (int c; file && (c = getc(file)) != EOF;)
    n += c == '\n';
  if (file)
    fclose(file);
  return n;
}

static struct usage now(void) {
  struct usage usage = {0};
  malloc_trim(0); /* what is free but not given back yet is no leak either */
  long pages = 0, resident = 0, of_files = 0; /* these come and go as the kernel likes */
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld %ld %ld", &pages, &resident, &of_files) != 3)
    exit(2);
  fclose(file);
  usage.resident = (resident - of_files) * sysconf(_SC_PAGESIZE);
  usage.files = entries_in("/proc/self/fd", "");
  usage.mappings = lines_of("/proc/self/maps");
  usage.temporary = entries_in("temporary", "");
  return usage;
}

static void is_flat(const char *what, const char *file, int n, struct usage before) {
  const struct usage after = now();
  printf("%s, %s, %d times: %+ld KiB, %+ld files, %+ld mappings, %+ld temporary\n", file,
         what, n, (after.resident - before.resident) / 1024, after.files - before.files,
         after.mappings - before.mappings, after.temporary - before.temporary);
  fflush(stdout);
  CHECK(after.resident - before.resident <= slack);
  CHECK(after.files <= before.files);
  CHECK(after.mappings <= before.mappings + 4); /* heap and arenas may split */
  CHECK(after.temporary <= before.temporary);
}

static struct good good;

static void bound_calls(isthmus_model *model, const char *file, int n) {
  isthmus_status status = ISTHMUS_OK;
  for (int i = 0; i < 2000; ++i)
    OK(isthmus_model_run(model));
  const struct usage before = now();
  for (int i = 0; i < n && status == ISTHMUS_OK; ++i)
    status = isthmus_model_run(model);
  CHECK(status == ISTHMUS_OK);
  is_flat("bound call", file, n, before);
}

static void unbound_calls(isthmus_model *model, const char *file, int n) {
  int n_wrong = 0;
  struct usage before = {0};
  for (int i = -1000; i < n; ++i) {
    if (i == 0)
      before = now();
    n_wrong += !binds(model, &good) || isthmus_model_run(model) != ISTHMUS_OK;
  }
  CHECK(n_wrong == 0);
  is_flat("bind and call", file, n, before);
}

static void failing_calls(isthmus_model *model, const char *file, int n) {
  int n_wrong = 0;
  struct usage before = {0};
  const int64_t wide[] = {n_rows, n_columns + 1};
  for (int i = -1000; i < n; ++i) {
    if (i == 0)
      before = now();
    n_wrong += bind_in(model, "x", good.x, ISTHMUS_FLOAT64, 2, wide) != ISTHMUS_ERR_SHAPE;
    n_wrong += isthmus_model_run_method(model, "none") != ISTHMUS_ERR_ARGUMENT;
  }
  CHECK(n_wrong == 0);
  is_flat("refused call", file, n, before);
}

/* The network itself fails: what it held must go, on both ways out. */
static void failing_runs(int n) {
  double x[8] = {101}, y[8];
  const int64_t small[] = {2, 4};
  struct usage before = {0};
  int n_wrong = 0;
  isthmus_model *model = load("failing.pt");
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 2, small));
  OK(bind_out(model, "output_0", y, ISTHMUS_FLOAT64, 2, small));
  for (int i = -200; i < n; ++i) {
    if (i == 0)
      before = now();
    n_wrong += isthmus_model_run(model) != ISTHMUS_ERR_RUNTIME;
  }
  CHECK(n_wrong == 0);
  isthmus_model_free(model);
  is_flat("failing run", "failing.pt", n, before);
}

static void loads_and_frees(const char *file, int n) {
  struct usage before = {0};
  int n_wrong = 0;
  for (int i = -n / 4 - 20; i < n; ++i) {
    isthmus_model *model = NULL;
    if (i == 0)
      before = now();
    n_wrong += isthmus_model_load(network(file), "cpu", &model) != ISTHMUS_OK;
    n_wrong += !model || !binds(model, &good) || isthmus_model_run(model) != ISTHMUS_OK;
    isthmus_model_free(model);
  }
  CHECK(n_wrong == 0);
  is_flat("load, call, free", file, n, before);
}

static void failing_loads(const char *file, int n) {
  struct usage before = {0};
  int n_wrong = 0;
  for (int i = -n / 4 - 5; i < n; ++i) {
    isthmus_model *model = NULL;
    if (i == 0)
      before = now();
    n_wrong += isthmus_model_load(network(file), "cpu", &model) == ISTHMUS_OK;
  }
  CHECK(n_wrong == 0);
  is_flat("failing load", file, n, before);
}

int main(int argc, char **argv) {
  const char *files[] = {"weighted_float64.pt", "weighted_float64.pt2"};
  const int factor = argc > 2 ? atoi(argv[2]) : 1;
  char place[4096];
  if (argc > 1)
    folder = argv[1];
  use_all_of_faults();
  if (!getcwd(place, sizeof place - 16))
    return 2;
  strcat(place, "/temporary"); /* its own place, in which nobody else unpacks */
  if (system("rm -rf temporary && mkdir temporary") != 0)
    return 2;
  setenv("TMPDIR", place, 1);
  for (int i = 0; i < 2; ++i) {
    isthmus_model *model = load(files[i]);
    bind_good(model, &good);
    bound_calls(model, files[i], (i == 0 ? 30000 : 100000) * factor);
    unbound_calls(model, files[i], 10000 * factor);
    failing_calls(model, files[i], 10000 * factor);
    isthmus_model_free(model);
    loads_and_frees(files[i], (i == 0 ? 200 : 30) * factor);
  }
  failing_runs(1000 * factor);
  failing_loads("faults/bomb.pt", 200 * factor);
  failing_loads("flipped_code.pt", 200 * factor);
  failing_loads("faults/no_elf.pt2", 50 * factor);
  failing_loads("faults/cuda.pt2", 20 * factor);
  return finish();
}
