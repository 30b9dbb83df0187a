! SPDX-License-Identifier: MIT
!> Restart files: a model's whole state, bit for bit, and what it belongs to.
!>
!> Only a file of the same model, the same sizes and the same parameters is accepted; what
!> differs is named. Parameters are compared as bits: a restart continues a run, it does not
!> begin another one.
module restarts
  use failures, only: err_file, err_shape, fail, succeed
  use files, only: check_writable, delete_file, move_file
  use kinds, only: wp
  use netcdf, only: nf90_clobber, nf90_close, nf90_create, nf90_def_dim, nf90_def_var, &
    nf90_double, nf90_enddef, nf90_get_att, nf90_get_var, nf90_global, nf90_inq_varid, &
    nf90_inquire_attribute, nf90_inquire_dimension, nf90_inquire_variable, &
    nf90_max_var_dims, &
    nf90_netcdf4, nf90_noerr, nf90_nowrite, nf90_open, nf90_put_att, nf90_put_var, &
    nf90_strerror
  implicit none
  private
  public :: append, field_t, read_restart, setting_t, write_restart

  !> A named array of the state.
  type :: field_t
    character(len=:), allocatable :: name
    real(wp), allocatable :: values(:, :) !! (site, member)
    character(len=6) :: axes(2) = ["site  ", "member"] !! what the two count
    logical :: is_optional = .false. !! a restart without it is accepted
    logical :: is_found = .true.     !! the restart that was read had it
  end type field_t

  !> A named parameter, as text or as a number.
  type :: setting_t
    character(len=:), allocatable :: name
    character(len=:), allocatable :: text !! allocated if the parameter is text
    real(wp) :: number = 0.0_wp           !! else its value
  end type setting_t

  !> Add to a list of fields or settings.
  interface append
    procedure append_field
    procedure append_text
    procedure append_number
  end interface append

