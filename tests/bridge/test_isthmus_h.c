/* SPDX-License-Identifier: MIT */
/* The header is C99 by itself: compiled with -std=c99 -pedantic -Werror, included first. */
#include "isthmus.h"

#include "isthmus.h" /* twice does no harm */

#include <string.h>

int main(void) {
  return strcmp(isthmus_status_name(ISTHMUS_ERR_SHAPE), "ISTHMUS_ERR_SHAPE") == 0 ? 0 : 1;
}
