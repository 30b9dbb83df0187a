/* SPDX-License-Identifier: MIT */
/* The host's process: what belongs to it is left as found, and calls work from wherever a
 * host may make them: other threads, a forked child, a parallel region, closed streams. */
#define _GNU_SOURCE
#include "faults.h"

#include <errno.h>
#include <fenv.h>
#include <locale.h>
#include <omp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const files[] = {"weighted_float64.pt", "weighted_float64.pt2"};

/* Every kind of call, good and bad; 1 if all ended as they should. */
static int all_calls(const char *file) {
  struct good good;
  double x_tl[n_values], y_tl[n_values], s_tl[n_rows], scale_tl = 0, x_ad[n_values];
  isthmus_model *model = NULL, *none = NULL;
  int is_well = 1;
  memset(&good, 0, sizeof good);
  memset(x_tl, 0, sizeof x_tl);
  memset(s_tl, 0, sizeof s_tl);
  is_well &= isthmus_model_load(network("absent.pt"), "cpu", &none) == ISTHMUS_ERR_FILE;
  is_well &= isthmus_model_load(network("flipped_kernel.pt2"), "cpu", &none) ==
             ISTHMUS_ERR_CONTRACT;
  is_well &= isthmus_model_load(network("faults/bomb.pt"), "cpu", &none) != ISTHMUS_OK;
  if (isthmus_model_load(network(file), "cpu", &model) != ISTHMUS_OK)
    return 0;
  is_well &= isthmus_model_run(model) == ISTHMUS_ERR_ARGUMENT;
  is_well &= binds(model, &good);
  is_well &= bind_in(model, "z", good.x, ISTHMUS_FLOAT64, 2, shape) != ISTHMUS_OK;
  is_well &= bind_in(model, "x_tl", x_tl, ISTHMUS_FLOAT64, 2, shape) == ISTHMUS_OK;
  is_well &= bind_in(model, "scale_tl", &scale_tl, ISTHMUS_FLOAT64, 0, 0) == ISTHMUS_OK;
  is_well &= bind_out(model, "y_tl", y_tl, ISTHMUS_FLOAT64, 2, shape) == ISTHMUS_OK;
  is_well &= bind_out(model, "s_tl", s_tl, ISTHMUS_FLOAT64, 1, rows_only) == ISTHMUS_OK;
  is_well &= bind_in(model, "y_ad", x_tl, ISTHMUS_FLOAT64, 2, shape) == ISTHMUS_OK;
  is_well &= bind_in(model, "s_ad", s_tl, ISTHMUS_FLOAT64, 1, rows_only) == ISTHMUS_OK;
  is_well &= bind_out(model, "x_ad", x_ad, ISTHMUS_FLOAT64, 2, shape) == ISTHMUS_OK;
  is_well &= is_right(model, &good);
  is_well &= isthmus_model_run_method(model, "jvp") == ISTHMUS_OK;
  is_well &= isthmus_model_run_method(model, "vjp") == ISTHMUS_OK;
  is_well &= isthmus_model_run_method(model, "none") == ISTHMUS_ERR_ARGUMENT;
  is_well &= is_right(model, &good);
  isthmus_model_free(model);
  return is_well;
}

static int all_calls_of_both(void) { return all_calls(files[0]) && all_calls(files[1]); }

static void traps_on(void) {
  const int traps = FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW;
  feclearexcept(FE_ALL_EXCEPT);
  feenableexcept(traps);
  CHECK(all_calls_of_both());
  CHECK(fegetexcept() == traps);
  fedisableexcept(traps);
}

static void rounding_mode(void) {
  fesetround(FE_UPWARD);
  CHECK(all_calls_of_both());
  CHECK(fegetround() == FE_UPWARD);
  fesetround(FE_TONEAREST);
}

static void error_number(void) {
  errno = EDOM;
  CHECK(all_calls_of_both());
  CHECK(errno == EDOM);
  errno = 0;
}

