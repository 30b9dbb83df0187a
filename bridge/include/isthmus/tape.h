/* SPDX-License-Identifier: MIT */
/** @file isthmus/tape.h
 *  Reverse-mode derivatives: torch's tape. While the tape of a thread is on, operations on
 *  tensors that require a gradient are recorded, and backward plays them back. */
#ifndef ISTHMUS_TAPE_H
#define ISTHMUS_TAPE_H

#include "isthmus/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Turn the tape of this thread on (1, as it starts) or off (0). */
ISTHMUS_API isthmus_status isthmus_tape_set(int32_t is_on);

/** Whether the tape of this thread is on: 1 or 0. */
ISTHMUS_API isthmus_status isthmus_tape_is_on(int32_t *is_on);

/** Ask for the gradient with respect to this tensor (1) or no longer (0). It must be a
 *  leaf of a floating-point type: not the result of a recorded operation. */
ISTHMUS_API isthmus_status isthmus_tensor_set_requires_grad(isthmus_tensor *tensor,
                                                            int32_t is_required);

/** Whether a gradient flows through this tensor: 1 or 0. */
ISTHMUS_API isthmus_status isthmus_tensor_requires_grad(const isthmus_tensor *tensor,
                                                        int32_t *is_required);

/** Whether the tensor is no result of a recorded operation: 1 or 0. */
ISTHMUS_API isthmus_status isthmus_tensor_is_leaf(const isthmus_tensor *tensor,
                                                  int32_t *is_leaf);

/** Add the derivatives of `tensor` to the gradients of all leaves it was made from.
 *  @param[in]  gradient      weights of the elements of `tensor`, of its shape and type;
 *                            NULL is 1, for a tensor of one element
 *  @param[in]  retain_graph  1 keeps the tape for a second call, 0 drops it
 *  @param[in]  create_graph  1 records the derivatives too, for derivatives of them */
ISTHMUS_API isthmus_status isthmus_tensor_backward(const isthmus_tensor *tensor,
                                                   const isthmus_tensor *gradient,
                                                   int32_t retain_graph,
                                                   int32_t create_graph);

/** One more handle of the gradient that backward left in a leaf. */
ISTHMUS_API isthmus_status isthmus_tensor_gradient(const isthmus_tensor *tensor,
                                                   isthmus_tensor **gradient);

/** Set the gradient to zero where there is one. */
ISTHMUS_API isthmus_status isthmus_tensor_zero_grad(isthmus_tensor *tensor);

/** A leaf without gradient that looks at the same memory. */
ISTHMUS_API isthmus_status isthmus_tensor_detach(const isthmus_tensor *tensor,
                                                 isthmus_tensor **result);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_TAPE_H */
