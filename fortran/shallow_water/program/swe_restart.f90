! SPDX-License-Identifier: MIT
!> The state of a shallow water run: how it begins, and how it is saved and read again.
module swe_restart
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use failures, only: err_file
  use netcdf_inputs, only: netcdf_input_t
  use restarts, only: append, field_t, read_restart, setting_t, write_restart
  use swe_agreement, only: agree, agree_on_problem
  use swe_analysis, only: analysis_t
  use swe_config, only: physics_settings, swe_config_t
  use swe_domain, only: swe_domain_t
  use swe_grid, only: cell_elevation, cell_water, swe_grid_t
  use swe_grid_file, only: metres
  use swe_kinds, only: real64, wp
  use swe_output, only: working_precision
  use swe_parameters, only: wetting_newton
  use swe_ranks, only: gather, scatter
  use swe_state, only: swe_state_t
  use swe_tracers, only: swe_tracers_t
  implicit none
  private
  public :: save_state, start_state

  integer, parameter :: max_errmsg = 1024

contains

  !> Allocate the state and fill it: from a restart, from a file, or at rest. Every rank
  !> reads the file.
  subroutine start_state(config, domain, grid, state, tracers, analysis, step, stat, &
    errmsg)
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(inout) :: state !! allocated and set
    type(swe_tracers_t), intent(inout) :: tracers !! set up and set
    type(analysis_t), intent(inout) :: analysis !! its sums are those of the restart
    integer, intent(out) :: step              !! steps since the start
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(field_t), allocatable :: fields(:), sums(:)
    type(setting_t), allocatable :: settings(:)
    real(real64), allocatable :: nothing(:, :)
    integer :: n

    call state%setup(grid%block)
    n = size(config%tracers%names)
    call tracers%setup(grid%block, n)
    tracers%order = config%tracers%scheme
    step = 0
    stat = 0
    if (config%files%restart_in /= "") then
      allocate (nothing(domain%nx, domain%ny), source=0.0_real64)
      call to_fields(nothing, nothing, nothing, fields)
      call append_tracers(config, domain, grid, tracers%c, fields)
      call analysis%to_fields(domain, grid%block, sums)
      call append_all(fields, sums)
      call restart_settings(config, domain, settings)
      call read_restart(trim(config%files%restart_in), fields, settings, step, stat, errmsg)
      call agree(grid%block, stat, errmsg)
      if (stat == 0) call from_fields(grid, fields(:3 + n), state, tracers%c)
      if (stat == 0) call analysis%from_fields(grid%block, fields(4 + n:), &
        step*real(config%parameters%dt, real64), stat, errmsg)
      if (max(index(errmsg, "'grid_fingerprint' is"), index(errmsg, "'nx' is"), &
        index(errmsg, "'ny' is")) > 0) errmsg = trim(errmsg)// &
        ": it is of another grid, go on with the one it was written with"
    else
      if (config%files%initial /= "") call read_initial(config, domain, grid, state, stat, &
        errmsg)
      if (stat == 0 .and. config%tracers%file /= "") call read_tracers(config, domain, &
        grid, tracers%c, stat, errmsg)
    end if
    if (config%parameters%wetting == wetting_newton .and. config%files%restart_in == "") &
      then
      state%zeta(:, :) = max(state%zeta, -grid%depth) ! nothing is below the bed
    end if
    call state%fill_halo(grid%block)
  end subroutine start_state

  !> Read zeta, and u and v where they are given.
  subroutine read_initial(config, domain, grid, state, stat, errmsg)
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(inout) :: state
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(netcdf_input_t) :: file

    stat = 0
    call file%open(trim(config%files%initial))
    if (file%problem == "") call file%check_units("zeta", metres)
    call read_one(file, domain, grid, "zeta", state%zeta)
    if (file%problem == "") then
      if (file%has("u")) call read_one(file, domain, grid, "u", state%u)
    end if
    if (file%problem == "") then
      if (file%has("v")) call read_one(file, domain, grid, "v", state%v)
    end if
    call file%close()
    if (file%problem == "") return
    stat = err_file
    errmsg = "initial state "//trim(file%problem)
  end subroutine read_initial

  !> Read the concentrations at the start.
  subroutine read_tracers(config, domain, grid, c, stat, errmsg)
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(inout), contiguous :: c(:, :, :) !! set on the block, with halo
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(netcdf_input_t) :: file
    integer :: k

    stat = 0
    call file%open(trim(config%tracers%file))
    do k = 1, size(c, 3)
      call read_one(file, domain, grid, trim(config%tracers%names(k)), c(:, :, k))
      if (file%problem /= "") exit
    end do
    call file%close()
    if (file%problem == "") return
    stat = err_file
    errmsg = "tracers "//trim(file%problem)
  end subroutine read_tracers

  !> Read one field on all ranks, or on none.
  subroutine read_one(file, domain, grid, name, field)
    type(netcdf_input_t), intent(inout) :: file
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    character(len=*), intent(in) :: name
    real(wp), intent(inout), contiguous :: field(:, :) !! with halo

    real(real64), allocatable :: values(:, :)

    call read_values(file, domain, name, values)
    call agree_on_problem(grid%block, file%problem)
    if (file%problem == "") call scatter(grid%block, real(values, wp), field)
  end subroutine read_one

  !> Read one field of the grid's extents, whatever its dimensions are called.
  subroutine read_values(file, domain, name, values)
    type(netcdf_input_t), intent(inout) :: file
    type(swe_domain_t), intent(in) :: domain
    character(len=*), intent(in) :: name
    real(real64), allocatable, intent(out) :: values(:, :)

    character(len=256), allocatable :: dims(:)
    character(len=max_errmsg) :: text
    integer :: place(2)

    if (file%problem /= "") return
    call file%list_dimensions(name, dims)
    if (file%problem == "" .and. size(dims) == 3) then
      associate (extents => file%extents(name))
        call file%read(name, dims(:2), extents(3), values)
      end associate
    else if (file%problem == "") then
      call file%read(name, [character(len=256) :: dims, "", ""], values)
    end if
    if (file%problem /= "") return
    if (any(shape(values) /= [domain%nx, domain%ny])) then
      write (text, "(5a, 2(i0, a), 2(i0, a))") "'", file%path, "' has '", name, "' of ", &
        size(values, 2), " rows of ", size(values, 1), " cells, the grid has ", domain%ny, &
        " rows of ", domain%nx, " cells"
      file%problem = text
      return
    end if
    where (.not. (domain%cell == cell_water .or. domain%cell == cell_elevation) .and. &
      .not. ieee_is_finite(values)) values = 0
    place = findloc(ieee_is_finite(values), .false.)
    if (any(place > 0)) then
      write (text, "(5a, i0, a, i0)") "'", file%path, "' has '", name, &
        "' that is not finite in column ", place(1), ", row ", place(2)
      file%problem = text
    end if
  end subroutine read_values

  !> Write a restart. All ranks call it, rank 0 writes.
  subroutine save_state(path, config, domain, grid, state, c, step, stat, errmsg, analysis)
    character(len=*), intent(in) :: path !! file
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(in) :: state !! to be saved
    real(wp), intent(in), contiguous :: c(:, :, :) !! concentrations, with halo
    integer, intent(in) :: step            !! since the start
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg
    type(analysis_t), intent(in), optional :: analysis !! its sums up to this step

    type(field_t), allocatable :: fields(:), sums(:)
    type(setting_t), allocatable :: settings(:)
    real(wp), allocatable :: u(:, :), v(:, :), zeta(:, :)

    allocate (zeta(domain%nx, domain%ny))
    allocate (u, v, mold=zeta)
    call gather(grid%block, state%zeta, zeta)
    call gather(grid%block, state%u, u)
    call gather(grid%block, state%v, v)
    call to_fields(real(zeta, real64), real(u, real64), real(v, real64), fields)
    call append_tracers(config, domain, grid, c, fields)
    if (present(analysis)) call analysis%to_fields(domain, grid%block, sums)
    stat = 0
    if (grid%block%rank /= 0) return
    call append_all(fields, sums)
    call restart_settings(config, domain, settings)
    call write_restart(path, fields, settings, step, stat, errmsg)
  end subroutine save_state

  !> What a restart must agree with.
  subroutine restart_settings(config, domain, settings)
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(setting_t), allocatable, intent(out) :: settings(:)

    type(setting_t), allocatable :: physics(:)
    integer :: i

    allocate (settings(0))
    call append(settings, "model", "shallow water")
    call append(settings, "nx", real(domain%nx, real64))
    call append(settings, "ny", real(domain%ny, real64))
    call append(settings, "grid_fingerprint", domain%fingerprint())
    call physics_settings(config, physics)
    do i = 1, size(physics)
      if (allocated(physics(i)%text)) then
        call append(settings, physics(i)%name, physics(i)%text)
      else
        call append(settings, physics(i)%name, physics(i)%number)
      end if
    end do
    call append(settings, "start", trim(config%integration%start))
    call append(settings, "working_precision", working_precision())
  end subroutine restart_settings

  !> Add a list to another.
  subroutine append_all(fields, more)
    type(field_t), allocatable, intent(inout) :: fields(:)
    type(field_t), allocatable, intent(in) :: more(:) !! not allocated: none

    integer :: i

    if (.not. allocated(more)) return
    do i = 1, size(more)
      call append(fields, more(i)%name, more(i)%values)
      fields(size(fields))%is_optional = more(i)%is_optional
    end do
  end subroutine append_all

  !> The state as named arrays.
  subroutine to_fields(zeta, u, v, fields)
    real(real64), intent(in) :: zeta(:, :), u(:, :), v(:, :) !! of the whole grid
    type(field_t), allocatable, intent(out) :: fields(:)

    integer :: i

    allocate (fields(0))
    call append(fields, "zeta", zeta)
    call append(fields, "u", u)
    call append(fields, "v", v)
    do i = 1, size(fields)
      fields(i)%axes = ["column", "row   "]
    end do
  end subroutine to_fields

  !> Add the concentrations. All ranks call it; rank 0 has them afterwards.
  subroutine append_tracers(config, domain, grid, c, fields)
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    real(wp), intent(in), contiguous :: c(:, :, :) !! with halo
    type(field_t), allocatable, intent(inout) :: fields(:)

    real(wp), allocatable :: whole(:, :)
    integer :: k

    allocate (whole(domain%nx, domain%ny), source=0.0_wp)
    do k = 1, size(c, 3)
      call gather(grid%block, c(:, :, k), whole)
      call append(fields, trim(config%tracers%names(k)), real(whole, real64))
      fields(size(fields))%axes = ["column", "row   "]
    end do
  end subroutine append_tracers

  !> The state out of named arrays.
  subroutine from_fields(grid, fields, state, c)
    type(swe_grid_t), intent(in) :: grid
    type(field_t), intent(in) :: fields(:)    !! as `to_fields` makes them
    type(swe_state_t), intent(inout) :: state !! set
    real(wp), intent(inout), contiguous :: c(:, :, :) !! set, with halo

    integer :: k

    call scatter(grid%block, real(fields(1)%values, wp), state%zeta)
    call scatter(grid%block, real(fields(2)%values, wp), state%u)
    call scatter(grid%block, real(fields(3)%values, wp), state%v)
    do k = 1, size(c, 3)
      call scatter(grid%block, real(fields(3 + k)%values, wp), c(:, :, k))
    end do
  end subroutine from_fields

end module swe_restart
