! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of one call of `integrate`: the call is repeated with a tape,
!> some cells at a time, so that memory does not grow with their number.
!>
!> A cell that cannot be integrated keeps its input and is flagged; its derivatives are NaN.
module chemistry_derivatives
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use chemistry_linearised, only: integrate_ad, integrate_tl
  use chemistry_solver, only: chemistry_solver_t, flag_done, flag_tape_full
  use chemistry_tape, only: tape_t
  use kinds, only: wp
  implicit none
  private
  public :: advance_ad, advance_tl

  integer, parameter :: chunk = 256         !! cells on a tape
  integer, parameter :: first_capacity = 64 !! steps of a cell; more if they do not suffice
  integer, parameter :: most_steps = 16384  !! then a cell is flagged: the tape has 0.6 GB

contains

  !> Advance states, and changes of them and of the rates, from t to t + dt.
  subroutine advance_tl(solver, y, t, dt, flags, temperature, h, factors, y_tl, rates_tl, &
      stat, errmsg)
    type(chemistry_solver_t), intent(inout) :: solver
    real(wp), intent(inout), contiguous :: y(:, :)   !! concentrations (species, cell)
    real(wp), intent(in) :: t, dt                    !! start, length [time unit]
    integer, intent(inout), contiguous :: flags(:)   !! set (cell)
    real(wp), intent(in), contiguous :: temperature(:) !! [K] (cell)
    real(wp), intent(inout), contiguous :: h(:)      !! first step or 0, then the next one
    real(wp), intent(in), contiguous :: factors(:, :)  !! of the rates (reaction, cell)
    real(wp), intent(inout), contiguous :: y_tl(:, :)  !! change of y (species, cell)
    real(wp), intent(in), contiguous :: rates_tl(:, :) !! relative (reaction, cell)
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(tape_t) :: tape
    integer :: a, b, capacity

    capacity = first_capacity
    do a = 1, size(y, 2), chunk
      b = min(a + chunk - 1, size(y, 2))
      call record(solver, y(:, a:b), t, dt, flags(a:b), temperature(a:b), h(a:b), &
        factors(:, a:b), capacity, tape, stat, errmsg)
      if (stat /= 0) return
      call integrate_tl(solver, tape, y_tl(:, a:b), rates_tl(:, a:b), stat, errmsg)
      if (stat /= 0) return
      call spoil(flags(a:b), y_tl(:, a:b))
    end do
  end subroutine advance_tl

  !> Advance states, and bring sensitivities to their end back to their start.
  subroutine advance_ad(solver, y, t, dt, flags, temperature, h, factors, y_ad, rates_ad, &
      stat, errmsg)
    type(chemistry_solver_t), intent(inout) :: solver
    real(wp), intent(inout), contiguous :: y(:, :)   !! concentrations (species, cell)
    real(wp), intent(in) :: t, dt                    !! start, length [time unit]
    integer, intent(inout), contiguous :: flags(:)   !! set (cell)
    real(wp), intent(in), contiguous :: temperature(:) !! [K] (cell)
    real(wp), intent(inout), contiguous :: h(:)      !! first step or 0, then the next one
    real(wp), intent(in), contiguous :: factors(:, :)     !! of the rates (reaction, cell)
    real(wp), intent(inout), contiguous :: y_ad(:, :)     !! to the end, then to the start
    real(wp), intent(inout), contiguous :: rates_ad(:, :) !! to a relative change of the
                                                          !! rates: added (reaction, cell)
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(tape_t) :: tape
    integer :: a, b, capacity

    capacity = first_capacity
    do a = 1, size(y, 2), chunk
      b = min(a + chunk - 1, size(y, 2))
      call record(solver, y(:, a:b), t, dt, flags(a:b), temperature(a:b), h(a:b), &
        factors(:, a:b), capacity, tape, stat, errmsg)
      if (stat /= 0) return
      call integrate_ad(solver, tape, y_ad(:, a:b), rates_ad(:, a:b), stat, errmsg)
      if (stat /= 0) return
      call spoil(flags(a:b), y_ad(:, a:b))
      call spoil(flags(a:b), rates_ad(:, a:b))
    end do
  end subroutine advance_ad

  !> Integrate with a tape that is long enough.
  subroutine record(solver, y, t, dt, flags, temperature, h, factors, capacity, tape, &
      stat, errmsg)
    type(chemistry_solver_t), intent(inout) :: solver
    real(wp), intent(inout), contiguous :: y(:, :)
    real(wp), intent(in) :: t, dt
    integer, intent(inout), contiguous :: flags(:)
    real(wp), intent(in), contiguous :: temperature(:), factors(:, :)
    real(wp), intent(inout), contiguous :: h(:)
    integer, intent(inout) :: capacity !! steps of a cell: becomes larger
    type(tape_t), intent(inout) :: tape
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp) :: last(size(y, 1), size(y, 2)), next_h(size(h))

    do
      last = y
      next_h = h
      call tape%setup(size(y, 1), size(y, 2), capacity)
      call solver%integrate(last, t, dt, flags, temperature, next_h, tape, factors, stat, &
        errmsg)
      if (stat /= 0) return
      if (all(flags /= flag_tape_full) .or. capacity == most_steps) exit
      capacity = min(4*capacity, most_steps)
    end do
    y = last
    h = next_h
    where (flags /= flag_done) tape%n_steps = 0
  end subroutine record

  !> Derivatives of flagged cells are no numbers.
  subroutine spoil(flags, x)
    integer, intent(in) :: flags(:)       !! (cell)
    real(wp), intent(inout) :: x(:, :)    !! (anything, cell)

    integer :: c

    do c = 1, size(flags)
      if (flags(c) /= flag_done) x(:, c) = ieee_value(1.0_wp, ieee_quiet_nan)
    end do
  end subroutine spoil

end module chemistry_derivatives
