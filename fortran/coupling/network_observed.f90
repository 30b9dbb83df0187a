! SPDX-License-Identifier: MIT
!> A window of an emulator with observations of its sites: 4D-Var through a network.
!>
!> The emulator is one step x <- N(x). Its tangent-linear and adjoint are the file's jvp and
!> vjp, run by the bridge on arrays that are bound once. The misfit is
!> `1/2 sum w (x - y)^2` over sites and times.
module network_observed
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use failures, only: err_argument, fail
  use four_d_var, only: window_t
  use isthmus, only: isthmus_model_t
  use kinds, only: wp
  implicit none
  private
  public :: network_observed_t

  !> Emulator and observations.
  type, extends(window_t) :: network_observed_t
    real(wp), allocatable :: y(:, :)      !! observations, finite (k, time)
    real(wp), allocatable :: weight(:, :) !! inverse variances or 0 (k, time)
    integer :: stat = 0                   !! of the network; once it fails, costs are NaN
    character(len=1024) :: errmsg = ""    !! why it failed
    type(isthmus_model_t), private :: network
    real(wp), allocatable, private :: states(:, :) ! (k, time), made by `misfit`
    real(wp), pointer, contiguous, private :: x(:, :) => null() ! bound arrays (k, 1)
    real(wp), pointer, contiguous, private :: x_next(:, :) => null()
    real(wp), pointer, contiguous, private :: x_tl(:, :) => null()
    real(wp), pointer, contiguous, private :: x_next_tl(:, :) => null()
    real(wp), pointer, contiguous, private :: x_ad(:, :) => null()
    real(wp), pointer, contiguous, private :: x_next_ad(:, :) => null()
  contains
    procedure :: load
    procedure :: advance
    procedure :: misfit
    procedure :: curvature
    final :: free
  end type network_observed_t

