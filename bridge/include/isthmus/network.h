/* SPDX-License-Identifier: MIT */
/** @file isthmus/network.h
 *  A TorchScript network on tensors: forward with a tape, parameters, optimizers, losses.
 */
#ifndef ISTHMUS_NETWORK_H
#define ISTHMUS_NETWORK_H

#include "isthmus/array.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_NETWORK_H */
