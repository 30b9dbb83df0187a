! SPDX-License-Identifier: MIT
!> Boxes of warm rain: many cells, each by itself, stepped by the rates of a closure.
!>
!> A cell is seven numbers, as a closure reads them: Lc, Nc, Lr, Nr, which change, and what
!> the first cloud was, which stays: its water L0 [kg m-3], its mean radius rm [m] and its
!> shape nu [1]. A closure answers with four mean rates of the coming step, AU, AC
!> [kg m-3 s-1], SCc, SCr [m-3 s-1], none negative; fluxes and limits are made here, so
!> that mass is kept whoever fills the slot. `seifert_beheng_t` fills it with the published
!> scheme (`bulk_rates`).
module bulk_box
  use bulk_rates, only: apply_fluxes, block_rates, lanes, least, n_fluxes, x_star
  use closures, only: closure_t
  use failures, only: err_argument, err_runtime, err_shape, fail, succeed
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use kinds, only: wp
  implicit none
  private
  public :: bulk_advance, bulk_block_step, bulk_check, bulk_mean_rates, bulk_rates_at, &
    bulk_step, rates_check, seifert_beheng_t

  integer, parameter, public :: n_quantities = 7 !! of a cell: Lc, Nc, Lr, Nr, L0, rm, nu
  integer, parameter, public :: n_rates = 4      !! of a closure: AU, AC, SCc, SCr
  character(len=2), parameter, public :: quantity(n_quantities) = &
    ["lc", "nc", "lr", "nr", "l0", "rm", "nu"]   !! as files and messages call them
  character(len=3), parameter, public :: rate(n_rates) = ["au ", "ac ", "scc", "scr"]

  !> The published scheme in the closure slot.
  !>
  !> With `dt` it answers with means over a step of that length, found with classical
  !> Runge-Kutta sub-steps; with `dt` zero with the rates at its start.
  type, extends(closure_t) :: seifert_beheng_t
    real(wp) :: dt = 0.0_wp  !! step that means are taken over [s]
    integer :: n_substeps = 1 !! Runge-Kutta steps in it
  contains
    procedure :: evaluate
  end type seifert_beheng_t

