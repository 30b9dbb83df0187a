/* SPDX-License-Identifier: MIT */
/** @file isthmus/tensor.h
 *  Tensors that libtorch owns or that look at the caller's memory; arithmetic, derivatives.
 */
#ifndef ISTHMUS_TENSOR_H
#define ISTHMUS_TENSOR_H

#include "isthmus/array.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A tensor of libtorch. Freed by isthmus_tensor_free(). */
typedef struct isthmus_tensor isthmus_tensor;

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_TENSOR_H */
