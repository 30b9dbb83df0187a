/* SPDX-License-Identifier: MIT */
/* Files that are absent, foreign or damaged are refused with a reason, and nothing prints.
 */
#include "check.h"

struct row {
  const char *file;
  isthmus_status status;
  const char *fragment;
};

static const struct row rows[] = {
    {"absent.pt", ISTHMUS_ERR_FILE, "No such file"},
    {"empty.pt", ISTHMUS_ERR_FILE, "is empty"},
    {"truncated.pt", ISTHMUS_ERR_FILE, "damaged"},
    {"truncated.pt2", ISTHMUS_ERR_FILE, "damaged"},
    {"random.pt", ISTHMUS_ERR_FILE, "no model file"},
    {"text.pt", ISTHMUS_ERR_FILE, "no model file"},
    {"zip.pt", ISTHMUS_ERR_FILE, "zip.pt'"},
    {"state_dict.pt", ISTHMUS_ERR_FILE, "torch.save"},
    {".", ISTHMUS_ERR_FILE, "no regular file"},
    {"answering.pt", ISTHMUS_ERR_FILE, "Dict"},
    {"flipped_code.pt", ISTHMUS_ERR_CONTRACT, "'code/__torch__"},
    {"flipped_contract.pt", ISTHMUS_ERR_CONTRACT, "the contract was changed"},
    {"flipped_kernel.pt2", ISTHMUS_ERR_CONTRACT, ".so' was changed"},
    {"flipped_seal.pt", ISTHMUS_ERR_CONTRACT, "seal"},
    {"unlisted.pt", ISTHMUS_ERR_CONTRACT, "'extra/surprise.txt' is not listed"},
    {"missing.pt", ISTHMUS_ERR_CONTRACT, "'constants.pkl' of the contract is missing"},
    {"no_digest.pt", ISTHMUS_ERR_CONTRACT, "no checksum"},
    {"version_2.pt", ISTHMUS_ERR_CONTRACT, "format version 2"},
    {"no_dtype.pt", ISTHMUS_ERR_CONTRACT,
     "'variables.s.dtipe', which isthmus does not know"},
    {"lying_names.pt", ISTHMUS_ERR_CONTRACT, "its contract names 2 and 2"},
    {"other_isa.pt2", ISTHMUS_ERR_CONTRACT, "'avx1024'"},
    {"no_model.pt2", ISTHMUS_ERR_CONTRACT, "its contract says 'torchscript'"},
};

static void bad_files_are_refused(void) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
    isthmus_model *model = (isthmus_model *)&model; /* must stay as it is */
    EXPECT(rows[i].status, rows[i].fragment,
           isthmus_model_load(network(rows[i].file), "cpu", &model));
    CHECK(model == (isthmus_model *)&model);
  }
}

static void bad_devices_are_refused(void) {
  const char *devices[] = {"gpu", "", "cpu:x", "meta", "cuda:77"};
  for (size_t i = 0; i < sizeof devices / sizeof devices[0]; ++i) {
    isthmus_model *model = NULL;
    EXPECT(ISTHMUS_ERR_DEVICE, "device '",
           isthmus_model_load(network("plain_weighted.pt"), devices[i], &model));
    EXPECT(ISTHMUS_ERR_DEVICE, "device '",
           isthmus_model_load(network("plain.pt2"), devices[i], &model));
    CHECK(model == NULL);
  }
}

static void bad_arguments_are_refused(void) {
  isthmus_model *model = NULL;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'path' is null", isthmus_model_load(NULL, "cpu", &model));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'device' is null",
         isthmus_model_load(network("plain.pt2"), NULL, &model));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model' is null",
         isthmus_model_load(network("plain.pt2"), "cpu", NULL));
}

static void good_files_load_after_all_that(void) {
  const char *files[] = {"weighted_float64.pt", "weighted_float64.pt2", "plain.pt2",
                         "frozen.pt"};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; ++i)
    isthmus_model_free(load(files[i]));
}

int main(int argc, char **argv) {
  char printed[64];
  if (argc > 1)
    folder = argv[1];
  use_all();
  if (!freopen("test_files.stderr", "w+", stderr))
    return 2;
  bad_files_are_refused();
  bad_devices_are_refused();
  bad_arguments_are_refused();
  good_files_load_after_all_that();
  fflush(stderr);
  rewind(stderr);
  CHECK(fread(printed, 1, sizeof printed, stderr) == 0); /* the library printed */
  return finish();
}
