/* SPDX-License-Identifier: MIT */
/* Faults in names, arrays and the order of calls: refused before the network sees them. */
#include "faults.h"

static struct good arrays;
static isthmus_model *model; /* each fault is provoked on both engines in turn */

static void no_array(void) {
  EXPECT(ISTHMUS_ERR_ARGUMENT, "the array is null",
         isthmus_model_bind_input(model, "x", NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'x' has no memory: its address is null",
         bind_in(model, "x", NULL, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'x' has rank 2 but no shape",
         bind_in(model, "x", arrays.x, ISTHMUS_FLOAT64, 2, NULL));
}

static void wrong_rank(void) {
  const int64_t cube[] = {3, 4, 1};
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has shape [3, 4, 1], the network expects [row, 4]",
         bind_in(model, "x", arrays.x, ISTHMUS_FLOAT64, 3, cube));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has shape [], the network expects [row, 4]",
         bind_in(model, "x", arrays.x, ISTHMUS_FLOAT64, 0, NULL));
}

static void impossible_rank(void) {
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has rank 16, expected 0 to 15",
         bind_in(model, "x", arrays.x, ISTHMUS_FLOAT64, 16, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "rank -1",
         bind_in(model, "x", arrays.x, ISTHMUS_FLOAT64, -1, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "rank -2147483648",
         bind_in(model, "x", arrays.x, ISTHMUS_FLOAT64, INT32_MIN, shape));
}

static void wrong_extent(void) {
  const int64_t transposed[] = {4, 3}, negative[] = {-3, 4};
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has shape [4, 3], the network expects [row, 4]",
         bind_in(model, "x", arrays.x, ISTHMUS_FLOAT64, 2, transposed));
  EXPECT(ISTHMUS_ERR_SHAPE, "'y' has shape [4, 3]",
         bind_out(model, "y", arrays.y, ISTHMUS_FLOAT64, 2, transposed));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has extent -3 in dimension 0",
         bind_in(model, "x", arrays.x, ISTHMUS_FLOAT64, 2, negative));
}

static void extents_overflow(void) {
  const int64_t huge[] = {INT64_MAX / 2, 4}, far[] = {3, 4};
  const int64_t strides[] = {INT64_MAX / 8 * 8, 8}, wide[] = {INT64_MAX / 16 * 8, 8};
  isthmus_array array = array_of(arrays.x, ISTHMUS_FLOAT64, 2, far);
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has more elements than memory can hold",
         bind_in(model, "x", arrays.x, ISTHMUS_FLOAT64, 2, huge));
  array.strides = strides;
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has strides that reach beyond memory",
         isthmus_model_bind_input(model, "x", &array));
  array.strides = wide; /* 2 * wide fits into 63 bits, the address plus that does not */
  EXPECT(ISTHMUS_ERR_SHAPE, "beyond memory", isthmus_model_bind_input(model, "x", &array));
}

static void wrong_dtype(void) {
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' is float32, the network expects float64",
         bind_in(model, "x", arrays.x, ISTHMUS_FLOAT32, 2, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "'s' is int64, the network expects float64",
         bind_out(model, "s", arrays.s, ISTHMUS_INT64, 1, rows_only));
  EXPECT(ISTHMUS_ERR_SHAPE, "element type 9",
         bind_in(model, "x", arrays.x, (isthmus_dtype)9, 2, shape));
  EXPECT(ISTHMUS_ERR_SHAPE, "element type",
         bind_in(model, "x", arrays.x, (isthmus_dtype)-1, 2, shape));
}

static isthmus_status bind_strided(int is_output, int64_t slow, int64_t fast) {
  const int64_t strides[] = {slow, fast};
  isthmus_array array =
      array_of(is_output ? arrays.y : arrays.x, ISTHMUS_FLOAT64, 2, shape);
  array.strides = strides;
  return is_output ? isthmus_model_bind_output(model, "y", &array)
                   : isthmus_model_bind_input(model, "x", &array);
}

static void negative_stride(void) {
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has byte stride -8 in dimension 1",
         bind_strided(0, 32, -8));
  EXPECT(ISTHMUS_ERR_SHAPE, "'y' has byte stride -32 in dimension 0",
         bind_strided(1, -32, 8));
  EXPECT(ISTHMUS_ERR_SHAPE, "byte stride", bind_strided(0, INT64_MIN, 8));
}

static void odd_stride(void) {
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' has byte stride 12 in dimension 1, expected a multiple",
         bind_strided(0, 32, 12));
}

static void output_without_room(void) {
  EXPECT(ISTHMUS_ERR_SHAPE, "'y' has byte stride 0 in dimension 0", bind_strided(1, 0, 8));
  EXPECT(ISTHMUS_ERR_SHAPE, "'y' overlaps itself", bind_strided(1, 8, 8));
}

static void overlapping_outputs(void) {
  OK(bind_out(model, "s", arrays.y + 5, ISTHMUS_FLOAT64, 1, rows_only));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "outputs 'y' and 's' overlap in memory",
         isthmus_model_run(model));
}

static void misaligned_address(void) {
  EXPECT(ISTHMUS_ERR_SHAPE, "'x' starts at an address that is no multiple of its element's",
         bind_in(model, "x", (char *)arrays.x + 4, ISTHMUS_FLOAT64, 2, shape));
}

static void extents_that_disagree(void) {
  const int64_t two[] = {2};
  OK(bind_out(model, "s", arrays.s, ISTHMUS_FLOAT64, 1, two));
  EXPECT(ISTHMUS_ERR_SHAPE, "'s' has 'row' = 2, but 'x' has 3", isthmus_model_run(model));
}

