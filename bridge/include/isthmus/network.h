/* SPDX-License-Identifier: MIT */
/** @file isthmus/network.h
 *  A TorchScript network on tensors: forward with a tape, parameters, optimizers, losses.
 *
 *  A network, and an optimizer of its weights, are used by one thread at a time. */
#ifndef ISTHMUS_NETWORK_H
#define ISTHMUS_NETWORK_H

#include "isthmus/array.h"
#include "isthmus/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A TorchScript network with its weights. Freed by isthmus_network_free(). */
typedef struct isthmus_network isthmus_network;

/* Networks ----------------------------------------------------------------------------- */

/** Load a `.pt` file.
 *  @param[in]  device       torch's device string; NULL is "cpu"
 *  @param[in]  is_training  1 starts in training mode (dropout acts, statistics are taken),
 *                           0 in evaluation mode
 *  Parameters keep the `requires_grad` they were saved with. */
ISTHMUS_API isthmus_status isthmus_network_load(const char *path, const char *device,
                                                int32_t is_training,
                                                isthmus_network **network);

/** The same network with weights of its own. */
ISTHMUS_API isthmus_status isthmus_network_copy(const isthmus_network *network,
                                                isthmus_network **copy);

/** Free the network. Tensors handed out stay valid. NULL is allowed. */
ISTHMUS_API void isthmus_network_free(isthmus_network *network);

/** Number of inputs that a method needs.
 *  @param[in]  method  NULL is "forward" */
ISTHMUS_API isthmus_status isthmus_network_n_inputs(isthmus_network *network,
                                                    const char *method, int32_t *n);

/** Name of an input, from 0 on; valid until the next call on this network. */
ISTHMUS_API isthmus_status isthmus_network_input_name(isthmus_network *network,
                                                      const char *method, int32_t index,
                                                      const char **name);

/** Number of outputs that are known by name; lists and dictionaries show at the run. */
ISTHMUS_API isthmus_status isthmus_network_n_outputs(isthmus_network *network,
                                                     const char *method, int32_t *n);

/** Name of an output, from 0 on; valid until the next call on this network. */
ISTHMUS_API isthmus_status isthmus_network_output_name(isthmus_network *network,
                                                       const char *method, int32_t index,
                                                       const char **name);

/** Evaluate a method. Nested results come depth first, left to right.
 *  @param[in]  method     any exported method; NULL is "forward"
 *  @param[in]  inputs     on the network's device; as many as the method needs, or more
 *                         where it has optional ones
 *  @param[in]  with_tape  1 records for isthmus_tensor_backward(), 0 does not
 *  @param[in]  room       number of elements `outputs` has
 *  @param[out] outputs    new handles, each freed by isthmus_tensor_free() */
ISTHMUS_API isthmus_status isthmus_network_forward(isthmus_network *network,
                                                   const char *method,
                                                   const isthmus_tensor *const *inputs,
                                                   int32_t n_inputs, int32_t with_tape,
                                                   int32_t room, isthmus_tensor **outputs,
                                                   int32_t *n_outputs);

/** Number of parameters, each tensor counted once. */
ISTHMUS_API isthmus_status isthmus_network_n_parameters(const isthmus_network *network,
                                                        int32_t *n);

/** A parameter by its number from 0 on, in PyTorch's order.
 *  @param[out] name       valid until the next call on this network; may be NULL
 *  @param[out] parameter  a new handle of the very weights; may be NULL */
ISTHMUS_API isthmus_status isthmus_network_parameter(isthmus_network *network,
                                                     int32_t index, const char **name,
                                                     isthmus_tensor **parameter);

/** Number of buffers: tensors that are kept but not trained. */
ISTHMUS_API isthmus_status isthmus_network_n_buffers(const isthmus_network *network,
                                                     int32_t *n);

/** A buffer by its number, as isthmus_network_parameter(). */
ISTHMUS_API isthmus_status isthmus_network_buffer(isthmus_network *network, int32_t index,
                                                  const char **name,
                                                  isthmus_tensor **buffer);

/** Number of values that are trained. */
ISTHMUS_API isthmus_status isthmus_network_n_trainable(const isthmus_network *network,
                                                       int64_t *n);

/** Train (1) or freeze (0) the parameters whose names start with `prefix`; NULL: all.
 *  A prefix that fits none is an error. */
ISTHMUS_API isthmus_status isthmus_network_set_trainable(isthmus_network *network,
                                                         const char *prefix,
                                                         int32_t is_trainable);

/** Training (1) or evaluation mode (0), as train() and eval() of PyTorch. */
ISTHMUS_API isthmus_status isthmus_network_set_training(isthmus_network *network,
                                                        int32_t is_training);

/** Whether the network is in training mode: 1 or 0. */
ISTHMUS_API isthmus_status isthmus_network_is_training(const isthmus_network *network,
                                                       int32_t *is_training);

/** The parameters as text: name, type, shape, frozen or not; and their values if asked.
 *  @param[in]  room    size of `text`, its closing zero included
 *  @param[out] text    NULL asks for the length only
 *  @param[out] length  without the closing zero */
ISTHMUS_API isthmus_status isthmus_network_text(const isthmus_network *network,
                                                int32_t with_values, int32_t room,
                                                char *text, int32_t *length);

/** Write a `.pt` file, beside and renamed: it is whole or as it was before. A contract is
 *  not carried over: its sums and test vectors are those of other weights. */
ISTHMUS_API isthmus_status isthmus_network_save(const isthmus_network *network,
                                                const char *path);

/* Losses ------------------------------------------------------------------------------- */

/** What becomes of the losses of the elements. */
typedef enum isthmus_loss_reduction {
  ISTHMUS_LOSS_NONE = 0,
  ISTHMUS_LOSS_MEAN = 1, /**< PyTorch's default */
  ISTHMUS_LOSS_SUM = 2
} isthmus_loss_reduction;