contains

  !> Load the emulator and bind its arrays.
  subroutine load(self, path, device, n_sites, dt, stat, errmsg)
    class(network_observed_t), intent(inout) :: self
    character(len=*), intent(in) :: path   !! `.pt` or `.pt2` of one step
    character(len=*), intent(in) :: device !! "cpu", "cuda", ...
    integer, intent(in) :: n_sites         !! K
    real(wp), intent(in) :: dt             !! time step of the observations [1]
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=64) :: steps

    call self%network%load(path, device, stat=stat, errmsg=errmsg)
    if (stat /= 0) return
    if (self%network%n_inputs() /= 1 .or. self%network%n_outputs() /= 1) then
      call fail(err_argument, "'"//path//"' must have one input (the state) and one "// &
        "output (the next state)", stat, errmsg)
      return
    end if
    if (self%network%time_step() > 0.0_wp .and. &
      abs(self%network%time_step() - dt) > 1.0e-12_wp*dt) then
      write (steps, "(es11.5, a, es11.5)") self%network%time_step(), &
        ", the namelist has dt = ", dt
      call fail(err_argument, "'"//path//"' steps by dt = "//trim(steps), stat, errmsg)
      return
    end if
    allocate (self%x(n_sites, 1), self%x_next(n_sites, 1), self%x_tl(n_sites, 1), &
      self%x_next_tl(n_sites, 1), self%x_ad(n_sites, 1), self%x_next_ad(n_sites, 1))
    call bind(self, self%network%input_name(1), self%network%output_name(1), stat, errmsg)
  end subroutine load

  !> Tell the bridge where everything lies.
  subroutine bind(self, x, y, stat, errmsg)
    class(network_observed_t), intent(inout) :: self
    character(len=*), intent(in) :: x !! name of the state
    character(len=*), intent(in) :: y !! name of the next state
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    call self%network%bind_input(x, self%x, stat=stat, errmsg=errmsg)
    if (stat == 0) call self%network%bind_output(y, self%x_next, stat=stat, errmsg=errmsg)
    if (stat == 0) call self%network%bind_input(x//"_tl", self%x_tl, stat=stat, &
      errmsg=errmsg)
    if (stat == 0) call self%network%bind_output(y//"_tl", self%x_next_tl, stat=stat, &
      errmsg=errmsg)
    if (stat == 0) call self%network%bind_input(y//"_ad", self%x_next_ad, stat=stat, &
      errmsg=errmsg)
    if (stat == 0) call self%network%bind_output(x//"_ad", self%x_ad, stat=stat, &
      errmsg=errmsg)
  end subroutine bind

  !> Step a state.
  subroutine advance(self, x, n_steps)
    class(network_observed_t), intent(inout) :: self
    real(wp), intent(inout) :: x(:)  !! state, advanced (k)
    integer, intent(in) :: n_steps   !! number of steps

    integer :: i

    self%x(:, 1) = x
    do i = 1, n_steps
      if (self%stat == 0) call self%network%run(self%stat, self%errmsg)
      self%x = self%x_next
    end do
    x = self%x(:, 1)
  end subroutine advance

  !> Jo and its gradient.
  subroutine misfit(self, x, cost, x_ad)
    class(network_observed_t), intent(inout) :: self
    real(wp), intent(in), contiguous :: x(:)       !! first state (k)
    real(wp), intent(out) :: cost                  !! Jo, NaN if the network failed
    real(wp), intent(inout), contiguous :: x_ad(:) !! set: gradient (k)

    integer :: i, n_times

    n_times = size(self%y, 2)
    if (.not. allocated(self%states)) allocate (self%states(size(x), n_times))
    self%states(:, 1) = x
    do i = 1, n_times - 1
      self%states(:, i + 1) = self%states(:, i)
      call self%advance(self%states(:, i + 1), 1)
    end do
    cost = sum(self%weight*(self%states - self%y)**2)/2.0_wp
    call sweep_back(self, self%weight*(self%states - self%y), x_ad)
    if (self%stat /= 0) cost = ieee_value(cost, ieee_quiet_nan)
  end subroutine misfit

  !> `x_ad = G x_tl` along the states of the last `misfit`.
  subroutine curvature(self, x_tl, x_ad)
    class(network_observed_t), intent(inout) :: self
    real(wp), intent(in), contiguous :: x_tl(:)    !! change of the first state (k)
    real(wp), intent(inout), contiguous :: x_ad(:) !! set (k)

    real(wp), allocatable :: change(:, :)
    integer :: i

    allocate (change, mold=self%states)
    change(:, 1) = x_tl
    do i = 1, size(change, 2) - 1
      self%x(:, 1) = self%states(:, i)
      self%x_tl(:, 1) = change(:, i)
      if (self%stat == 0) call self%network%run_jvp(self%stat, self%errmsg)
      change(:, i + 1) = self%x_next_tl(:, 1)
    end do
    call sweep_back(self, self%weight*change, x_ad)
  end subroutine curvature

  !> Carry the sensitivities to all states back to the first.
  subroutine sweep_back(self, s, x_ad)
    class(network_observed_t), intent(inout) :: self
    real(wp), intent(in) :: s(:, :)      !! sensitivities (k, time)
    real(wp), intent(inout) :: x_ad(:)   !! set (k)

    integer :: i

    x_ad = s(:, size(s, 2))
    do i = size(s, 2) - 1, 1, -1
      self%x(:, 1) = self%states(:, i)
      self%x_next_ad(:, 1) = x_ad
      if (self%stat == 0) call self%network%run_vjp(self%stat, self%errmsg)
      x_ad = self%x_ad(:, 1) + s(:, i)
    end do
  end subroutine sweep_back

  !> Give the bound arrays back.
  subroutine free(self)
    type(network_observed_t), intent(inout) :: self

    if (.not. associated(self%x)) return
    deallocate (self%x, self%x_next, self%x_tl, self%x_next_tl, self%x_ad, self%x_next_ad)
  end subroutine free

end module network_observed
