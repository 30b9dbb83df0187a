/* SPDX-License-Identifier: MIT */
/* The tensors that Fortran objects hold, by key. A key says which entry and which use of
 * it: one that was freed, through whatever copy of the object, is found out and harmless.
 * Compilers disagree on when they finalize, and gfortran 12 never does so for the result
 * of a function. An entry may also hold the reason why an operation failed. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isthmus.h"

/* Declared here only: the Fortran module isthmus_tensor_keys is the sole caller. */
int64_t isthmus_fortran_keep(isthmus_tensor *tensor);
int64_t isthmus_fortran_keep_failure(int status, const char *text);
int64_t isthmus_fortran_rename(int64_t key);
int isthmus_fortran_find(int64_t key, isthmus_tensor **tensor, char *text, int n_text);
isthmus_tensor *isthmus_fortran_memory(int64_t key);
void isthmus_fortran_reseat(int64_t key, isthmus_tensor *tensor, int is_elsewhere);
void isthmus_fortran_release(int64_t key);
int64_t isthmus_fortran_n_kept(void);

struct entry {
  isthmus_tensor *tensor; /* null if the operation failed */
  isthmus_tensor *memory; /* where values are written to, if not where `tensor` has them */
  char *text;             /* why it failed, else null */
  int status;
  uint32_t use;      /* counts the tensors that were here; even while the entry is free */
  int64_t next_free; /* of a free entry; -1 ends the list */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry *entries = NULL;
static int64_t n_entries = 0, first_free = -1, n_kept = 0;

enum { use_bits = 32, first_room = 64 };

static int64_t key_of(int64_t index) {
  return (index + 1) << use_bits | (int64_t)entries[index].use;
}

/* The entry a key stands for, or null if it stands for none any more. */
static struct entry *entry_of(int64_t key) {
  const int64_t index = (key >> use_bits) - 1;
  if (key == 0 || index < 0 || index >= n_entries)
    return NULL;
  return entries[index].use == (uint32_t)key ? &entries[index] : NULL;
}

static int grow(void) {
  const int64_t room = n_entries == 0 ? first_room : 2 * n_entries;
  struct entry *larger = realloc(entries, (size_t)room * sizeof *entries);
  if (!larger || room > INT32_MAX / 2)
    return 0;
  entries = larger;
  for (int64_t i = room; i-- > n_entries;) {
    entries[i] = (struct entry){.next_free = first_free};
    first_free = i;
  }
  n_entries = room;
  return 1;
}

static int64_t keep(struct entry content) {
  int64_t key = 0;
  pthread_mutex_lock(&lock);
  if (first_free >= 0 || grow()) {
    const int64_t index = first_free;
    first_free = entries[index].next_free;
    content.use = entries[index].use + 1;
    entries[index] = content;
    ++n_kept;
    key = key_of(index);
  }
  pthread_mutex_unlock(&lock);
  return key;
}

/* Keep a tensor; 0 if there is no memory, then it is freed. */
int64_t isthmus_fortran_keep(isthmus_tensor *tensor) {
  const int64_t key = keep((struct entry){.tensor = tensor});
  if (key == 0)
    isthmus_tensor_free(tensor);
  return key;
}

/* Keep the reason of a failure; 0 if there is no memory. */
int64_t isthmus_fortran_keep_failure(int status, const char *text) {
  char *copy = malloc(strlen(text) + 1);
  if (!copy)
    return 0;
  strcpy(copy, text);
  const int64_t key = keep((struct entry){.text = copy, .status = status});
  if (key == 0)
    free(copy);
  return key;
}

/* A new key for the same tensor: the old one is void. 0 if it was so before. */
int64_t isthmus_fortran_rename(int64_t key) {
  int64_t renamed = 0;
  pthread_mutex_lock(&lock);
  struct entry *entry = entry_of(key);
  if (entry) {
    entry->use += 1;
    renamed = key_of(entry - entries);
  }
  pthread_mutex_unlock(&lock);
  return renamed;
}

/* The tensor of a key, or why there is none. */
int isthmus_fortran_find(int64_t key, isthmus_tensor **tensor, char *text, int n_text) {
  int status = ISTHMUS_OK;
  const char *reason = "";
  pthread_mutex_lock(&lock);
  const struct entry *entry = entry_of(key);
  if (entry && entry->tensor) {
    *tensor = entry->tensor;
  } else if (entry) {
    status = entry->status;
    reason = entry->text;
  } else {
    status = ISTHMUS_ERR_ARGUMENT;
    reason = key == 0 ? "the tensor was never set"
                      : "the tensor was freed, or is the result of an expression that was "
                        "used before: assign it to a variable first";
  }
  if (status == ISTHMUS_OK)
    text[0] = '\0'; /* at every call: printf is slow */
  else
    snprintf(text, (size_t)n_text, "%s", reason);
  pthread_mutex_unlock(&lock);
  return status;
}

/* The tensor whose memory takes what is assigned; null if there is none. */
isthmus_tensor *isthmus_fortran_memory(int64_t key) {
  pthread_mutex_lock(&lock);
  const struct entry *entry = entry_of(key);
  isthmus_tensor *memory = NULL;
  if (entry)
    memory = entry->memory ? entry->memory : entry->tensor;
  pthread_mutex_unlock(&lock);
  return memory;
}

/* Let a key stand for another tensor, which the table now owns. One that lives elsewhere
 * leaves the memory for assignments as it was. */
void isthmus_fortran_reseat(int64_t key, isthmus_tensor *tensor, int is_elsewhere) {
  isthmus_tensor *old = tensor; /* freed if the key is void */
  pthread_mutex_lock(&lock);
  struct entry *entry = entry_of(key);
  if (entry) {
    old = entry->tensor;
    entry->tensor = tensor;
    if (is_elsewhere && !entry->memory) {
      entry->memory = old;
      old = NULL;
    }
  }
  pthread_mutex_unlock(&lock);
  isthmus_tensor_free(old);
}

/* Free the tensor of a key; nothing happens if that was done before. */
void isthmus_fortran_release(int64_t key) {
  isthmus_tensor *tensor = NULL, *memory = NULL;
  char *text = NULL;
  pthread_mutex_lock(&lock);
  struct entry *entry = entry_of(key);
  if (entry) {
    tensor = entry->tensor;
    memory = entry->memory;
    text = entry->text;
    *entry = (struct entry){.use = entry->use + 1, .next_free = first_free};
    first_free = entry - entries;
    --n_kept;
  }
  pthread_mutex_unlock(&lock);
  isthmus_tensor_free(tensor);
  isthmus_tensor_free(memory);
  free(text);
}

/* How many tensors and failures are kept; tests look for leaks with it. */
int64_t isthmus_fortran_n_kept(void) {
  pthread_mutex_lock(&lock);
  const int64_t n = n_kept;
  pthread_mutex_unlock(&lock);
  return n;
}
