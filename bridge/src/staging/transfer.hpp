// SPDX-License-Identifier: MIT
// The one pass between a caller's array and a network's buffer: conversion, change of order
// and normalization together, over memory read and written once.
#pragma once

#include "../array.hpp"

namespace isthmus {

/// What happens to the values on their way.
enum class Scaling { none, reduce, expand }; // (v - mean) / sd, v * sd + mean

/// Numbers of the scaling; `dimension` -1 means one number for all.
struct Factors {
  Scaling scaling = Scaling::none;
  const double *mean = nullptr, *sd = nullptr;
  int dimension = -1;
};

/// Copy `from` into `to`, two arrays of one shape and any strides. Element types differ
/// only among the floating-point ones.
/// @returns false if a finite value became infinite on the way
bool transfer(const Array &from, const Array &to, const Factors &factors);

} // namespace isthmus
