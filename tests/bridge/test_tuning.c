/* SPDX-License-Identifier: MIT */
/* A choice of `isthmus tune` beside a file is applied where it was made, and ignored with a
 * note elsewhere; the network runs either way. */
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

int main(int argc, char **argv) {
  float plain[n_out], tuned[n_out], other[n_out];
  if (argc > 1)
    folder = argv[1];
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
  return finish();
}
