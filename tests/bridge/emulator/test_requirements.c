/* SPDX-License-Identifier: MIT */
/* What the host declares is held against the contract: every mismatch is refused before
 * step one by a text that names the variable; a network tests itself on this machine. */
#include "check.h"

static const double ROUNDING = 1e-12; /* the contract's own tolerance */

static isthmus_model *column = NULL;

static isthmus_requirement nothing(void) {
  const isthmus_requirement said = {NULL, 0, NULL, NULL, NULL};
  return said;
}

static isthmus_status require_profile(const char *name, const char *units, int64_t n_levels,
                                      isthmus_dtype dtype) {
  const int64_t shape[] = {-1, n_levels};
  const char *const dims[] = {"column", "level"};
  const isthmus_requirement said = {units, 2, shape, dims, &dtype};
  return isthmus_model_require_input(column, name, &said);
}

static void what_fits_is_taken(void) {
  OK(require_profile("t", "K", 4, ISTHMUS_FLOAT64));
  OK(require_profile("q", "kg kg-1", 4, ISTHMUS_FLOAT64));
  const isthmus_requirement said = nothing();
  OK(isthmus_model_require_output(column, "dq", &said));
  OK(isthmus_model_require_time_step(column, 2.0));
  OK(isthmus_model_require_time_step(column, 2.0f));
}

static void each_mismatch_names_the_variable(void) {
  const isthmus_dtype real32 = ISTHMUS_FLOAT32;
  EXPECT(ISTHMUS_ERR_CONTRACT,
         "'t' has units 'kg kg-1' in the host, the network expects 'K'",
         require_profile("t", "kg kg-1", 4, ISTHMUS_FLOAT64)); /* swapped */
  EXPECT(ISTHMUS_ERR_CONTRACT, "'t' has units 'degC'",
         require_profile("t", "degC", 4, ISTHMUS_FLOAT64));
  EXPECT(ISTHMUS_ERR_SHAPE,
         "'q' has shape [-1, 3] in the host, the network expects [column, 4]",
         require_profile("q", "kg kg-1", 3, ISTHMUS_FLOAT64)); /* truncated */
  EXPECT(ISTHMUS_ERR_SHAPE, "'t' has type float32",
         require_profile("t", "K", 4, ISTHMUS_FLOAT32));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no input 'tt': the network has 't', 'q', 'ps'",
         require_profile("tt", "K", 4, ISTHMUS_FLOAT64));
  const char *const reversed[] = {"level", "column"};
  isthmus_requirement said = nothing();
  said.rank = 2;
  said.dims = reversed;
  EXPECT(ISTHMUS_ERR_CONTRACT, "'t' has dimensions [level, column]",
         isthmus_model_require_input(column, "t", &said));
  EXPECT(ISTHMUS_ERR_CONTRACT, "transposed",
         isthmus_model_require_input(column, "t", &said));
  const int64_t turned[] = {4, 16};
  said.dims = NULL;
  said.shape = turned;
  EXPECT(ISTHMUS_ERR_SHAPE, "'dq' has shape [4, 16]",
         isthmus_model_require_output(column, "dq", &said));
  EXPECT(ISTHMUS_ERR_SHAPE, "transposed",
         isthmus_model_require_output(column, "dq", &said));
  said.dtype = &real32;
  said.shape = NULL;
  EXPECT(ISTHMUS_ERR_SHAPE, "'dq' has type float32",
         isthmus_model_require_output(column, "dq", &said));
}

static void a_step_that_is_not_the_networks_is_refused(void) {
  EXPECT(ISTHMUS_ERR_CONTRACT, "the host's time step is 2.5, the network was trained for 2",
         isthmus_model_require_time_step(column, 2.5));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "expected a positive number",
         isthmus_model_require_time_step(column, -1.0));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "expected a positive number",
         isthmus_model_require_time_step(column, NAN));
}

