! SPDX-License-Identifier: MIT
!> Collision kernels K(x, y) of two drops of mass x and y [m3 s-1].
!>
!>   golovin    b (x + y)/rho                                  b = 1500 s-1 by default
!>   long       9.44e9 (x^2 + y^2)   if the larger radius is 50 um or less, else
!>              5.78 (x + y)         constants in m3 kg-2 s-1 and m3 kg-1 s-1
!>   geometric  pi (r_x + r_y)^2 |v_x - v_y|                   falling spheres
!>   hall       E(r_x, r_y) times that                         E from `rain_efficiencies`
!>
!> Golovin (1963); Long (1974), doi:10.1175/1520-0469(1974)031<1040:STTDCE>2.0.CO;2, with
!> the constants of Simmel, Trautmann and Tetzlaff (2002), doi:10.1016/S0169-8095(01)00131-4;
!> fall speeds of Beard (1976).
module rain_kernels
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use rain_drops, only: mass_of_radius, pi, radius_of_mass, water_density
  use rain_efficiencies, only: efficiency_row, pair_efficiencies
  use rain_fall_speeds, only: fall_speed
  implicit none
  private
  public :: kernel_names, kernel_t

  integer, parameter, public :: kernel_golovin = 1, kernel_long = 2, kernel_geometric = 3, &
    kernel_hall = 4
  character(len=*), parameter :: kernel_names(4) = [character(len=9) :: "golovin", "long", &
    "geometric", "hall"]
  real(wp), parameter :: long_small = 9.44e9_wp  !! [m3 kg-2 s-1]
  real(wp), parameter :: long_large = 5.78_wp    !! [m3 kg-1 s-1]
  real(wp), parameter :: long_radius = 50.0e-6_wp !! where it changes [m]
  real(wp), parameter :: table_step = 0.01_wp    !! of the logarithm of mass [1]
  real(wp), parameter :: table_start = -39.0_wp  !! logarithm of the least mass in kg
  integer, parameter :: table_length = 3300      !! up to 2 kg

  !> A kernel, ready to be evaluated.
  type :: kernel_t
    integer :: kind = kernel_long         !! kernel_golovin, ...
    real(wp) :: golovin_b = 1500.0_wp     !! [s-1]
    logical :: needs_motion = .false.     !! of radius, speed and row, beside mass
    real(wp), private :: long_mass = 0    !! where Long's kernel changes [kg]
    real(wp), allocatable, private :: motion_table(:, :) !! speed, row (over log of mass)
  contains
    procedure :: setup
    procedure :: motion
    procedure :: rates
    procedure :: rate
  end type kernel_t

contains

  !> Choose a kernel by name.
  subroutine setup(self, name, golovin_b, stat, errmsg)
    class(kernel_t), intent(inout) :: self
    character(len=*), intent(in) :: name            !! one of `kernel_names`
    real(wp), intent(in), optional :: golovin_b     !! [s-1]
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(wp) :: radius
    integer :: i

    self%kind = findloc(kernel_names, name, dim=1)
    if (self%kind == 0) then
      call fail(err_argument, "'kernel' must be golovin, long, geometric or hall, found '"// &
        trim(name)//"'", stat, errmsg)
      return
    end if
    if (present(golovin_b)) self%golovin_b = golovin_b
    self%long_mass = mass_of_radius(long_radius)
    self%needs_motion = self%kind >= kernel_geometric
    if (self%needs_motion .and. .not. allocated(self%motion_table)) then
      allocate (self%motion_table(2, 0:table_length))
      do i = 0, table_length
        radius = radius_of_mass(exp(table_start + table_step*i))
        self%motion_table(:, i) = [fall_speed(radius), efficiency_row(radius)]
      end do
    end if
    call succeed(stat)
  end subroutine setup

  !> What the kernel needs of a drop beside its mass.
  pure subroutine motion(self, mass, radius, speed, row)
    class(kernel_t), intent(in) :: self
    real(wp), intent(in) :: mass    !! [kg]
    real(wp), intent(out) :: radius !! [m]
    real(wp), intent(out) :: speed  !! at which it falls [m s-1]
    real(wp), intent(out) :: row    !! in the table of efficiencies

    real(wp) :: place
    integer :: i

    radius = radius_of_mass(mass)
    place = (log(mass) - table_start)*(1.0_wp/table_step)
    place = max(0.0_wp, min(place, real(table_length, wp)))
    i = min(int(place), table_length - 1)
    place = place - i
    speed = (1.0_wp - place)*self%motion_table(1, i) + place*self%motion_table(1, i + 1)
    row = (1.0_wp - place)*self%motion_table(2, i) + place*self%motion_table(2, i + 1)
  end subroutine motion

  !> The kernel for pairs: drop k with drop n + 1 - k.
  pure subroutine rates(self, unit, mass, radius, speed, row, work, rate)
    class(kernel_t), intent(in) :: self
    real(wp), intent(in) :: unit                    !! of the masses [kg]
    real(wp), intent(in), contiguous :: mass(:)     !! [unit] (n)
    real(wp), intent(in), contiguous :: radius(:)   !! [m] (n), if needed
    real(wp), intent(in), contiguous :: speed(:)    !! [m s-1] (n), if needed
    real(wp), intent(in), contiguous :: row(:)      !! (n), if needed
    real(wp), intent(inout), contiguous :: work(:, :) !! (pair, 3), if needed
    real(wp), intent(out), contiguous :: rate(:)    !! K [m3 s-1] (pair)

    real(wp) :: factor, larger, small, large, limit
    integer :: k, n

    n = size(mass)
    select case (self%kind)
    case (kernel_golovin)
      factor = self%golovin_b*unit/water_density
      do k = 1, size(rate)
        rate(k) = factor*(mass(k) + mass(n + 1 - k))
      end do
    case (kernel_long)
      small = long_small*unit**2
      large = long_large*unit
      limit = self%long_mass/unit
      do k = 1, size(rate)
        larger = max(mass(k), mass(n + 1 - k))
        rate(k) = merge(small*(mass(k)**2 + mass(n + 1 - k)**2), &
          large*(mass(k) + mass(n + 1 - k)), larger <= limit)
      end do
    case default
      do k = 1, size(rate)
        rate(k) = pi*(radius(k) + radius(n + 1 - k))**2*abs(speed(k) - speed(n + 1 - k))
      end do
      if (self%kind == kernel_geometric) return
      do k = 1, size(rate)
        work(k, 1) = max(row(k), row(n + 1 - k))
        work(k, 2) = min(radius(k), radius(n + 1 - k))/max(radius(k), radius(n + 1 - k))
      end do
      call pair_efficiencies(work(:, 1), work(:, 2), work(:, 3))
      do k = 1, size(rate)
        rate(k) = rate(k)*work(k, 3)
      end do
    end select
  end subroutine rates

  !> The kernel for two drops [m3 s-1].
  pure real(wp) function rate(self, x, y)
    class(kernel_t), intent(in) :: self
    real(wp), intent(in) :: x !! mass of one [kg]
    real(wp), intent(in) :: y !! mass of the other [kg]

    real(wp) :: motion(2, 3), pair(1), work(1, 3)

    if (self%needs_motion) then
      call self%motion(x, motion(1, 1), motion(1, 2), motion(1, 3))
      call self%motion(y, motion(2, 1), motion(2, 2), motion(2, 3))
    end if
    call self%rates(1.0_wp, [x, y], motion(:, 1), motion(:, 2), motion(:, 3), work, pair)
    rate = pair(1)
  end function rate

end module rain_kernels