contains

  ! Constructors of types with allocatable text crash gfortran 12: hence these three.

  !> Add a copy of an array.
  subroutine append_field(fields, name, values)
    type(field_t), allocatable, intent(inout) :: fields(:) !! so far, allocated
    character(len=*), intent(in) :: name                   !! of the array
    real(wp), intent(in) :: values(:, :)                   !! (site, member)

    type(field_t), allocatable :: more(:)
    integer :: n

    n = size(fields)
    allocate (more(n + 1))
    more(:n) = fields
    more(n + 1)%name = name
    more(n + 1)%values = values
    call move_alloc(more, fields)
  end subroutine append_field

  !> Add a parameter that is text.
  subroutine append_text(settings, name, text)
    type(setting_t), allocatable, intent(inout) :: settings(:) !! so far, allocated
    character(len=*), intent(in) :: name                       !! of the parameter
    character(len=*), intent(in) :: text                       !! its value

    call append_number(settings, name, 0.0_wp)
    settings(size(settings))%text = text
  end subroutine append_text

  !> Add a parameter that is a number.
  subroutine append_number(settings, name, number)
    type(setting_t), allocatable, intent(inout) :: settings(:) !! so far, allocated
    character(len=*), intent(in) :: name                       !! of the parameter
    real(wp), intent(in) :: number                             !! its value

    type(setting_t), allocatable :: more(:)
    integer :: n

    n = size(settings)
    allocate (more(n + 1))
    more(:n) = settings
    more(n + 1)%name = name
    more(n + 1)%number = number
    call move_alloc(more, settings)
  end subroutine append_number

  !> Write a restart; it replaces an older one only when it is complete.
  subroutine write_restart(path, fields, settings, step, stat, errmsg)
    character(len=*), intent(in) :: path          !! file
    type(field_t), intent(in) :: fields(:)        !! the state
    type(setting_t), intent(in) :: settings(:)    !! what it belongs to
    integer, intent(in) :: step                   !! steps done since the start
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: ncid, status

    call check_writable(path//".part", stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    status = nf90_create(path//".part", ior(nf90_clobber, nf90_netcdf4), ncid)
    if (status == nf90_noerr) then
      call write_contents(ncid, fields, settings, step, status)
      if (nf90_close(ncid) /= nf90_noerr .and. status == nf90_noerr) status = -61
      if (status /= nf90_noerr) call delete_file(path//".part")
    end if
    if (status /= nf90_noerr) then
      call fail(err_file, "cannot write restart '"//path//"': "// &
        trim(nf90_strerror(status)), stat, errmsg)
      return
    end if
    call move_file(path//".part", path, stat, errmsg)
  end subroutine write_restart

  !> Define and write everything.
  subroutine write_contents(ncid, fields, settings, step, status)
    integer, intent(in) :: ncid                !! open file
    type(field_t), intent(in) :: fields(:)     !! the state
    type(setting_t), intent(in) :: settings(:) !! parameters
    integer, intent(in) :: step                !! steps done
    integer, intent(out) :: status             !! netCDF's

    integer :: dims(2), i, vars(size(fields))

    status = nf90_put_att(ncid, nf90_global, "step", step)
    do i = 1, size(settings)
      if (status /= nf90_noerr) return
      if (allocated(settings(i)%text)) then
        status = nf90_put_att(ncid, nf90_global, settings(i)%name, settings(i)%text)
      else
        status = nf90_put_att(ncid, nf90_global, settings(i)%name, settings(i)%number)
      end if
    end do
    do i = 1, size(fields)
      associate (name => fields(i)%name, extents => shape(fields(i)%values))
        if (status == nf90_noerr) status = &
          nf90_def_dim(ncid, name//"_"//trim(fields(i)%axes(1)), extents(1), dims(1))
        if (status == nf90_noerr) status = &
          nf90_def_dim(ncid, name//"_"//trim(fields(i)%axes(2)), extents(2), dims(2))
        if (status == nf90_noerr) status = &
          nf90_def_var(ncid, name, nf90_double, dims, vars(i))
      end associate
    end do
    if (status == nf90_noerr) status = nf90_enddef(ncid)
    do i = 1, size(fields)
      if (status == nf90_noerr) status = nf90_put_var(ncid, vars(i), fields(i)%values)
    end do
  end subroutine write_contents

  !> Read a restart into fields of known names and extents.
  subroutine read_restart(path, fields, settings, step, stat, errmsg)
    character(len=*), intent(in) :: path       !! file
    type(field_t), intent(inout) :: fields(:)  !! allocated; receive the state
    type(setting_t), intent(in) :: settings(:) !! what the file must belong to
    integer, intent(out) :: step               !! steps done since the start
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=512) :: problem
    integer :: i, ignored, ncid, status

    step = 0
    problem = ""
    status = nf90_open(path, nf90_nowrite, ncid)
    if (status /= nf90_noerr) then
      call fail(err_file, "cannot read restart '"//path//"': "// &
        trim(nf90_strerror(status)), stat, errmsg)
      return
    end if
    status = nf90_get_att(ncid, nf90_global, "step", step)
    if (status /= nf90_noerr) problem = "'step' is missing: this is no restart file"
    do i = 1, size(settings)
      if (problem == "") call compare(ncid, settings(i), problem)
    end do
    do i = 1, size(fields)
      if (problem == "") call read_field(ncid, fields(i), problem)
    end do
    ignored = nf90_close(ncid)
    if (problem /= "") then
      call fail(err_shape, "restart '"//path//"': "//trim(problem), stat, errmsg)
      return
    end if
    call succeed(stat)
  end subroutine read_restart

  !> Say so if a parameter in the file is not the expected one.
  subroutine compare(ncid, setting, problem)
    integer, intent(in) :: ncid                !! open file
    type(setting_t), intent(in) :: setting     !! expected
    character(len=*), intent(inout) :: problem !! set if it differs

    character(len=:), allocatable :: text
    real(wp) :: number
    integer :: length, status

    if (allocated(setting%text)) then
      status = nf90_inquire_attribute(ncid, nf90_global, setting%name, len=length)
      if (status == nf90_noerr) then
        allocate (character(len=length) :: text)
        status = nf90_get_att(ncid, nf90_global, setting%name, text)
      end if
      if (status == nf90_noerr) then
        if (text /= setting%text) problem = "'"//setting%name//"' is '"//text// &
          "', this run has '"//setting%text//"'"
      end if
    else
      status = nf90_get_att(ncid, nf90_global, setting%name, number)
      if (status == nf90_noerr) then
        if (abs(number - setting%number) > 0.0_wp) call tell_apart(setting%name, number, &
          setting%number, problem)
      end if
    end if
    if (status /= nf90_noerr) problem = "'"//setting%name//"' is missing"
  end subroutine compare

  !> Two numbers that differ, in few digits if these show it.
  subroutine tell_apart(name, found, expected, problem)
    character(len=*), intent(in) :: name        !! of the parameter
    real(wp), intent(in) :: found, expected     !! in the file, in this run
    character(len=*), intent(inout) :: problem  !! set

    character(len=32) :: one, other

    one = in_words(found, "(g0.6)")
    other = in_words(expected, "(g0.6)")
    if (one == other) then
      one = in_words(found, "(g0)")
      other = in_words(expected, "(g0)")
    end if
    write (problem, "(6a)") "'", name, "' is ", trim(one), &
      ", this run has ", trim(other)
  end subroutine tell_apart

  !> A number in a form; a count without decimals.
  function in_words(number, form) result(text)
    real(wp), intent(in) :: number
    character(len=*), intent(in) :: form
    character(len=32) :: text

    if (number >= 1.0_wp .and. number < 1.0e9_wp .and. &
      .not. abs(number - anint(number)) > 0.0_wp) then
      write (text, "(i0)") nint(number)
    else
      write (text, form) number
    end if
  end function in_words

  !> Read one field, if it has the expected extents.
  subroutine read_field(ncid, field, problem)
    integer, intent(in) :: ncid                !! open file
    type(field_t), intent(inout) :: field      !! its values are read
    character(len=*), intent(inout) :: problem !! set if that cannot be

    integer :: dims(nf90_max_var_dims), extents(2), i, n_dims, status, var

    status = nf90_inq_varid(ncid, field%name, var)
    field%is_found = status == nf90_noerr
    if (field%is_optional .and. .not. field%is_found) return
    if (status == nf90_noerr) status = &
      nf90_inquire_variable(ncid, var, ndims=n_dims, dimids=dims)
    if (status == nf90_noerr .and. n_dims /= 2) then
      write (problem, "(3a, i0)") "'", field%name, "' must have 2 dimensions, found ", &
        n_dims
      return
    end if
    extents = 0
    do i = 1, 2
      if (status == nf90_noerr) status = &
        nf90_inquire_dimension(ncid, dims(i), len=extents(i))
    end do
    if (status == nf90_noerr .and. any(extents /= shape(field%values))) then
      write (problem, "(3a, 2(i0, 3a, i0, 3a))") "'", field%name, "' holds ", &
        extents(2), " ", trim(field%axes(2)), "s of ", extents(1), " ", &
        trim(field%axes(1)), "s, this run has ", size(field%values, 2), " ", &
        trim(field%axes(2)), "s of ", size(field%values, 1), " ", trim(field%axes(1)), "s"
      return
    end if
    if (status == nf90_noerr) status = nf90_get_var(ncid, var, field%values)
    if (status /= nf90_noerr) problem = &
      "cannot read '"//field%name//"': "//trim(nf90_strerror(status))
  end subroutine read_field

end module restarts
