! SPDX-License-Identifier: MIT
!> A network of one input and one output on the model's own arrays, bound when first used.
module network_map
  use, intrinsic :: iso_c_binding, only: c_associated, c_loc, c_null_ptr, c_ptr
  use failures, only: err_argument, fail
  use isthmus, only: isthmus_model_t
  use kinds, only: wp
  implicit none
  private
  public :: network_map_t

  !> y = N(x). Both are pointers, since they may be the same array (a step in place).
  type :: network_map_t
    private
    type(isthmus_model_t) :: network
    character(len=:), allocatable :: input_name, output_name
    type(c_ptr) :: bound_x = c_null_ptr !! array bound as input
    type(c_ptr) :: bound_y = c_null_ptr !! array bound as output
    integer :: bound_shape(2) = 0       !! their common shape
  contains
    procedure, public :: load
    procedure, public :: time_step
    procedure, public :: apply
  end type network_map_t

contains

  !> Load the network and check that it has one input and one output.
  subroutine load(self, path, device, role, answer, stat, errmsg)
    class(network_map_t), intent(inout) :: self
    character(len=*), intent(in) :: path   !! `.pt` or `.pt2`
    character(len=*), intent(in) :: device !! "cpu", "cuda", "cuda:1", ...
    character(len=*), intent(in) :: role   !! "closure", ...: for messages
    character(len=*), intent(in) :: answer !! what its output is: for messages
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    self%bound_x = c_null_ptr
    call self%network%load(path, device, stat=stat, errmsg=errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    if (self%network%n_inputs() /= 1 .or. self%network%n_outputs() /= 1) then
      call fail(err_argument, role//" network '"//path// &
        "' must have one input (the state) and one output ("//answer//")", stat, errmsg)
      return
    end if
    self%input_name = self%network%input_name(1)
    self%output_name = self%network%output_name(1)
  end subroutine load

  !> Time step the network was trained for, 0 if it does not say.
  real(wp) function time_step(self)
    class(network_map_t), intent(in) :: self

    time_step = self%network%time_step()
  end function time_step

  !> Fill `y` with the network's answer to `x`. Bound again only for other arrays.
  subroutine apply(self, x, y, stat, errmsg)
    class(network_map_t), intent(inout) :: self
    real(wp), pointer, intent(in) :: x(:, :) !! read (site, member)
    real(wp), pointer, intent(in) :: y(:, :) !! set (site, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (.not. is_bound(self, x, y)) then
      call bind(self, x, y, stat, errmsg)
      if (present(stat)) then
        if (stat /= 0) return
      end if
    end if
    call self%network%run(stat, errmsg)
  end subroutine apply

  !> True if these very arrays are bound already.
  logical function is_bound(self, x, y)
    class(network_map_t), intent(in) :: self
    real(wp), pointer, intent(in) :: x(:, :), y(:, :) !! (site, member)

    is_bound = c_associated(self%bound_x, c_loc(x)) &
      .and. c_associated(self%bound_y, c_loc(y)) .and. all(self%bound_shape == shape(x))
  end function is_bound

  !> Bind both arrays and remember which.
  subroutine bind(self, x, y, stat, errmsg)
    class(network_map_t), intent(inout) :: self
    real(wp), pointer, intent(in) :: x(:, :), y(:, :) !! (site, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    self%bound_x = c_null_ptr
    call self%network%bind_input(self%input_name, x, stat=stat, errmsg=errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    call self%network%bind_output(self%output_name, y, stat=stat, errmsg=errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    self%bound_x = c_loc(x)
    self%bound_y = c_loc(y)
    self%bound_shape = shape(x)
  end subroutine bind

end module network_map
