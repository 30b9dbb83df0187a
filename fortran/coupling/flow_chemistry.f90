! SPDX-License-Identifier: MIT
!> Chemistry in the tracers of the shallow water model: the reaction slot of the one filled
!> with the reactor slot of the other.
!>
!> Transport acts at each step of the flow, chemistry after every `every` seconds of it
!> (operator splitting). Tracer k is species k of the mechanism. Cells without water do not
!> react. The limiter of the transport may leave -1e-17 of a tracer's scale; such values
!> count as zero for the reaction and are given back to the cell after it, so that the sums
!> of elements stay as they are.
module flow_chemistry
  use chemistry_reactors, only: reactor_t
  use chemistry_solver, only: flag_text
  use failures, only: err_argument, err_runtime, fail, succeed
  use kinds, only: wp
  use swe_reactions, only: reaction_t
  implicit none
  private
  public :: flow_chemistry_t

  !> A reactor on the tracers of a flow.
  type, extends(reaction_t) :: flow_chemistry_t
    class(reactor_t), pointer :: reactor => null() !! the host's
    real(wp) :: t = 0.0_wp       !! time of the chemistry [mechanism's unit], advanced
    real(wp) :: every = 3600.0_wp !! splitting step [s]
    real(wp) :: unit = 1.0_wp    !! seconds in the mechanism's time unit
    integer, allocatable :: place(:, :) !! i and j of the cells that react (2, cell)
    real(wp), allocatable :: y(:, :)    !! their concentrations (species, cell)
    real(wp), private :: waited = 0.0_wp !! seconds since the last reaction
  contains
    procedure :: react
  end type flow_chemistry_t

contains

  !> React when it is time.
  subroutine react(self, c, water, dt, stat, errmsg)
    class(flow_chemistry_t), intent(inout) :: self
    real(wp), intent(inout) :: c(:, :, :)
    real(wp), intent(in) :: water(:, :), dt
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=256) :: problem
    integer :: status
    integer, allocatable :: flags(:)
    real(wp), allocatable :: below(:, :)

    self%waited = self%waited + dt
    if (self%waited < self%every*(1.0_wp - 1.0e-9_wp)) then
      call succeed(stat)
      return
    end if
    if (.not. associated(self%reactor)) then
      call fail(err_argument, "chemistry in the flow: 'reactor' is not set", stat, errmsg)
      return
    end if
    call gather(self, c, water)
    below = min(self%y, 0.0_wp)
    self%y = self%y - below
    allocate (flags(size(self%y, 2)))
    problem = ""
    call self%reactor%react(self%y, self%t, self%waited/self%unit, flags, status, problem)
    if (status == 0) then ! else nobody set the flags
      if (any(flags /= 0)) then
        status = err_runtime
        write (problem, "(a, i0, 2a)") "chemistry in the flow: ", count(flags /= 0), &
          " cells could not react: ", flag_text(maxval(flags))
      end if
    end if
    if (status /= 0) then
      call fail(status, trim(problem), stat, errmsg)
      return
    end if
    self%y = self%y + below
    call scatter(self, c)
    self%t = self%t + self%waited/self%unit
    self%waited = 0.0_wp
    call succeed(stat)
  end subroutine react

  !> Concentrations of the cells with water, species first.
  subroutine gather(self, c, water)
    class(flow_chemistry_t), intent(inout) :: self
    real(wp), intent(in) :: c(:, :, :), water(:, :)

    integer :: cell, i, j, n

    n = count(water > 0.0_wp)
    if (allocated(self%y)) then
      ! Memory stays where it is while the cells do: a network remains bound to it.
      if (size(self%y, 2) /= n) deallocate (self%y, self%place)
    end if
    if (.not. allocated(self%y)) allocate (self%y(size(c, 3), n), self%place(2, n))
    cell = 0
    do j = 1, size(c, 2)
      do i = 1, size(c, 1)
        if (.not. water(i, j) > 0.0_wp) cycle
        cell = cell + 1
        self%place(:, cell) = [i, j]
        self%y(:, cell) = c(i, j, :)
      end do
    end do
  end subroutine gather

  !> Put them back.
  subroutine scatter(self, c)
    class(flow_chemistry_t), intent(in) :: self
    real(wp), intent(inout) :: c(:, :, :)

    integer :: cell

    do cell = 1, size(self%y, 2)
      c(self%place(1, cell), self%place(2, cell), :) = self%y(:, cell)
    end do
  end subroutine scatter

end module flow_chemistry
