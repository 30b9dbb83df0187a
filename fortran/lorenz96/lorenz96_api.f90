! SPDX-License-Identifier: MIT
!> The models as plain procedures on arrays, for f90wrap: Python calls these and no others.
!>
!> No derived types, no optional arguments, no failures: `isthmus.models` checks shapes and
!> parameters before it calls, so nothing here can stop the interpreter. Arrays that are set
!> are `inout`, for f90wrap would turn `out` into a result of unknown shape. Members come
!> last, which is first in Python: x(k, member) is [member, k].
module lorenz96_api
  use kinds, only: wp
  use lorenz96, only: lorenz96_t
  use lorenz96_linearised, only: lorenz96_advance_ad, lorenz96_advance_tl, &
    lorenz96_tendency_ad, lorenz96_tendency_tl
  use lorenz96_two_level, only: two_level_t
  use lorenz96_two_level_linearised, only: two_level_advance_ad, two_level_advance_tl, &
    two_level_tendency_ad, two_level_tendency_tl
  !$ use omp_lib, only: omp_set_num_threads
  implicit none
  private
  public :: one_level_advance, one_level_advance_ad, one_level_advance_free, &
    one_level_advance_tl, one_level_tendency, one_level_tendency_ad, one_level_tendency_tl
  public :: set_threads
  public :: two_level_advance, two_level_advance_adjoint, two_level_advance_tangent, &
    two_level_coupling, two_level_tendency, two_level_tendency_adjoint, &
    two_level_tendency_tangent

