/* SPDX-License-Identifier: MIT */
/* A package is unpacked where only its owner looks, and nothing stays behind: not after a
 * load, not after one that fails; a temporary folder that cannot serve is told. */
#define _GNU_SOURCE /* ST_NOEXEC */
#include "check.h"

#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *const own = "unpacking";

static int n_entries(const char *path) {
  int n = -2; /* . and .. */
  DIR *dir = opendir(path);
  if (!dir)
    return -1;
  while (readdir(dir))
    ++n;
  closedir(dir);
  return n;
}

static void use_temporary(const char *path) { CHECK(setenv("TMPDIR", path, 1) == 0); }

static void nothing_stays_behind(void) {
  use_temporary(own);
  isthmus_model *model = load("weighted_float64.pt2");
  CHECK(n_entries(own) == 0);
  isthmus_model_free(model);
  EXPECT(ISTHMUS_ERR_FILE, "cannot be loaded",
         isthmus_model_load(network("cut_kernel.pt2"), "cpu", &model));
  CHECK(n_entries(own) == 0);
}

static void a_missing_folder_is_told(void) {
  isthmus_model *model = NULL;
  use_temporary("unpacking/absent");
  EXPECT(ISTHMUS_ERR_FILE, "Set TMPDIR",
         isthmus_model_load(network("plain.pt2"), "cpu", &model));
  use_temporary(own);
  isthmus_model_free(load("plain.pt2"));
}

static void a_folder_without_execution_is_told(void) {
  struct statvfs info;
  isthmus_model *model = NULL;
  if (statvfs("/dev/shm", &info) != 0 || !(info.f_flag & ST_NOEXEC)) {
    printf("skipped: /dev/shm is not mounted noexec here\n");
    return;
  }
  use_temporary("/dev/shm");
  const int before = n_entries("/dev/shm");
  EXPECT(ISTHMUS_ERR_FILE, "mounted noexec: set TMPDIR",
         isthmus_model_load(network("plain.pt2"), "cpu", &model));
  CHECK(n_entries("/dev/shm") == before);
  use_temporary(own);
}

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all();
  mkdir(own, 0700);
  nothing_stays_behind();
  a_missing_folder_is_told();
  a_folder_without_execution_is_told();
  rmdir(own);
  return finish();
}
