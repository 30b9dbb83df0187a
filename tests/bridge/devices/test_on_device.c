/* SPDX-License-Identifier: MIT */
/* On a device: a network with arrays of the host, with arrays of the device read where they
 * are, and on a stream of the host program gives what it gives on the processor. Skipped
 * (77) where the device is not. */
#include "check.h"

#include <dlfcn.h>

enum { n_rows = 512, n_in = 64, n_out = 32, skipped = 77 };
static const int64_t in_shape[] = {n_rows, n_in}, out_shape[] = {n_rows, n_out};
static float x[n_rows * n_in], y[n_rows * n_out], expected[n_rows * n_out];
/* Products are summed in another order there, and TF32 is off by default. */
static const float tolerance = 2e-5F;
static const char *device = "cuda:0";

static isthmus_model *loaded(const char *place) {
  isthmus_model *model = NULL;
  OK(isthmus_model_load(network("wide.pt"), place, &model));
  return model;
}

static void check_result(void) {
  float largest = 0.0F, apart = 0.0F;
  for (int i = 0; i < n_rows * n_out; ++i) {
    largest = fmaxf(largest, fabsf(expected[i]));
    apart = fmaxf(apart, fabsf(y[i] - expected[i]));
  }
  CHECK(largest > 0.0F && apart <= tolerance * largest);
  memset(y, 0, sizeof y);
}

static void host_arrays(const char *place, float *result) {
  isthmus_model *model = loaded(place);
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT32, 2, in_shape));
  OK(bind_out(model, "output_0", result, ISTHMUS_FLOAT32, 2, out_shape));
  OK(isthmus_model_run(model));
  isthmus_model_free(model);
}

/* Memory of the device, as OpenACC or CUDA Fortran would hand it over. */
static isthmus_array of_device(const isthmus_tensor *tensor, const int64_t *shape) {
  isthmus_array array = array_of(NULL, ISTHMUS_FLOAT32, 2, shape);
  OK(isthmus_tensor_data(tensor, &array.data));
  array.device = device;
  return array;
}

static void device_arrays(void *stream, int (*wait)(void *)) {
  isthmus_tensor *there_x = NULL, *there_y = NULL;
  OK(isthmus_tensor_zeros(ISTHMUS_FLOAT32, 2, in_shape, device, &there_x));
  OK(isthmus_tensor_zeros(ISTHMUS_FLOAT32, 2, out_shape, device, &there_y));
  const isthmus_array host_x = array_of(x, ISTHMUS_FLOAT32, 2, in_shape);
  const isthmus_array host_y = array_of(y, ISTHMUS_FLOAT32, 2, out_shape);
  OK(isthmus_tensor_copy_from_array(there_x, &host_x, ISTHMUS_EXACT_TYPE));
  isthmus_model *model = loaded(device);
  const isthmus_array input = of_device(there_x, in_shape);
  const isthmus_array output = of_device(there_y, out_shape);
  OK(isthmus_model_bind_input(model, "x", &input));
  OK(isthmus_model_bind_output(model, "output_0", &output));
  if (wait)
    OK(isthmus_model_set_stream(model, stream));
  OK(isthmus_model_run(model));
  CHECK(!wait || wait(stream) == 0);
  OK(isthmus_tensor_copy_to_array(there_y, &host_y, ISTHMUS_EXACT_TYPE));
  check_result();
  isthmus_model_free(model);
  isthmus_tensor_free(there_x);
  isthmus_tensor_free(there_y);
}

/* The CUDA runtime that torch has loaded, without its headers. */
static void on_a_stream(void) {
  int (*create)(void **), (*wait)(void *), (*destroy)(void *);
  *(void **)&create = dlsym(RTLD_DEFAULT, "cudaStreamCreate");
  *(void **)&wait = dlsym(RTLD_DEFAULT, "cudaStreamSynchronize");
  *(void **)&destroy = dlsym(RTLD_DEFAULT, "cudaStreamDestroy");
  if (!create || !wait || !destroy) {
    printf("streams: skipped, the CUDA runtime is not in sight\n");
    return;
  }
  void *stream = NULL;
  CHECK(create(&stream) == 0);
  device_arrays(stream, wait);
  CHECK(destroy(stream) == 0);
}

static void host_memory_as_device_memory_is_refused(void) {
  isthmus_model *model = loaded(device);
  isthmus_array lie = array_of(x, ISTHMUS_FLOAT32, 2, in_shape);
  lie.device = device;
  OK(isthmus_model_bind_input(model, "x", &lie));
  OK(bind_out(model, "output_0", y, ISTHMUS_FLOAT32, 2, out_shape));
  CHECK(isthmus_model_run(model) != ISTHMUS_OK);
  OK(bind_in(model, "x", x, ISTHMUS_FLOAT32, 2, in_shape));
  OK(isthmus_model_run(model));
  check_result();
  isthmus_model_free(model);
}

int main(int argc, char **argv) {
  use_all();
  folder = argc > 1 ? argv[1] : folder;
  if (getenv("ISTHMUS_TEST_DEVICE"))
    device = getenv("ISTHMUS_TEST_DEVICE");
  isthmus_tensor *probe = NULL;
  if (isthmus_tensor_zeros(ISTHMUS_FLOAT32, 0, NULL, device, &probe) != ISTHMUS_OK) {
    printf("skipped: %s\n", isthmus_error_message());
    return skipped;
  }
  isthmus_tensor_free(probe);
  for (int i = 0; i < n_rows * n_in; ++i)
    x[i] = sinf(0.37F * (float)i);
  host_arrays("cpu", expected);
  host_arrays(device, y);
  check_result();
  device_arrays(NULL, NULL);
  on_a_stream();
  host_memory_as_device_memory_is_refused();
  return finish();
}