/** Squared error. Shapes, element types and devices must be equal; so for the next two.
 *  All losses are recorded while the tape of the thread is on (tape.h). */
ISTHMUS_API isthmus_status isthmus_loss_mse(const isthmus_tensor *prediction,
                                            const isthmus_tensor *target,
                                            isthmus_loss_reduction reduction,
                                            isthmus_tensor **loss);

/** Absolute error. */
ISTHMUS_API isthmus_status isthmus_loss_l1(const isthmus_tensor *prediction,
                                           const isthmus_tensor *target,
                                           isthmus_loss_reduction reduction,
                                           isthmus_tensor **loss);

/** Squared error up to `delta` > 0, linear beyond; PyTorch's default is 1. */
ISTHMUS_API isthmus_status isthmus_loss_huber(const isthmus_tensor *prediction,
                                              const isthmus_tensor *target, double delta,
                                              isthmus_loss_reduction reduction,
                                              isthmus_tensor **loss);

/** Cross entropy of unnormalized scores [batch, class, ...] with classes (int64 [batch,
 * ...]) or probabilities (the shape and type of the scores). */
ISTHMUS_API isthmus_status isthmus_loss_cross_entropy(const isthmus_tensor *prediction,
                                                      const isthmus_tensor *target,
                                                      isthmus_loss_reduction reduction,
                                                      isthmus_tensor **loss);

/* Optimizers --------------------------------------------------------------------------- */

/** One of torch's optimizers. Freed by isthmus_optimizer_free(). */
typedef struct isthmus_optimizer isthmus_optimizer;

/** Make an optimizer of these tensors: leaves that require a gradient.
 *  @param[in]  kind        "sgd", "adam", "adamw" or "lbfgs"
 *  @param[in]  settings    NULL, or `key = value` pairs separated by blanks, commas or line
 *                          ends; the rest keeps PyTorch's defaults:
 *                          sgd: learning_rate 1e-3, momentum 0, dampening 0,
 *                          weight_decay 0, nesterov 0;
 *                          adam, adamw: learning_rate 1e-3, beta1 0.9, beta2 0.999,
 *                          eps 1e-8, weight_decay 0 (adamw: 1e-2), amsgrad 0;
 *                          lbfgs: learning_rate 1, max_iter 20, max_eval 5/4 max_iter,
 *                          tolerance_grad 1e-7, tolerance_change 1e-9, history_size 100,
 *                          line_search none or strong_wolfe.
 *                          An unknown key is an error that lists the known ones. */
ISTHMUS_API isthmus_status isthmus_optimizer_make(const char *kind, const char *settings,
                                                  const isthmus_tensor *const *parameters,
                                                  int32_t n_parameters,
                                                  isthmus_optimizer **optimizer);

/** Make an optimizer of all parameters of a network that are trained. */
ISTHMUS_API isthmus_status isthmus_optimizer_of_network(const isthmus_network *network,
                                                        const char *kind,
                                                        const char *settings,
                                                        isthmus_optimizer **optimizer);

/** Add a group of further tensors with settings of their own. Not for lbfgs. */
ISTHMUS_API isthmus_status
isthmus_optimizer_add_group(isthmus_optimizer *optimizer, const char *settings,
                            const isthmus_tensor *const *parameters, int32_t n_parameters);

/** Free the optimizer. NULL is allowed. */
ISTHMUS_API void isthmus_optimizer_free(isthmus_optimizer *optimizer);

/** All settings as text, in the form isthmus_optimizer_make() reads; of the first group.
 *  Valid until the next call on this optimizer. */
ISTHMUS_API isthmus_status isthmus_optimizer_settings(isthmus_optimizer *optimizer,
                                                      const char **settings);

/** Change the tensors by one step along their gradients. */
ISTHMUS_API isthmus_status isthmus_optimizer_step(isthmus_optimizer *optimizer);

/** Sets the gradients to zero, evaluates the loss, calls backward, tells the loss.
 *  Anything but ISTHMUS_OK ends the step. */
typedef isthmus_status (*isthmus_closure)(void *context, double *loss);

/** One step of an optimizer that evaluates the loss more than once; lbfgs needs it. After
 *  a failure the tensors are as they were before.
 *  @param[out] loss  at the start of the step; may be NULL */
ISTHMUS_API isthmus_status isthmus_optimizer_step_closure(isthmus_optimizer *optimizer,
                                                          isthmus_closure closure,
                                                          void *context, double *loss);

/** Forget the gradients. Without this call they add up: that is accumulation. */
ISTHMUS_API isthmus_status isthmus_optimizer_zero_grad(isthmus_optimizer *optimizer);

/** Learning rate of the first group. */
ISTHMUS_API isthmus_status
isthmus_optimizer_learning_rate(const isthmus_optimizer *optimizer, double *learning_rate);

/** Set the learning rate of a group, counted from 0; -1: of all groups. */
ISTHMUS_API isthmus_status isthmus_optimizer_set_learning_rate(isthmus_optimizer *optimizer,
                                                               int32_t group,
                                                               double learning_rate);

/** Shorten all gradients together so that their norm is at most `max_norm`. A norm that is
 *  not finite is an error and leaves them as they are.
 *  @param[out] norm  before; may be NULL */
ISTHMUS_API isthmus_status isthmus_optimizer_clip_norm(isthmus_optimizer *optimizer,
                                                       double max_norm, double *norm);

/** Limit every element of the gradients to -max_value .. max_value. */
ISTHMUS_API isthmus_status isthmus_optimizer_clip_value(isthmus_optimizer *optimizer,
                                                        double max_value);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_NETWORK_H */
