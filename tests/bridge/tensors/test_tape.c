/* SPDX-License-Identifier: MIT */
/* tape.h: gradients against those on paper; every refusal provoked. */
#include "tensors.h"

static const int64_t three[] = {3};
static const double x_values[] = {1, 2, -3};

static isthmus_tensor *leaf_of(const double *numbers) {
  isthmus_tensor *x = vector_of(ISTHMUS_FLOAT64, 3, numbers);
  OK(isthmus_tensor_set_requires_grad(x, 1));
  return x;
}

static isthmus_tensor *power_of(const isthmus_tensor *x, int64_t exponent) {
  isthmus_tensor *y = NULL;
  OK(isthmus_tensor_combine_int64(x, ISTHMUS_POW, exponent, &y));
  return y;
}

static isthmus_tensor *sum_of(const isthmus_tensor *x) {
  isthmus_tensor *y = NULL;
  OK(isthmus_tensor_reduce(x, ISTHMUS_SUM, 0, NULL, &y));
  return y;
}

/* Whether the gradient of `x` has these values. */
static int has_gradient(const isthmus_tensor *x, const double *expected) {
  isthmus_tensor *gradient = NULL;
  OK(isthmus_tensor_gradient(x, &gradient));
  const int is_so = gradient && is_equal(gradient, 1, three, expected);
  isthmus_tensor_free(gradient);
  return is_so;
}

static void gradients_add_up_until_set_to_zero(void) {
  static const double once[] = {2, 4, -6}, twice[] = {4, 8, -12}, zeros[3] = {0};
  isthmus_tensor *x = leaf_of(x_values), *y = power_of(x, 2), *sum = sum_of(y);
  int32_t is_leaf = -1, is_required = -1;
  OK(isthmus_tensor_is_leaf(sum, &is_leaf));
  OK(isthmus_tensor_requires_grad(sum, &is_required));
  CHECK(is_leaf == 0 && is_required == 1);
  OK(isthmus_tensor_backward(sum, NULL, 1, 0));
  CHECK(has_gradient(x, once));
  OK(isthmus_tensor_backward(sum, NULL, 0, 0));
  CHECK(has_gradient(x, twice));
  OK(isthmus_tensor_zero_grad(x));
  CHECK(has_gradient(x, zeros));
  EXPECT(ISTHMUS_ERR_RUNTIME, "backward: ", isthmus_tensor_backward(sum, NULL, 0, 0));
  isthmus_tensor_free(x);
  isthmus_tensor_free(y);
  isthmus_tensor_free(sum);
}

static void weights_scale_the_derivatives(void) {
  static const double weights[] = {1, 10, 100}, expected[] = {2, 40, -600};
  isthmus_tensor *x = leaf_of(x_values), *y = power_of(x, 2);
  isthmus_tensor *w = vector_of(ISTHMUS_FLOAT64, 3, weights);
  OK(isthmus_tensor_backward(y, w, 0, 0));
  CHECK(has_gradient(x, expected));
  isthmus_tensor_free(x);
  isthmus_tensor_free(y);
  isthmus_tensor_free(w);
}

static void derivatives_have_derivatives(void) {
  static const double second[] = {6, 12, -18}, first[] = {3, 12, 27};
  isthmus_tensor *x = leaf_of(x_values), *y = power_of(x, 3), *sum = sum_of(y);
  isthmus_tensor *gradient = NULL, *of_gradient = NULL;
  OK(isthmus_tensor_backward(sum, NULL, 0, 1));
  CHECK(has_gradient(x, first));
  OK(isthmus_tensor_gradient(x, &gradient));
  of_gradient = sum_of(gradient);
  OK(isthmus_tensor_zero_grad(x));
  CHECK(is_equal(gradient, 1, three, first)); /* the one handed out keeps its values */
  OK(isthmus_tensor_backward(of_gradient, NULL, 0, 0));
  CHECK(has_gradient(x, second));
  isthmus_tensor_free(x);
  isthmus_tensor_free(y);
  isthmus_tensor_free(sum);
  isthmus_tensor_free(gradient);
  isthmus_tensor_free(of_gradient);
}

