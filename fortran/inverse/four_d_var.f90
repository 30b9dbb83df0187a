! SPDX-License-Identifier: MIT
!> Strong-constraint 4D-Var by Gauss and Newton's outer loops around conjugate gradients.
!>
!> `J(v) = v^T v/2 + Jo(x_b + s v)`, with s the standard deviations of the background errors
!> in the place of a square root of B; without a background s is one and `v^T v/2` is left
!> out. An outer loop linearises the misfit Jo, the inner one solves
!> `(1 + s G s) dv = -grad J`, with `G = sum M^T H^T R^-1 H M`; a step that does not lower J
!> enough is halved. Courtier, Thepaut and Hollingsworth (1994), incremental at full
!> resolution.
!>
!> A model extends `window_t`: this module knows none.
module four_d_var
  use kinds, only: wp
  implicit none
  private
  public :: analysis_t, minimise, window_t

  integer, parameter :: halvings = 12             !! of an outer step
  real(wp), parameter :: sufficient = 1.0e-4_wp   !! share of the promised decrease (Armijo)

  !> A window of a model with its observations.
  type, abstract :: window_t
  contains
    procedure(misfit_i), deferred :: misfit
    procedure(curvature_i), deferred :: curvature
  end type window_t

  !> How a minimisation ended.
  type :: analysis_t
    real(wp) :: cost = 0.0_wp                !! J
    real(wp) :: gradient_norm = 0.0_wp       !! at the end, in v
    real(wp) :: gradient_norm_start = 0.0_wp !! at the start
    integer :: n_sweeps = 0                  !! pairs of sweeps, forward and back
    integer :: n_outer = 0                   !! linearisations
    logical :: is_converged = .false.        !! the norm fell by the factor asked for
  end type analysis_t

  abstract interface
    !> Jo and its gradient at a first state, about which `curvature` is then linear.
    subroutine misfit_i(self, x, cost, x_ad)
      import :: window_t, wp
      implicit none
      class(window_t), intent(inout) :: self
      real(wp), intent(in), contiguous :: x(:)       !! first state
      real(wp), intent(out) :: cost                  !! Jo, NaN or infinite if it blew up
      real(wp), intent(inout), contiguous :: x_ad(:) !! set: gradient
    end subroutine misfit_i

    !> `x_ad = G x_tl` at the state of the last `misfit`.
    subroutine curvature_i(self, x_tl, x_ad)
      import :: window_t, wp
      implicit none
      class(window_t), intent(inout) :: self
      real(wp), intent(in), contiguous :: x_tl(:)    !! change of the first state
      real(wp), intent(inout), contiguous :: x_ad(:) !! set
    end subroutine curvature_i
  end interface

