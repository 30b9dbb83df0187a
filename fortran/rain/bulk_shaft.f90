! SPDX-License-Identifier: MIT
!> Rain shafts: columns of bulk cells with a given updraft, condensation and falling rain.
!>
!> The updraft of a column, w(t) = w_max sin(pi t/T) until T, is the same at all levels (air
!> of constant density), as in the warm cases of the Kinematic Driver (Shipway & Hill
!> 2012, doi:10.1002/qj.1913); it may come again and again. Above cloud base rising air
!> condenses w times a lapse rate of water; the drops that form have the mean radius of the
!> column's cloud. Air enters without water and takes along what leaves through the top,
!> which is counted.
!>
!> Rain falls with Atlas, Srivastava & Sekhon (1973), doi:10.1029/RG011i001p00001,
!> v(D) = 9.65 - 10.3 exp(-600 D), averaged over an exponential spectrum by number and by
!> mass: number falls slower, so large drops arrive first. Cloud does not fall.
!>
!> Fluxes are upwind, and what leaves a level arrives in the next: a column's water changes
!> by condensation, surface rain and outflow only, to rounding.
module bulk_shaft

  use bulk_rates, only: x_star
  use kinds, only: wp
  implicit none
  private
  public :: fall_speeds, shaft_t

  real(wp), parameter :: pi = acos(-1.0_wp)
  real(wp), parameter :: water = 1000.0_wp     !! density [kg m-3]
  real(wp), parameter :: v_large = 9.65_wp     !! fall speed of the largest drops [m s-1]
  real(wp), parameter :: v_small = 10.3_wp     !! less this of small ones [m s-1]
  real(wp), parameter :: per_diameter = 600.0_wp !! [m-1]
  real(wp), parameter :: largest_mass = 1.0e-5_wp !! mean mass of rain drops, at most [kg]

  !> Columns and what drives them.
  type :: shaft_t
    integer :: n_levels = 60               !! from the ground up
    real(wp) :: dz = 50.0_wp               !! [m]
    real(wp) :: cloud_base = 600.0_wp      !! [m]
    real(wp) :: lapse = 2.0e-6_wp          !! water condensed per height [kg m-4]
    real(wp) :: updraft_time = 1200.0_wp   !! T [s]
    real(wp) :: updraft_every = 0.0_wp     !! time between two updrafts [s]; 0: only one
    real(wp), allocatable :: updraft(:)     !! w_max [m s-1] (column)
    real(wp), allocatable :: mean_radius(:) !! of new drops [m] (column)
    real(wp), allocatable :: condensed(:)   !! since the start [kg m-2] (column)
    real(wp), allocatable :: rained(:)      !! at the ground since the start [kg m-2]
    real(wp), allocatable :: left(:)        !! through the top since the start [kg m-2]
  contains
    procedure :: setup
    procedure :: speed
    procedure :: largest_dt
    procedure :: force
    procedure :: water_path
  end type shaft_t

