! SPDX-License-Identifier: MIT
!> The coalescence equation on bins of mass: deterministic, for comparison with droplets.
!>
!>   dn(x)/dt = 1/2 integral_0^x K(x - y, y) n(x - y) n(y) dy
!>              - n(x) integral_0^oo K(x, y) n(y) dy
!>
!> Drops sit on pivots whose masses grow by 2^(1/s); a drop that two of them make is shared
!> by the neighbouring pivots so that number and mass are kept. Kovetz and Olund (1969),
!> doi:10.1175/1520-0469(1969)026<1060:TEOCAC>2.0.CO;2; Kumar and Ramkrishna (1996),
!> doi:10.1016/0009-2509(96)88489-2. Second order in the spacing; the sharing spreads the
!> large end, so that rain comes early on coarse grids. Time by the classical Runge-Kutta
!> scheme of fourth order. The limit of cloud and rain lies midway between two pivots.
module rain_bins
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use rain_drops, only: cloud_t, x_star
  use rain_kernels, only: kernel_t
  implicit none
  private
  public :: rain_bins_t

  integer, parameter :: doublings_below = 20 !! of x*: 0.4 um
  integer, parameter :: doublings_above = 27 !! of x*: 2 cm; what is larger stays there
  integer, parameter :: parts = 64           !! of a doubling, quadrature of the start

  !> Numbers of drops on pivots.
  type :: rain_bins_t
    integer :: n = 0                   !! pivots
    integer :: n_cloud = 0             !! pivots below x*
    real(wp), allocatable :: mass(:)   !! of the pivots [kg]
    real(wp), allocatable :: number(:) !! of drops [m-3]
    real(wp), allocatable, private :: rate(:, :)  !! K [m3 s-1]
    real(wp), allocatable, private :: share(:, :) !! of the lower pivot in what is made [1]
    integer, allocatable, private :: lower(:, :)  !! that pivot
    real(wp), allocatable, private :: stages(:, :)
  contains
    procedure :: setup
    procedure :: start
    procedure :: step
    procedure :: moments
    procedure, private :: put
    procedure, private :: tendency
  end type rain_bins_t