static void signals_of_the_host(void) {
  struct sigaction before[65], after;
  sigset_t mask_before, mask_after;
  int n_changed = 0;
  for (int i = 1; i <= 64; ++i)
    sigaction(i, NULL, &before[i]);
  pthread_sigmask(SIG_SETMASK, NULL, &mask_before);
  CHECK(all_calls_of_both());
  for (int i = 1; i <= 64; ++i)
    if (sigaction(i, NULL, &after) == 0)
      n_changed += after.sa_handler != before[i].sa_handler;
  pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
  CHECK(n_changed == 0);
  for (int i = 1; i <= 64; ++i)
    n_changed += sigismember(&mask_before, i) != sigismember(&mask_after, i);
  CHECK(n_changed == 0);
}

static void settings_of_openmp(void) {
  omp_sched_t kind_before, kind_after;
  int chunk_before = 0, chunk_after = 0;
  omp_set_num_threads(3);
  omp_set_max_active_levels(2);
  omp_set_schedule(omp_sched_dynamic, 7);
  omp_get_schedule(&kind_before, &chunk_before);
  CHECK(all_calls_of_both());
  omp_get_schedule(&kind_after, &chunk_after);
  CHECK(omp_get_max_threads() == 3 && omp_get_max_active_levels() == 2);
  CHECK(omp_get_dynamic() == 0);
  CHECK(kind_after == kind_before && chunk_after == chunk_before);
  omp_set_num_threads(1);
}

static void folder_locale_and_mask(void) {
  char before[4096], after[4096];
  const mode_t mask = umask(027);
  const char *own = setlocale(LC_ALL, "C.UTF-8");
  extern char **environ;
  size_t n_before = 0, n_after = 0;
  CHECK(getcwd(before, sizeof before) != NULL);
  while (environ[n_before])
    ++n_before;
  CHECK(all_calls_of_both());
  while (environ[n_after])
    ++n_after;
  CHECK(getcwd(after, sizeof after) != NULL && strcmp(before, after) == 0);
  CHECK(umask(mask) == 027);
  CHECK(!own || strcmp(setlocale(LC_ALL, NULL), "C.UTF-8") == 0);
  CHECK(n_before == n_after);
  setlocale(LC_ALL, "C");
}

static isthmus_model *left_behind;
static struct good left_arrays;

static void *load_and_exit(void *unused) {
  (void)unused;
  left_behind = NULL;
  if (isthmus_model_load(network(files[1]), "cpu", &left_behind) != ISTHMUS_OK)
    return NULL;
  if (!binds(left_behind, &left_arrays))
    return NULL;
  isthmus_model_run_method(left_behind, "none"); /* its message dies with the thread */
  return is_right(left_behind, &left_arrays) ? left_behind : NULL;
}

static void *run_and_free(void *unused) {
  (void)unused;
  const int is_well = is_right(left_behind, &left_arrays);
  isthmus_model_free(left_behind);
  return is_well ? &left_arrays : NULL;
}

static void threads_that_exit(void) {
  for (int round = 0; round < 20; ++round) {
    pthread_t thread;
    void *answer = NULL;
    pthread_create(&thread, NULL, load_and_exit, NULL);
    pthread_join(thread, &answer);
    CHECK(answer != NULL);
    CHECK(is_right(left_behind, &left_arrays));
    pthread_create(&thread, NULL, run_and_free, NULL);
    pthread_join(thread, &answer);
    CHECK(answer != NULL);
  }
}

static void *all_on_a_small_stack(void *unused) {
  (void)unused;
  return all_calls_of_both() ? &left_arrays : NULL;
}

static void small_stack(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  void *answer = NULL;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 256 * 1024);
  pthread_create(&thread, &attributes, all_on_a_small_stack, NULL);
  pthread_join(thread, &answer);
  pthread_attr_destroy(&attributes);
  CHECK(answer != NULL);
}

/* Each thread fails in its own way, and reads its own message. */
static void eight_threads_failing(void) {
  enum { n_threads = 8, n_rounds = 200 };
  int n_wrong = 0;
#pragma omp parallel num_threads(n_threads) reduction(+ : n_wrong)
  {
    struct good good;
    char name[16], fragment[32];
    isthmus_model *model = NULL, *none = NULL;
    const int me = omp_get_thread_num();
    snprintf(name, sizeof name, "absent_%d", me);
    snprintf(fragment, sizeof fragment, "'absent_%d", me);
    n_wrong += isthmus_model_load(network(files[me % 2]), "cpu", &model) != ISTHMUS_OK;
    n_wrong += !binds(model, &good);
    for (int round = 0; round < n_rounds; ++round) {
      n_wrong += bind_in(model, name, good.x, ISTHMUS_FLOAT64, 2, shape) == ISTHMUS_OK;
      n_wrong += strstr(isthmus_error_message(), fragment) == NULL;
      n_wrong += !is_right(model, &good);
      n_wrong += isthmus_error_message()[0] != '\0';
      if (round % 50 == 0) {
        n_wrong += isthmus_model_load(name, "cpu", &none) != ISTHMUS_ERR_FILE;
        n_wrong += strstr(isthmus_error_message(), fragment) == NULL;
      }
    }
    isthmus_model_free(model);
  }
  CHECK(n_wrong == 0);
}