static void memory_of_a_device(void) {
  isthmus_array array = array_of(arrays.x, ISTHMUS_FLOAT64, 2, shape);
  array.device = "cuda:0";
  const isthmus_status status = isthmus_model_bind_input(model, "x", &array);
  CHECK(status == ISTHMUS_ERR_DEVICE && strstr(isthmus_error_message(), "'cuda:0'"));
  array.device = "no such device";
  CHECK(isthmus_model_bind_input(model, "x", &array) != ISTHMUS_OK);
  CHECK(strstr(isthmus_error_message(), "no such device") != NULL);
}

static void unknown_name(void) {
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no input 'z': the network has 'x', 'scale'",
         bind_in(model, "z", arrays.x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no output 'x': the network has 'y', 's'",
         bind_out(model, "x", arrays.x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'name' is null",
         bind_in(model, NULL, arrays.x, ISTHMUS_FLOAT64, 2, shape));
}

static void strange_names(void) {
  static char endless[100001];
  memset(endless, 'a', sizeof endless - 1);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no input ''",
         bind_in(model, "", arrays.x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no input 'it's \"%s%n\"\n'",
         bind_in(model, "it's \"%s%n\"\n", arrays.x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no input 'aaaa",
         bind_in(model, endless, arrays.x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no input '\xff\xfe'", /* no UTF-8 */
         bind_in(model, "\xff\xfe", arrays.x, ISTHMUS_FLOAT64, 2, shape));
}

static void run_before_bind(void) {
  isthmus_model *fresh = load("weighted_float64.pt2");
  EXPECT(ISTHMUS_ERR_ARGUMENT, "input 'x' is not bound", isthmus_model_run(fresh));
  OK(bind_in(fresh, "x", arrays.x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "input 'scale' is not bound", isthmus_model_run(fresh));
  OK(bind_in(fresh, "scale", &arrays.scale, ISTHMUS_FLOAT64, 0, NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "output 'y' is not bound", isthmus_model_run(fresh));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "input 'x_tl' is not bound",
         isthmus_model_run_method(fresh, "jvp"));
  isthmus_model_free(fresh);
}

static void unknown_method(void) {
  int32_t n_in = -7, n_out = -7;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no method 'step': the network has 'forward'",
         isthmus_model_run_method(model, "step"));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no method ''", isthmus_model_run_method(model, ""));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'method' is null", isthmus_model_run_method(model, NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no method 'backward'",
         isthmus_model_count(model, "backward", &n_in, &n_out));
  CHECK(n_in == -7 && n_out == -7);
}

static void index_outside(void) {
  const char *text = "untouched";
  EXPECT(ISTHMUS_ERR_ARGUMENT, "index 2 is outside the 2 names",
         isthmus_model_input_name(model, "forward", 2, &text));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "index -1",
         isthmus_model_output_name(model, "forward", -1, &text));
  CHECK(strcmp(text, "untouched") == 0);
}

static void no_model(void) {
  const char *text = NULL;
  double dt = 0;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model' is null", isthmus_model_run(NULL));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model' is null",
         bind_in(NULL, "x", arrays.x, ISTHMUS_FLOAT64, 2, shape));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model' is null", isthmus_model_engine(NULL, &text));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model' is null", isthmus_model_contract(NULL, &text));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model' is null", isthmus_model_time_step(NULL, &dt));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'json' is null", isthmus_model_contract(model, NULL));
  isthmus_model_free(NULL);
}

static void tangent_of_another_shape(void) {
  const int64_t two[] = {2, 4};
  OK(bind_in(model, "x_tl", arrays.x, ISTHMUS_FLOAT64, 2, two));
  OK(bind_in(model, "scale_tl", &arrays.scale, ISTHMUS_FLOAT64, 0, NULL));
  EXPECT(ISTHMUS_ERR_SHAPE, "'x_tl' is float64 of shape [2, 4], but 'x' is float64",
         isthmus_model_run_method(model, "jvp"));
}

static const struct fault faults[] = {
    {"A01", "no array, no address, no shape", no_array},
    {"A02", "wrong rank", wrong_rank},
    {"A03", "impossible rank", impossible_rank},
    {"A04", "wrong or negative extent", wrong_extent},
    {"A05", "extents or strides overflow", extents_overflow},
    {"A06", "wrong or unknown element type", wrong_dtype},
    {"A07", "negative stride", negative_stride},
    {"A08", "stride between elements", odd_stride},
    {"A09", "output without room for each element", output_without_room},
    {"A10", "outputs that overlap", overlapping_outputs},
    {"A11", "misaligned address", misaligned_address},
    {"A12", "extents of one symbol disagree", extents_that_disagree},
    {"A13", "memory of a device", memory_of_a_device},
    {"A14", "unknown name", unknown_name},
    {"A15", "names empty, endless, quoted, no text", strange_names},
    {"A16", "run before bind", run_before_bind},
    {"A17", "unknown method", unknown_method},
    {"A18", "index of a name outside", index_outside},
    {"A19", "no model", no_model},
    {"A20", "tangent of another shape", tangent_of_another_shape},
};

int main(int argc, char **argv) {
  const char *files[] = {"weighted_float64.pt", "weighted_float64.pt2"};
  if (argc > 1)
    folder = argv[1];
  use_all_of_faults();
  for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i) {
    model = load(files[i]);
    for (size_t k = 0; k < sizeof faults / sizeof faults[0]; ++k) {
      bind_good(model, &arrays);
      CHECK(is_right(model, &arrays));
      faults[k].provoke();
      bind_good(model, &arrays); /* also on the very model that refused */
      CHECK(is_right(model, &arrays));
    }
    PROVOKE(faults);
    isthmus_model_free(model);
  }
  return finish();
}
