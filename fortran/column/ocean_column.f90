! SPDX-License-Identifier: MIT
!> The upper ocean in a column: temperature and currents mixed by wind, heat and shear.
!>
!>     dT/dt     = -dF_T/dz            F_T = -K_T dT/dz,  q/(rho c) at the surface
!>     d(u,v)/dt = -dF_u/dz + f (v,-u) F_u = -K_u du/dz,  tau/rho at the surface
!>
!> with z downward, nothing through the bottom, and the diffusivities of Pacanowski &
!> Philander (1981), doi:10.1175/1520-0485(1981)011<1443:POVMIN>2.0.CO;2, eqs. 1 to 3:
!>
!>     K_u = nu0/(1 + 5 Ri)^2 + nu_b,  K_T = K_u/(1 + 5 Ri) + kappa_b,
!>     Ri = N^2/S^2,  N^2 = -g alpha dT/dz,  S^2 = (du/dz)^2 + (dv/dz)^2
!>
!> and, ours, `convective` in place of nu0 where the water above is the colder one. A
!> closure answers with the fluxes at the inner faces, means over the step; the physics
!> finds them by sub-steps that are implicit in K grad. Currents turn by half before the
!> closure and by half after it.
module ocean_column
  use columns, only: column_field_t, column_t
  use failures, only: succeed
  use kinds, only: wp
  use random, only: random_t
  implicit none
  private
  public :: ocean_column_t

  real(wp), parameter :: g = 9.81_wp          !! [m s-2]
  real(wp), parameter :: alpha = 2.0e-4_wp    !! thermal expansion [K-1]
  real(wp), parameter :: rho = 1025.0_wp      !! density of sea water [kg m-3]
  real(wp), parameter :: heat = 3990.0_wp     !! its heat capacity [J kg-1 K-1]
  real(wp), parameter :: nu_0 = 5.0e-3_wp     !! [m2 s-1], as the next two from the paper
  real(wp), parameter :: nu_b = 1.0e-4_wp     !! [m2 s-1]
  real(wp), parameter :: kappa_b = 1.0e-5_wp  !! [m2 s-1]
  real(wp), parameter :: ri_slope = 5.0_wp    !! alpha of the paper [1]
  real(wp), parameter :: least_shear = 1.0e-10_wp !! of S^2 [s-2]: no water is at rest
  real(wp), parameter :: day = 86400.0_wp     !! [s]
  integer, parameter :: n_drawn = 6           !! numbers that make the weather of a column

  !> Columns of sea water. A state is T, u, v of all levels from the surface down, then
  !> q [W m-2] and tau_x, tau_y [N m-2] of the step.
  type, extends(column_t) :: ocean_column_t
    integer :: n_levels = 0
    real(wp) :: dz = 0.0_wp                       !! height of a level [m]
    real(wp), allocatable, private :: weather(:, :) !! in (0, 1) (drawn, column)
    real(wp), allocatable, private :: received(:)   !! heat since the start [K m] (column)
  contains
    procedure :: declare
    procedure :: set_up
    procedure :: start
    procedure :: force
    procedure :: evaluate
    procedure :: apply
    procedure :: budget
  end type ocean_column_t

