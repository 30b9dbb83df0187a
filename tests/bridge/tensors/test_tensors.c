/* SPDX-License-Identifier: MIT */
/* tensor.h: tensors made, asked, moved; every refusal provoked. */
#include "tensors.h"

static const int64_t two_three[] = {2, 3};
static const double counted[] = {0, 1, 2, 3, 4, 5};

static void made_tensors_have_the_form_asked_for(void) {
  static const isthmus_dtype dtypes[] = {
      ISTHMUS_BOOL,    ISTHMUS_INT8,    ISTHMUS_INT16,   ISTHMUS_INT32,   ISTHMUS_INT64,
      ISTHMUS_FLOAT32, ISTHMUS_FLOAT64, ISTHMUS_FLOAT16, ISTHMUS_BFLOAT16};
  static const double ones[] = {1, 1, 1, 1, 1, 1}, zeros[6] = {0};
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; ++i) {
    isthmus_tensor *tensor = NULL;
    OK(isthmus_tensor_ones(dtypes[i], 2, two_three, "cpu", &tensor));
    CHECK(dtype_of(tensor) == dtypes[i]);
    CHECK(is_equal(tensor, 2, two_three, ones));
    isthmus_tensor_free(tensor);
    OK(isthmus_tensor_zeros(dtypes[i], 2, two_three, NULL, &tensor));
    CHECK(is_equal(tensor, 2, two_three, zeros));
    isthmus_tensor_free(tensor);
  }
}

static void answers_describe_the_tensor(void) {
  isthmus_tensor *tensor = NULL;
  int32_t rank = -1, index = -1;
  int64_t shape[2] = {0}, strides[2] = {0}, n_elements = 0;
  const char *type = NULL;
  void *data = NULL;
  char *text = NULL;
  OK(isthmus_tensor_empty(ISTHMUS_FLOAT32, 2, two_three, "cpu", &tensor));
  OK(isthmus_tensor_rank(tensor, &rank));
  OK(isthmus_tensor_shape(tensor, 2, shape));
  OK(isthmus_tensor_strides(tensor, 2, strides));
  OK(isthmus_tensor_n_elements(tensor, &n_elements));
  OK(isthmus_tensor_device(tensor, &type, &index));
  OK(isthmus_tensor_data(tensor, &data));
  CHECK(rank == 2 && shape[0] == 2 && shape[1] == 3 && strides[0] == 3 && strides[1] == 1);
  CHECK(n_elements == 6 && strcmp(type, "cpu") == 0 && index == 0);
  OK(isthmus_tensor_fill_float64(tensor, 2.5));
  CHECK(((float *)data)[5] == 2.5F);
  OK(isthmus_tensor_text(tensor, &text));
  CHECK(strstr(text, "2.5") && strstr(text, "{2,3}"));
  isthmus_text_free(text);
  isthmus_text_free(NULL);
  isthmus_tensor_free(tensor);
}

static void scalars_and_empty_tensors_are_tensors(void) {
  static const int64_t none[] = {3, 0};
  isthmus_tensor *tensor = NULL;
  int32_t rank = -1;
  int64_t n_elements = -1;
  OK(isthmus_tensor_ones(ISTHMUS_FLOAT64, 0, NULL, NULL, &tensor));
  OK(isthmus_tensor_rank(tensor, &rank));
  CHECK(rank == 0 && is_scalar(tensor, 1.0));
  OK(isthmus_tensor_shape(tensor, 0, NULL));
  isthmus_tensor_free(tensor);
  OK(isthmus_tensor_zeros(ISTHMUS_FLOAT64, 2, none, NULL, &tensor));
  OK(isthmus_tensor_n_elements(tensor, &n_elements));
  CHECK(n_elements == 0);
  isthmus_tensor_free(tensor);
}

static void views_read_and_write_the_callers_memory(void) {
  double memory[6] = {0, 1, 2, 3, 4, 5};
  void *data = NULL;
  isthmus_tensor *tensor = NULL;
  const isthmus_array array = array_of(memory, ISTHMUS_FLOAT64, 2, two_three);
  OK(isthmus_tensor_from_array(&array, NULL, &tensor));
  OK(isthmus_tensor_data(tensor, &data));
  CHECK(data == memory);
  memory[4] = 40.0;
  CHECK(is_equal(tensor, 2, two_three, memory));
  OK(isthmus_tensor_fill_int64(tensor, 7));
  CHECK(memory[0] == 7.0 && memory[5] == 7.0);
  isthmus_tensor_free(tensor);
}

