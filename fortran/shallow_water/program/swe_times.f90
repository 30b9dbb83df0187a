! SPDX-License-Identifier: MIT
!> Times of a netCDF file, in seconds since the start of the run.
module swe_times
  use netcdf_inputs, only: netcdf_input_t
  use swe_constituents, only: days_since_j2000
  use swe_kinds, only: real64
  implicit none
  private
  public :: time_axis_t

  integer, parameter :: date_length = 19 !! "2000-01-01T00:00:00"; the rest is fractions
  real(real64), parameter :: day = 86400 !! [s]

  !> The times of records that are interpolated between.
  type :: time_axis_t
    real(real64), allocatable :: times(:) !! since the start of the run [s]
    integer, private :: place = 1         !! where the last time was found
  contains
    procedure :: read => read_axis
    procedure :: bracket
    procedure :: check_range
  end type time_axis_t

contains

  !> Read the coordinate `time`; its units must be of the form "hours since 2000-01-01".
  subroutine read_axis(self, file, start)
    class(time_axis_t), intent(inout) :: self
    type(netcdf_input_t), intent(inout) :: file !! open; has a problem if it cannot be read
    character(len=*), intent(in) :: start       !! of the run

    character(len=:), allocatable :: units
    real(real64) :: epoch, origin, unit
    integer :: since
    logical :: is_date

    call file%read("time", self%times)
    if (file%problem /= "") return
    units = file%text_attribute("time", "units")
    since = index(units, " since ")
    unit = 0
    if (since > 0) unit = unit_length(units(:since - 1))
    is_date = .false.
    if (since > 0) call days_since_j2000(head_of(units(since + 7:)), epoch, is_date)
    if (unit <= 0 .or. .not. is_date) then
      file%problem = "'"//file%path//"' gives 'time' in '"//units// &
        "', expected e.g. 'hours since 2000-01-01 00:00:00'"
      return
    end if
    call days_since_j2000(start, origin, is_date)
    self%times = self%times*unit + (epoch - origin)*day
    if (any(self%times(2:) <= self%times(:size(self%times) - 1)) .or. &
      size(self%times) == 0) then
      file%problem = "'"//file%path//"' has 'time' that does not increase"
    end if
  end subroutine read_axis

  !> A date without fractions of a second and time zones; "2000-01-01 0:0:0" is not one.
  function head_of(text) result(date)
    character(len=*), intent(in) :: text
    character(len=:), allocatable :: date

    date = trim(adjustl(text))
    if (len(date) > date_length) date = date(:date_length)
  end function head_of

  !> Length of a unit of time [s]; 0 if it is none.
  pure real(real64) function unit_length(unit)
    character(len=*), intent(in) :: unit

    select case (unit)
    case ("seconds", "second", "s", "sec")
      unit_length = 1
    case ("minutes", "minute", "min")
      unit_length = 60
    case ("hours", "hour", "h")
      unit_length = 3600
    case ("days", "day", "d")
      unit_length = day
    case default
      unit_length = 0
    end select
  end function unit_length

  !> The record before a time, and the weight of the next one.
  subroutine bracket(self, time, record, weight)
    class(time_axis_t), intent(inout) :: self
    real(real64), intent(in) :: time    !! since the start [s]
    integer, intent(out) :: record      !! from 1; the next one is also a record
    real(real64), intent(out) :: weight !! of the next one, 0 to 1

    integer :: n

    n = size(self%times)
    if (self%times(self%place) > time) self%place = 1
    do while (self%place < n - 1)
      if (self%times(self%place + 1) > time) exit
      self%place = self%place + 1
    end do
    record = self%place
    weight = 0
    if (n > 1) weight = (time - self%times(record))/(self%times(record + 1) &
      - self%times(record))
    weight = max(0.0_real64, min(1.0_real64, weight))
  end subroutine bracket

  !> Say so if the records do not cover a run.
  subroutine check_range(self, path, first, last, problem)
    class(time_axis_t), intent(in) :: self
    character(len=*), intent(in) :: path       !! file of the records
    real(real64), intent(in) :: first, last    !! of the run [s]
    character(len=*), intent(inout) :: problem !! set if they do not

    real(real64), parameter :: slack = 1.0e-3_real64 !! rounding of days to seconds [s]

    if (problem /= "") return
    associate (earliest => self%times(1), latest => self%times(size(self%times)))
      if (earliest <= first + slack .and. latest >= last - slack) return
    end associate
    write (problem, "(3a, g0.8, a, g0.8, a, g0.8, a, g0.8, a)") "'", path, &
      "' has 'time' from ", self%times(1), " s to ", self%times(size(self%times)), &
      " s after the start, the run needs ", first, " s to ", last, " s"
  end subroutine check_range

end module swe_times