static void what_the_contract_does_not_say_is_refused(void) {
  isthmus_model *recurrent = load("recurrent.pt");
  const char *const dims[] = {"cell"};
  isthmus_requirement said = nothing();
  said.units = "K";
  EXPECT(ISTHMUS_ERR_CONTRACT, "'x' has units 'K' in the host, the network expects none",
         isthmus_model_require_input(recurrent, "x", &said));
  said.units = NULL;
  said.rank = 1;
  said.dims = dims;
  EXPECT(ISTHMUS_ERR_CONTRACT, "'x' has dimensions [cell]",
         isthmus_model_require_input(recurrent, "x", &said));
  EXPECT(ISTHMUS_ERR_CONTRACT, "does not say",
         isthmus_model_require_time_step(recurrent, 1.0));
  double error = -1.0;
  EXPECT(ISTHMUS_ERR_CONTRACT, "no test vectors",
         isthmus_model_self_test(recurrent, &error));
  CHECK(error == -1.0);
  isthmus_model_free(recurrent);
}

static void nonsense_is_refused(void) {
  isthmus_requirement said = nothing();
  const isthmus_dtype wild = (isthmus_dtype)77;
  const int64_t shape[] = {1};
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model' is null",
         isthmus_model_require_input(NULL, "t", &said));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'requirement' is null",
         isthmus_model_require_input(column, "t", NULL));
  said.dtype = &wild;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "element type 77",
         isthmus_model_require_input(column, "t", &said));
  said.dtype = NULL;
  said.shape = shape;
  said.rank = 16;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "rank 16", isthmus_model_require_input(column, "t", &said));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'largest_error' is null",
         isthmus_model_self_test(column, NULL));
}

static void the_test_in_the_file_passes_here(const char *name) {
  isthmus_model *model = load(name);
  double error = -1.0;
  OK(isthmus_model_self_test(model, &error));
  CHECK(error >= 0.0 && error <= ROUNDING);
  printf("%s: largest error of its self-test %.1e\n", name, error);
  isthmus_model_free(model);
}

static void a_failed_test_names_the_output(void) {
  isthmus_model *wrong = load("wrong_test.pt");
  double error = -1.0;
  EXPECT(ISTHMUS_ERR_CONTRACT, "'dq' differs from PyTorch by 0.5",
         isthmus_model_self_test(wrong, &error));
  CHECK(error == -1.0);
  isthmus_model_free(wrong);
}

static void bindings_outlive_the_test(void) {
  const int64_t profile[] = {1, 4};
  double t[4] = {260, 260, 260, 260}, q[4] = {0}, ps[1] = {1000}, dt[4] = {0}, dq[4] = {0};
  double error = -1.0;
  OK(bind_in(column, "t", t, ISTHMUS_FLOAT64, 2, profile));
  OK(bind_in(column, "q", q, ISTHMUS_FLOAT64, 2, profile));
  OK(bind_in(column, "ps", ps, ISTHMUS_FLOAT64, 1, profile));
  OK(bind_out(column, "dt", dt, ISTHMUS_FLOAT64, 2, profile));
  OK(bind_out(column, "dq", dq, ISTHMUS_FLOAT64, 2, profile));
  OK(isthmus_model_self_test(column, &error));
  CHECK(dt[0] == 0.0);
  OK(isthmus_model_run(column));
  CHECK(fabs(dt[3] + 0.4) < ROUNDING);
}

int main(int n_arguments, char **arguments) {
  use_all();
  if (n_arguments > 1)
    folder = arguments[1];
  column = load("column.pt");
  what_fits_is_taken();
  each_mismatch_names_the_variable();
  a_step_that_is_not_the_networks_is_refused();
  what_the_contract_does_not_say_is_refused();
  nonsense_is_refused();
  the_test_in_the_file_passes_here("column.pt");
  the_test_in_the_file_passes_here("column.pt2");
  a_failed_test_names_the_output();
  bindings_outlive_the_test();
  isthmus_model_free(column);
  return finish();
}
