! SPDX-License-Identifier: MIT
!> A network in the closure slot: b = B(x), read and written in the model's own arrays.
module network_closure
  use, intrinsic :: iso_c_binding, only: c_associated, c_loc, c_null_ptr, c_ptr
  use closures, only: closure_t
  use failures, only: err_argument, fail
  use isthmus, only: isthmus_model_t
  use kinds, only: wp
  implicit none
  private
  public :: network_closure_t

  !> A closure whose tendency is the first output of a network of the state, its only input.
  type, extends(closure_t) :: network_closure_t
    private
    type(isthmus_model_t) :: network
    character(len=:), allocatable :: state_name    !! the network's input
    character(len=:), allocatable :: tendency_name !! the network's output
    type(c_ptr) :: bound_x = c_null_ptr            !! array bound as input
    type(c_ptr) :: bound_b = c_null_ptr            !! array bound as output
    integer :: bound_shape(2) = 0                  !! their common shape
  contains
    procedure, public :: load
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

    call self%network%load(path, device, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    if (self%network%n_inputs() /= 1 .or. self%network%n_outputs() /= 1) then
      call fail(err_argument, "closure network '"//path// &
        "' must have one input (the state) and one output (its tendency)", stat, errmsg)
      return
    end if
    self%state_name = self%network%input_name(1)
    self%tendency_name = self%network%output_name(1)
  end subroutine load

  !> Fill `b` with the network's answer to `x`. Bound once; bound again only if the model
  !> passes other arrays.
  subroutine evaluate(self, x, b, stat, errmsg)
    class(network_closure_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! state, read (site, member)
    real(wp), intent(inout), target, contiguous :: b(:, :) !! tendency, set (site, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (.not. is_bound(self, x, b)) then
      call bind(self, x, b, stat, errmsg)
      if (present(stat)) then
        if (stat /= 0) return
      end if
    end if
    call self%network%run(stat, errmsg)
  end subroutine evaluate

  !> True if these very arrays are bound already.
  logical function is_bound(self, x, b)
    class(network_closure_t), intent(in) :: self
    real(wp), intent(in), target, contiguous :: x(:, :) !! (site, member)
    real(wp), intent(in), target, contiguous :: b(:, :) !! (site, member)

    is_bound = c_associated(self%bound_x, c_loc(x)) &
      .and. c_associated(self%bound_b, c_loc(b)) .and. all(self%bound_shape == shape(x))
  end function is_bound

  !> Bind both arrays and remember which.
  subroutine bind(self, x, b, stat, errmsg)
    class(network_closure_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! (site, member)
    real(wp), intent(inout), target, contiguous :: b(:, :) !! (site, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    self%bound_x = c_null_ptr
    call self%network%bind_input(self%state_name, x, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    call self%network%bind_output(self%tendency_name, b, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    self%bound_x = c_loc(x)
    self%bound_b = c_loc(b)
    self%bound_shape = shape(x)
  end subroutine bind

end module network_closure
