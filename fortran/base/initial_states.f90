! SPDX-License-Identifier: MIT
!> A state to start from, out of any netCDF file: (site), (site, member) or a trajectory
!> (site, member, time) in Fortran's order, of which one record is taken.
module initial_states
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use failures, only: err_file, err_runtime, err_shape, fail, succeed
  use kinds, only: wp
  use netcdf, only: nf90_close, nf90_get_var, nf90_inq_varid, nf90_inquire_dimension, &
    nf90_inquire_variable, nf90_max_var_dims, nf90_noerr, nf90_nowrite, nf90_open, &
    nf90_strerror
  implicit none
  private
  public :: read_initial_state

contains

  !> Read the variable `name`. A state without members, or with one, is given to all
  !> members.
  subroutine read_initial_state(path, name, record, values, stat, errmsg)
    character(len=*), intent(in) :: path  !! netCDF file
    character(len=*), intent(in) :: name  !! variable
    integer, intent(in) :: record         !! record of a trajectory, from 1; 0 is the last
    real(wp), intent(out) :: values(:, :) !! state (site, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=256) :: problem
    integer :: code, ignored, ncid, status

    problem = ""
    code = err_file
    status = nf90_open(path, nf90_nowrite, ncid)
    if (status == nf90_noerr) then
      call read_record(ncid, name, record, values, code, problem)
      ignored = nf90_close(ncid)
    else
      problem = "cannot be read: "//nf90_strerror(status)
    end if
    if (problem == "") then ! else there may be no values
      if (.not. all(ieee_is_finite(values))) then
        call describe_not_finite(name, values, problem)
        code = err_runtime
      end if
    end if
    if (problem /= "") then
      call fail(code, "initial state '"//path//"' "//trim(problem), stat, errmsg)
      return
    end if
    call succeed(stat)
  end subroutine read_initial_state

  !> Read a record of a variable after its extents are checked.
  subroutine read_record(ncid, name, record, values, code, problem)
    integer, intent(in) :: ncid                !! open file
    character(len=*), intent(in) :: name       !! variable
    integer, intent(in) :: record              !! from 1; 0 is the last
    real(wp), intent(out) :: values(:, :)      !! state (site, member)
    integer, intent(inout) :: code             !! kind of the failure
    character(len=*), intent(inout) :: problem !! set if there is one

    integer :: dims(nf90_max_var_dims), extents(3), i, m, n_dims, status, var

    values = 0.0_wp
    status = nf90_inq_varid(ncid, name, var)
    if (status /= nf90_noerr) then
      problem = "has no variable '"//name//"'"
      return
    end if
    status = nf90_inquire_variable(ncid, var, ndims=n_dims, dimids=dims)
    if (status /= nf90_noerr .or. n_dims < 1 .or. n_dims > 3) then
      write (problem, "(3a, i0)") "'", name, "' must have 1 to 3 dimensions, found ", n_dims
      return
    end if
    extents = 1
    do i = 1, n_dims
      status = nf90_inquire_dimension(ncid, dims(i), len=extents(i))
    end do
    call check_extents(name, extents, record, shape(values), problem)
    if (problem /= "") then
      code = err_shape
      return
    end if
    i = merge(record, extents(3), record > 0)
    status = nf90_get_var(ncid, var, values(:, :extents(2)), start=first(n_dims, i), &
      count=counts(n_dims, extents))
    do m = extents(2) + 1, size(values, 2)
      values(:, m) = values(:, 1)
    end do
    if (status /= nf90_noerr) problem = "'"//name//"': "//nf90_strerror(status)
  end subroutine read_record

  !> Where a record begins.
  pure function first(n_dims, record) result(start)
    integer, intent(in) :: n_dims !! of the variable
    integer, intent(in) :: record !! from 1
    integer :: start(n_dims)

    start = 1
    if (n_dims == 3) start(3) = record
  end function first

  !> How far a record reaches.
  pure function counts(n_dims, extents) result(count)
    integer, intent(in) :: n_dims     !! of the variable
    integer, intent(in) :: extents(3) !! of the variable
    integer :: count(n_dims)

    count = extents(:n_dims)
    if (n_dims == 3) count(3) = 1
  end function counts

  !> Say so if the extents do not fit.
  subroutine check_extents(name, extents, record, expected, problem)
    character(len=*), intent(in) :: name       !! variable
    integer, intent(in) :: extents(3)          !! site, member, time
    integer, intent(in) :: record              !! wanted record
    integer, intent(in) :: expected(2)         !! site, member
    character(len=*), intent(inout) :: problem !! set if they do not

    if (extents(1) /= expected(1)) then
      write (problem, "(3a, i0, a, i0)") "'", name, "' has ", extents(1), &
        " sites, expected ", expected(1)
    else if (extents(2) /= 1 .and. extents(2) /= expected(2)) then
      write (problem, "(3a, i0, a, i0)") "'", name, "' has ", extents(2), &
        " members, 'n_members' is ", expected(2)
    else if (extents(3) < max(1, record)) then
      write (problem, "(3a, i0, a, i0)") "'", name, "' has ", extents(3), &
        " records, 'initial_record' is ", record
    end if
  end subroutine check_extents

  !> Name the first value that is not finite.
  subroutine describe_not_finite(name, values, problem)
    character(len=*), intent(in) :: name       !! variable
    real(wp), intent(in) :: values(:, :)       !! state (site, member)
    character(len=*), intent(inout) :: problem !! set

    integer :: place(2)

    place = findloc(ieee_is_finite(values), .false.)
    write (problem, "(3a, i0, a, i0)") "'", name, "' is not finite at site ", place(1) &
      - 1, ", member ", place(2) - 1
  end subroutine describe_not_finite

end module initial_states