contains

  !> Pivots and all their collisions.
  subroutine setup(self, per_doubling, kernel, limit, stat, errmsg)
    class(rain_bins_t), intent(inout) :: self
    integer, intent(in) :: per_doubling !! s, pivots for each doubling of mass
    type(kernel_t), intent(in) :: kernel
    real(wp), intent(in), optional :: limit !! of cloud and rain [kg]; x* if absent
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(wp) :: middle
    integer :: i, j, k

    middle = x_star
    if (present(limit)) middle = limit
    if (per_doubling < 1) then
      call fail(err_argument, "rain_bins: 'per_doubling' must be at least 1", stat, errmsg)
      return
    end if
    self%n_cloud = doublings_below*per_doubling
    self%n = (doublings_below + doublings_above)*per_doubling
    associate (n => self%n)
      self%mass = middle*2.0_wp**([(k - self%n_cloud - 0.5_wp, k=1, n)]/per_doubling)
      if (allocated(self%number)) deallocate (self%number, self%rate, self%share, &
        self%lower, self%stages)
      allocate (self%number(n), self%rate(n, n), self%share(n, n), self%lower(n, n), &
        self%stages(n, 5))
      self%number = 0.0_wp
      do j = 1, n
        do i = 1, n
          self%rate(i, j) = kernel%rate(self%mass(i), self%mass(j))
          call place(self%mass, self%mass(i) + self%mass(j), self%lower(i, j), &
            self%share(i, j))
        end do
        self%rate(j, j) = 0.5_wp*self%rate(j, j) ! pairs of one pivot count once
      end do
    end associate
    call succeed(stat)
  end subroutine setup

  !> The pivot below a mass, and its share.
  pure subroutine place(pivots, mass, lower, share)
    real(wp), intent(in) :: pivots(:)
    real(wp), intent(in) :: mass   !! [kg]
    integer, intent(out) :: lower
    real(wp), intent(out) :: share

    integer :: n

    n = size(pivots)
    lower = 1 + int(log(mass/pivots(1))/log(pivots(2)/pivots(1)))
    lower = max(1, min(lower, n - 1))
    if (mass < pivots(lower) .and. lower > 1) lower = lower - 1
    ! Beyond the ends mass is kept, and number is not.
    share = max(0.0_wp, min(1.0_wp, (pivots(lower + 1) - mass) &
      /(pivots(lower + 1) - pivots(lower))))
  end subroutine place

  !> Begin with a gamma distribution.
  pure subroutine start(self, cloud)
    class(rain_bins_t), intent(inout) :: self
    type(cloud_t), intent(in) :: cloud

    real(wp) :: step, x
    integer :: i

    self%number = 0.0_wp
    step = log(2.0_wp)/parts
    do i = 0, (doublings_below + doublings_above)*parts - 1
      x = self%mass(1)*exp(step*(i + 0.5_wp))
      call self%put(x, cloud%density(x)*x*step)
    end do
    self%number = self%number*(cloud%liquid_water/sum(self%mass*self%number))
  end subroutine start

  !> Add drops of a mass.
  pure subroutine put(self, mass, number)
    class(rain_bins_t), intent(inout) :: self
    real(wp), intent(in) :: mass   !! [kg]
    real(wp), intent(in) :: number !! [m-3]

    integer :: k
    real(wp) :: share

    call place(self%mass, mass, k, share)
    self%number(k) = self%number(k) + share*number
    self%number(k + 1) = self%number(k + 1) + (1.0_wp - share)*number
  end subroutine put

  !> One step of time.
  pure subroutine step(self, dt)
    class(rain_bins_t), intent(inout) :: self
    real(wp), intent(in) :: dt !! [s]

    real(wp), parameter :: parts_of_step(4) = [0.0_wp, 0.5_wp, 0.5_wp, 1.0_wp]
    integer :: i

    associate (k => self%stages)
      do i = 1, 4
        k(:, 5) = self%number
        if (i > 1) k(:, 5) = self%number + parts_of_step(i)*dt*k(:, i - 1)
        call self%tendency(k(:, 5), k(:, i))
      end do
      self%number = self%number + dt/6.0_wp*(k(:, 1) + 2.0_wp*(k(:, 2) + k(:, 3)) + k(:, 4))
    end associate
  end subroutine step

  !> Gain and loss by collisions [m-3 s-1].
  pure subroutine tendency(self, number, change)
    class(rain_bins_t), intent(in) :: self
    real(wp), intent(in) :: number(:)  !! [m-3]
    real(wp), intent(out) :: change(:) !! [m-3 s-1]

    real(wp) :: loss, made
    integer :: i, j, k

    change = 0.0_wp
    do j = 1, self%n
      if (number(j) == 0.0_wp) cycle
      loss = 0.0_wp
      do i = 1, j
        made = self%rate(i, j)*number(i)*number(j)
        k = self%lower(i, j)
        loss = loss + made
        change(i) = change(i) - made
        change(k) = change(k) + self%share(i, j)*made
        if (k + 1 < self%n) then
          change(k + 1) = change(k + 1) + (1.0_wp - self%share(i, j))*made
        else ! the largest pivot keeps mass
          change(self%n) = change(self%n) + made*(self%mass(i) + self%mass(j) &
            - self%share(i, j)*self%mass(k))/self%mass(self%n)
        end if
      end do
      change(j) = change(j) - loss
    end do
  end subroutine tendency

  !> Mass and number of cloud and rain: Lc, Lr [kg m-3], Nc, Nr [m-3].
  pure function moments(self) result(values)
    class(rain_bins_t), intent(in) :: self
    real(wp) :: values(4)

    associate (c => self%n_cloud, n => self%n)
      values = [sum(self%mass(:c)*self%number(:c)), sum(self%mass(c + 1:n)* &
        self%number(c + 1:n)), sum(self%number(:c)), sum(self%number(c + 1:n))]
    end associate
  end function moments

end module rain_bins
