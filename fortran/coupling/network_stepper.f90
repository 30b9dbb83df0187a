! SPDX-License-Identifier: MIT
!> A network in place of the time step: x <- M(x), in the model's own array.
module network_stepper
  use closures, only: stepper_t
  use failures, only: err_argument, fail
  use kinds, only: wp
  use network_map, only: network_map_t
  implicit none
  private
  public :: network_stepper_t

  !> A stepper whose network has one input, the state, and one output, the next state.
  type, extends(stepper_t) :: network_stepper_t
    private
    type(network_map_t) :: map
  contains
    procedure, public :: load
    procedure, public :: step
  end type network_stepper_t

contains

  !> Load the network and check that it maps one state to one state over a step of `dt`.
  subroutine load(self, path, device, dt, stat, errmsg)
    class(network_stepper_t), intent(inout) :: self
    character(len=*), intent(in) :: path   !! `.pt` or `.pt2`
    character(len=*), intent(in) :: device !! "cpu", "cuda", "cuda:1", ...
    real(wp), intent(in) :: dt             !! time step of the run [1]
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(wp) :: own_dt
    character(len=64) :: steps

    call self%map%load(path, device, "stepper", "the next state", stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    own_dt = self%map%time_step()
    if (own_dt > 0.0_wp .and. abs(own_dt - dt) > 1.0e-12_wp*dt) then
      write (steps, "(es11.5, a, es11.5)") own_dt, ", the namelist has dt = ", dt
      call fail(err_argument, "stepper network '"//path//"' steps by dt = "//trim(steps), &
        stat, errmsg)
    end if
  end subroutine load

  !> Step `x` in place.
  subroutine step(self, x, stat, errmsg)
    class(network_stepper_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! state, stepped (site, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call self%map%apply(x, x, stat, errmsg)
  end subroutine step

end module network_stepper