contains

  !> Begin with dry columns.
  pure subroutine setup(self, shape, state)
    class(shaft_t), intent(inout) :: self
    real(wp), intent(in) :: shape(:)       !! nu of the clouds [1] (column)
    real(wp), intent(inout) :: state(:, :) !! set (quantity, level and column)

    integer :: c, first

    allocate (self%condensed(size(shape)), self%rained(size(shape)), &
      self%left(size(shape)), source=0.0_wp)
    state = 0.0_wp
    do c = 1, size(shape)
      first = (c - 1)*self%n_levels + 1
      state(6, first:first + self%n_levels - 1) = self%mean_radius(c)
      state(7, first:first + self%n_levels - 1) = shape(c)
    end do
  end subroutine setup

  !> Updraft of a column [m s-1].
  pure real(wp) function speed(self, column, time)
    class(shaft_t), intent(in) :: self
    integer, intent(in) :: column
    real(wp), intent(in) :: time !! [s]

    real(wp) :: since !! its start [s]

    since = time
    if (self%updraft_every > 0.0_wp) since = modulo(time, self%updraft_every)
    speed = 0.0_wp
    if (since < self%updraft_time) speed = self%updraft(column) &
      *sin(pi*since/self%updraft_time)
  end function speed

  !> Longest step in which nothing passes a whole level [s].
  pure real(wp) function largest_dt(self)
    class(shaft_t), intent(in) :: self

    largest_dt = self%dz/(v_large + maxval(self%updraft))
  end function largest_dt

  !> Condense, lift and let fall for `dt`, in equal parts that nothing outruns.
  subroutine force(self, time, dt, state)
    class(shaft_t), intent(inout) :: self
    real(wp), intent(in) :: time           !! at the start [s]
    real(wp), intent(in) :: dt             !! [s]
    real(wp), intent(inout) :: state(:, :) !! (quantity, level and column)

    integer :: c, first, i, last, n_parts
    real(wp) :: part, w

    n_parts = ceiling(dt/self%largest_dt())
    part = dt/n_parts
    !$omp parallel do private(first, last, i, w)
    do c = 1, size(self%updraft)
      first = (c - 1)*self%n_levels + 1
      last = first + self%n_levels - 1
      do i = 1, n_parts
        w = self%speed(c, time + (i - 0.5_wp)*part)
        call condense(self, c, w*part, state(:, first:last))
        call transport(self, c, w, part, state(:, first:last))
      end do
      ! Water of the cell now stands for that of its first cloud, which boxes keep.
      state(5, first:last) = state(1, first:last) + state(3, first:last)
    end do
    !$omp end parallel do
  end subroutine force

  !> Rising air above cloud base forms drops of the column's mean radius.
  pure subroutine condense(self, c, rise, cells)
    class(shaft_t), intent(inout) :: self
    integer, intent(in) :: c               !! column
    real(wp), intent(in) :: rise           !! of the air [m]
    real(wp), intent(inout) :: cells(:, :) !! (quantity, level)

    real(wp) :: new
    integer :: k

    new = self%lapse*rise
    do k = 1, self%n_levels
      if ((k - 0.5_wp)*self%dz < self%cloud_base) cycle
      cells(1, k) = cells(1, k) + new
      cells(2, k) = cells(2, k) + new/(4.0_wp/3.0_wp*pi*water*self%mean_radius(c)**3)
      self%condensed(c) = self%condensed(c) + new*self%dz
    end do
  end subroutine condense

  !> Upwind fluxes through the faces of the levels; face 0 is the ground.
  pure subroutine transport(self, c, w, dt, cells)
    class(shaft_t), intent(inout) :: self
    integer, intent(in) :: c               !! column
    real(wp), intent(in) :: w              !! updraft [m s-1]
    real(wp), intent(in) :: dt             !! [s]
    real(wp), intent(inout) :: cells(:, :) !! (quantity, level)

    real(wp) :: below(4), flux(4, 0:self%n_levels), v(4)
    integer :: k

    below = 0.0_wp
    flux = 0.0_wp
    do k = 1, self%n_levels
      v(1:2) = w
      call fall_speeds(cells(3, k), cells(4, k), v(3), v(4))
      v(3:4) = w - v(3:4)
      flux(:, k) = flux(:, k) + max(v, 0.0_wp)*cells(:4, k)
      flux(:, k - 1) = flux(:, k - 1) + min(v, 0.0_wp)*cells(:4, k)
    end do
    do k = 1, self%n_levels
      below = flux(:, k - 1)
      cells(:4, k) = cells(:4, k) + dt/self%dz*(below - flux(:, k))
      cells(:4, k) = max(cells(:4, k), 0.0_wp) ! of rounding where all of a level leaves
    end do
    self%rained(c) = self%rained(c) - dt*(flux(1, 0) + flux(3, 0))
    self%left(c) = self%left(c) + dt*(flux(1, self%n_levels) + flux(3, self%n_levels))
  end subroutine transport

  !> Mean fall speeds of rain mass and rain number [m s-1].
  pure subroutine fall_speeds(lr, nr, v_mass, v_number)
    real(wp), intent(in) :: lr        !! rain mass [kg m-3]
    real(wp), intent(in) :: nr        !! rain number [m-3]
    real(wp), intent(out) :: v_mass   !! of mass
    real(wp), intent(out) :: v_number !! of number

    real(wp) :: mass, part

    mass = min(max(lr, x_star*nr), largest_mass*nr)/max(nr, tiny(1.0_wp))
    ! An exponential spectrum exp(-D/d) has the mean mass pi water d^3.
    part = 1.0_wp/(1.0_wp + per_diameter*(mass/(pi*water))**(1.0_wp/3.0_wp))
    v_number = max(v_large - v_small*part, 0.0_wp)
    v_mass = max(v_large - v_small*part**4, 0.0_wp)
  end subroutine fall_speeds

  !> Water in each column [kg m-2].
  pure function water_path(self, state) result(path)
    class(shaft_t), intent(in) :: self
    real(wp), intent(in) :: state(:, :) !! (quantity, level and column)
    real(wp) :: path(size(state, 2)/self%n_levels)

    integer :: c, first

    do c = 1, size(path)
      first = (c - 1)*self%n_levels + 1
      path(c) = self%dz*sum(state([1, 3], first:first + self%n_levels - 1))
    end do
  end function water_path

end module bulk_shaft
