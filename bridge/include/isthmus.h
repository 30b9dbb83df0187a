/* SPDX-License-Identifier: MIT */
/** @file isthmus.h
 *  The whole C interface of Isthmus: networks exported from PyTorch, called on the
 *  caller's own memory. Valid C99 and C++; no libtorch type appears here.
 *
 *  Rules that hold for every function:
 *  - it returns a status; zero is success. The text for the last failure of this thread
 *    is in isthmus_error_message(). Nothing is printed, nothing aborts.
 *  - out-parameters come last and are untouched on failure.
 *  - shapes are given slowest first, as in C, Python and netCDF: the Fortran array
 *    `u(nx, ny)` is {ny, nx}.
 */
#ifndef ISTHMUS_H
#define ISTHMUS_H

#include "isthmus/array.h"
#include "isthmus/cost.h"
#include "isthmus/emulator.h"
#include "isthmus/model.h"
#include "isthmus/network.h"
#include "isthmus/runtime.h"
#include "isthmus/status.h"
#include "isthmus/tape.h"
#include "isthmus/tensor.h"
#include "isthmus/tensor_math.h"
#include "isthmus/training.h"

#endif /* ISTHMUS_H */
