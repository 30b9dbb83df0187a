! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of a run of many steps.
!>
!> The adjoint goes backward through the steps and needs the state at the start of each. It
!> keeps every k-th state, k about the root of the number of steps, and makes the steps
!> between two of them again: 2*sqrt(n) states in memory, n further steps of the model.
module swe_run_linearised
  use failures, only: succeed
  use swe_controls, only: swe_controls_t
  use swe_kinds, only: wp
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use swe_step_linearised, only: swe_linearised_t
  implicit none
  private
  public :: forcing_source_t, held_forcing_t, run_ad, run_tl

  !> Who gives the forcing of each step.
  type, abstract :: forcing_source_t
  contains
    procedure(get_interface), deferred :: get
    procedure :: get_tl
    procedure :: get_ad
  end type forcing_source_t

  abstract interface
    !> Set the forcing of a step, with filled halos.
    subroutine get_interface(self, n, forcing)
      import :: forcing_source_t, swe_forcing_t
      implicit none
      class(forcing_source_t), intent(inout) :: self
      integer, intent(in) :: n                      !! step, from 1
      type(swe_forcing_t), intent(inout) :: forcing
    end subroutine get_interface
  end interface

  !> A forcing that is the same in all steps.
  type, extends(forcing_source_t) :: held_forcing_t
    type(swe_forcing_t) :: forcing
  contains
    procedure :: get => get_held
  end type held_forcing_t

contains

  !> Set the changes of the controls in step n, with filled halos. This one leaves them as
  !> they are: held through the run.
  subroutine get_tl(self, n, controls_tl)
    class(forcing_source_t), intent(inout) :: self
    integer, intent(in) :: n                          !! step
    type(swe_controls_t), intent(inout) :: controls_tl !! of step n - 1, then n
  end subroutine get_tl

  !> Take from the sensitivities to the controls what step n added: transpose of `get_tl`.
  !> This one lets the sum grow. A source that depends on fewer numbers, as a tide on its
  !> amplitudes, adds to theirs and clears the fields.
  subroutine get_ad(self, n, controls_ad)
    class(forcing_source_t), intent(inout) :: self
    integer, intent(in) :: n                          !! step
    type(swe_controls_t), intent(inout) :: controls_ad !! of steps n and later
  end subroutine get_ad

  subroutine get_held(self, n, forcing)
    class(held_forcing_t), intent(inout) :: self
    integer, intent(in) :: n
    type(swe_forcing_t), intent(inout) :: forcing

    if (n >= 1) forcing = self%forcing
  end subroutine get_held

  !> Advance a state and its change by `n_steps`.
  subroutine run_tl(linearised, model, source, n_steps, state, state_tl, controls_tl, &
    stat, errmsg)
    type(swe_linearised_t), intent(inout) :: linearised
    type(swe_model_t), intent(inout) :: model
    class(forcing_source_t), intent(inout) :: source
    integer, intent(in) :: n_steps
    type(swe_state_t), intent(inout) :: state          !! advanced
    type(swe_state_t), intent(inout) :: state_tl       !! its change, with filled halos
    type(swe_controls_t), intent(inout) :: controls_tl !! changes, with filled halos
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(swe_forcing_t) :: forcing
    integer :: n

    call succeed(stat)
    do n = 1, n_steps
      call source%get(n, forcing)
      call source%get_tl(n, controls_tl)
      call linearised%step_tl(model, state, forcing, state_tl, controls_tl, stat, errmsg)
      if (has_failed(stat)) return
    end do
  end subroutine run_tl

  !> Carry the sensitivity to the last state back to the first, and add to those to the
  !> controls. For a loss that looks at inner steps too: one call for each stretch between
  !> them, after its sensitivity was added to `state_ad`.
  subroutine run_ad(linearised, model, source, n_steps, start, state_ad, controls_ad, &
    stat, errmsg)
    type(swe_linearised_t), intent(inout) :: linearised
    type(swe_model_t), intent(inout) :: model
    class(forcing_source_t), intent(inout) :: source
    integer, intent(in) :: n_steps
    type(swe_state_t), intent(in) :: start             !! the first state
    type(swe_state_t), intent(inout) :: state_ad       !! carried back
    type(swe_controls_t), intent(inout) :: controls_ad !! added to; see `collect_halo`
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(swe_state_t), allocatable :: kept(:), states(:)
    type(swe_forcing_t) :: forcing
    integer :: first, k, n, stretch

    call succeed(stat)
    if (n_steps < 1) return
    if (n_steps == 1) then ! nothing to keep
      call source%get(1, forcing)
      call linearised%step_ad(model, start, forcing, state_ad, controls_ad, stat, errmsg)
      if (.not. has_failed(stat)) call source%get_ad(1, controls_ad)
      return
    end if
    stretch = ceiling(sqrt(real(n_steps, wp)))
    allocate (kept((n_steps + stretch - 1)/stretch), states(stretch))
    kept(1) = start
    do k = 2, size(kept)
      kept(k) = kept(k - 1)
      call advance(model, source, (k - 2)*stretch, stretch, kept(k))
    end do
    do k = size(kept), 1, -1
      first = (k - 1)*stretch
      states(1) = kept(k)
      do n = 2, min(stretch, n_steps - first)
        states(n) = states(n - 1)
        call advance(model, source, first + n - 2, 1, states(n))
      end do
      do n = min(stretch, n_steps - first), 1, -1
        call source%get(first + n, forcing)
        call linearised%step_ad(model, states(n), forcing, state_ad, controls_ad, stat, &
          errmsg)
        if (has_failed(stat)) return
        call source%get_ad(first + n, controls_ad)
      end do
    end do
  end subroutine run_ad

  !> Make steps of the model.
  subroutine advance(model, source, n_before, n_steps, state)
    type(swe_model_t), intent(inout) :: model
    class(forcing_source_t), intent(inout) :: source
    integer, intent(in) :: n_before !! steps made
    integer, intent(in) :: n_steps  !! to make
    type(swe_state_t), intent(inout) :: state

    type(swe_forcing_t) :: forcing
    integer :: n

    do n = n_before + 1, n_before + n_steps
      call source%get(n, forcing)
      call model%step(state, forcing)
    end do
  end subroutine advance

  !> Whether a status that is there tells a failure.
  pure logical function has_failed(stat)
    integer, intent(in), optional :: stat

    has_failed = .false.
    if (present(stat)) has_failed = stat /= 0
  end function has_failed

end module swe_run_linearised