contains

  !> Threads that the loops over members use.
  subroutine set_threads(n_threads)
    integer, intent(in) :: n_threads !! at least 1

    !$ call omp_set_num_threads(n_threads)
  end subroutine set_threads

  !> dx/dt.
  subroutine one_level_tendency(x, forcing, dxdt)
    real(wp), intent(in) :: x(:, :)       !! state (k, member)
    real(wp), intent(in) :: forcing       !! F
    real(wp), intent(inout) :: dxdt(:, :) !! set (k, member)

    type(lorenz96_t) :: model

    model = lorenz96_t(n_sites=size(x, 1), forcing=forcing)
    call model%tendency(x, dxdt)
  end subroutine one_level_tendency

  !> Change of dx/dt.
  subroutine one_level_tendency_tl(x, x_tl, forcing_tl, dxdt_tl)
    real(wp), intent(in) :: x(:, :)          !! state (k, member)
    real(wp), intent(in) :: x_tl(:, :)       !! its change (k, member)
    real(wp), intent(in) :: forcing_tl(:)    !! change of F (member)
    real(wp), intent(inout) :: dxdt_tl(:, :) !! set (k, member)

    call lorenz96_tendency_tl(x, x_tl, forcing_tl, dxdt_tl)
  end subroutine one_level_tendency_tl

  !> Its transpose.
  subroutine one_level_tendency_ad(x, dxdt_ad, x_ad, forcing_ad)
    real(wp), intent(in) :: x(:, :)          !! state (k, member)
    real(wp), intent(in) :: dxdt_ad(:, :)    !! sensitivity to dx/dt (k, member)
    real(wp), intent(inout) :: x_ad(:, :)    !! set (k, member)
    real(wp), intent(inout) :: forcing_ad(:) !! set (member)

    call lorenz96_tendency_ad(x, dxdt_ad, x_ad, forcing_ad)
  end subroutine one_level_tendency_ad

  !> Advance without added tendency.
  subroutine one_level_advance_free(x, forcing, scheme, dt, n_steps)
    real(wp), intent(inout) :: x(:, :) !! state (k, member)
    real(wp), intent(in) :: forcing    !! F
    integer, intent(in) :: scheme      !! one of `schemes`
    real(wp), intent(in) :: dt         !! time step
    integer, intent(in) :: n_steps     !! number of steps

    type(lorenz96_t) :: model

    model = lorenz96_t(n_sites=size(x, 1), forcing=forcing, scheme=scheme)
    call model%advance(x, dt, n_steps)
  end subroutine one_level_advance_free

  !> Advance with an added tendency that is held.
  subroutine one_level_advance(x, b, forcing, scheme, dt, n_steps)
    real(wp), intent(inout) :: x(:, :) !! state (k, member)
    real(wp), intent(in) :: b(:, :)    !! added tendency (k, member)
    real(wp), intent(in) :: forcing    !! F
    integer, intent(in) :: scheme      !! one of `schemes`
    real(wp), intent(in) :: dt         !! time step
    integer, intent(in) :: n_steps     !! number of steps

    type(lorenz96_t) :: model

    model = lorenz96_t(n_sites=size(x, 1), forcing=forcing, scheme=scheme)
    call model%hold(x, dt, n_steps, b)
  end subroutine one_level_advance

  !> Advance the state and its change.
  subroutine one_level_advance_tl(x, b, forcing, scheme, dt, n_steps, x_tl, forcing_tl, &
    b_tl)
    real(wp), intent(inout) :: x(:, :)    !! state, advanced (k, member)
    real(wp), intent(in) :: b(:, :)       !! added tendency (k, member)
    real(wp), intent(in) :: forcing       !! F
    integer, intent(in) :: scheme         !! one of `schemes`
    real(wp), intent(in) :: dt            !! time step
    integer, intent(in) :: n_steps        !! number of steps
    real(wp), intent(inout) :: x_tl(:, :) !! change of the state, advanced (k, member)
    real(wp), intent(in) :: forcing_tl(:) !! change of F (member)
    real(wp), intent(in) :: b_tl(:, :)    !! change of b (k, member)

    type(lorenz96_t) :: model

    model = lorenz96_t(n_sites=size(x, 1), forcing=forcing, scheme=scheme)
    call lorenz96_advance_tl(model, x, dt, n_steps, b, x_tl, forcing_tl, b_tl)
  end subroutine one_level_advance_tl

  !> Carry sensitivities back.
  subroutine one_level_advance_ad(x, b, forcing, scheme, dt, n_steps, x_ad, forcing_ad, &
    b_ad)
    real(wp), intent(in) :: x(:, :)          !! state at the start (k, member)
    real(wp), intent(in) :: b(:, :)          !! added tendency (k, member)
    real(wp), intent(in) :: forcing          !! F
    integer, intent(in) :: scheme            !! one of `schemes`
    real(wp), intent(in) :: dt               !! time step
    integer, intent(in) :: n_steps           !! number of steps
    real(wp), intent(inout) :: x_ad(:, :)    !! sensitivity, carried back (k, member)
    real(wp), intent(inout) :: forcing_ad(:) !! set (member)
    real(wp), intent(inout) :: b_ad(:, :)    !! set (k, member)

    type(lorenz96_t) :: model

    model = lorenz96_t(n_sites=size(x, 1), forcing=forcing, scheme=scheme)
    call lorenz96_advance_ad(model, x, dt, n_steps, b, x_ad, forcing_ad, b_ad)
  end subroutine one_level_advance_ad

  !> The two-level model of coefficients [F, h, c, b] and options [wrap, coupling, scheme].
  type(two_level_t) function two_level(x, z, coefficients, options) result(model)
    real(wp), intent(in) :: x(:, :)         !! slow state (k, member)
    real(wp), intent(in) :: z(:, :)         !! fast state (jk, member)
    real(wp), intent(in) :: coefficients(4) !! F, h, c, b
    integer, intent(in) :: options(3)       !! wrap, coupling form, scheme

    model = two_level_t(n_sites=size(x, 1), n_fast=size(z, 1)/size(x, 1), &
      forcing=coefficients(1), h=coefficients(2), c=coefficients(3), b=coefficients(4), &
      wrap=options(1), coupling_form=options(2), scheme=options(3))
  end function two_level

  !> dx/dt and dz/dt.
  subroutine two_level_tendency(x, z, coefficients, options, dxdt, dzdt)
    real(wp), intent(in) :: x(:, :)         !! slow state (k, member)
    real(wp), intent(in) :: z(:, :)         !! fast state (jk, member)
    real(wp), intent(in) :: coefficients(4) !! F, h, c, b
    integer, intent(in) :: options(3)       !! wrap, coupling form, scheme
    real(wp), intent(inout) :: dxdt(:, :)   !! set (k, member)
    real(wp), intent(inout) :: dzdt(:, :)   !! set (jk, member)

    type(two_level_t) :: model

    model = two_level(x, z, coefficients, options)
    call model%tendency(x, z, dxdt, dzdt)
  end subroutine two_level_tendency

  !> What the fast level adds to dx/dt.
  subroutine two_level_coupling(x, z, coefficients, options, b)
    real(wp), intent(in) :: x(:, :)         !! slow state (k, member)
    real(wp), intent(in) :: z(:, :)         !! fast state (jk, member)
    real(wp), intent(in) :: coefficients(4) !! F, h, c, b
    integer, intent(in) :: options(3)       !! wrap, coupling form, scheme
    real(wp), intent(inout) :: b(:, :)      !! set (k, member)

    type(two_level_t) :: model

    model = two_level(x, z, coefficients, options)
    call model%coupling(z, b)
  end subroutine two_level_coupling

  !> Advance with an added tendency of x that is held.
  subroutine two_level_advance(x, z, added, coefficients, options, dt, n_steps)
    real(wp), intent(inout) :: x(:, :)      !! slow state (k, member)
    real(wp), intent(inout) :: z(:, :)      !! fast state (jk, member)
    real(wp), intent(in) :: added(:, :)     !! tendency of x (k, member)
    real(wp), intent(in) :: coefficients(4) !! F, h, c, b
    integer, intent(in) :: options(3)       !! wrap, coupling form, scheme
    real(wp), intent(in) :: dt              !! time step
    integer, intent(in) :: n_steps          !! number of steps

    type(two_level_t) :: model

    model = two_level(x, z, coefficients, options)
    call model%hold(x, z, dt, n_steps, added)
  end subroutine two_level_advance

  !> Change of the tendency.
  subroutine two_level_tendency_tangent(x, z, coefficients, options, x_tl, z_tl, &
    coefficients_tl, dxdt_tl, dzdt_tl)
    real(wp), intent(in) :: x(:, :)               !! slow state (k, member)
    real(wp), intent(in) :: z(:, :)               !! fast state (jk, member)
    real(wp), intent(in) :: coefficients(4)       !! F, h, c, b
    integer, intent(in) :: options(3)             !! wrap, coupling form, scheme
    real(wp), intent(in) :: x_tl(:, :)            !! change of x (k, member)
    real(wp), intent(in) :: z_tl(:, :)            !! change of z (jk, member)
    real(wp), intent(in) :: coefficients_tl(:, :) !! change of F, h, c, b (i, member)
    real(wp), intent(inout) :: dxdt_tl(:, :)      !! set (k, member)
    real(wp), intent(inout) :: dzdt_tl(:, :)      !! set (jk, member)

    call two_level_tendency_tl(two_level(x, z, coefficients, options), x, z, x_tl, z_tl, &
      coefficients_tl, dxdt_tl, dzdt_tl)
  end subroutine two_level_tendency_tangent

  !> Its transpose.
  subroutine two_level_tendency_adjoint(x, z, coefficients, options, dxdt_ad, dzdt_ad, &
    x_ad, z_ad, coefficients_ad)
    real(wp), intent(in) :: x(:, :)                  !! slow state (k, member)
    real(wp), intent(in) :: z(:, :)                  !! fast state (jk, member)
    real(wp), intent(in) :: coefficients(4)          !! F, h, c, b
    integer, intent(in) :: options(3)                !! wrap, coupling form, scheme
    real(wp), intent(in) :: dxdt_ad(:, :)            !! sensitivity to dx/dt (k, member)
    real(wp), intent(in) :: dzdt_ad(:, :)            !! sensitivity to dz/dt (jk, member)
    real(wp), intent(inout) :: x_ad(:, :)            !! set (k, member)
    real(wp), intent(inout) :: z_ad(:, :)            !! set (jk, member)
    real(wp), intent(inout) :: coefficients_ad(:, :) !! set (i, member)

    call two_level_tendency_ad(two_level(x, z, coefficients, options), x, z, dxdt_ad, &
      dzdt_ad, x_ad, z_ad, coefficients_ad)
  end subroutine two_level_tendency_adjoint

  !> Advance both states and their changes.
  subroutine two_level_advance_tangent(x, z, added, coefficients, options, dt, n_steps, &
    x_tl, z_tl, coefficients_tl, added_tl)
    real(wp), intent(inout) :: x(:, :)            !! slow state, advanced (k, member)
    real(wp), intent(inout) :: z(:, :)            !! fast state, advanced (jk, member)
    real(wp), intent(in) :: added(:, :)           !! tendency of x (k, member)
    real(wp), intent(in) :: coefficients(4)       !! F, h, c, b
    integer, intent(in) :: options(3)             !! wrap, coupling form, scheme
    real(wp), intent(in) :: dt                    !! time step
    integer, intent(in) :: n_steps                !! number of steps
    real(wp), intent(inout) :: x_tl(:, :)         !! change of x, advanced (k, member)
    real(wp), intent(inout) :: z_tl(:, :)         !! change of z, advanced (jk, member)
    real(wp), intent(in) :: coefficients_tl(:, :) !! change of F, h, c, b (i, member)
    real(wp), intent(in) :: added_tl(:, :)        !! change of `added` (k, member)

    call two_level_advance_tl(two_level(x, z, coefficients, options), x, z, dt, n_steps, &
      added, x_tl, z_tl, coefficients_tl, added_tl)
  end subroutine two_level_advance_tangent

  !> Carry sensitivities back.
  subroutine two_level_advance_adjoint(x, z, added, coefficients, options, dt, n_steps, &
    x_ad, z_ad, coefficients_ad, added_ad)
    real(wp), intent(in) :: x(:, :)                  !! slow state at the start (k, member)
    real(wp), intent(in) :: z(:, :)                  !! fast state at the start (jk, member)
    real(wp), intent(in) :: added(:, :)              !! tendency of x (k, member)
    real(wp), intent(in) :: coefficients(4)          !! F, h, c, b
    integer, intent(in) :: options(3)                !! wrap, coupling form, scheme
    real(wp), intent(in) :: dt                       !! time step
    integer, intent(in) :: n_steps                   !! number of steps
    real(wp), intent(inout) :: x_ad(:, :)            !! carried back (k, member)
    real(wp), intent(inout) :: z_ad(:, :)            !! carried back (jk, member)
    real(wp), intent(inout) :: coefficients_ad(:, :) !! set (i, member)
    real(wp), intent(inout) :: added_ad(:, :)        !! set (k, member)

    call two_level_advance_ad(two_level(x, z, coefficients, options), x, z, dt, n_steps, &
      added, x_ad, z_ad, coefficients_ad, added_ad)
  end subroutine two_level_advance_adjoint

end module lorenz96_api
