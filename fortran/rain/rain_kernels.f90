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
!> the constants of Simmel, Trautmann and Tetzlaff (2002),
!> doi:10.1016/S0169-8095(01)00131-4; fall speeds of Beard (1976).
module rain_kernels
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use rain_drops, only: mass_of_radius, pi, radius_of_mass, water_density
  use rain_efficiencies, only: efficiency_table_t
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
    logical :: needs_motion = .false.     !! of radius and speed, beside mass
    real(wp), private :: long_mass = 0    !! where Long's kernel changes [kg]
    real(wp), allocatable, private :: speeds(:) !! [m s-1] (even logarithm of mass)
    type(efficiency_table_t), allocatable, private :: efficiencies
  contains
    procedure :: setup
    procedure :: motion
    procedure :: expect
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

    integer :: i

    self%kind = findloc(kernel_names, name, dim=1)
    if (self%kind == 0) then
      call fail(err_argument, "'kernel' must be golovin, long, geometric or hall, "// &
        "found '"//trim(name)//"'", stat, errmsg)
      return
    end if
    if (present(golovin_b)) self%golovin_b = golovin_b
    self%long_mass = mass_of_radius(long_radius)
    self%needs_motion = self%kind >= kernel_geometric
    if (self%needs_motion .and. .not. allocated(self%speeds)) then
      self%speeds = fall_speed(radius_of_mass(exp([(table_start + table_step*(i - 1), &
        i=1, table_length)])))
      allocate (self%efficiencies)
      call self%efficiencies%setup()
    end if
    call succeed(stat)
  end subroutine setup

  !> What the kernel needs of a drop beside its mass.
  pure subroutine motion(self, mass, radius, speed)
    class(kernel_t), intent(in) :: self
    real(wp), intent(in) :: mass    !! [kg]
    real(wp), intent(out) :: radius !! [m]
    real(wp), intent(out) :: speed  !! at which it falls [m s-1]

    real(wp) :: place
    integer :: i

    radius = radius_of_mass(mass)
    place = (log(mass) - table_start)*(1.0_wp/table_step)
    place = max(0.0_wp, min(place, table_length - 1.0_wp))
    i = min(int(place), table_length - 2)
    place = place - i
    speed = (1.0_wp - place)*self%speeds(i + 1) + place*self%speeds(i + 2)
  end subroutine motion

  !> Expected collisions of pairs: factor max(xi_k, xi_l) K(x_k, x_l) with l = n + 1 - k.
  pure subroutine expect(self, n, width, drops, unit, factor, work, expected)
    class(kernel_t), intent(in) :: self
    integer, intent(in) :: n                    !! super-droplets
    integer, intent(in) :: width            !! values of each: 2, or 4 if it needs motion
    real(wp), intent(in) :: drops(width, n) !! mass [unit], xi, radius [m], speed [m s-1]
    real(wp), intent(in) :: unit                !! of the masses [kg]
    real(wp), intent(in) :: factor              !! [s m-3]
    real(wp), intent(inout), contiguous :: work(:, :)  !! (pair, 3), if it needs motion
    real(wp), intent(out), contiguous :: expected(:)   !! [1] (pair)

    select case (self%kind)
    case (kernel_golovin)
      call expect_golovin(n, drops, factor*self%golovin_b*unit/water_density, expected)
    case (kernel_long)
      call expect_long(n, drops, factor*long_small*unit**2, factor*long_large*unit, &
        self%long_mass/unit, expected)
    case default
      call expect_falling(n, drops, pi*factor, work, expected)
      if (self%kind == kernel_geometric) return
      call self%efficiencies%evaluate(work(:n/2, 1), work(:n/2, 2), work(:n/2, 3))
      expected = expected*work(:n/2, 3)
    end select
  end subroutine expect

  pure subroutine expect_golovin(n, drops, factor, expected)
    integer, intent(in) :: n
    real(wp), intent(in) :: drops(2, n) !! mass, xi
    real(wp), intent(in) :: factor      !! expected = factor (x + y) max(xi)
    real(wp), intent(out) :: expected(n/2)

    integer :: k

    do k = 1, n/2
      expected(k) = factor*(drops(1, k) + drops(1, n + 1 - k)) &
        *max(drops(2, k), drops(2, n + 1 - k))
    end do
  end subroutine expect_golovin

  pure subroutine expect_long(n, drops, small, large, limit, expected)
    integer, intent(in) :: n
    real(wp), intent(in) :: drops(2, n) !! mass, xi
    real(wp), intent(in) :: small       !! expected = small (x^2 + y^2) max(xi), or
    real(wp), intent(in) :: large       !! expected = large (x + y) max(xi)
    real(wp), intent(in) :: limit       !! where it changes [mass]
    real(wp), intent(out) :: expected(n/2)

    real(wp) :: x, y
    integer :: k

    do k = 1, n/2
      x = drops(1, k)
      y = drops(1, n + 1 - k)
      expected(k) = merge(small*(x*x + y*y), large*(x + y), max(x, y) <= limit) &
        *max(drops(2, k), drops(2, n + 1 - k))
    end do
  end subroutine expect_long

  !> Falling spheres; also the larger radius and the ratio of the radii.
  pure subroutine expect_falling(n, drops, factor, work, expected)
    integer, intent(in) :: n
    real(wp), intent(in) :: drops(4, n) !! mass, xi, radius, speed
    real(wp), intent(in) :: factor      !! expected = factor (r + s)^2 |v - w| max(xi)
    real(wp), intent(inout), contiguous :: work(:, :) !! radius, ratio
    real(wp), intent(out) :: expected(n/2)

    real(wp) :: r, s
    integer :: k

    do k = 1, n/2
      r = drops(3, k)
      s = drops(3, n + 1 - k)
      work(k, 1) = max(r, s)
      work(k, 2) = min(r, s)/max(r, s)
      expected(k) = factor*(r + s)**2*abs(drops(4, k) - drops(4, n + 1 - k)) &
        *max(drops(2, k), drops(2, n + 1 - k))
    end do
  end subroutine expect_falling

  !> The kernel for two drops [m3 s-1].
  pure real(wp) function rate(self, x, y)
    class(kernel_t), intent(in) :: self
    real(wp), intent(in) :: x !! mass of one [kg]
    real(wp), intent(in) :: y !! mass of the other [kg]

    real(wp) :: drops(4, 2), expected(1), work(1, 3)

    if (self%needs_motion) then
      drops(:2, 1) = [x, 1.0_wp]
      drops(:2, 2) = [y, 1.0_wp]
      call self%motion(x, drops(3, 1), drops(4, 1))
      call self%motion(y, drops(3, 2), drops(4, 2))
      call self%expect(2, 4, drops, 1.0_wp, 1.0_wp, work, expected)
    else
      call self%expect(2, 2, reshape([x, 1.0_wp, y, 1.0_wp], [2, 2]), 1.0_wp, 1.0_wp, &
        work, expected)
    end if
    rate = expected(1)
  end function rate

end module rain_kernels