static void orders_permute_arrays_that_are_not_square(void) {
  static const int64_t three_two[] = {3, 2}, shape_3d[] = {2, 3, 4}, cycled[] = {4, 2, 3};
  static const int32_t transposed[] = {1, 0}, cycle[] = {2, 0, 1};
  static const double expected[] = {0, 3, 1, 4, 2, 5};
  double block[24], turned[24];
  isthmus_tensor *tensor = NULL;
  isthmus_array array = array_of((void *)counted, ISTHMUS_FLOAT64, 2, two_three);
  OK(isthmus_tensor_from_array(&array, transposed, &tensor));
  CHECK(is_equal(tensor, 2, three_two, expected));
  isthmus_tensor_free(tensor);
  for (int i = 0; i < 24; ++i)
    block[i] = i;
  for (int k = 0; k < 4; ++k)
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 3; ++j)
        turned[(k * 2 + i) * 3 + j] = block[(i * 3 + j) * 4 + k];
  array = array_of(block, ISTHMUS_FLOAT64, 3, shape_3d);
  OK(isthmus_tensor_from_array(&array, cycle, &tensor));
  CHECK(is_equal(tensor, 3, cycled, turned));
  isthmus_tensor_free(tensor);
}

static void strided_sections_are_viewed_in_place(void) {
  static const int64_t shape[] = {2, 2}, strides[] = {8 * 8, 3 * 8};
  static const double expected[] = {1, 4, 9, 12};
  double memory[16];
  isthmus_tensor *tensor = NULL;
  for (int i = 0; i < 16; ++i)
    memory[i] = i;
  isthmus_array array = array_of(memory + 1, ISTHMUS_FLOAT64, 2, shape);
  array.strides = strides;
  OK(isthmus_tensor_from_array(&array, NULL, &tensor));
  CHECK(is_equal(tensor, 2, shape, expected));
  OK(isthmus_tensor_fill_float64(tensor, -1.0));
  CHECK(memory[1] == -1 && memory[4] == -1 && memory[9] == -1 && memory[12] == -1);
  CHECK(memory[0] == 0 && memory[2] == 2 && memory[3] == 3 && memory[13] == 13);
  isthmus_tensor_free(tensor);
}

static void clones_are_apart_and_aliases_are_not(void) {
  isthmus_tensor *tensor = tensor_of(ISTHMUS_FLOAT64, 2, two_three, counted);
  isthmus_tensor *alias = NULL, *clone = NULL;
  static const double filled[] = {9, 9, 9, 9, 9, 9};
  OK(isthmus_tensor_alias(tensor, &alias));
  OK(isthmus_tensor_clone(tensor, &clone));
  OK(isthmus_tensor_fill_int64(tensor, 9));
  isthmus_tensor_free(tensor);
  CHECK(is_equal(alias, 2, two_three, filled));
  CHECK(is_equal(clone, 2, two_three, counted));
  isthmus_tensor_free(alias);
  isthmus_tensor_free(clone);
  isthmus_tensor_free(NULL);
}

static void copies_convert_when_asked_only(void) {
  static const double halves[] = {0.5, 1.5, -2.5, 3, 4, 5}, cut[] = {0, 1, -2, 3, 4, 5};
  int32_t whole[6] = {0};
  isthmus_tensor *tensor = tensor_of(ISTHMUS_FLOAT64, 2, two_three, halves);
  isthmus_tensor *half = NULL, *target = NULL;
  isthmus_array array = array_of(whole, ISTHMUS_INT32, 2, two_three);
  EXPECT(ISTHMUS_ERR_SHAPE, "ask for the conversion",
         isthmus_tensor_copy_to_array(tensor, &array, ISTHMUS_EXACT_TYPE));
  OK(isthmus_tensor_copy_to_array(tensor, &array, ISTHMUS_CONVERT));
  CHECK(whole[0] == 0 && whole[2] == -2 && whole[5] == 5);
  OK(isthmus_tensor_to(tensor, ISTHMUS_BFLOAT16, NULL, &half));
  CHECK(dtype_of(half) == ISTHMUS_BFLOAT16 && is_equal(half, 2, two_three, halves));
  OK(isthmus_tensor_zeros(ISTHMUS_INT32, 2, two_three, NULL, &target));
  EXPECT(ISTHMUS_ERR_SHAPE, "copy: 'source' is float64 of shape [2, 3], 'target' is int32",
         isthmus_tensor_copy(target, tensor, ISTHMUS_EXACT_TYPE));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'conversion' is 2",
         isthmus_tensor_copy(target, tensor, (isthmus_conversion)2));
  OK(isthmus_tensor_copy(target, tensor, ISTHMUS_CONVERT));
  CHECK(is_equal(target, 2, two_three, cut));
  array = array_of((void *)counted, ISTHMUS_FLOAT64, 2, two_three);
  OK(isthmus_tensor_copy_from_array(tensor, &array, ISTHMUS_EXACT_TYPE));
  CHECK(is_equal(tensor, 2, two_three, counted));
  isthmus_tensor_free(tensor);
  isthmus_tensor_free(half);
  isthmus_tensor_free(target);
}

