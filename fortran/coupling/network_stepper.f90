! SPDX-License-Identifier: MIT
!> A network in place of the time step: x <- M(x), in the model's own array.
module network_stepper
  use, intrinsic :: iso_c_binding, only: c_associated, c_loc, c_null_ptr, c_ptr
  use closures, only: stepper_t
  use failures, only: err_argument, fail
  use isthmus, only: isthmus_model_t
  use kinds, only: wp
  implicit none
  private
  public :: network_stepper_t

  !> A stepper whose network has one input, the state, and one output, the next state.
  type, extends(stepper_t) :: network_stepper_t
    private
    type(isthmus_model_t) :: network
    character(len=:), allocatable :: state_name !! the network's input
    character(len=:), allocatable :: next_name  !! the network's output
    type(c_ptr) :: bound_x = c_null_ptr         !! array bound as input and output
    integer :: bound_shape(2) = 0               !! its shape
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

    call self%network%load(path, device, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    if (self%network%n_inputs() /= 1 .or. self%network%n_outputs() /= 1) then
      call fail(err_argument, "stepper network '"//path// &
        "' must have one input (the state) and one output (the next state)", stat, errmsg)
      return
    end if
    own_dt = self%network%time_step()
    if (own_dt > 0.0_wp .and. abs(own_dt - dt) > 1.0e-12_wp*dt) then
      write (steps, "(es11.5, a, es11.5)") own_dt, ", the namelist has dt = ", dt
      call fail(err_argument, "stepper network '"//path//"' steps by dt = "//trim(steps), &
        stat, errmsg)
      return
    end if
    self%state_name = self%network%input_name(1)
    self%next_name = self%network%output_name(1)
  end subroutine load

  !> Step `x` in place.
  subroutine step(self, x, stat, errmsg)
    class(network_stepper_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! state, stepped (site, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    if (.not. (c_associated(self%bound_x, c_loc(x)) &
      .and. all(self%bound_shape == shape(x)))) then
      call bind(self, x, stat, errmsg)
      if (present(stat)) then
        if (stat /= 0) return
      end if
    end if
    call self%network%run(stat, errmsg)
  end subroutine step

  !> Bind the state as input and output, and remember it.
  subroutine bind(self, x, stat, errmsg)
    class(network_stepper_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! (site, member)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    self%bound_x = c_null_ptr
    call self%network%bind_input(self%state_name, x, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    call self%network%bind_output(self%next_name, x, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    self%bound_x = c_loc(x)
    self%bound_shape = shape(x)
  end subroutine bind

end module network_stepper
