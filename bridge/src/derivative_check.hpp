// SPDX-License-Identifier: MIT
// Whether a network's tangent-linear and adjoint are each other's transpose, and its own.
#pragma once

#include "model.hpp"

namespace isthmus {

struct DerivativeErrors {
  double dot;    // |<F x_tl, y_ad> - <x_tl, F^T y_ad>|, relative to the product of norms
  double taylor; // smallest |f(x + h x_tl) - f(x) - h F x_tl| / |h F x_tl| over steps h
};

/// Try both at the point that is bound for "forward", in random directions; what is bound
/// stays bound and untouched.
/// @throws Failure (argument) if something is not bound or there is no jvp or vjp
DerivativeErrors check_derivatives(Model &model, std::uint64_t seed);

} // namespace isthmus
