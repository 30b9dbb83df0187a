/* SPDX-License-Identifier: MIT */
/** @file isthmus/runtime.h
 *  What holds for the whole process: memory of tensors, threads, repeatable algorithms. */
#ifndef ISTHMUS_RUNTIME_H
#define ISTHMUS_RUNTIME_H

#include "isthmus/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Choose where tensors in host memory come from, for all of torch in this process.
 *  "caching" keeps large blocks (32 KiB and more) for their next use instead of returning
 *  them to the system: large batches then run without page faults. "default" is what was
 *  set before. May be called at any time and changed back; memory in use stays valid.
 *  Refused (argument) is any other name; nothing changes then. */
ISTHMUS_API isthmus_status isthmus_set_allocator(const char *name);

/** Let the caching allocator keep at most this many bytes that are not in use; 1 GiB
 *  without this call. What is above is returned to the system at once. */
ISTHMUS_API isthmus_status isthmus_set_allocator_limit(int64_t n_bytes);

/** Return all memory that the caching allocator keeps unused to the system. */
ISTHMUS_API isthmus_status isthmus_trim_allocator(void);

/** Bytes that the caching allocator keeps for their next use. */
ISTHMUS_API isthmus_status isthmus_allocator_cached_bytes(int64_t *n_bytes);

/** Threads inside one call of a network, for all models: `n_threads` from 1 on; 0 (the
 *  default) takes as many as the host's OpenMP would. The host's own setting is put back
 *  after each call. In a parallel region of the host, calls use one thread, whatever is
 * set: there the columns are spread over threads by the host. */
ISTHMUS_API isthmus_status isthmus_set_threads(int32_t n_threads);

/** The number set; 0 if the host's holds. */
ISTHMUS_API isthmus_status isthmus_threads(int32_t *n_threads);

/** Let torch use only algorithms that repeat their bits (1), or any (0, the default), in
 *  this whole process. An operator that has none then fails with ISTHMUS_ERR_RUNTIME and a
 *  text that names it, and memory that a network leaves unset is filled. Compiled packages
 *  (`.pt2`) have chosen their algorithms at export. On CUDA set CUBLAS_WORKSPACE_CONFIG to
 *  ":4096:8" before the program starts. */
ISTHMUS_API isthmus_status isthmus_set_deterministic(int32_t is_deterministic);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_RUNTIME_H */
