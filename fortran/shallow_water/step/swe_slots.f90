! SPDX-License-Identifier: MIT
!> The slots of a shallow water run where something learned, or anything else, plugs in.
!>
!>     stepper   (zeta, U, V)(n+1) = M(zeta, U, V)      instead of the step
!>     closure   X, Y  <-  X, Y + B(zeta, U, V)         in the equations of momentum
!>     guess     z  <-  Z(zeta, U, V)                   before the elliptic solver begins
!>
!>     M**-1                                            of conjugate gradients
!>
!> The model knows only these abstract types; networks fill them in `fortran/coupling`.
module swe_slots
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: swe_parameters_t
  use swe_preconditioner, only: preconditioner_t
  use swe_state, only: swe_forcing_t, swe_state_t
  implicit none
  private
  public :: swe_closure_t, swe_guess_t, swe_slot_t, swe_slots_t, swe_stepper_t

  !> What all slots share.
  type, abstract :: swe_slot_t
  contains
    procedure(connect_i), deferred :: connect
  end type swe_slot_t

  !> Replaces a whole step.
  type, abstract, extends(swe_slot_t) :: swe_stepper_t
  contains
    procedure(step_i), deferred :: step
  end type swe_stepper_t

  !> Adds to the forces on the water column.
  type, abstract, extends(swe_slot_t) :: swe_closure_t
  contains
    procedure(add_i), deferred :: add
  end type swe_closure_t

  !> Says where the elliptic solver begins.
  type, abstract, extends(swe_slot_t) :: swe_guess_t
  contains
    procedure(fill_i), deferred :: fill
  end type swe_guess_t

  !> What a run is given; what is not associated is not used.
  type :: swe_slots_t
    class(swe_stepper_t), pointer :: stepper => null()
    class(swe_closure_t), pointer :: closure => null()
    class(swe_guess_t), pointer :: guess => null()
    class(preconditioner_t), pointer :: preconditioner => null()
      !! of conjugate gradients, which then are the solver
  end type swe_slots_t

  abstract interface
    !> Look at the arrays that all later calls are about, and refuse what does not fit.
    !> Once, before the first step; the arrays stay where they are.
    subroutine connect_i(self, grid, parameters, state, stat, errmsg)
      import :: swe_grid_t, swe_parameters_t, swe_slot_t, swe_state_t
      implicit none
      class(swe_slot_t), intent(inout) :: self
      type(swe_grid_t), intent(in), target :: grid
      type(swe_parameters_t), intent(in) :: parameters
      type(swe_state_t), intent(inout), target :: state
        !! a stepper's and a closure's: of the run; a guess's: at the start of a step
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine connect_i

    !> Advance the state by one time step; its halos need not be filled.
    subroutine step_i(self, state, is_done, stat, errmsg)
      import :: swe_state_t, swe_stepper_t
      implicit none
      class(swe_stepper_t), intent(inout) :: self
      type(swe_state_t), intent(inout), target :: state !! that of `connect`
      logical, intent(out) :: is_done
        !! .false.: the state is as it was, the model is to make this step
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine step_i

    !> Add to the stress on the water column, which acts during the next step.
    subroutine add_i(self, state, forcing, stat, errmsg)
      import :: swe_closure_t, swe_forcing_t, swe_state_t
      implicit none
      class(swe_closure_t), intent(inout) :: self
      type(swe_state_t), intent(in), target :: state !! that of `connect`, halos filled
      type(swe_forcing_t), intent(inout) :: forcing
        !! its stresses are those of the wind, or zero; added to, halos included
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine add_i

    !> Set the first guess of the new elevation.
    subroutine fill_i(self, old, z)
      import :: swe_guess_t, swe_state_t, wp
      implicit none
      class(swe_guess_t), intent(inout) :: self
      type(swe_state_t), intent(in), target :: old !! that of `connect`
      real(wp), intent(inout), target, contiguous :: z(:, :)
        !! old elevation, with the model's halo; set where something better is known [m]
    end subroutine fill_i
  end interface

end module swe_slots