contains

  !> Keys of &model and their defaults.
  subroutine declare(self)
    class(ocean_column_t), intent(inout) :: self

    self%keys = [character(len=16) :: "levels", "bottom", "substeps", "coriolis", &
      "convective", "weather"]
    self%settings = [20.0_wp, 100.0_wp, 10.0_wp, 1.0e-4_wp, 0.05_wp, 1.0_wp]
  end subroutine declare

  !> Take the settings.
  subroutine set_up(self, problem)
    class(ocean_column_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem

    integer :: k, n

    n = nint(self%setting("levels"))
    if (n < 2) then
      problem = "'levels' must be at least 2"
    else if (nint(self%setting("substeps")) < 1) then
      problem = "'substeps' must be at least 1"
    else if (.not. self%setting("bottom") > 0.0_wp) then
      problem = "'bottom' must be a positive depth"
    else if (self%setting("convective") < 0.0_wp) then
      problem = "'convective' must not be negative"
    end if
    if (problem /= "") return
    self%n_levels = n
    self%n_values = 3*n + 3
    self%n_fluxes = 3*(n - 1)
    self%dz = self%setting("bottom")/n
    self%depth = [((k - 0.5_wp)*self%dz, k=1, n)]
    self%fields = [column_field_t("t", "degC", "temperature", 1, n), &
      column_field_t("u", "m s-1", "eastward current", n + 1, n), &
      column_field_t("v", "m s-1", "northward current", 2*n + 1, n), &
      column_field_t("q", "W m-2", "heat into the ocean, last step", 3*n + 1, 1), &
      column_field_t("tau_x", "N m-2", "eastward wind stress, last step", 3*n + 2, 1), &
      column_field_t("tau_y", "N m-2", "northward wind stress, last step", 3*n + 3, 1)]
  end subroutine set_up

  !> Water at rest, 20 degrees at the surface and 0.05 K less with each metre; the weather
  !> of each column is drawn.
  subroutine start(self, state)
    class(ocean_column_t), intent(inout) :: self
    real(wp), intent(out) :: state(:, :)

    type(random_t) :: stream
    integer :: c, i

    state = 0.0_wp
    if (allocated(self%weather)) deallocate (self%weather, self%received)
    allocate (self%weather(n_drawn, size(state, 2)))
    allocate (self%received(size(state, 2)), source=0.0_wp)
    do c = 1, size(state, 2)
      call stream%seed(1000*nint(self%setting("weather")) + c)
      do i = 1, n_drawn
        call stream%uniform(self%weather(i, c))
      end do
      state(:self%n_levels, c) = 20.0_wp - 0.05_wp*self%depth
    end do
  end subroutine start

  !> Sun, cooling and gusts of the middle of the step; first half of the turn.
  subroutine force(self, t, state)
    class(ocean_column_t), intent(inout) :: self
    real(wp), intent(in) :: t
    real(wp), intent(inout) :: state(:, :)

    real(wp), parameter :: turn = 2.0_wp*acos(-1.0_wp)
    real(wp) :: angle, gust, middle
    integer :: c, n

    n = self%n_levels
    middle = t + 0.5_wp*self%dt
    do c = 1, size(state, 2)
      associate (r => self%weather(:, c))
        ! Sun of 300 to 900 W m-2 at noon; what is lost balances two thirds to all of it.
        state(3*n + 1, c) = (300.0_wp + 600.0_wp*r(1))*(max(0.0_wp, &
          -cos(turn*middle/day)) - (0.67_wp + 0.33_wp*r(2))*2.0_wp/turn)
        ! Gusts of up to 0.3 N m-2 in 2 to 6 days, from a direction that veers.
        gust = 0.3_wp*r(3)*sin(0.5_wp*turn*(middle/((2.0_wp + 4.0_wp*r(4))*day) + r(5)))**2
        angle = turn*(r(6) + 0.1_wp*middle/day)
        state(3*n + 2, c) = gust*cos(angle)
        state(3*n + 3, c) = gust*sin(angle)
      end associate
    end do
    call turn_currents(self, state)
  end subroutine force

  !> The physics: fluxes at the inner faces, means over the step.
  subroutine evaluate(self, x, b, stat, errmsg)
    class(ocean_column_t), intent(inout) :: self
    real(wp), intent(inout), target, contiguous :: x(:, :) !! state, read (value, column)
    real(wp), intent(inout), target, contiguous :: b(:, :) !! fluxes, set (flux, column)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: c

    !$omp parallel do
    do c = 1, size(x, 2)
      call mean_fluxes(self, x(:, c), b(:, c))
    end do
    !$omp end parallel do
    call succeed(stat)
  end subroutine evaluate

  !> Sub-steps of one column.
  pure subroutine mean_fluxes(self, x, b)
    class(ocean_column_t), intent(in) :: self
    real(wp), intent(in) :: x(:)  !! state of a column
    real(wp), intent(out) :: b(:) !! its fluxes: T, u, v of all faces

    real(wp) :: entering(3), h, k_t(self%n_levels - 1), k_u(self%n_levels - 1), &
      y(self%n_levels, 3)
    integer :: field, i, n, n_substeps

    n = self%n_levels
    y = reshape(x(:3*n), [n, 3])
    entering = [x(3*n + 1)/heat, x(3*n + 2:3*n + 3)]/rho
    n_substeps = nint(self%setting("substeps"))
    h = self%dt/n_substeps
    b = 0.0_wp
    do i = 1, n_substeps
      call diffusivities(y, self%dz, self%setting("convective"), k_t, k_u)
      do field = 1, 3
        y(1, field) = y(1, field) + h*entering(field)/self%dz
        if (field == 1) then
          call diffuse(k_t, h, self%dz, y(:, field))
        else
          call diffuse(k_u, h, self%dz, y(:, field))
        end if
        associate (k => merge(k_t, k_u, field == 1), f => b((field - 1)*(n - 1) + 1: &
          field*(n - 1)))
          f = f + k*(y(:n - 1, field) - y(2:, field))/(self%dz*n_substeps)
        end associate
      end do
    end do
  end subroutine mean_fluxes

  !> Pacanowski & Philander's diffusivities at the inner faces.
  pure subroutine diffusivities(y, dz, convective, k_t, k_u)
    real(wp), intent(in) :: y(:, :)         !! T, u, v (level, field)
    real(wp), intent(in) :: dz              !! [m]
    real(wp), intent(in) :: convective      !! [m2 s-1]
    real(wp), intent(out) :: k_t(:), k_u(:) !! [m2 s-1] (face)

    real(wp) :: jump(3), n2, ri
    integer :: k

    do k = 1, size(k_t)
      jump = (y(k, :) - y(k + 1, :))/dz
      n2 = g*alpha*jump(1)
      ri = max(0.0_wp, n2)/(jump(2)**2 + jump(3)**2 + least_shear)
      k_u(k) = merge(nu_0, convective, n2 >= 0.0_wp)/(1.0_wp + ri_slope*ri)**2 + nu_b
      k_t(k) = k_u(k)/(1.0_wp + ri_slope*ri) + kappa_b
    end do
  end subroutine diffusivities

  !> One implicit step of dy/dt = d/dz(K dy/dz), closed ends: Thomas' algorithm.
  pure subroutine diffuse(k, h, dz, y)
    real(wp), intent(in) :: k(:)    !! [m2 s-1] (face)
    real(wp), intent(in) :: h       !! [s]
    real(wp), intent(in) :: dz      !! [m]
    real(wp), intent(inout) :: y(:) !! (level)

    real(wp) :: a(size(y) + 1), factor(size(y)), pivot
    integer :: i, n

    n = size(y)
    a = 0.0_wp
    a(2:n) = k*h/dz**2
    pivot = 1.0_wp + a(2)
    y(1) = y(1)/pivot
    do i = 2, n
      factor(i) = a(i)/pivot
      pivot = 1.0_wp + a(i) + a(i + 1) - a(i)*factor(i)
      y(i) = (y(i) + a(i)*y(i - 1))/pivot
    end do
    do i = n - 1, 1, -1
      y(i) = y(i) + factor(i + 1)*y(i + 1)
    end do
  end subroutine diffuse

  !> Let the fluxes act; second half of the turn.
  subroutine apply(self, fluxes, state)
    class(ocean_column_t), intent(inout) :: self
    real(wp), intent(in) :: fluxes(:, :)
    real(wp), intent(inout) :: state(:, :)

    real(wp) :: entering(3), share
    integer :: c, field, first, n

    n = self%n_levels
    share = self%dt/self%dz
    do c = 1, size(state, 2)
      entering = [state(3*n + 1, c)/heat, state(3*n + 2:3*n + 3, c)]/rho
      do field = 1, 3
        first = (field - 1)*n
        associate (y => state(first + 1:first + n, c), &
          f => fluxes(first - field + 2:first - field + n, c))
          y(1) = y(1) + share*entering(field)
          y(:n - 1) = y(:n - 1) - share*f
          y(2:) = y(2:) + share*f
        end associate
      end do
      if (allocated(self%received)) self%received(c) = self%received(c) &
        + self%dt*entering(1)
    end do
    call turn_currents(self, state)
  end subroutine apply

  !> Half a step of the Earth's rotation, exact.
  subroutine turn_currents(self, state)
    class(ocean_column_t), intent(in) :: self
    real(wp), intent(inout) :: state(:, :)

    real(wp) :: c, s, u(self%n_levels)
    integer :: column, n

    n = self%n_levels
    c = cos(0.5_wp*self%dt*self%setting("coriolis"))
    s = sin(0.5_wp*self%dt*self%setting("coriolis"))
    do column = 1, size(state, 2)
      associate (x => state(:, column))
        u = x(n + 1:2*n)
        x(n + 1:2*n) = c*u + s*x(2*n + 1:3*n)
        x(2*n + 1:3*n) = c*x(2*n + 1:3*n) - s*u
      end associate
    end do
  end subroutine turn_currents

  !> Heat in the column less what came in [K m].
  pure subroutine budget(self, state, values)
    class(ocean_column_t), intent(in) :: self
    real(wp), intent(in) :: state(:, :)
    real(wp), intent(out) :: values(:)

    values = self%dz*sum(state(:self%n_levels, :), dim=1) - self%received
  end subroutine budget

end module ocean_column
