! SPDX-License-Identifier: MIT
!> The state of a Lorenz-96 run: how it begins, and how it is saved and read again.
module lorenz96_state
  use initial_states, only: read_initial_state
  use kinds, only: real32, wp
  use lorenz96_config, only: lorenz96_config_t
  use random, only: random_t
  use restarts, only: append, field_t, read_restart, setting_t, write_restart
  implicit none
  private
  public :: is_finite, lorenz96_state_t, model_settings, save_state, start_state

  !> A state beyond single precision has blown up: a few products more and it is infinite,
  !> and a file in single precision could not hold it. NaN is not below it either.
  real(wp), parameter :: largest = real(huge(1.0_real32), wp)

  !> Both levels and how far they are.
  type :: lorenz96_state_t
    real(wp), allocatable :: x(:, :) !! slow state [1] (k, member)
    real(wp), allocatable :: z(:, :) !! fast state [1] (jk, member), no sites if one level
    integer :: step = 0              !! steps since time 0
  end type lorenz96_state_t

contains

  !> Allocate the state and fill it: from a restart, from a file, or from the seed.
  subroutine start_state(config, closure_name, state, stat, errmsg)
    type(lorenz96_config_t), intent(in) :: config      !! settings
    character(len=*), intent(in) :: closure_name       !! what fills the slot
    type(lorenz96_state_t), intent(inout) :: state     !! allocated and set
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(field_t), allocatable :: fields(:)
    type(setting_t), allocatable :: settings(:)
    integer :: n_fast_sites

    n_fast_sites = 0
    if (config%levels == 2) n_fast_sites = config%n_sites*config%n_fast
    allocate (state%x(config%n_sites, config%n_members))
    allocate (state%z(n_fast_sites, config%n_members))
    state%x = 0.0_wp
    state%z = 0.0_wp
    state%step = 0
    if (config%restart_in /= "") then
      call to_fields(state, fields)
      call restart_settings(config, closure_name, settings)
      call read_restart(trim(config%restart_in), fields, settings, state%step, stat, errmsg)
      if (stat == 0) call from_fields(fields, state)
      return
    end if
    stat = 0
    if (config%initial /= "") then
      call read_initial_state(trim(config%initial), "x", config%initial_record, state%x, &
        stat, errmsg)
      if (stat == 0 .and. config%levels == 2) call read_initial_state( &
        trim(config%initial), "z", config%initial_record, state%z, stat, errmsg)
      if (stat /= 0) return
    end if
    call perturb(config, state)
  end subroutine start_state

  !> Add the random part. A member's numbers depend on the seed and on its place only.
  !>
  !> Without a file x = F (1/2 + p N(0, 1))/max(K, 50), p the perturbation. The fast
  !> variables get noise as well, smaller by 1/b: inside a site they would else stay alike
  !> for ever if they close there.
  subroutine perturb(config, state)
    type(lorenz96_config_t), intent(in) :: config  !! settings
    type(lorenz96_state_t), intent(inout) :: state !! perturbed

    type(random_t) :: stream
    real(wp) :: amplitude, deviate, scale
    integer :: i, m

    amplitude = config%perturbation
    scale = 1.0_wp
    if (config%initial == "") then
      if (amplitude < 0.0_wp) amplitude = 1.0_wp
      scale = config%forcing/real(max(config%n_sites, 50), wp)
      state%x = 0.5_wp*scale
    end if
    if (.not. amplitude > 0.0_wp) return
    call stream%seed(config%seed)
    do m = 1, config%n_members
      do i = 1, size(state%x, 1)
        call stream%normal(deviate)
        state%x(i, m) = state%x(i, m) + amplitude*scale*deviate
      end do
      do i = 1, size(state%z, 1)
        call stream%normal(deviate)
        state%z(i, m) = state%z(i, m) + amplitude*scale*deviate/config%b
      end do
    end do
  end subroutine perturb

  !> Write a restart.
  subroutine save_state(path, config, closure_name, state, stat, errmsg)
    character(len=*), intent(in) :: path           !! file
    type(lorenz96_config_t), intent(in) :: config  !! settings
    character(len=*), intent(in) :: closure_name   !! what fills the slot
    type(lorenz96_state_t), intent(in) :: state    !! to be saved
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(field_t), allocatable :: fields(:)
    type(setting_t), allocatable :: settings(:)

    call to_fields(state, fields)
    call restart_settings(config, closure_name, settings)
    call write_restart(path, fields, settings, state%step, stat, errmsg)
  end subroutine save_state

  !> True if nothing in the state is infinite or not a number.
  pure logical function is_finite(state)
    type(lorenz96_state_t), intent(in) :: state !! any state

    is_finite = all(abs(state%x) <= largest) .and. all(abs(state%z) <= largest)
  end function is_finite

  !> The parameters that name a model, for the attributes of its files.
  subroutine model_settings(config, settings)
    type(lorenz96_config_t), intent(in) :: config !! settings
    type(setting_t), allocatable, intent(out) :: settings(:)

    allocate (settings(0))
    if (config%levels == 2) then
      call append(settings, "model", "Lorenz-96, two levels")
    else
      call append(settings, "model", "Lorenz-96, one level")
    end if
    call append(settings, "n_sites", real(config%n_sites, wp))
    call append(settings, "forcing", config%forcing)
    call append(settings, "scheme", trim(config%scheme))
    call append(settings, "dt", config%dt)
    if (config%levels /= 2) return
    call append(settings, "n_fast", real(config%n_fast, wp))
    call append(settings, "h", config%h)
    call append(settings, "c", config%c)
    call append(settings, "b", config%b)
    call append(settings, "wrap", trim(config%wrap))
    call append(settings, "coupling_form", trim(config%coupling))
  end subroutine model_settings

  !> What a restart must agree with.
  subroutine restart_settings(config, closure_name, settings)
    type(lorenz96_config_t), intent(in) :: config !! settings
    character(len=*), intent(in) :: closure_name  !! what fills the slot
    type(setting_t), allocatable, intent(out) :: settings(:)

    call model_settings(config, settings)
    call append(settings, "closure", closure_name)
  end subroutine restart_settings

  !> The state as named arrays.
  subroutine to_fields(state, fields)
    type(lorenz96_state_t), intent(in) :: state !! any state
    type(field_t), allocatable, intent(out) :: fields(:)

    allocate (fields(0))
    call append(fields, "x", state%x)
    if (size(state%z) > 0) call append(fields, "z", state%z)
  end subroutine to_fields

  !> The state out of named arrays.
  subroutine from_fields(fields, state)
    type(field_t), intent(in) :: fields(:)         !! as `to_fields` makes them
    type(lorenz96_state_t), intent(inout) :: state !! set

    state%x = fields(1)%values
    if (size(fields) > 1) state%z = fields(2)%values
  end subroutine from_fields

end module lorenz96_state
