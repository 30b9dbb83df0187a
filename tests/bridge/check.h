/* SPDX-License-Identifier: MIT */
/* What the bridge's C tests assert with: every failure is told, the exit status counts. */
#ifndef CHECK_H
#define CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isthmus.h"

static int n_checks = 0;
static int n_failures = 0;

#define CHECK(condition)                                                                   \
  do {                                                                                     \
    ++n_checks;                                                                            \
    if (!(condition)) {                                                                    \
      ++n_failures;                                                                        \
      printf("%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, #condition,                   \
             isthmus_error_message());                                                     \
    }                                                                                      \
  } while (0)

/* A call must return this status with this text in its message. */
#define EXPECT(status, fragment, call)                                                     \
  do {                                                                                     \
    const isthmus_status found_ = (call);                                                  \
    ++n_checks;                                                                            \
    if (found_ != (status) || !strstr(isthmus_error_message(), (fragment))) {              \
      ++n_failures;                                                                        \
      printf("%s:%d: %s\n  gave %s: %s\n  expected %s: ...%s...\n", __FILE__, __LINE__,    \
             #call, isthmus_status_name(found_), isthmus_error_message(),                  \
             isthmus_status_name(status), (fragment));                                     \
    }                                                                                      \
  } while (0)

#define OK(call) EXPECT(ISTHMUS_OK, "", call)

static const char *folder = ".";

/* Path of a test network; valid until the next call of this thread. */
static const char *network(const char *name) {
  static __thread char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static isthmus_model *load(const char *name) {
  isthmus_model *model = NULL;
  OK(isthmus_model_load(network(name), "cpu", &model));
  if (!model)
    exit(1);
  return model;
}

static isthmus_array array_of(void *data, isthmus_dtype dtype, int32_t rank,
                              const int64_t *shape) {
  isthmus_array array = {0};
  array.data = data;
  array.dtype = dtype;
  array.rank = rank;
  array.shape = shape;
  return array;
}

static isthmus_status bind_in(isthmus_model *model, const char *name, void *data,
                              isthmus_dtype dtype, int32_t rank, const int64_t *shape) {
  const isthmus_array array = array_of(data, dtype, rank, shape);
  return isthmus_model_bind_input(model, name, &array);
}

static isthmus_status bind_out(isthmus_model *model, const char *name, void *data,
                               isthmus_dtype dtype, int32_t rank, const int64_t *shape) {
  const isthmus_array array = array_of(data, dtype, rank, shape);
  return isthmus_model_bind_output(model, name, &array);
}

static int finish(void) {
  printf("%d checks, %d failures\n", n_checks, n_failures);
  return n_failures == 0 ? 0 : 1;
}

/* Not every test uses every helper. */
static void use_all(void) { (void)load, (void)bind_in, (void)bind_out, (void)use_all; }

#endif
