/* SPDX-License-Identifier: MIT */
#include <isthmus.h>
#include <stdio.h>

int main(int argc, char **argv) {
  isthmus_model *model = NULL;
  const isthmus_status status =
      isthmus_model_load(argc > 1 ? argv[1] : "absent.pt", "cpu", &model);
  printf("%s %s\n", isthmus_status_name(status), isthmus_error_message());
  isthmus_model_free(model);
  return status == ISTHMUS_OK ? 0 : 1;
}
