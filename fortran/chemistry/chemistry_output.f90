! SPDX-License-Identifier: MIT
!> What a run of boxes writes: concentrations and the flag of each cell, at each record.
module chemistry_output
  use chemistry_config, only: chemistry_config_t
  use chemistry_mechanism, only: mechanism_t
  use chemistry_solver, only: flag_text
  use kinds, only: wp
  use trajectories, only: trajectory_t
  use version, only: isthmus_version
  implicit none
  private
  public :: create_output, write_state

  character(len=*), parameter :: midnight = " since 2000-01-01 00:00:00"
  integer, parameter :: last_flag = 6 !! of those in `chemistry_solver`

contains

  !> Create the file and define all that will be in it.
  subroutine create_output(config, mechanism, trajectory, stat, errmsg)
    type(chemistry_config_t), intent(in) :: config  !! settings
    type(mechanism_t), intent(in) :: mechanism      !! species and units
    type(trajectory_t), intent(inout) :: trajectory !! created
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    if (mechanism%time_unit == "1") then
      call trajectory%create(trim(config%output), stat, errmsg)
    else
      call trajectory%create(trim(config%output), stat, errmsg, &
        time_units=long_unit(mechanism%time_unit)//midnight)
    end if
    if (stat == 0) call trajectory%add_dimension("cell", config%n_cells, &
      "box", stat, errmsg)
    if (stat == 0) call trajectory%add_dimension("species", size(mechanism%species), &
      "species of the mechanism", stat, errmsg)
    if (stat == 0) call trajectory%add_texts("species_name", "species", &
      mechanism%species, "name of the species", stat, errmsg)
    if (stat == 0) call add_variables(config, mechanism, trajectory, stat, errmsg)
    if (stat == 0) call add_attributes(config, mechanism, trajectory, stat, errmsg)
  end subroutine create_output

  !> Time units as CF writes them.
  function long_unit(unit) result(text)
    character(len=*), intent(in) :: unit !! s, min or h
    character(len=:), allocatable :: text

    select case (unit)
    case ("min")
      text = "minutes"
    case ("h")
      text = "hours"
    case default
      text = "seconds"
    end select
  end function long_unit

  !> Define the variables.
  subroutine add_variables(config, mechanism, trajectory, stat, errmsg)
    type(chemistry_config_t), intent(in) :: config  !! settings
    type(mechanism_t), intent(in) :: mechanism      !! units
    type(trajectory_t), intent(inout) :: trajectory !! receives them
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call trajectory%add_variable("y", [character(len=7) :: "species", "cell"], &
      mechanism%unit, "concentration; NaN once a cell is flagged", &
      config%precision == "float32", stat, errmsg)
    if (stat == 0) call trajectory%add_mark("y", "coordinates", "species_name", stat, &
      errmsg)
    if (stat == 0) call trajectory%add_variable("flag", ["cell"], "1", &
      "why a cell could not be integrated, 0 if it could", .true., stat, errmsg)
    if (stat == 0) call trajectory%add_mark("flag", "comment", flag_meanings(), stat, &
      errmsg)
    if (stat == 0) call trajectory%add_constant("temperature", ["cell"], "K", &
      "air temperature", .false., stat, errmsg)
    if (stat == 0) call trajectory%add_mark("temperature", "standard_name", &
      "air_temperature", stat, errmsg)
  end subroutine add_variables

  !> All flags and their meanings.
  function flag_meanings() result(text)
    character(len=:), allocatable :: text

    integer :: flag

    text = ""
    do flag = 0, last_flag
      if (flag > 0) text = text//"; "
      text = text//achar(iachar("0") + flag)//": "//flag_text(flag)
    end do
  end function flag_meanings

  !> Say which mechanism, which method, which program.
  subroutine add_attributes(config, mechanism, trajectory, stat, errmsg)
    type(chemistry_config_t), intent(in) :: config  !! settings
    type(mechanism_t), intent(in) :: mechanism      !! its name
    type(trajectory_t), intent(inout) :: trajectory !! receives them
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call trajectory%add_attribute("Conventions", "CF-1.10", stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("title", &
      "chemistry in boxes: "//mechanism%name, stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("source", "isthmus-chemistry", stat, &
      errmsg)
    if (stat == 0) call trajectory%add_attribute("version", isthmus_version, stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("mechanism", mechanism%name, stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("method", trim(config%method), stat, &
      errmsg)
    if (stat == 0) call trajectory%add_attribute("rtol", config%rtol, stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("atol", config%atol, stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("dt", config%dt, stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("spread", config%spread, stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("seed", config%seed, stat, errmsg)
  end subroutine add_attributes

  !> Write one record.
  subroutine write_state(trajectory, t, y, flags, stat, errmsg)
    type(trajectory_t), intent(inout) :: trajectory !! receives it
    real(wp), intent(in) :: t                       !! model time [mechanism's unit]
    real(wp), intent(in), contiguous :: y(:, :)     !! concentrations (species, cell)
    integer, intent(in) :: flags(:)                 !! one of flag_* (cell)
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call trajectory%begin_record(t, stat, errmsg)
    if (stat == 0) call trajectory%write_field("y", y, stat, errmsg)
    if (stat == 0) call trajectory%write_field("flag", &
      reshape(real(flags, wp), [size(flags), 1]), stat, errmsg)
  end subroutine write_state

end module chemistry_output
