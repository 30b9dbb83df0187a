! SPDX-License-Identifier: MIT
!> A network in the closure slot: b = B(x), read and written in the model's own arrays.
module network_closure
  use closures, only: closure_t
  use kinds, only: wp
  use network_map, only: network_map_t
  implicit none
  private
  public :: network_closure_t

  !> A closure whose tendency is the only output of a network of the state, its only input.
  type, extends(closure_t) :: network_closure_t
    private
    type(network_map_t) :: map
  contains
    procedure, public :: load
    procedure, public :: time_step
    procedure, public :: evaluate
  end type network_closure_t

contains

  !> Load the network and check that it maps one state to one tendency.
  subroutine load(self, path, device, stat, errmsg)
    class(network_closure_t), intent(inout) :: self
    character(len=*), intent(in) :: path   !! `.pt` or `.pt2`
    character(len=*), intent(in) :: device !! "cpu", "cuda", "cuda:1", ...
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call self%map%load(path, device, "closure", "its tendency", stat, errmsg)
  end subroutine load

  !> Time step the network was trained for, 0 if it does not say.
  real(wp) function time_step(self)
    class(network_closure_t), intent(in) :: self

    time_step = self%map%time_step()
  end function time_step

  !> Fill `b` with the network's answer to `x`.
  subroutine evaluate(self, x, b, stat, errmsg)
    class(network_closure_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! state, read (site, member)
    real(wp), intent(inout), target, contiguous :: b(:, :) !! tendency, set (site, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call self%map%apply(x, b, stat, errmsg)
  end subroutine evaluate

end module network_closure
