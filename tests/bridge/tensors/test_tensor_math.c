/* SPDX-License-Identifier: MIT */
/* tensor_math.h: values of every operator, reduction and shape; every refusal provoked. */
#include "tensors.h"

static const int64_t three[] = {3}, two_three[] = {2, 3};
static const double counted[] = {0, 1, 2, 3, 4, 5};
static const double a_values[] = {1, 2, 4}, b_values[] = {2, 3, 0.5};

/* Rounding of one operation in float64. */
static const double rounding = 1e-15;

static double computed(double left, isthmus_operator op, double right) {
  switch (op) {
  case ISTHMUS_ADD:
    return left + right;
  case ISTHMUS_SUB:
    return left - right;
  case ISTHMUS_MUL:
    return left * right;
  case ISTHMUS_DIV:
    return left / right;
  default:
    return pow(left, right);
  }
}

static void operators_give_the_values_of_c(void) {
  isthmus_tensor *a = vector_of(ISTHMUS_FLOAT64, 3, a_values);
  isthmus_tensor *b = vector_of(ISTHMUS_FLOAT64, 3, b_values);
  for (int i = ISTHMUS_ADD; i <= ISTHMUS_POW; ++i) {
    const isthmus_operator op = (isthmus_operator)i;
    isthmus_tensor *r[5] = {NULL};
    double expected[5][3];
    OK(isthmus_tensor_combine(a, op, b, &r[0]));
    OK(isthmus_tensor_combine_float64(a, op, 2.5, &r[1]));
    OK(isthmus_tensor_combine_int64(a, op, 3, &r[2]));
    OK(isthmus_tensor_float64_combine(2.5, op, a, &r[3]));
    OK(isthmus_tensor_int64_combine(3, op, a, &r[4]));
    for (int j = 0; j < 3; ++j) {
      expected[0][j] = computed(a_values[j], op, b_values[j]);
      expected[1][j] = computed(a_values[j], op, 2.5);
      expected[2][j] = computed(a_values[j], op, 3);
      expected[3][j] = computed(2.5, op, a_values[j]);
      expected[4][j] = computed(3, op, a_values[j]);
    }
    for (int k = 0; k < 5; ++k) {
      CHECK(dtype_of(r[k]) == ISTHMUS_FLOAT64);
      CHECK(is_near(r[k], 1, three, expected[k], 256 * rounding));
      isthmus_tensor_free(r[k]);
    }
  }
  isthmus_tensor_free(a);
  isthmus_tensor_free(b);
}

static void integers_stay_integers(void) {
  static const double numbers[] = {7, -2, 100}, twice[] = {14, -4, -56};
  static const double squares[] = {49, 4, 10000};
  isthmus_tensor *small = vector_of(ISTHMUS_INT8, 3, numbers), *r = NULL;
  isthmus_tensor *large = vector_of(ISTHMUS_INT64, 3, numbers);
  OK(isthmus_tensor_combine_int64(small, ISTHMUS_MUL, 2, &r));
  CHECK(dtype_of(r) == ISTHMUS_INT8 && is_equal(r, 1, three, twice)); /* wraps, as in C */
  isthmus_tensor_free(r);
  OK(isthmus_tensor_combine_int64(large, ISTHMUS_POW, 2, &r));
  CHECK(dtype_of(r) == ISTHMUS_INT64 && is_equal(r, 1, three, squares));
  isthmus_tensor_free(r);
  r = NULL;
  EXPECT(ISTHMUS_ERR_SHAPE, "div: 'left' is int64, expected a floating-point type",
         isthmus_tensor_combine(large, ISTHMUS_DIV, large, &r));
  EXPECT(ISTHMUS_ERR_SHAPE, "add: 'right' is a real number, the tensor is int64",
         isthmus_tensor_combine_float64(large, ISTHMUS_ADD, 0.5, &r));
  EXPECT(ISTHMUS_ERR_SHAPE, "'left' is 128, which int8 does not hold",
         isthmus_tensor_int64_combine(128, ISTHMUS_ADD, small, &r));
  EXPECT(ISTHMUS_ERR_RUNTIME,
         "pow: ", isthmus_tensor_combine_int64(large, ISTHMUS_POW, -1, &r));
  CHECK(r == NULL);
  isthmus_tensor_free(small);
  isthmus_tensor_free(large);
}

