/* SPDX-License-Identifier: MIT */
#ifndef ISTHMUS_LORENZ96_H
#define ISTHMUS_LORENZ96_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Gradient of a misfit through a window of Runge-Kutta steps of Lorenz-96.
 *  J = 1/2 sum w (x - y)^2 over sites and times; nothing is checked.
 *  @param[in]  n           sites, at least 4
 *  @param[in]  n_times     times, the first state's included
 *  @param[in]  forcing     F
 *  @param[in]  dt          time step
 *  @param[in]  x_0         first state [n]
 *  @param[in]  observed    y, finite everywhere [n_times][n]
 *  @param[in]  weight      inverse variances, 0 where nothing was observed [n_times][n]
 *  @param[out] cost        J
 *  @param[out] x_ad        its gradient in x_0 [n]
 *  @param[out] forcing_ad  its derivative in F */
void isthmus_lorenz96_gradient(int32_t n, int32_t n_times, double forcing, double dt,
                               const double *x_0, const double *observed,
                               const double *weight, double *cost, double *x_ad,
                               double *forcing_ad);

#ifdef __cplusplus
}
#endif

#endif