/* The derivative along x of the network of faults.h; 1 if it is right. */
static int jvp_is_right(isthmus_model *model, const struct good *good, const double *y_tl) {
  int n_wrong = isthmus_model_run_method(model, "jvp") != ISTHMUS_OK;
  for (int k = 0; k < n_values; ++k) {
    const double slope = 10 * (k / n_columns) + k % n_columns + 1;
    const double expected = slope + good->scale * cos(good->x[k]);
    n_wrong += !(fabs(y_tl[k] - expected) < rounding);
  }
  return n_wrong == 0;
}

/* libtorch has one level of forward differentiation for the whole process. */
static void eight_threads_differentiating(void) {
  enum { n_threads = 8, n_rounds = 200 };
  int n_wrong = 0;
#pragma omp parallel num_threads(n_threads) reduction(+ : n_wrong)
  {
    struct good good;
    double x_tl[n_values], y_tl[n_values], s_tl[n_rows], scale_tl = 0;
    isthmus_model *model = NULL;
    const char *file = files[omp_get_thread_num() % 2];
    n_wrong += isthmus_model_load(network(file), "cpu", &model) != ISTHMUS_OK;
    n_wrong += !binds(model, &good) || !is_right(model, &good);
    for (int k = 0; k < n_values; ++k)
      x_tl[k] = 1;
    bind_in(model, "x_tl", x_tl, ISTHMUS_FLOAT64, 2, shape);
    bind_in(model, "scale_tl", &scale_tl, ISTHMUS_FLOAT64, 0, NULL);
    bind_out(model, "y_tl", y_tl, ISTHMUS_FLOAT64, 2, shape);
    bind_out(model, "s_tl", s_tl, ISTHMUS_FLOAT64, 1, rows_only);
    for (int round = 0; round < n_rounds; ++round)
      n_wrong += !jvp_is_right(model, &good, y_tl);
    isthmus_model_free(model);
  }
  CHECK(n_wrong == 0);
}

/* One model in several threads: who comes second is refused, and no result is mixed up. */
static void one_model_for_all(void) {
  enum { n_threads = 4, n_rounds = 100, n_long = 50000 };
  const int64_t long_shape[] = {n_long};
  static double x[n_long], y[n_long];
  int n_refused = 0, n_wrong = 0, n_run = 0;
  isthmus_model *model = load("failing.pt");
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT64, 1, long_shape));
  OK(bind_out(model, "output_0", y, ISTHMUS_FLOAT64, 1, long_shape));
  for (int i = 0; i < n_long; ++i)
    x[i] = i % 100;
#pragma omp parallel num_threads(n_threads) reduction(+ : n_refused, n_wrong, n_run)
  for (int round = 0; round < n_rounds; ++round) {
    const isthmus_status status = isthmus_model_run(model);
    n_run += status == ISTHMUS_OK;
    n_refused += status == ISTHMUS_ERR_ARGUMENT &&
                 strstr(isthmus_error_message(), "in use by another thread");
  }
  for (int i = 0; i < n_long; ++i)
    n_wrong += y[i] != 2 * x[i];
  CHECK(n_wrong == 0);
  CHECK(n_refused > 0 && n_run > 0 && n_refused + n_run == n_threads * n_rounds);
  OK(isthmus_model_run(model));
  isthmus_model_free(model);
}

static void nested_regions(void) {
  int n_wrong = 0;
  omp_set_max_active_levels(2);
#pragma omp parallel num_threads(2) reduction(+ : n_wrong)
#pragma omp parallel num_threads(2) reduction(+ : n_wrong)
  n_wrong += !all_calls_of_both();
  CHECK(n_wrong == 0);
  omp_set_max_active_levels(1);
}

