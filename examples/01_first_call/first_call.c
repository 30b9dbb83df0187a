/* SPDX-License-Identifier: MIT */
/* Call a PyTorch network on arrays of C: first_call [network.pt] */
#include <isthmus.h>
#include <stdio.h>

static int report(isthmus_status status) {
  fprintf(stderr, "%s: %s\n", isthmus_status_name(status), isthmus_error_message());
  return 1;
}

int main(int argc, char **argv) {
  double x[3][4] = {{0.1, 0.2, 0.3, 0.4}, {0.5, 0.6, 0.7, 0.8}, {0.9, 1.0, 1.1, 1.2}};
  double y[3][2];
  const int64_t x_shape[] = {3, 4}, y_shape[] = {3, 2};
  const isthmus_array x_array = {x, ISTHMUS_FLOAT64, 2, x_shape, NULL};
  const isthmus_array y_array = {y, ISTHMUS_FLOAT64, 2, y_shape, NULL};
  isthmus_model *model = NULL;
  isthmus_status status;

  status = isthmus_model_load(argc > 1 ? argv[1] : "network.pt", "cpu", &model);
  if (status != ISTHMUS_OK)
    return report(status);

  /* Bound once; from here on the network reads x and fills y. */
  status = isthmus_model_bind_input(model, "input", &x_array);
  if (status == ISTHMUS_OK)
    status = isthmus_model_bind_output(model, "output_0", &y_array);
  if (status == ISTHMUS_OK)
    status = isthmus_model_run(model);
  if (status != ISTHMUS_OK)
    return report(status);

  for (int i = 0; i < 3; ++i)
    printf("%18.14f%18.14f\n", y[i][0], y[i][1]);
  isthmus_model_free(model);
  return 0;
}
