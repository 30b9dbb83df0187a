! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of the one-level model: tendency and steps, by hand.
!>
!> With `g_k = F + b_k` and `a` the advection, `f = a(x) - x + g`, so
!> `f_tl = a_tl(x) x_tl - x_tl + g_tl`, and its transpose. Derivatives reach the state, the
!> forcing F, and the added tendency b that is held through the steps.
!>
!> Adjoint arguments: `x_ad` comes in as the sensitivity to the result and goes out as that
!> to the start; `b_ad` and `forcing_ad` are set.
module lorenz96_linearised
  use kinds, only: wp
  use lorenz96, only: lorenz96_t
  use lorenz96_rings, only: slow_advection, slow_advection_ad, slow_advection_tl
  use runge_kutta, only: advance_ad, advance_tl, system_t
  implicit none
  private
  public :: lorenz96_tendency_tl, lorenz96_tendency_ad
  public :: lorenz96_advance_tl, lorenz96_advance_ad

  !> The equations with p = F + b (k).
  type, extends(system_t) :: ring_t
  contains
    procedure :: tendency
    procedure :: tendency_tl
    procedure :: tendency_ad
  end type ring_t

contains

  !> Change of the tendency with the state and the forcing.
  subroutine lorenz96_tendency_tl(x, x_tl, forcing_tl, dxdt_tl)
    real(wp), intent(in), contiguous :: x(:, :)        !! state [1] (k, member)
    real(wp), intent(in), contiguous :: x_tl(:, :)     !! its change [1] (k, member)
    real(wp), intent(in) :: forcing_tl(:)              !! change of F [1] (member)
    real(wp), intent(out), contiguous :: dxdt_tl(:, :) !! change of dx/dt [1] (k, member)

    type(ring_t) :: ring
    real(wp) :: g_tl(size(x, 1))
    integer :: m

    do m = 1, size(x, 2)
      g_tl = forcing_tl(m)
      call ring%tendency_tl(x(:, m), x(:, m), x_tl(:, m), g_tl, dxdt_tl(:, m))
    end do
  end subroutine lorenz96_tendency_tl

  !> Transpose of `lorenz96_tendency_tl`.
  subroutine lorenz96_tendency_ad(x, dxdt_ad, x_ad, forcing_ad)
    real(wp), intent(in), contiguous :: x(:, :)       !! state [1] (k, member)
    real(wp), intent(in), contiguous :: dxdt_ad(:, :) !! sensitivity to dx/dt (k, member)
    real(wp), intent(out), contiguous :: x_ad(:, :)   !! sensitivity to x (k, member)
    real(wp), intent(out) :: forcing_ad(:)            !! sensitivity to F (member)

    type(ring_t) :: ring
    real(wp) :: g_ad(size(x, 1))
    integer :: m

    do m = 1, size(x, 2)
      g_ad = 0.0_wp
      call ring%tendency_ad(x(:, m), x(:, m), dxdt_ad(:, m), x_ad(:, m), g_ad)
      forcing_ad(m) = sum(g_ad)
    end do
  end subroutine lorenz96_tendency_ad

  !> Advance the state and its change together by `n_steps`, `b` held throughout.
  subroutine lorenz96_advance_tl(model, x, dt, n_steps, b, x_tl, forcing_tl, b_tl)
    type(lorenz96_t), intent(in) :: model             !! parameters
    real(wp), intent(inout), contiguous :: x(:, :)    !! state, advanced (k, member)
    real(wp), intent(in) :: dt                        !! time step [1]
    integer, intent(in) :: n_steps                    !! number of steps
    real(wp), intent(in), contiguous :: b(:, :)       !! added tendency (k, member)
    real(wp), intent(inout), contiguous :: x_tl(:, :) !! change of the state (k, member)
    real(wp), intent(in) :: forcing_tl(:)             !! change of F [1] (member)
    real(wp), intent(in), contiguous :: b_tl(:, :)    !! change of b (k, member)

    type(ring_t) :: ring

    call advance_tl(ring, model%scheme, dt, n_steps, x, model%forcing + b, x_tl, &
      b_tl + spread(forcing_tl, 1, size(x, 1)))
  end subroutine lorenz96_advance_tl

  !> Transpose of the changes that `lorenz96_advance_tl` makes.
  subroutine lorenz96_advance_ad(model, x, dt, n_steps, b, x_ad, forcing_ad, b_ad)
    type(lorenz96_t), intent(in) :: model             !! parameters
    real(wp), intent(in), contiguous :: x(:, :)       !! state at the start (k, member)
    real(wp), intent(in) :: dt                        !! time step [1]
    integer, intent(in) :: n_steps                    !! number of steps
    real(wp), intent(in), contiguous :: b(:, :)       !! added tendency (k, member)
    real(wp), intent(inout), contiguous :: x_ad(:, :) !! sensitivity (k, member)
    real(wp), intent(out) :: forcing_ad(:)            !! sensitivity to F (member)
    real(wp), intent(out), contiguous :: b_ad(:, :)   !! sensitivity to b (k, member)

    type(ring_t) :: ring

    b_ad = 0.0_wp
    call advance_ad(ring, model%scheme, dt, n_steps, x, model%forcing + b, x_ad, b_ad)
    forcing_ad = sum(b_ad, dim=1)
  end subroutine lorenz96_advance_ad

  !> dx/dt of one member.
  pure subroutine tendency(self, x, p, f)
    class(ring_t), intent(in) :: self
    real(wp), intent(in), contiguous :: x(:)  !! state (k)
    real(wp), intent(in), contiguous :: p(:)  !! F + b (k)
    real(wp), intent(out), contiguous :: f(:) !! dx/dt (k)

    call slow_advection(x, f)
    f = f - x + p
  end subroutine tendency

  !> Change of dx/dt of one member.
  pure subroutine tendency_tl(self, x, p, x_tl, p_tl, f_tl)
    class(ring_t), intent(in) :: self
    real(wp), intent(in), contiguous :: x(:)     !! state (k)
    real(wp), intent(in), contiguous :: p(:)     !! F + b, does not matter here (k)
    real(wp), intent(in), contiguous :: x_tl(:)  !! change of the state (k)
    real(wp), intent(in), contiguous :: p_tl(:)  !! change of F + b (k)
    real(wp), intent(out), contiguous :: f_tl(:) !! change of dx/dt (k)

    call slow_advection_tl(x, x_tl, f_tl)
    f_tl = f_tl - x_tl + p_tl
  end subroutine tendency_tl

  !> Transpose of the change of dx/dt of one member.
  pure subroutine tendency_ad(self, x, p, f_ad, x_ad, p_ad)
    class(ring_t), intent(in) :: self
    real(wp), intent(in), contiguous :: x(:)       !! state (k)
    real(wp), intent(in), contiguous :: p(:)       !! F + b, does not matter here (k)
    real(wp), intent(in), contiguous :: f_ad(:)    !! sensitivity to dx/dt (k)
    real(wp), intent(out), contiguous :: x_ad(:)   !! sensitivity to x (k)
    real(wp), intent(inout), contiguous :: p_ad(:) !! sensitivity to F + b, added (k)

    call slow_advection_ad(x, f_ad, x_ad)
    x_ad = x_ad - f_ad
    p_ad = p_ad + f_ad
  end subroutine tendency_ad

end module lorenz96_linearised
