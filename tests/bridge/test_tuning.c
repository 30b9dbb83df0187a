/* SPDX-License-Identifier: MIT */
/* A choice of `isthmus tune` beside a file is applied where it was made, and ignored with a
 * note elsewhere; the network runs either way. Of a network in two files it chooses one. */
#define _GNU_SOURCE /* popen, setenv */
#include "check.h"

enum { n_in = 5, n_out = 19 };
static const int64_t in[] = {1, n_in}, out[] = {1, n_out};
static const char *const file = "tuning_chain.pt"; /* a copy: others load the original */
static float x[n_in] = {1, -2, 0.5F, 3, -1}, y[n_out];

static const char *sidecar(void) {
  static char path[4096 + 16]; /* and the suffix */
  snprintf(path, sizeof path, "%s.tune.json", network(file));
  return path;
}

static const char *const pair = "tuning_pair"; /* .pt and .pt2 */

static void read_line(const char *command, char *line, int size) {
  FILE *pipe = popen(command, "r");
  CHECK(pipe && fgets(line, size, pipe));
  if (pipe)
    pclose(pipe);
  line[strcspn(line, "\n")] = '\0';
}

/* Write the choice of loops up to eight samples. */
static void write_choice(const char *torch, const char *last_digit) {
  char command[4200], sum[65], cpu[256];
  snprintf(command, sizeof command, "sha256sum %s | cut -c1-64", network(file));
  read_line(command, sum, sizeof sum);
  read_line("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1", cpu, sizeof cpu);
  FILE *json = fopen(sidecar(), "w");
  CHECK(json != NULL);
  if (!json)
    return;
  fprintf(json,
          "{\"format\": \"isthmus-tune\", \"format_version\": 1, \"model_sha256\": "
          "\"%.63s%s\", \"cpu\": \"%s\", \"torch\": \"%s\", \"choice\": {\"loops\": 8}}",
          sum, last_digit ? last_digit : sum + 63, cpu, torch);
  fclose(json);
}

/* Evaluate, and hold the note against what is expected. */
static void run_with_note(const char *expected, float *result) {
  const char *note = NULL;
  isthmus_model *model = load(file);
  OK(isthmus_model_tuning(model, &note));
  CHECK(note && (expected[0] ? strstr(note, expected) != NULL : note[0] == '\0'));
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT32, 2, in));
  OK(bind_out(model, "output_0", y, ISTHMUS_FLOAT32, 2, out));
  OK(isthmus_model_run(model));
  memcpy(result, y, sizeof y);
  isthmus_model_free(model);
}

static void sum_of(const char *name, char *sum) {
  char command[4200];
  snprintf(command, sizeof command, "sha256sum %s | cut -c1-64", network(name));
  read_line(command, sum, 65);
}

/* Choose one of the two files. */
static void choose(const char *torch, const char *suffix) {
  char script[65], package[65], cpu[256];
  sum_of("tuning_pair.pt", script);
  sum_of("tuning_pair.pt2", package);
  read_line("sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1", cpu, sizeof cpu);
  FILE *json = fopen("tuning_pair.tune.json", "w");
  CHECK(json != NULL);
  if (!json)
    return;
  fprintf(json,
          "{\"format\": \"isthmus-tune-pair\", \"format_version\": 1, \"sha256.pt\": "
          "\"%s\", \"sha256.pt2\": \"%s\", \"cpu\": \"%s\", \"torch\": \"%s\", "
          "\"choice\": {\"file\": \"%s\"}}",
          script, package, cpu, torch, suffix);
  fclose(json);
}

/* Load what is named without suffix; say which engine it must be and what is said of it. */
static void load_pair(const char *engine, const char *expected) {
  const char *found = NULL, *note = NULL;
  isthmus_model *model = load(pair);
  OK(isthmus_model_engine(model, &found));
  OK(isthmus_model_tuning(model, &note));
  CHECK(found && strcmp(found, engine) == 0);
  CHECK(note && strstr(note, expected) != NULL);
  isthmus_model_free(model);
}

static void copy(const char *name, const char *to) {
  char command[8400];
  snprintf(command, sizeof command, "cp %s %s", network(name), to);
  CHECK(system(command) == 0);
}

static void test_pair(const char *networks) {
  folder = networks;
  copy("weighted_float64.pt", "tuning_pair.pt");
  folder = ".";
  load_pair("torchscript", ""); /* the only one */
  folder = networks;
  copy("weighted_float64.pt2", "tuning_pair.pt2");
  folder = ".";
  remove("tuning_pair.tune.json");
  load_pair("torchscript", "`isthmus tune` has not chosen");
  choose(isthmus_torch_version(), ".pt2");
  load_pair("inductor", "tuning_pair.tune.json is applied");
  setenv("ISTHMUS_TUNE", "0", 1);
  load_pair("torchscript", "has not chosen");
  unsetenv("ISTHMUS_TUNE");
  choose("1.0.0", ".pt2");
  load_pair("torchscript", "is ignored: it was made with torch 1.0.0");
  choose(isthmus_torch_version(), ".so");
  load_pair("torchscript", "is ignored: it chooses '.so'");
  choose(isthmus_torch_version(), ".pt2");
  folder = networks;
  copy("weighted_float32.pt", "tuning_pair.pt");
  folder = ".";
  load_pair("torchscript", "for other contents of tuning_pair.pt");
  remove("tuning_pair.pt");
  load_pair("inductor", ""); /* the only one */
  remove("tuning_pair.pt2");
  remove("tuning_pair.tune.json");
}

int main(int argc, char **argv) {
  float plain[n_out], tuned[n_out], other[n_out];
  const char *const networks = argc > 1 ? argv[1] : folder;
  folder = networks;
  use_all();
  char command[4200];
  snprintf(command, sizeof command, "cp %s tuning_chain.pt", network("chain_float32.pt"));
  CHECK(system(command) == 0);
  folder = ".";
  remove(sidecar());
  run_with_note("", plain);
  write_choice(isthmus_torch_version(), NULL);
  run_with_note("is applied: own loops up to 8 samples", tuned);
  CHECK(memcmp(plain, tuned, sizeof plain) != 0); /* other sums: the loops ran */
  setenv("ISTHMUS_TUNE", "0", 1);
  run_with_note("", other);
  CHECK(memcmp(plain, other, sizeof plain) == 0);
  unsetenv("ISTHMUS_TUNE");
  write_choice("1.0.0", NULL);
  run_with_note("is ignored: it was made with torch 1.0.0", other);
  CHECK(memcmp(plain, other, sizeof plain) == 0);
  write_choice(isthmus_torch_version(), "x");
  run_with_note("is ignored: it was made for other contents", other);
  FILE *json = fopen(sidecar(), "w");
  if (json) {
    fputs("{\"format\": 3", json);
    fclose(json);
  }
  run_with_note("is ignored", other);
  remove(sidecar());
  remove(network(file));
  test_pair(networks);
  return finish();
}