static void one_element_goes_with_any_shape(void) {
  static const int64_t one_one[] = {1, 1}, one[] = {1};
  static const double ten = 10, expected[] = {11, 12, 14};
  isthmus_tensor *a = vector_of(ISTHMUS_FLOAT64, 3, a_values), *r = NULL;
  isthmus_tensor *single = tensor_of(ISTHMUS_FLOAT64, 2, one_one, &ten);
  isthmus_tensor *flat = tensor_of(ISTHMUS_FLOAT64, 1, one, &ten);
  static const double twenty = 20;
  OK(isthmus_tensor_combine(a, ISTHMUS_ADD, single, &r));
  CHECK(is_equal(r, 1, three, expected));
  isthmus_tensor_free(r);
  OK(isthmus_tensor_combine(single, ISTHMUS_ADD, a, &r));
  CHECK(is_equal(r, 1, three, expected));
  isthmus_tensor_free(r);
  OK(isthmus_tensor_combine(flat, ISTHMUS_ADD, single, &r));
  CHECK(is_equal(r, 2, one_one, &twenty));
  isthmus_tensor_free(r);
  isthmus_tensor_free(a);
  isthmus_tensor_free(single);
  isthmus_tensor_free(flat);
}

static void operands_that_differ_are_refused(void) {
  static const int64_t one_three[] = {1, 3};
  isthmus_tensor *a = vector_of(ISTHMUS_FLOAT64, 3, a_values), *r = NULL;
  isthmus_tensor *row = tensor_of(ISTHMUS_FLOAT64, 2, one_three, a_values);
  isthmus_tensor *single = vector_of(ISTHMUS_FLOAT32, 3, a_values);
  isthmus_tensor *truth = vector_of(ISTHMUS_BOOL, 3, a_values);
  EXPECT(ISTHMUS_ERR_SHAPE, "add: 'left' has shape [3], 'right' has shape [1, 3]",
         isthmus_tensor_combine(a, ISTHMUS_ADD, row, &r));
  EXPECT(ISTHMUS_ERR_SHAPE, "mul: 'left' is float64, 'right' is float32",
         isthmus_tensor_combine(a, ISTHMUS_MUL, single, &r));
  EXPECT(ISTHMUS_ERR_SHAPE, "'left' is bool, expected numbers",
         isthmus_tensor_combine(truth, ISTHMUS_ADD, truth, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "combine: 'op' is 5",
         isthmus_tensor_combine(a, (isthmus_operator)5, a, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'left' is null",
         isthmus_tensor_combine(NULL, ISTHMUS_ADD, a, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'right' is null",
         isthmus_tensor_float64_combine(1, ISTHMUS_ADD, NULL, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'result' is null",
         isthmus_tensor_combine_int64(a, ISTHMUS_ADD, 1, NULL));
  CHECK(r == NULL);
  isthmus_tensor_free(a);
  isthmus_tensor_free(row);
  isthmus_tensor_free(single);
  isthmus_tensor_free(truth);
}

static double relu(double x) { return x > 0 ? x : 0; }
static double sign(double x) { return (x > 0) - (x < 0); }
static double square(double x) { return x * x; }
static double negated(double x) { return -x; }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static void functions_have_the_values_of_c(void) {
  static const struct {
    const char *name;
    double (*function)(double);
  } all[] = {{"neg", negated},     {"abs", fabs},    {"sign", sign},   {"square", square},
             {"exp", exp},         {"expm1", expm1}, {"log", log},     {"log1p", log1p},
             {"log10", log10},     {"sqrt", sqrt},   {"sin", sin},     {"cos", cos},
             {"tan", tan},         {"asin", asin},   {"acos", acos},   {"atan", atan},
             {"sinh", sinh},       {"cosh", cosh},   {"tanh", tanh},   {"relu", relu},
             {"sigmoid", sigmoid}, {"erf", erf},     {"floor", floor}, {"ceil", ceil},
             {"round", round}};
  static const double numbers[] = {0.25, 0.75, 1.0};
  isthmus_tensor *a = vector_of(ISTHMUS_FLOAT64, 3, numbers), *r = NULL;
  isthmus_tensor *whole = vector_of(ISTHMUS_INT32, 3, a_values);
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
    double expected[3];
    for (int j = 0; j < 3; ++j)
      expected[j] = all[i].function(numbers[j]);
    OK(isthmus_tensor_unary(a, all[i].name, &r));
    CHECK(is_near(r, 1, three, expected, 8 * rounding));
    isthmus_tensor_free(r);
  }
  r = NULL;
  EXPECT(ISTHMUS_ERR_SHAPE, "'tensor' is int32, expected a floating-point type",
         isthmus_tensor_unary(whole, "exp", &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no function is named 'gamma'",
         isthmus_tensor_unary(a, "gamma", &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'name' is null", isthmus_tensor_unary(a, NULL, &r));
  isthmus_tensor_free(a);
  isthmus_tensor_free(whole);
}

static void reductions_reduce_all_or_some_dimensions(void) {
  static const int64_t two[] = {2};
  static const int32_t last[] = {1}, twice[] = {1, 1}, beyond[] = {2};
  static const double sums[] = {3, 12};
  static const double whole[] = {15, 2.5, 0, 5};
  isthmus_tensor *a = tensor_of(ISTHMUS_FLOAT64, 2, two_three, counted), *r = NULL;
  for (int i = ISTHMUS_SUM; i <= ISTHMUS_MAX; ++i) {
    OK(isthmus_tensor_reduce(a, (isthmus_reduction)i, 0, NULL, &r));
    CHECK(is_scalar(r, whole[i]));
    isthmus_tensor_free(r);
  }
  OK(isthmus_tensor_reduce(a, ISTHMUS_NORM, 0, NULL, &r));
  const double norm = sqrt(55.0);
  CHECK(is_near(r, 0, NULL, &norm, 8 * rounding));
  isthmus_tensor_free(r);
  OK(isthmus_tensor_reduce(a, ISTHMUS_SUM, 1, last, &r));
  CHECK(is_equal(r, 1, two, sums));
  isthmus_tensor_free(r);
  r = NULL;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "dimension 1 is listed twice",
         isthmus_tensor_reduce(a, ISTHMUS_SUM, 2, twice, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "dimension 2 is not one of the 2 of shape [2, 3]",
         isthmus_tensor_reduce(a, ISTHMUS_SUM, 1, beyond, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'n_dims' is -1",
         isthmus_tensor_reduce(a, ISTHMUS_SUM, -1, NULL, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'dims' is null",
         isthmus_tensor_reduce(a, ISTHMUS_SUM, 1, NULL, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'reduction' is 9",
         isthmus_tensor_reduce(a, (isthmus_reduction)9, 0, NULL, &r));
  isthmus_tensor_free(a);
}

static void reductions_of_integers_do_not_overflow(void) {
  static const double large[] = {100, 100, 100};
  static const int64_t none[] = {0};
  isthmus_tensor *a = vector_of(ISTHMUS_INT8, 3, large), *empty = NULL, *r = NULL;
  OK(isthmus_tensor_reduce(a, ISTHMUS_SUM, 0, NULL, &r));
  CHECK(dtype_of(r) == ISTHMUS_INT64 && is_scalar(r, 300));
  isthmus_tensor_free(r);
  r = NULL;
  EXPECT(ISTHMUS_ERR_SHAPE, "'tensor' is int8, expected a floating-point type",
         isthmus_tensor_reduce(a, ISTHMUS_MEAN, 0, NULL, &r));
  OK(isthmus_tensor_zeros(ISTHMUS_FLOAT64, 1, none, NULL, &empty));
  EXPECT(ISTHMUS_ERR_SHAPE, "no elements have no mean",
         isthmus_tensor_reduce(empty, ISTHMUS_MAX, 0, NULL, &r));
  isthmus_tensor_free(a);
  isthmus_tensor_free(empty);
}

static void products_of_matrices_and_vectors(void) {
  static const int64_t three_two[] = {3, 2}, two_two[] = {2, 2}, two[] = {2};
  static const double square_of[] = {10, 13, 28, 40}, on_vector[] = {10, 31};
  isthmus_tensor *m = tensor_of(ISTHMUS_FLOAT64, 2, two_three, counted), *r = NULL;
  isthmus_tensor *n = tensor_of(ISTHMUS_FLOAT64, 2, three_two, counted);
  isthmus_tensor *v = vector_of(ISTHMUS_FLOAT64, 3, a_values);
  OK(isthmus_tensor_matmul(m, n, &r));
  CHECK(is_equal(r, 2, two_two, square_of));
  isthmus_tensor_free(r);
  OK(isthmus_tensor_matmul(m, v, &r));
  CHECK(is_equal(r, 1, two, on_vector));
  isthmus_tensor_free(r);
  OK(isthmus_tensor_dot(m, m, &r));
  CHECK(is_scalar(r, 55));
  isthmus_tensor_free(r);
  r = NULL;
  EXPECT(ISTHMUS_ERR_SHAPE, "expected [.., n, k] and [.., k, m]",
         isthmus_tensor_matmul(m, m, &r));
  EXPECT(ISTHMUS_ERR_SHAPE, "dot: 'left' has shape [2, 3], 'right' has shape [3, 2]",
         isthmus_tensor_dot(m, n, &r));
  isthmus_tensor_free(m);
  isthmus_tensor_free(n);
  isthmus_tensor_free(v);
}

static void shapes_change_and_elements_do_not(void) {
  static const int64_t three_two[] = {3, 2}, two_two[] = {2, 2}, four_three[] = {4, 3};
  static const int64_t five[] = {5};
  static const double turned[] = {0, 3, 1, 4, 2, 5}, outer[] = {0, 2, 3, 5};
  static const double stacked[] = {0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5};
  isthmus_tensor *a = tensor_of(ISTHMUS_FLOAT64, 2, two_three, counted), *r = NULL;
  const isthmus_tensor *pair[] = {a, a}, *broken[] = {a, NULL};
  OK(isthmus_tensor_permute(a, NULL, &r));
  CHECK(is_equal(r, 2, three_two, turned));
  isthmus_tensor_free(r);
  OK(isthmus_tensor_reshape(a, 2, three_two, &r));
  CHECK(is_equal(r, 2, three_two, counted));
  isthmus_tensor_free(r);
  OK(isthmus_tensor_slice(a, 1, 0, 3, 2, &r));
  CHECK(is_equal(r, 2, two_two, outer));
  isthmus_tensor_free(r);
  OK(isthmus_tensor_cat(2, pair, 0, &r));
  CHECK(is_equal(r, 2, four_three, stacked));
  isthmus_tensor_free(r);
  r = NULL;
  EXPECT(ISTHMUS_ERR_SHAPE, "does not have the 5 elements of shape [5]",
         isthmus_tensor_reshape(a, 1, five, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "not within the extent 3",
         isthmus_tensor_slice(a, 1, 0, 4, 1, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'step' is 0", isthmus_tensor_slice(a, 1, 0, 3, 0, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "dimension -1", isthmus_tensor_slice(a, -1, 0, 3, 1, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'tensors[1]' is null",
         isthmus_tensor_cat(2, broken, 0, &r));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'n_tensors' is 0", isthmus_tensor_cat(0, pair, 0, &r));
  isthmus_tensor_free(a);
}

static void joints_that_do_not_fit_are_refused(void) {
  static const int64_t three_two[] = {3, 2};
  isthmus_tensor *a = tensor_of(ISTHMUS_FLOAT64, 2, two_three, counted), *r = NULL;
  isthmus_tensor *b = tensor_of(ISTHMUS_FLOAT64, 2, three_two, counted);
  isthmus_tensor *c = tensor_of(ISTHMUS_INT16, 2, two_three, counted);
  const isthmus_tensor *shapes[] = {a, b}, *types[] = {a, c};
  EXPECT(ISTHMUS_ERR_SHAPE, "expected the same but for dimension 0",
         isthmus_tensor_cat(2, shapes, 0, &r));
  EXPECT(ISTHMUS_ERR_SHAPE, "'tensors[1]' is int16", isthmus_tensor_cat(2, types, 0, &r));
  isthmus_tensor_free(a);
  isthmus_tensor_free(b);
  isthmus_tensor_free(c);
}

int main(void) {
  use_all_of_tensors();
  operators_give_the_values_of_c();
  integers_stay_integers();
  one_element_goes_with_any_shape();
  operands_that_differ_are_refused();
  functions_have_the_values_of_c();
  reductions_reduce_all_or_some_dimensions();
  reductions_of_integers_do_not_overflow();
  products_of_matrices_and_vectors();
  shapes_change_and_elements_do_not();
  joints_that_do_not_fit_are_refused();
  return finish();
}
