/* SPDX-License-Identifier: MIT */
/** @file isthmus/status.h
 *  How a call ended, why, and with which versions. */
#ifndef ISTHMUS_STATUS_H
#define ISTHMUS_STATUS_H

#include <stdint.h>

#if defined(__GNUC__)
#define ISTHMUS_API __attribute__((visibility("default")))
#else
#define ISTHMUS_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Outcome of a call. Zero is success; isthmus_error_message() tells the rest. */
typedef enum isthmus_status {
  ISTHMUS_OK = 0,
  ISTHMUS_ERR_ARGUMENT = 1, /**< null pointer, unknown name, call out of order */
  ISTHMUS_ERR_FILE = 2,     /**< model file absent, unreadable or of another format */
  ISTHMUS_ERR_SHAPE = 3,   /**< rank, extent, stride or element type is not the network's */
  ISTHMUS_ERR_DEVICE = 4,  /**< device unknown, or not present on this machine */
  ISTHMUS_ERR_RUNTIME = 5, /**< the engine failed while evaluating the network */
  ISTHMUS_ERR_INTERNAL = 6, /**< a defect of isthmus; please report it */
  ISTHMUS_ERR_CONTRACT = 7 /**< the file breaks its own contract (checksum, ISA, format), or
                                the contract is not what the host requires */
} isthmus_status;

/** Why the last call on this thread failed ("" if it did not). Owned by the library,
 *  valid until the next isthmus call on the same thread. */
ISTHMUS_API const char *isthmus_error_message(void);

/** Name of a status as it stands in this header, e.g. "ISTHMUS_ERR_SHAPE". Never NULL. */
ISTHMUS_API const char *isthmus_status_name(isthmus_status status);

/** Version of this library, "major.minor.patch". */
ISTHMUS_API const char *isthmus_version(void);

/** Version of the libtorch underneath, e.g. "2.13.0". */
ISTHMUS_API const char *isthmus_torch_version(void);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_STATUS_H */