contains

  !> Rates of Seifert & Beheng at a state.
  pure subroutine bulk_rates_at(state, b)
    real(wp), intent(in) :: state(:, :) !! (quantity, cell)
    real(wp), intent(inout) :: b(:, :)  !! AU, AC, SCc, SCr, set (rate, cell)

    real(wp) :: nu(lanes), r(lanes, n_fluxes), y(lanes, 4)
    integer :: first, n

    do first = 1, size(state, 2), lanes
      call load(state, first, y, nu, n)
      call block_rates(y, nu, r)
      b(:, first:first + n - 1) = transpose(r(:n, :n_rates))
    end do
  end subroutine bulk_rates_at

  !> Rates of Seifert & Beheng, mean over `dt`.
  !>
  !> Accretion takes cloud drops at the rate AC/xc. A step takes xc at its start, so the
  !> change of AC/xc during the step is counted in SCc.
  pure subroutine bulk_mean_rates(state, dt, n_substeps, b)
    real(wp), intent(in) :: state(:, :)   !! (quantity, cell)
    real(wp), intent(in) :: dt            !! [s]
    integer, intent(in) :: n_substeps     !! Runge-Kutta steps in it, at least 1
    real(wp), intent(inout) :: b(:, :)    !! AU, AC, SCc, SCr, set (rate, cell)

    real(wp) :: mean(lanes, n_fluxes), nu(lanes), r(lanes, n_fluxes), y(lanes, 4), &
      y_old(lanes, 4)
    integer :: first, i, n

    do first = 1, size(state, 2), lanes
      call load(state, first, y, nu, n)
      y_old = y
      mean = 0.0_wp
      do i = 1, n_substeps
        call bulk_block_step(y, nu, dt/n_substeps, r)
        mean = mean + r/n_substeps
      end do
      mean(:, 3) = mean(:, 3) + mean(:, 5) - mean(:, 2)*number_per_mass(y_old)
      b(:, first:first + n - 1) = transpose(mean(:n, :n_rates))
    end do
  end subroutine bulk_mean_rates

  !> Advance boxes by the published scheme, with classical Runge-Kutta.
  subroutine bulk_advance(state, dt, n_steps)
    real(wp), intent(inout) :: state(:, :) !! (quantity, cell)
    real(wp), intent(in) :: dt             !! time step [s]
    integer, intent(in) :: n_steps         !! number of steps

    real(wp) :: nu(lanes), r(lanes, n_fluxes), y(lanes, 4)
    integer :: first, i, n

    !$omp parallel do private(nu, r, y, i, n) if(n_steps*size(state, 2) > 10000)
    do first = 1, size(state, 2), lanes
      call load(state, first, y, nu, n)
      do i = 1, n_steps
        call bulk_block_step(y, nu, dt, r)
      end do
      state(:4, first:first + n - 1) = transpose(y(:n, :))
    end do
    !$omp end parallel do
  end subroutine bulk_advance

  !> Let the rates of a closure act for `dt`.
  pure subroutine bulk_step(state, b, dt)
    real(wp), intent(inout) :: state(:, :) !! (quantity, cell)
    real(wp), intent(in) :: b(:, :)        !! AU, AC, SCc, SCr (rate, cell)
    real(wp), intent(in) :: dt             !! time step [s]

    real(wp) :: nu(lanes), r(lanes, n_fluxes), y(lanes, 4), y_new(lanes, 4)
    integer :: first, n

    r = 0.0_wp
    do first = 1, size(state, 2), lanes
      call load(state, first, y, nu, n)
      r(:n, :n_rates) = transpose(b(:, first:first + n - 1))
      r(:n, 5) = r(:n, 2)*number_per_mass(y(:n, :))
      call apply_fluxes(y, r, dt, y_new)
      state(:4, first:first + n - 1) = transpose(y_new(:n, :))
    end do
  end subroutine bulk_step

  !> Refuse a state that is no cloud: the first cell and quantity that is wrong is named.
  subroutine bulk_check(state, stat, errmsg)
    real(wp), intent(in) :: state(:, :) !! (quantity, cell)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=160) :: text
    integer :: cell, i

    if (size(state, 1) /= n_quantities) then
      write (text, "(a, i0, a, i0)") "rain: 'state' has ", size(state, 1), &
        " quantities, expected ", n_quantities
      call fail(err_shape, trim(text), stat, errmsg)
      return
    end if
    do cell = 1, size(state, 2)
      do i = 1, n_quantities
        if (ieee_is_finite(state(i, cell)) .and. state(i, cell) >= 0.0_wp) cycle
        write (text, "(3a, i0, a, es12.4, a)") "rain: '", quantity(i), "' in cell ", cell, &
          " is ", state(i, cell), ", expected a finite number, not negative"
        call fail(merge(err_argument, err_runtime, ieee_is_finite(state(i, cell))), &
          trim(text), stat, errmsg)
        return
      end do
    end do
    call succeed(stat)
  end subroutine bulk_check

  !> Refuse rates that are not finite: fluxes made of them would be, and wrong.
  subroutine rates_check(b, stat, errmsg)
    real(wp), intent(in) :: b(:, :) !! AU, AC, SCc, SCr (rate, cell)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=120) :: text
    integer :: cell, i

    do cell = 1, size(b, 2)
      if (all(ieee_is_finite(b(:, cell)))) cycle
      i = findloc(ieee_is_finite(b(:, cell)), .false., dim=1)
      write (text, "(3a, i0, a)") "rain: rate '", trim(rate(i)), "' in cell ", cell, &
        " is not finite: the closure failed there"
      call fail(err_runtime, trim(text), stat, errmsg)
      return
    end do
    call succeed(stat)
  end subroutine rates_check

  !> Fill the slot of a closure with the published scheme.
  subroutine evaluate(self, x, b, stat, errmsg)
    class(seifert_beheng_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! state, read (quantity, cell)
    real(wp), intent(inout), target, contiguous :: b(:, :) !! rates, set (rate, cell)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (self%n_substeps < 1) then
      call fail(err_argument, "Seifert-Beheng: 'n_substeps' must be at least 1", stat, &
        errmsg)
      return
    end if
    if (self%dt > 0.0_wp) then
      call bulk_mean_rates(x, self%dt, self%n_substeps, b)
    else
      call bulk_rates_at(x, b)
    end if
    call succeed(stat)
  end subroutine evaluate

  !> One Runge-Kutta step of a block; `r` are its mean rates, with which it was made.
  pure subroutine bulk_block_step(y, nu, dt, r)
    real(wp), intent(inout) :: y(lanes, 4)      !! advanced
    real(wp), intent(in) :: nu(lanes)
    real(wp), intent(in) :: dt
    real(wp), intent(out) :: r(lanes, n_fluxes) !! mean rates

    real(wp) :: r2(lanes, n_fluxes), r3(lanes, n_fluxes), r4(lanes, n_fluxes), &
      stage(lanes, 4)

    call block_rates(y, nu, r)
    call apply_fluxes(y, r, 0.5_wp*dt, stage)
    call block_rates(stage, nu, r2)
    call apply_fluxes(y, r2, 0.5_wp*dt, stage)
    call block_rates(stage, nu, r3)
    call apply_fluxes(y, r3, dt, stage)
    call block_rates(stage, nu, r4)
    r = (r + 2.0_wp*(r2 + r3) + r4)/6.0_wp
    call apply_fluxes(y, r, dt, stage)
    y = stage
  end subroutine bulk_block_step

  !> Cloud drops per mass of cloud water, 1/xc [kg-1]; at least 1/x*, as in `block_rates`.
  pure function number_per_mass(y) result(inverse)
    real(wp), intent(in) :: y(:, :)     !! Lc, Nc, ... of a block (cell, moment)
    real(wp) :: inverse(size(y, 1))

    ! A quotient by less than `least` could be infinite, and no rate times infinity is NaN.
    inverse = max(y(:, 2)/max(y(:, 1), least), 1.0_wp/x_star)
    where (.not. y(:, 1) > 0.0_wp) inverse = 0.0_wp
  end function number_per_mass

  !> Copy a block of cells, quantities last; what is missing to a whole block is empty.
  pure subroutine load(state, first, y, nu, n)
    real(wp), intent(in) :: state(:, :)  !! (quantity, cell)
    integer, intent(in) :: first         !! its first cell
    real(wp), intent(out) :: y(lanes, 4) !! moments
    real(wp), intent(out) :: nu(lanes)   !! shape
    integer, intent(out) :: n            !! its cells

    n = min(lanes, size(state, 2) - first + 1)
    y = 0.0_wp
    nu = 1.0_wp
    y(:n, :) = transpose(state(:4, first:first + n - 1))
    nu(:n) = state(7, first:first + n - 1)
  end subroutine load

end module bulk_box
