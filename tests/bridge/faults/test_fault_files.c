/* SPDX-License-Identifier: MIT */
/* Faults in files: whatever lies there, the load is refused with its reason. */
#define _XOPEN_SOURCE 700
#include "faults.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const scratch = "faulty_file.bin";

static void absent_file(void) {
  refused("absent.pt", ISTHMUS_ERR_FILE, "absent.pt' cannot be read: No such file");
  refused("absent/x.pt", ISTHMUS_ERR_FILE, "No such file");
  refused("mixed.pt/x.pt", ISTHMUS_ERR_FILE, "Not a directory");
}

static void no_regular_file(void) {
  isthmus_model *model = NULL;
  refused(".", ISTHMUS_ERR_FILE, "no regular file");
  unlink(scratch);
  CHECK(mkfifo(scratch, 0600) == 0); /* opening it would wait for ever */
  EXPECT(ISTHMUS_ERR_FILE, "no regular file", isthmus_model_load(scratch, "cpu", &model));
  unlink(scratch);
  EXPECT(ISTHMUS_ERR_FILE, "no regular file",
         isthmus_model_load("/dev/zero", "cpu", &model));
}

static void path_nobody_can_open(void) {
  char path[6000];
  isthmus_model *model = NULL;
  unlink(scratch);
  CHECK(symlink(scratch, scratch) == 0);
  EXPECT(ISTHMUS_ERR_FILE, "symbolic links", isthmus_model_load(scratch, "cpu", &model));
  unlink(scratch);
  memset(path, 'x', sizeof path);
  path[sizeof path - 1] = '\0';
  EXPECT(ISTHMUS_ERR_FILE, "too long", isthmus_model_load(path, "cpu", &model));
  EXPECT(ISTHMUS_ERR_FILE, "No such file", isthmus_model_load("", "cpu", &model));
}

static void unreadable_file(void) {
  isthmus_model *model = NULL;
  FILE *file = fopen(scratch, "w");
  fputs("secret", file);
  fclose(file);
  CHECK(chmod(scratch, 0) == 0);
  const isthmus_status status = isthmus_model_load(scratch, "cpu", &model);
  CHECK(status == ISTHMUS_ERR_FILE); /* root reads it all the same: it is no archive */
  CHECK(geteuid() == 0 || strstr(isthmus_error_message(), "Permission denied"));
  unlink(scratch);
}

static void empty_file(void) { refused("empty.pt", ISTHMUS_ERR_FILE, "is empty"); }

static void random_bytes(void) {
  refused("random.pt", ISTHMUS_ERR_FILE, "no model file");
  refused("text.pt", ISTHMUS_ERR_FILE, "no model file");
}

static void other_archive(void) {
  refused("zip.pt", ISTHMUS_ERR_FILE, "zip.pt'");
  refused("state_dict.pt", ISTHMUS_ERR_FILE, "torch.save");
}