static void nothing_is_recorded_while_the_tape_is_off(void) {
  int32_t is_on = -1, is_required = -1;
  isthmus_tensor *x = leaf_of(x_values), *y = NULL, *apart = NULL;
  OK(isthmus_tape_is_on(&is_on));
  CHECK(is_on == 1);
  OK(isthmus_tape_set(0));
  y = power_of(x, 2);
  OK(isthmus_tensor_requires_grad(y, &is_required));
  CHECK(is_required == 0);
  OK(isthmus_tensor_fill_float64(x, 1.0)); /* a leaf may be overwritten without the tape */
  OK(isthmus_tape_set(1));
  EXPECT(ISTHMUS_ERR_RUNTIME, "fill: ", isthmus_tensor_fill_float64(x, 2.0));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'is_on' is 2", isthmus_tape_set(2));
  isthmus_tensor_free(y);
  y = power_of(x, 2);
  OK(isthmus_tensor_detach(y, &apart));
  OK(isthmus_tensor_requires_grad(apart, &is_required));
  CHECK(is_required == 0);
  isthmus_tensor_free(x);
  isthmus_tensor_free(y);
  isthmus_tensor_free(apart);
}

static void gradients_flow_through_moves_and_shapes(void) {
  static const int64_t one_three[] = {1, 3};
  static const double expected[] = {2, 4, -6};
  isthmus_tensor *x = leaf_of(x_values), *row = NULL, *single = NULL, *copy = NULL;
  OK(isthmus_tensor_reshape(x, 2, one_three, &row));
  OK(isthmus_tensor_to(row, ISTHMUS_FLOAT32, NULL, &single));
  OK(isthmus_tensor_clone(single, &copy));
  isthmus_tensor *y = power_of(copy, 2), *sum = sum_of(y);
  OK(isthmus_tensor_backward(sum, NULL, 0, 0));
  CHECK(has_gradient(x, expected));
  isthmus_tensor_free(x);
  isthmus_tensor_free(row);
  isthmus_tensor_free(single);
  isthmus_tensor_free(copy);
  isthmus_tensor_free(y);
  isthmus_tensor_free(sum);
}

static void wrong_uses_of_the_tape_are_refused(void) {
  isthmus_tensor *x = leaf_of(x_values), *y = power_of(x, 2), *gradient = NULL;
  isthmus_tensor *whole = vector_of(ISTHMUS_INT32, 3, x_values), *sum = sum_of(whole);
  isthmus_tensor *single = vector_of(ISTHMUS_FLOAT32, 3, x_values);
  isthmus_tensor *pair = vector_of(ISTHMUS_FLOAT64, 2, x_values);
  EXPECT(ISTHMUS_ERR_SHAPE, "'tensor' is int32, expected a floating-point type",
         isthmus_tensor_set_requires_grad(whole, 1));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "expected a leaf", isthmus_tensor_set_requires_grad(y, 1));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'is_required' is 7",
         isthmus_tensor_set_requires_grad(x, 7));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "was not made, with the tape on",
         isthmus_tensor_backward(sum, NULL, 0, 0));
  EXPECT(ISTHMUS_ERR_SHAPE, "'tensor' has shape [3], expected one element",
         isthmus_tensor_backward(y, NULL, 0, 0));
  EXPECT(ISTHMUS_ERR_SHAPE, "'gradient' is float32",
         isthmus_tensor_backward(y, single, 0, 0));
  EXPECT(ISTHMUS_ERR_SHAPE, "'gradient' has shape [2]",
         isthmus_tensor_backward(y, pair, 0, 0));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'retain_graph' is 3",
         isthmus_tensor_backward(y, NULL, 3, 0));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "has no gradient", isthmus_tensor_gradient(x, &gradient));
  OK(isthmus_tensor_zero_grad(x));
  CHECK(gradient == NULL);
  isthmus_tensor_free(x);
  isthmus_tensor_free(y);
  isthmus_tensor_free(whole);
  isthmus_tensor_free(sum);
  isthmus_tensor_free(single);
  isthmus_tensor_free(pair);
}

static void null_handles_are_refused(void) {
  int32_t flag = 0;
  isthmus_tensor *tensor = NULL;
  const char *const null_tensor = "argument 'tensor' is null";
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_set_requires_grad(NULL, 1));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_requires_grad(NULL, &flag));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_is_leaf(NULL, &flag));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_backward(NULL, NULL, 0, 0));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_gradient(NULL, &tensor));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_zero_grad(NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_detach(NULL, &tensor));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'is_on' is null", isthmus_tape_is_on(NULL));
}

int main(void) {
  use_all_of_tensors();
  gradients_add_up_until_set_to_zero();
  weights_scale_the_derivatives();
  derivatives_have_derivatives();
  nothing_is_recorded_while_the_tape_is_off();
  gradients_flow_through_moves_and_shapes();
  wrong_uses_of_the_tape_are_refused();
  null_handles_are_refused();
  return finish();
}
