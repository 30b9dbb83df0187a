/* SPDX-License-Identifier: MIT */
/** @file isthmus/training.h
 *  Training while the host model runs: it hands over its states one by one; the trainer
 *  keeps the last of them and trains a network on trajectories of them.
 *
 *  A trainer is used by one thread at a time. See docs/training.md. */
#ifndef ISTHMUS_TRAINING_H
#define ISTHMUS_TRAINING_H

#include "isthmus/array.h"
#include "isthmus/network.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A network in training. Freed by isthmus_trainer_free(). */
typedef struct isthmus_trainer isthmus_trainer;

/** Make a trainer of a `.pt` network that maps states [batch, ...] to states or tendencies.
 *  @param[in]  network   path
 *  @param[in]  device    torch's device string; NULL is "cpu"
 *  @param[in]  settings  NULL, or `key = value` pairs as of isthmus_optimizer_make():
 *                        optimizer (adam) and its settings;
 *                        predicts (state, or tendency: state + dt * network), dt,
 *                        rollout (1) applications of the network in a row,
 *                        loss (mse, l1, huber with delta), or loss_network, a `.pt` file
 *                        that maps prediction and target to one number,
 *                        batch_size (32), accumulation (1) batches in one step,
 *                        clip_norm, clip_value (0: none), ema (0: none; decay of the
 *                        average of the weights), freeze (start of parameter names),
 *                        schedule: constant, step (step_size, gamma), multi_step
 *                        (milestones 10:20, gamma), exponential (gamma), cosine (t_max,
 *                        eta_min), plateau (factor, patience, threshold, cooldown,
 *                        min_lr); warm_up (0) steps from warm_up_start (1/3) on,
 *                        capacity (10000) states kept, validation (0: part of them),
 *                        validation_block (16 (rollout + 1) states that go together),
 *                        seed (0), log (path of a CSV file).
 *                        An unknown key is an error that lists the known ones. */
ISTHMUS_API isthmus_status isthmus_trainer_make(const char *network, const char *device,
                                                const char *settings,
                                                isthmus_trainer **trainer);

/** Free the trainer. NULL is allowed. */
ISTHMUS_API void isthmus_trainer_free(isthmus_trainer *trainer);

/** Keep a copy of the model's state; the oldest is forgotten when all room is taken.
 *  @param[in]  state     without the batch dimension; finite, of the weights' type
 *  @param[in]  is_first  1 if it does not follow the state before */
ISTHMUS_API isthmus_status isthmus_trainer_push(isthmus_trainer *trainer,
                                                const isthmus_tensor *state,
                                                int32_t is_first);

/** Trajectories of rollout + 1 states there are; either number may be NULL. */
ISTHMUS_API isthmus_status isthmus_trainer_n_windows(const isthmus_trainer *trainer,
                                                     int64_t *n_training,
                                                     int64_t *n_validation);

/** Make steps of the optimizer, each of `accumulation` batches drawn at random. After a
 *  failure the steps before it stand.
 *  @param[out] loss  of the last step, before it; may be NULL */
ISTHMUS_API isthmus_status isthmus_trainer_step(isthmus_trainer *trainer, int64_t n_steps,
                                                double *loss);

/** Mean loss of all trajectories that validate, in evaluation mode. A plateau schedule
 *  heeds it.
 *  @param[in]  with_average  1 takes the average of the weights, which no schedule heeds */
ISTHMUS_API isthmus_status isthmus_trainer_validate(isthmus_trainer *trainer,
                                                    int32_t with_average, double *loss);

/** Number of steps made. */
ISTHMUS_API isthmus_status isthmus_trainer_n_steps(const isthmus_trainer *trainer,
                                                   int64_t *n_steps);

/** Learning rate of the next step. */
ISTHMUS_API isthmus_status isthmus_trainer_learning_rate(const isthmus_trainer *trainer,
                                                         double *learning_rate);

/** A copy of the network in evaluation mode, to run or save it.
 *  @param[in]  with_average  1 takes the average of the weights
 *  @param[out] network       freed by isthmus_network_free() */
ISTHMUS_API isthmus_status isthmus_trainer_network(const isthmus_trainer *trainer,
                                                   int32_t with_average,
                                                   isthmus_network **network);

/** Write all that the training needs to go on bit for bit: weights, optimizer, schedule,
 *  random numbers (of torch too), states, averages. The file is whole or as it was before.
 */
ISTHMUS_API isthmus_status isthmus_trainer_save(const isthmus_trainer *trainer,
                                                const char *path);

/** Go on from a checkpoint of a trainer of the same network and settings (`log` may
 *  differ). What is damaged or foreign is refused, and the trainer is as it was. */
ISTHMUS_API isthmus_status isthmus_trainer_restore(isthmus_trainer *trainer,
                                                   const char *path);

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_TRAINING_H */
