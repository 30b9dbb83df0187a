/* SPDX-License-Identifier: MIT */
/* What the emulator's C tests have in common. */
#ifndef EMULATORS_H
#define EMULATORS_H

#include <fenv.h>

#include "check.h"

static isthmus_emulator *load_emulators(const char *const *names, int n) {
  char paths[4][4096];
  const char *list[4];
  isthmus_emulator *emulator = NULL;
  for (int i = 0; i < n; ++i) {
    snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    list[i] = paths[i];
  }
  OK(isthmus_emulator_load(list, n, "cpu", &emulator));
  if (!emulator)
    exit(1);
  return emulator;
}

static isthmus_emulator *load_emulator(const char *name) {
  return load_emulators(&name, 1);
}

typedef isthmus_status (*bind_function)(isthmus_emulator *, const char *,
                                        const isthmus_array *);

static isthmus_status bind_real64(bind_function bind, isthmus_emulator *emulator,
                                  const char *name, double *data, int32_t rank,
                                  const int64_t *shape) {
  const isthmus_array array = array_of(data, ISTHMUS_FLOAT64, rank, shape);
  return bind(emulator, name, &array);
}

static isthmus_status bind_flags(isthmus_emulator *emulator, int32_t *flags, int64_t n) {
  const isthmus_array array = array_of(flags, ISTHMUS_INT32, 1, &n);
  return isthmus_emulator_bind_flags(emulator, &array);
}

/* A number in [0, 1) that follows from its argument (a linear congruence). */
static double pseudo_random(unsigned i) {
  return (double)((i * 2654435761u + 12345u) >> 8) / 16777216.0;
}

static void use_all_emulators(void) {
  use_all();
  (void)load_emulator, (void)bind_real64, (void)bind_flags, (void)pseudo_random;
  (void)use_all_emulators;
}

/* The host of these tests traps: not one exception of a network or guard may reach it. */
static void begin(int n_arguments, char **arguments) {
  use_all_emulators();
  feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
  if (n_arguments > 1)
    folder = arguments[1];
}

#endif