static void copies_stretch_nothing_and_may_overlap(void) {
  static const int64_t one_three[] = {1, 3}, four[] = {4};
  static const double shifted[] = {0, 0, 1, 2, 3};
  double memory[5] = {0, 1, 2, 3, 4};
  isthmus_tensor *row = tensor_of(ISTHMUS_FLOAT64, 2, one_three, counted);
  isthmus_tensor *target = tensor_of(ISTHMUS_FLOAT64, 2, two_three, counted);
  EXPECT(ISTHMUS_ERR_SHAPE, "expected the same shape",
         isthmus_tensor_copy(target, row, ISTHMUS_EXACT_TYPE));
  CHECK(is_equal(target, 2, two_three, counted));
  isthmus_tensor_free(row);
  isthmus_tensor_free(target);
  const isthmus_array from = array_of(memory, ISTHMUS_FLOAT64, 1, four);
  const isthmus_array onto = array_of(memory + 1, ISTHMUS_FLOAT64, 1, four);
  OK(isthmus_tensor_from_array(&from, NULL, &row));
  OK(isthmus_tensor_from_array(&onto, NULL, &target));
  OK(isthmus_tensor_copy(target, row, ISTHMUS_EXACT_TYPE));
  CHECK(memcmp(memory, shifted, sizeof memory) == 0);
  isthmus_tensor_free(row);
  isthmus_tensor_free(target);
}

static void seeds_repeat_random_numbers(void) {
  static const int64_t n[] = {20};
  double first[20], second[20];
  isthmus_tensor *tensor = NULL;
  for (int turn = 0; turn < 2; ++turn) {
    const isthmus_array array = array_of(turn ? second : first, ISTHMUS_FLOAT64, 1, n);
    OK(isthmus_manual_seed(5));
    OK(isthmus_tensor_randn(ISTHMUS_FLOAT64, 1, n, NULL, &tensor));
    OK(isthmus_tensor_copy_to_array(tensor, &array, ISTHMUS_EXACT_TYPE));
    isthmus_tensor_free(tensor);
  }
  CHECK(memcmp(first, second, sizeof first) == 0 && first[0] != first[1]);
  EXPECT(ISTHMUS_ERR_SHAPE, "expected a floating-point type",
         isthmus_tensor_rand(ISTHMUS_INT8, 1, n, NULL, &tensor));
  EXPECT(ISTHMUS_ERR_SHAPE, "'dtype' is 99",
         isthmus_tensor_rand((isthmus_dtype)99, 1, n, NULL, &tensor));
}

static void tensors_that_cannot_be_are_refused(void) {
  static const int64_t negative[] = {2, -1}, huge[] = {(int64_t)1 << 40, (int64_t)1 << 40};
  static const int64_t large[] = {(int64_t)1 << 55};
  isthmus_tensor *tensor = NULL;
  EXPECT(ISTHMUS_ERR_SHAPE, "empty: 'dtype' is -1",
         isthmus_tensor_empty((isthmus_dtype)-1, 1, two_three, NULL, &tensor));
  EXPECT(ISTHMUS_ERR_SHAPE, "'rank' is 16",
         isthmus_tensor_empty(ISTHMUS_INT8, 16, two_three, NULL, &tensor));
  EXPECT(ISTHMUS_ERR_SHAPE, "'shape' is [2, -1]",
         isthmus_tensor_zeros(ISTHMUS_INT8, 2, negative, NULL, &tensor));
  EXPECT(ISTHMUS_ERR_SHAPE, "more elements than memory",
         isthmus_tensor_ones(ISTHMUS_INT8, 2, huge, NULL, &tensor));
  EXPECT(ISTHMUS_ERR_RUNTIME,
         "empty: ", isthmus_tensor_empty(ISTHMUS_FLOAT64, 1, large, NULL, &tensor));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'shape' is null",
         isthmus_tensor_ones(ISTHMUS_INT8, 2, NULL, NULL, &tensor));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'result' is null",
         isthmus_tensor_ones(ISTHMUS_INT8, 2, two_three, NULL, NULL));
  EXPECT(ISTHMUS_ERR_DEVICE, "'abacus'",
         isthmus_tensor_ones(ISTHMUS_INT8, 2, two_three, "abacus", &tensor));
  EXPECT(ISTHMUS_ERR_DEVICE, "'cuda:99' is unknown or not present",
         isthmus_tensor_ones(ISTHMUS_INT8, 2, two_three, "cuda:99", &tensor));
  CHECK(tensor == NULL);
}