/* Runs `body` in a forked child; its answer, or the signal that ended it plus 1000. */
static int in_child(int (*body)(void)) {
  int status = 0;
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0)
    _exit(body());
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static isthmus_model *inherited;
static struct good inherited_arrays;

static int use_what_was_inherited(void) {
  alarm(20); /* a deadlock must not hang the test */
  if (!is_right(inherited, &inherited_arrays))
    return 1;
  return all_calls_of_both() ? 0 : 2;
}

static void forked_child(void) {
  omp_set_num_threads(2);
  feenableexcept(FE_INVALID); /* then the bridge itself goes to the workers: to mask them */
  for (int i = 0; i < 2; ++i) {
    inherited = load(files[i]);
    bind_good(inherited, &inherited_arrays);
    CHECK(is_right(inherited, &inherited_arrays));
#pragma omp parallel num_threads(2)
    (void)omp_get_thread_num(); /* the parent has workers, the child has none */
    CHECK(in_child(use_what_was_inherited) == 0);
    CHECK(is_right(inherited, &inherited_arrays));
    isthmus_model_free(inherited);
  }
  omp_set_num_threads(1);
  fedisableexcept(FE_INVALID);
}

static int without_streams(void) {
  int broken[2];
  signal(SIGPIPE, SIG_IGN);
  if (pipe(broken) != 0)
    return 3;
  close(broken[0]);
  dup2(broken[1], 1); /* stdout: a pipe nobody reads */
  close(2);           /* stderr: nothing at all */
  close(0);
  return all_calls_of_both() ? 0 : 1;
}

static void closed_streams(void) { CHECK(in_child(without_streams) == 0); }

static int without_disk(void) {
  const struct rlimit none = {0, 0};
  struct good good;
  isthmus_model *model = NULL;
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &none); /* as on a full disk: no file can be written */
  if (isthmus_model_load(network(files[1]), "cpu", &model) != ISTHMUS_ERR_FILE)
    return 1;
  if (!strstr(isthmus_error_message(), files[1]) || model)
    return 2;
  model = load(files[0]);
  bind_good(model, &good);
  return is_right(model, &good) ? 0 : 3;
}

static void full_disk(void) { CHECK(in_child(without_disk) == 0); }

/* The address space ends a little beyond what is in use: whatever fails, fails with a
 * status. */
static int with_little_memory(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld", &pages) != 1)
    return 9;
  fclose(file);
  const rlim_t used = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
  alarm(60);
  for (int kilobytes = 0; kilobytes <= 8192; kilobytes += 512) {
    const struct rlimit limit = {used + (rlim_t)kilobytes * 1024, RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &limit);
    for (int i = 0; i < 2; ++i) {
      isthmus_model *model = NULL;
      if (isthmus_model_load(network(files[i]), "cpu", &model) != ISTHMUS_OK &&
          (model || isthmus_error_message()[0] == '\0'))
        return 1;
      isthmus_model_free(model);
    }
  }
  const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &all);
  return all_calls_of_both() ? 0 : 2;
}

static void no_memory_left(void) { CHECK(in_child(with_little_memory) == 0); }

static const struct fault faults[] = {
    {"P01", "floating-point traps are on", traps_on},
    {"P02", "rounding mode is another", rounding_mode},
    {"P03", "errno is the host's", error_number},
    {"P04", "signal handlers and mask", signals_of_the_host},
    {"P05", "settings of OpenMP", settings_of_openmp},
    {"P06", "folder, environment, locale, umask", folder_locale_and_mask},
    {"P07", "threads that exit", threads_that_exit},
    {"P08", "a thread with a small stack", small_stack},
    {"P09", "eight threads failing at once", eight_threads_failing},
    {"P10", "one model in several threads", one_model_for_all},
    {"P11", "nested parallel regions", nested_regions},
    {"P12", "a forked child", forked_child},
    {"P13", "streams closed, pipe broken", closed_streams},
    {"P14", "full disk", full_disk},
    {"P15", "no memory left", no_memory_left},
    {"P17", "eight threads differentiating", eight_threads_differentiating},
};

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all_of_faults();
  PROVOKE(faults);
  return finish();
}
