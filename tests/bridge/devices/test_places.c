/* SPDX-License-Identifier: MIT */
/* An array is in host memory or where the network is: every third place is refused by
 * name, and the network runs on as before. */
#include "check.h"

enum { n = 40 };
static const int64_t shape[] = {n};
static double x[n], y[n];

static isthmus_array on(const char *device, double *data) {
  isthmus_array array = array_of(data, ISTHMUS_FLOAT64, 1, shape);
  array.device = device;
  return array;
}

static isthmus_model *bound(void) {
  isthmus_model *model = load("indexed.pt");
  const isthmus_array input = on("cpu", x), output = on(NULL, y);
  OK(isthmus_model_bind_input(model, "x", &input));
  OK(isthmus_model_bind_output(model, "output_0", &output));
  return model;
}

static void runs(isthmus_model *model) {
  for (int i = 0; i < n; ++i) {
    x[i] = i + 0.5;
    y[i] = -1.0;
  }
  OK(isthmus_model_run(model));
  for (int i = 0; i < n; ++i)
    CHECK(y[i] == 2.0 * x[i] + i);
}

static void another_device_is_refused(void) {
  isthmus_model *model = bound();
  const isthmus_array far = on("cuda:0", x), odd = on("abacus", x);
  EXPECT(ISTHMUS_ERR_DEVICE, "'x' is on device 'cuda:0', expected host memory",
         isthmus_model_bind_input(model, "x", &far));
  EXPECT(ISTHMUS_ERR_DEVICE, "the network's device 'cpu'",
         isthmus_model_bind_output(model, "output_0", &far));
  EXPECT(ISTHMUS_ERR_DEVICE, "'abacus'", isthmus_model_bind_input(model, "x", &odd));
  runs(model);
  isthmus_model_free(model);
}

static void a_device_that_is_not_there_is_refused(void) {
  isthmus_model *model = NULL;
  EXPECT(ISTHMUS_ERR_DEVICE, "'cuda:99' is unknown or not present",
         isthmus_model_load(network("indexed.pt"), "cuda:99", &model));
  EXPECT(ISTHMUS_ERR_DEVICE, "'abacus' is unknown or not present",
         isthmus_model_load(network("indexed.pt"), "abacus", &model));
  CHECK(model == NULL);
}

static void the_processor_has_no_streams(void) {
  isthmus_model *model = bound();
  const char *device = "untouched";
  OK(isthmus_model_device(model, &device));
  CHECK(strcmp(device, "cpu") == 0);
  EXPECT(ISTHMUS_ERR_DEVICE, "'cpu' takes no stream",
         isthmus_model_set_stream(model, &device));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model'", isthmus_model_set_stream(NULL, NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'device'", isthmus_model_device(model, NULL));
  runs(model);
  isthmus_model_free(model);
}

int main(int argc, char **argv) {
  use_all();
  folder = argc > 1 ? argv[1] : folder;
  another_device_is_refused();
  a_device_that_is_not_there_is_refused();
  the_processor_has_no_streams();
  return finish();
}