static void arrays_that_cannot_be_viewed_are_refused(void) {
  static const int32_t twice[] = {1, 1}, beyond[] = {0, 2};
  static const int64_t backward[] = {24, -8};
  isthmus_tensor *tensor = NULL;
  isthmus_array array = array_of((void *)counted, ISTHMUS_FLOAT64, 2, two_three);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "the array is null",
         isthmus_tensor_from_array(NULL, NULL, &tensor));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'order' is [1, 1], expected each of 0 to 1 once",
         isthmus_tensor_from_array(&array, twice, &tensor));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'order' is [0, 2]",
         isthmus_tensor_from_array(&array, beyond, &tensor));
  array.strides = backward;
  EXPECT(ISTHMUS_ERR_SHAPE, "expected a positive one",
         isthmus_tensor_from_array(&array, NULL, &tensor));
  array = array_of(NULL, ISTHMUS_FLOAT64, 2, two_three);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "its address is null",
         isthmus_tensor_from_array(&array, NULL, &tensor));
  array = array_of((void *)counted, ISTHMUS_FLOAT64, 2, two_three);
  array.device = "cuda:99";
  EXPECT(ISTHMUS_ERR_DEVICE, "'cuda:99'", isthmus_tensor_from_array(&array, NULL, &tensor));
  CHECK(tensor == NULL);
}

static void null_handles_are_refused_everywhere(void) {
  isthmus_tensor *tensor = NULL;
  int32_t number = 0;
  int64_t numbers[2] = {0};
  isthmus_dtype dtype = ISTHMUS_BOOL;
  const char *type = NULL;
  void *data = NULL;
  char *text = NULL;
  const isthmus_array array = array_of((void *)counted, ISTHMUS_FLOAT64, 2, two_three);
  const char *const null_tensor = "argument 'tensor' is null";
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_clone(NULL, &tensor));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_alias(NULL, &tensor));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_rank(NULL, &number));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_shape(NULL, 2, numbers));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_strides(NULL, 2, numbers));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_dtype(NULL, &dtype));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_device(NULL, &type, &number));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_n_elements(NULL, numbers));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_data(NULL, &data));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_text(NULL, &text));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_fill_float64(NULL, 1.0));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor, isthmus_tensor_fill_int64(NULL, 1));
  EXPECT(ISTHMUS_ERR_ARGUMENT, null_tensor,
         isthmus_tensor_to(NULL, ISTHMUS_INT8, NULL, &tensor));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'target' is null",
         isthmus_tensor_copy(NULL, NULL, ISTHMUS_CONVERT));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'source' is null",
         isthmus_tensor_copy_to_array(NULL, &array, ISTHMUS_CONVERT));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'target' is null",
         isthmus_tensor_copy_from_array(NULL, &array, ISTHMUS_CONVERT));
}

static void answers_without_room_are_refused(void) {
  isthmus_tensor *tensor = tensor_of(ISTHMUS_FLOAT64, 2, two_three, counted);
  int64_t one[1] = {-7};
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'shape' has room for 1 numbers, the tensor has rank 2",
         isthmus_tensor_shape(tensor, 1, one));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'strides' is null",
         isthmus_tensor_strides(tensor, 2, NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'rank' is null", isthmus_tensor_rank(tensor, NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'text' is null", isthmus_tensor_text(tensor, NULL));
  CHECK(one[0] == -7);
  isthmus_tensor_free(tensor);
}

static void values_beyond_the_type_are_refused(void) {
  isthmus_tensor *tensor = tensor_of(ISTHMUS_INT8, 2, two_three, counted);
  EXPECT(ISTHMUS_ERR_SHAPE, "'value' is 300, which int8 does not hold",
         isthmus_tensor_fill_int64(tensor, 300));
  EXPECT(ISTHMUS_ERR_SHAPE, "'value' is a real number, the tensor is int8",
         isthmus_tensor_fill_float64(tensor, 1.0));
  OK(isthmus_tensor_fill_int64(tensor, -128));
  isthmus_tensor_free(tensor);
}

int main(void) {
  use_all_of_tensors();
  made_tensors_have_the_form_asked_for();
  answers_describe_the_tensor();
  scalars_and_empty_tensors_are_tensors();
  views_read_and_write_the_callers_memory();
  orders_permute_arrays_that_are_not_square();
  strided_sections_are_viewed_in_place();
  clones_are_apart_and_aliases_are_not();
  copies_convert_when_asked_only();
  copies_stretch_nothing_and_may_overlap();
  seeds_repeat_random_numbers();
  tensors_that_cannot_be_are_refused();
  arrays_that_cannot_be_viewed_are_refused();
  null_handles_are_refused_everywhere();
  answers_without_room_are_refused();
  values_beyond_the_type_are_refused();
  return finish();
}
