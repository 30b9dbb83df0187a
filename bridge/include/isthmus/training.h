/* SPDX-License-Identifier: MIT */
/** @file isthmus/training.h
 *  Training from the host model: samples, rollout losses, schedules, checkpoints. */
#ifndef ISTHMUS_TRAINING_H
#define ISTHMUS_TRAINING_H

#include "isthmus/array.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_TRAINING_H */
