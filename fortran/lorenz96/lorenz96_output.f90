! SPDX-License-Identifier: MIT
!> What a Lorenz-96 run writes: x always; z and the coupling if there are two levels.
module lorenz96_output
  use kinds, only: wp
  use lorenz96_config, only: lorenz96_config_t
  use lorenz96_state, only: lorenz96_state_t, model_settings
  use lorenz96_two_level, only: two_level_t
  use restarts, only: setting_t
  use trajectories, only: trajectory_t
  use version, only: isthmus_version
  implicit none
  private
  public :: create_output, write_state

contains

  !> Create the trajectory and define all that will be in it.
  subroutine create_output(config, closure_name, trajectory, stat, errmsg)
    type(lorenz96_config_t), intent(in) :: config   !! settings
    character(len=*), intent(in) :: closure_name    !! what fills the slot
    type(trajectory_t), intent(inout) :: trajectory !! created
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call trajectory%create(trim(config%output), stat, errmsg)
    if (stat == 0) call trajectory%add_dimension("member", config%n_members, &
      "member of the ensemble", stat, errmsg)
    if (stat == 0) call trajectory%add_dimension("k", config%n_sites, &
      "site on the ring", stat, errmsg)
    if (stat == 0 .and. config%levels == 2 .and. config%write_fast) then
      call trajectory%add_dimension("jk", config%n_sites*config%n_fast, &
      "fast variable, jk = j + J k", stat, errmsg)
    end if
    if (stat == 0) call add_variables(config, trajectory, stat, errmsg)
    if (stat == 0) call add_attributes(config, closure_name, trajectory, stat, errmsg)
  end subroutine create_output

  !> Define the variables.
  subroutine add_variables(config, trajectory, stat, errmsg)
    type(lorenz96_config_t), intent(in) :: config   !! settings
    type(trajectory_t), intent(inout) :: trajectory !! receives them
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    logical :: single

    single = config%precision == "float32"
    call trajectory%add_variable("x", [character(len=6) :: "k", "member"], "1", &
      "resolved state", single, stat, errmsg)
    if (config%levels /= 2) return
    if (stat == 0 .and. config%write_fast) call trajectory%add_variable("z", &
      [character(len=6) :: "jk", "member"], "1", "unresolved state", single, stat, errmsg)
    if (stat == 0) call trajectory%add_variable("coupling", &
      [character(len=6) :: "k", "member"], "1", &
      "tendency of x from the unresolved level", single, stat, errmsg)
  end subroutine add_variables

  !> Say which model, which parameters, which program.
  subroutine add_attributes(config, closure_name, trajectory, stat, errmsg)
    type(lorenz96_config_t), intent(in) :: config   !! settings
    character(len=*), intent(in) :: closure_name    !! what fills the slot
    type(trajectory_t), intent(inout) :: trajectory !! receives them
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(setting_t), allocatable :: settings(:)
    integer :: i

    call trajectory%add_attribute("Conventions", "CF-1.10", stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("title", "Lorenz-96 trajectories", &
      stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("source", "isthmus-lorenz96", stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("version", isthmus_version, stat, errmsg)
    call model_settings(config, settings)
    do i = 1, size(settings)
      if (stat /= 0) return
      if (allocated(settings(i)%text)) then
        call trajectory%add_attribute(settings(i)%name, settings(i)%text, stat, errmsg)
      else if (is_count(settings(i)%name)) then
        call trajectory%add_attribute(settings(i)%name, nint(settings(i)%number), stat, &
          errmsg)
      else
        call trajectory%add_attribute(settings(i)%name, settings(i)%number, stat, errmsg)
      end if
    end do
    if (stat == 0) call trajectory%add_attribute("closure", closure_name, stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("seed", config%seed, stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("output_every", config%output_every, &
      stat, errmsg)
    if (stat == 0) call trajectory%add_attribute("spin_up_steps", config%spin_up_steps, &
      stat, errmsg)
  end subroutine add_attributes

  !> True for the parameters that count something.
  pure logical function is_count(name)
    character(len=*), intent(in) :: name !! of the parameter

    is_count = name(:min(2, len(name))) == "n_"
  end function is_count

  !> Write one record.
  subroutine write_state(config, two_level, state, trajectory, stat, errmsg)
    type(lorenz96_config_t), intent(in) :: config   !! settings
    type(two_level_t), intent(in) :: two_level      !! knows the coupling
    type(lorenz96_state_t), intent(in) :: state     !! to be written
    type(trajectory_t), intent(inout) :: trajectory !! receives it
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp), allocatable :: coupling(:, :)

    call trajectory%begin_record(state%step*config%dt, stat, errmsg)
    if (stat == 0) call trajectory%write_field("x", state%x, stat, errmsg)
    if (stat /= 0 .or. config%levels /= 2) return
    if (config%write_fast) call trajectory%write_field("z", state%z, stat, errmsg)
    if (stat /= 0) return
    allocate (coupling, mold=state%x)
    call two_level%coupling(state%z, coupling)
    call trajectory%write_field("coupling", coupling, stat, errmsg)
  end subroutine write_state

end module lorenz96_output
