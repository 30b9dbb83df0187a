! SPDX-License-Identifier: MIT
!> The gradient of a window of Lorenz-96 for C, and for whatever calls C: no descriptors, no
!> checks, about the arithmetic alone. `isthmus_lorenz96.h` declares it.
module lorenz96_capi
  use, intrinsic :: iso_c_binding, only: c_double, c_int32_t
  use lorenz96_windows, only: lorenz96_misfit_gradient
  implicit none
  private
  public :: isthmus_lorenz96_gradient

contains

  !> `J = 1/2 sum w (x - y)^2` over sites and times, its gradient in x_0, and in F.
  subroutine isthmus_lorenz96_gradient(n, n_times, forcing, dt, x_0, observed, weight, &
    cost, x_ad, forcing_ad) bind(c)
    integer(c_int32_t), intent(in), value :: n           !! K, at least 4
    integer(c_int32_t), intent(in), value :: n_times     !! steps and one, at least 1
    real(c_double), intent(in), value :: forcing         !! F [1]
    real(c_double), intent(in), value :: dt              !! time step [1]
    real(c_double), intent(in) :: x_0(n)                 !! first state [1] (k)
    real(c_double), intent(in) :: observed(n, n_times)   !! y, finite (k, time)
    real(c_double), intent(in) :: weight(n, n_times)     !! 1/variance or 0 (k, time)
    real(c_double), intent(out) :: cost                  !! J
    real(c_double), intent(inout) :: x_ad(n)             !! set: gradient (k)
    real(c_double), intent(out) :: forcing_ad            !! derivative in F

    call lorenz96_misfit_gradient(forcing, dt, x_0, observed, weight, cost, x_ad, &
      forcing_ad)
  end subroutine isthmus_lorenz96_gradient

end module lorenz96_capi
