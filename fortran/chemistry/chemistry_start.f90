! SPDX-License-Identifier: MIT
!> How the boxes of a run begin: as the mechanism says, spread at random, or from a file.
module chemistry_start
  use chemistry_config, only: chemistry_config_t
  use chemistry_mechanism, only: mechanism_t
  use failures, only: err_file
  use kinds, only: wp
  use netcdf_inputs, only: netcdf_input_t
  use random, only: random_t
  implicit none
  private
  public :: start_cells

contains

  !> Concentrations and temperatures at the start.
  subroutine start_cells(config, mechanism, y, temperature, stat, errmsg)
    type(chemistry_config_t), intent(in) :: config     !! settings
    type(mechanism_t), intent(in) :: mechanism         !! published start
    real(wp), allocatable, intent(out) :: y(:, :)      !! concentrations (species, cell)
    real(wp), allocatable, intent(out) :: temperature(:) !! [K] (cell)
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(random_t) :: stream
    real(wp) :: number
    integer :: c, i

    stat = 0
    if (config%initial /= "") then
      call read_start(config, size(mechanism%species), y, stat, errmsg)
      if (stat /= 0) return
    else
      y = spread(mechanism%initial, 2, config%n_cells)
    end if
    call stream%seed(config%seed)
    temperature = spread(mechanism%temperature, 1, config%n_cells)
    do c = 1, config%n_cells
      do i = 1, size(y, 1)
        call stream%uniform(number)
        if (config%spread > 1.0_wp) y(i, c) = y(i, c)*config%spread**(2*number - 1)
      end do
      call stream%uniform(number)
      temperature(c) = temperature(c) + config%temperature_spread*(2*number - 1)
    end do
  end subroutine start_cells

  !> Concentrations of a file: y(species, cell), or one record of y(species, cell, time).
  subroutine read_start(config, n_species, y, stat, errmsg)
    type(chemistry_config_t), intent(in) :: config !! settings
    integer, intent(in) :: n_species               !! of the mechanism
    real(wp), allocatable, intent(out) :: y(:, :)  !! (species, cell)
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=*), parameter :: dims(2) = [character(len=7) :: "species", "cell"]
    type(netcdf_input_t) :: input
    integer, allocatable :: extents(:)
    integer :: record

    call input%open(trim(config%initial))
    extents = input%extents("y")
    if (size(extents) == 3) then
      record = config%initial_record
      if (record == 0) record = extents(3)
      if (record > extents(3)) then
        write (input%problem, "(a, i0, a, i0)") "'initial_record' is ", record, &
          ", the file has ", extents(3)
      else
        call input%read("y", dims, record, y)
      end if
    else
      call input%read("y", dims, y)
    end if
    if (input%problem == "") then ! else there may be no y
      if (any(shape(y) /= [n_species, config%n_cells])) write (input%problem, &
        "(3a, i0, a, i0, a, i0, a, i0)") "'", trim(config%initial), "' has ", size(y, 1), &
        " species and ", size(y, 2), " cells, expected ", n_species, " and ", &
        config%n_cells
    end if
    stat = merge(err_file, 0, input%problem /= "")
    if (stat /= 0) errmsg = input%problem
    call input%close()
  end subroutine read_start

end module chemistry_start