static unsigned char *bytes_of(const char *name, long *n) {
  FILE *file = fopen(network(name), "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0)
    exit(2);
  *n = ftell(file);
  rewind(file);
  unsigned char *bytes = malloc((size_t)*n);
  if (!bytes || fread(bytes, 1, (size_t)*n, file) != (size_t)*n)
    exit(2);
  fclose(file);
  return bytes;
}

/* The file in `scratch` must be refused, whatever the words. */
static int is_refused(void) {
  isthmus_model *model = NULL;
  const isthmus_status status = isthmus_model_load(scratch, "cpu", &model);
  const int has_reason = isthmus_error_message()[0] != '\0';
  isthmus_model_free(model);
  return (status == ISTHMUS_ERR_FILE || status == ISTHMUS_ERR_CONTRACT) && has_reason;
}

static void write_scratch(const unsigned char *bytes, long n) {
  FILE *file = fopen(scratch, "wb");
  if (!file || fwrite(bytes, 1, (size_t)n, file) != (size_t)n || fclose(file) != 0)
    exit(2);
}

static void truncate_everywhere(const char *name) {
  long n = 0;
  unsigned char *bytes = bytes_of(name, &n);
  int n_accepted = 0;
  for (long end = 0; end < n; end += 1 + n / 40) {
    write_scratch(bytes, end);
    n_accepted += !is_refused();
  }
  for (long end = n - 120; end < n; end += 7) { /* the directory and the seal */
    write_scratch(bytes, end);
    n_accepted += !is_refused();
  }
  CHECK(n_accepted == 0);
  free(bytes);
  unlink(scratch);
}

static void truncated_file(void) {
  refused("truncated.pt", ISTHMUS_ERR_FILE, "damaged");
  refused("truncated.pt2", ISTHMUS_ERR_FILE, "damaged");
  truncate_everywhere("weighted_float64.pt");
  truncate_everywhere("weighted_float64.pt2");
}

static void flip_bits(const char *name, long n_flips, long step_at_end) {
  long n = 0, n_accepted = 0;
  unsigned char *bytes = bytes_of(name, &n);
  for (long flip = 0; flip < n_flips; ++flip) {
    const long place = flip * (n / n_flips) + flip % 97;
    const unsigned char bit = (unsigned char)(1U << (flip % 8));
    if (place >= n)
      break;
    bytes[place] ^= bit;
    write_scratch(bytes, n);
    if (!is_refused()) {
      ++n_accepted;
      printf("%s: accepted with bit %ld of byte %ld flipped\n", name, flip % 8, place);
    }
    bytes[place] ^= bit;
  }
  for (long place = n - 110; place < n;
       place += step_at_end) { /* end of the directory, seal */
    bytes[place] ^= 2;
    write_scratch(bytes, n);
    if (!is_refused()) {
      ++n_accepted;
      printf("%s: accepted with bit 1 of byte %ld of %ld flipped\n", name, place, n);
    }
    bytes[place] ^= 2;
  }
  CHECK(n_accepted == 0);
  free(bytes);
  unlink(scratch);
}

static void flipped_bit(void) {
  refused("flipped_code.pt", ISTHMUS_ERR_CONTRACT, "'code/__torch__");
  refused("flipped_kernel.pt2", ISTHMUS_ERR_CONTRACT, ".so' was changed");
  refused("flipped_seal.pt", ISTHMUS_ERR_CONTRACT, "seal");
  flip_bits("weighted_float64.pt", 600, 1);
  flip_bits("weighted_float64.pt2", 40, 4);
}

static void contract_edited(void) {
  refused("flipped_contract.pt", ISTHMUS_ERR_CONTRACT, "the contract was changed");
  refused("no_digest.pt", ISTHMUS_ERR_CONTRACT, "no checksum");
}

static void content_added_or_removed(void) {
  refused("unlisted.pt", ISTHMUS_ERR_CONTRACT, "'extra/surprise.txt' is not listed");
  refused("missing.pt", ISTHMUS_ERR_CONTRACT, "'constants.pkl' of the contract is missing");
}

static void contract_of_the_future(void) {
  refused("version_2.pt", ISTHMUS_ERR_CONTRACT, "format version 2, this library reads 1");
}

static void contract_that_is_none(void) {
  refused("faults/no_json.pt", ISTHMUS_ERR_CONTRACT, "no JSON");
  refused("faults/null_contract.pt", ISTHMUS_ERR_CONTRACT, "another format");
  refused("faults/deep_contract.pt", ISTHMUS_ERR_CONTRACT, "deep_contract.pt'");
}

static void contract_with_nonsense(void) {
  refused("no_dtype.pt", ISTHMUS_ERR_CONTRACT, "no_dtype.pt'");
  refused("faults/dtype.pt", ISTHMUS_ERR_CONTRACT, "unknown dtype 'float63'");
  refused("faults/extent.pt", ISTHMUS_ERR_CONTRACT, "the extent -4, expected a count");
  refused("faults/huge_extent.pt", ISTHMUS_ERR_CONTRACT, "expected a count");
  refused("faults/sums.pt", ISTHMUS_ERR_CONTRACT, "payload_sha25");
  refused("faults/names.pt", ISTHMUS_ERR_CONTRACT, "names a variable twice in 'inputs'");
}

static void contract_of_another_network(void) {
  refused("lying_names.pt", ISTHMUS_ERR_CONTRACT, "its contract names 2 and 2");
  refused("no_model.pt2", ISTHMUS_ERR_CONTRACT, "its contract says 'torchscript'");
}

static void foreign_instruction_set(void) {
  refused("other_isa.pt2", ISTHMUS_ERR_CONTRACT, "instruction set 'avx1024'");
}

static void package_for_another_device(void) {
  refused("faults/cuda.pt2", ISTHMUS_ERR_DEVICE, "compiled for device 'cuda', not for");
}

static void code_hidden_in_a_pickle(void) {
  refused("faults/bomb.pt", ISTHMUS_ERR_FILE, "cannot be loaded: ");
  CHECK(strstr(isthmus_error_message(), "system") != NULL);
  refused("faults/bare_bomb.pt", ISTHMUS_ERR_FILE, "no model file");
  CHECK(access(network("faults/exploded"), F_OK) != 0); /* it never ran */
}

static void code_that_does_not_parse(void) {
  refused("faults/bad_code.pt", ISTHMUS_ERR_FILE, "cannot be loaded: expected ident");
}

/* Folders that compiled packages are unpacked to. */
static int n_unpacked(const char *place) {
  int n = 0;
  DIR *folder_ = opendir(place);
  for (struct dirent *entry; folder_ && (entry = readdir(folder_));)
    n += strncmp(entry->d_name, "aotinductor_", 12) == 0 ||
         strncmp(entry->d_name, "isthmus", 7) == 0;
  if (folder_)
    closedir(folder_);
  return n;
}

static void library_that_is_none(void) {
  const char *place = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
  const int before = n_unpacked(place);
  refused("faults/no_elf.pt2", ISTHMUS_ERR_FILE, "compiled library is damaged");
  CHECK(n_unpacked(place) == before); /* nothing is left behind */
}

static void nowhere_to_unpack(void) {
  const char *own = getenv("TMPDIR");
  setenv("TMPDIR", "/nonexistent/folder", 1);
  refused("weighted_float64.pt2", ISTHMUS_ERR_FILE,
          "weighted_float64.pt2' cannot be loaded");
  isthmus_model_free(load("weighted_float64.pt")); /* needs no such place */
  if (own)
    setenv("TMPDIR", own, 1);
  else
    unsetenv("TMPDIR");
}

static void unknown_device(void) {
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

static void no_descriptor_left(void) {
  struct rlimit own, none;
  getrlimit(RLIMIT_NOFILE, &own);
  none = own;
  none.rlim_cur = 0;
  setrlimit(RLIMIT_NOFILE, &none);
  refused("weighted_float64.pt", ISTHMUS_ERR_FILE, "Too many open files");
  refused("weighted_float64.pt2", ISTHMUS_ERR_FILE, "Too many open files");
  setrlimit(RLIMIT_NOFILE, &own);
}

static void null_arguments(void) {
  isthmus_model *model = NULL;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'path' is null", isthmus_model_load(NULL, "cpu", &model));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'device' is null",
         isthmus_model_load(network("plain.pt2"), NULL, &model));
  EXPECT(ISTHMUS_ERR_ARGUMENT, "'model' is null",
         isthmus_model_load(network("plain.pt2"), "cpu", NULL));
}

static const struct fault faults[] = {
    {"F01", "file is absent", absent_file},
    {"F02", "no regular file", no_regular_file},
    {"F03", "path nobody can open", path_nobody_can_open},
    {"F04", "file is unreadable", unreadable_file},
    {"F05", "file is empty", empty_file},
    {"F06", "random bytes", random_bytes},
    {"F07", "archive of something else", other_archive},
    {"F08", "file is truncated", truncated_file},
    {"F09", "a bit is flipped", flipped_bit},
    {"F10", "contract was edited", contract_edited},
    {"F11", "content was added or removed", content_added_or_removed},
    {"F12", "contract of a later format", contract_of_the_future},
    {"F13", "contract is no contract", contract_that_is_none},
    {"F14", "contract holds nonsense", contract_with_nonsense},
    {"F15", "contract of another network", contract_of_another_network},
    {"F16", "foreign instruction set", foreign_instruction_set},
    {"F17", "package for another device", package_for_another_device},
    {"F18", "code hidden in a pickle", code_hidden_in_a_pickle},
    {"F19", "code that does not parse", code_that_does_not_parse},
    {"F20", "library that is none", library_that_is_none},
    {"F21", "nowhere to unpack", nowhere_to_unpack},
    {"F22", "device unknown or absent", unknown_device},
    {"F23", "no file descriptor left", no_descriptor_left},
    {"F24", "null arguments", null_arguments},
};

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all_of_faults();
  PROVOKE(faults);
  return finish();
}