contains

  !> Find the first state of a window.
  subroutine minimise(window, x_b, s, has_background, tolerance, max_outer, max_inner, x, &
    analysis)
    class(window_t), intent(inout) :: window      !! model and observations
    real(wp), intent(in), contiguous :: x_b(:)    !! background, or first guess
    real(wp), intent(in), contiguous :: s(:)      !! standard deviations, ones without
    logical, intent(in) :: has_background         !! whether `v^T v/2` counts
    real(wp), intent(in) :: tolerance             !! factor by which the gradient falls
    integer, intent(in) :: max_outer              !! linearisations at most
    integer, intent(in) :: max_inner              !! conjugate gradients in each
    real(wp), intent(inout), contiguous :: x(:)   !! set: the analysis
    type(analysis_t), intent(out) :: analysis

    real(wp), dimension(size(x)) :: v, g, step
    logical :: is_lower

    v = 0.0_wp
    x = x_b
    call evaluate(window, x, v, s, has_background, analysis%cost, g)
    analysis%n_sweeps = 1
    analysis%gradient_norm_start = norm2(g)
    analysis%gradient_norm = analysis%gradient_norm_start
    do while (analysis%gradient_norm > tolerance*analysis%gradient_norm_start &
        .and. analysis%n_outer < max_outer)
      analysis%n_outer = analysis%n_outer + 1
      call solve(window, s, has_background, g, max_inner, step, analysis%n_sweeps)
      call lower(window, x_b, s, has_background, step, v, x, g, analysis, is_lower)
      if (.not. is_lower) exit
      analysis%gradient_norm = norm2(g)
    end do
    analysis%is_converged = &
      analysis%gradient_norm <= tolerance*analysis%gradient_norm_start
  end subroutine minimise

  !> J and its gradient in v.
  subroutine evaluate(window, x, v, s, has_background, cost, g)
    class(window_t), intent(inout) :: window   !! model and observations
    real(wp), intent(in), contiguous :: x(:)   !! first state
    real(wp), intent(in) :: v(:)               !! control
    real(wp), intent(in) :: s(:)               !! standard deviations
    logical, intent(in) :: has_background      !! whether `v^T v/2` counts
    real(wp), intent(out) :: cost              !! J
    real(wp), intent(inout), contiguous :: g(:) !! set: gradient

    call window%misfit(x, cost, g)
    g = s*g
    if (has_background) then
      g = g + v
      cost = cost + dot_product(v, v)/2.0_wp
    end if
  end subroutine evaluate

  !> The inner loop: conjugate gradients until the residual has fallen to a tenth.
  subroutine solve(window, s, has_background, g, max_inner, step, n_sweeps)
    class(window_t), intent(inout) :: window  !! linearised model
    real(wp), intent(in) :: s(:)              !! standard deviations
    logical, intent(in) :: has_background     !! whether one is added to the curvature
    real(wp), intent(in) :: g(:)              !! gradient
    integer, intent(in) :: max_inner          !! iterations at most
    real(wp), intent(out) :: step(:)          !! the change of v
    integer, intent(inout) :: n_sweeps        !! pairs of sweeps, counted on

    real(wp), parameter :: enough = 0.1_wp ! of the residual: the next outer loop corrects
    real(wp), dimension(size(g)) :: ap, p, r
    real(wp) :: alpha, limit, rho, rho_before
    integer :: i

    step = 0.0_wp
    r = -g
    p = r
    rho = dot_product(r, r)
    limit = enough**2*rho
    do i = 1, max_inner
      call window%curvature(s*p, ap)
      n_sweeps = n_sweeps + 1
      ap = s*ap
      if (has_background) ap = ap + p
      alpha = rho/max(dot_product(p, ap), tiny(1.0_wp))
      step = step + alpha*p
      r = r - alpha*ap
      rho_before = rho
      rho = dot_product(r, r)
      if (.not. rho > limit) exit
      p = r + rho/rho_before*p
    end do
  end subroutine solve

  !> Move along a step, halved until the cost is lower.
  subroutine lower(window, x_b, s, has_background, step, v, x, g, analysis, is_lower)
    class(window_t), intent(inout) :: window     !! model and observations
    real(wp), intent(in) :: x_b(:)               !! background
    real(wp), intent(in) :: s(:)                 !! standard deviations
    logical, intent(in) :: has_background        !! whether `v^T v/2` counts
    real(wp), intent(in) :: step(:)              !! change of v
    real(wp), intent(inout) :: v(:)              !! control, moved
    real(wp), intent(inout), contiguous :: x(:)  !! its state
    real(wp), intent(inout) :: g(:)              !! its gradient
    type(analysis_t), intent(inout) :: analysis  !! cost and counts
    logical, intent(out) :: is_lower             !! or nothing was moved

    real(wp), dimension(size(v)) :: g_there, v_there, x_there
    real(wp) :: cost, share, slope
    integer :: i

    slope = dot_product(g, step)
    share = 1.0_wp
    is_lower = .false.
    do i = 1, halvings
      v_there = v + share*step
      x_there = x_b + s*v_there
      call evaluate(window, x_there, v_there, s, has_background, cost, g_there)
      analysis%n_sweeps = analysis%n_sweeps + 1
      is_lower = cost <= analysis%cost + sufficient*share*slope ! false for NaN
      if (is_lower) exit
      share = share/2.0_wp
    end do
    if (.not. is_lower) return
    v = v_there
    x = x_there
    g = g_there
    analysis%cost = cost
  end subroutine lower

end module four_d_var
