! SPDX-License-Identifier: MIT
!> What a column model is to the rest: many columns, a closure slot, settings of a namelist.
!>
!> A model extends `column_t` and fills its own closure slot, so the same run is made with
!> its physics or with a network in its place. A step is
!>
!>     force      what the closure does not do, before it; sets the forcing of the step
!>     evaluate   state -> fluxes, means over the step: the physics, or a network
!>     apply      let the fluxes act, and what remains to be done
!>
!> A closure answers with fluxes at the faces between levels and the model applies their
!> divergence, so that column integrals change by what crosses the ends alone, whatever the
!> fluxes are (Yuval, O'Gorman & Hill 2021, doi:10.1029/2020GL091363).
module columns
  use closures, only: closure_t
  use kinds, only: wp
  implicit none
  private
  public :: column_field_t, column_t

  !> Rows of a state that are one variable of the file.
  type :: column_field_t
    character(len=16) :: name = ""
    character(len=16) :: units = "1"
    character(len=48) :: long_name = ""
    integer :: first = 1 !! its first row
    integer :: n = 1     !! its rows: all levels, or one
  end type column_field_t

  !> A column model. `declare` fills what is marked with (d), `set_up` the rest.
  type, abstract, extends(closure_t) :: column_t
    character(len=16), allocatable :: keys(:)        !! (d) of the namelist group &model
    real(wp), allocatable :: settings(:)             !! (d) their values, first the defaults
    type(column_field_t), allocatable :: fields(:)   !! what is written
    real(wp), allocatable :: depth(:)                !! of the middle of each level [m]
    integer :: n_values = 0                          !! numbers in the state of a column
    integer :: n_fluxes = 0                          !! numbers that a closure answers with
    real(wp) :: dt = 0.0_wp                          !! time step [s], set by the driver
  contains
    procedure(declare_i), deferred :: declare
    procedure(set_up_i), deferred :: set_up
    procedure(start_i), deferred :: start
    procedure(force_i), deferred :: force
    procedure(apply_i), deferred :: apply
    procedure(budget_i), deferred :: budget
    procedure :: setting
  end type column_t

  abstract interface
    !> Name the keys, and give their defaults.
    subroutine declare_i(self)
      import :: column_t
      implicit none
      class(column_t), intent(inout) :: self
    end subroutine declare_i

    !> Take the settings; `problem` says in a sentence what is wrong with them.
    subroutine set_up_i(self, problem)
      import :: column_t
      implicit none
      class(column_t), intent(inout) :: self
      character(len=*), intent(inout) :: problem !! stays "" if all is well
    end subroutine set_up_i

    !> The first state, the same for any number of levels.
    subroutine start_i(self, state)
      import :: column_t, wp
      implicit none
      class(column_t), intent(inout) :: self
      real(wp), intent(out) :: state(:, :) !! (value, column)
    end subroutine start_i

    !> Before the closure: forcing of the step that begins at `t`.
    subroutine force_i(self, t, state)
      import :: column_t, wp
      implicit none
      class(column_t), intent(inout) :: self
      real(wp), intent(in) :: t              !! start of the step [s]
      real(wp), intent(inout) :: state(:, :) !! (value, column)
    end subroutine force_i

    !> After the closure: let its fluxes act for the step.
    subroutine apply_i(self, fluxes, state)
      import :: column_t, wp
      implicit none
      class(column_t), intent(inout) :: self
      real(wp), intent(in) :: fluxes(:, :)   !! (flux, column)
      real(wp), intent(inout) :: state(:, :) !! (value, column)
    end subroutine apply_i

    !> What is conserved, less what came in through the ends: it must not change.
    pure subroutine budget_i(self, state, values)
      import :: column_t, wp
      implicit none
      class(column_t), intent(in) :: self
      real(wp), intent(in) :: state(:, :) !! (value, column)
      real(wp), intent(out) :: values(:)  !! (column)
    end subroutine budget_i
  end interface

contains

  !> The value of a key that `declare` named.
  pure real(wp) function setting(self, key)
    class(column_t), intent(in) :: self
    character(len=*), intent(in) :: key !! one of `keys`

    setting = self%settings(findloc(self%keys == key, .true., dim=1))
  end function setting

end module columns
