/* SPDX-License-Identifier: MIT */
/** @file isthmus/emulator.h
 *  What stands in a time loop: networks with guard, fallback, modes, memory, restart. */
#ifndef ISTHMUS_EMULATOR_H
#define ISTHMUS_EMULATOR_H

#include "isthmus/array.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif

#endif /* ISTHMUS_EMULATOR_H */
