! SPDX-License-Identifier: MIT
!> A rain shaft of super-droplets: boxes above each other, driven as `bulk_shaft` is.
!>
!> The updraft, the condensation above cloud base and the fall speeds of rain are those of
!> the shaft by moments, so that the two differ in how drops collide, and in that each drop
!> falls at its own speed. A super-droplet leaves its level in a step with the chance
!> |w - v| dt/dz, where v = 9.65 - 10.3 exp(-600 D) for rain and 0 for cloud: on average
!> that is the upwind flux of the other shaft.
!>
!> Water is counted in quanta: what condensed is what is there, has rained or has left
!> through the top, to the bit.
!>
!> What collisions and falling did to rain is summed up level by level (`tally`), so that
!> closures and fall speeds of the other shaft can be measured one by one.
module superdroplet_shaft
  use bulk_shaft, only: shaft_t
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use rain_drops, only: cloud_t, mass_of_radius, pi, x_star
  use rain_kernels, only: kernel_t
  use random_lanes, only: random_lanes_t
  use superdroplet_sampling, only: bits, proposal_t
  use superdroplets, only: n_moments, superdroplets_t
  implicit none
  private
  public :: droplet_shaft_t

  integer, parameter :: start_room = 256 !! super-droplets in a level, before it grows
  real(wp), parameter :: v_large = 9.65_wp      !! as in `bulk_shaft` [m s-1]
  real(wp), parameter :: v_small = 10.3_wp      !! [m s-1]
  real(wp), parameter :: per_diameter = 600.0_wp !! [m-1]
  real(wp), parameter :: most_updrafts = 64.0_wp
    !! that a column can have before its quanta are too many to be counted exactly

  integer, parameter, public :: n_tallies = 8 !! of a level, since the last record:
  !! rain mass made by collisions [kg m-3], rain drops that appeared and that merged, cloud
  !! drops lost [m-3]; rain mass [kg s m-3] and number [s m-3] over time, and what of
  !! both fell [kg m-2, m-2]

  !> One column.
  type :: droplet_shaft_t
    type(shaft_t) :: forcing          !! levels, updraft, condensation
    integer :: column = 1             !! of the forcing
    real(wp) :: volume = 1.0_wp       !! of a level [m3]
    integer :: n_new = 32             !! super-droplets that form in a level at a time
    real(wp) :: form_every = 10.0_wp  !! time between two formations [s]
    real(wp) :: quantum = 0.0_wp      !! of water [kg]
    real(wp) :: condensed = 0.0_wp    !! since the start [quantum]
    real(wp) :: rained = 0.0_wp       !! since the start [quantum]
    real(wp) :: left = 0.0_wp         !! through the top since the start [quantum]
    type(superdroplets_t), allocatable :: levels(:)
    real(wp), allocatable :: tally(:, :) !! (tally, level); its reader sets it to zero
    type(proposal_t), private :: proposal
  contains
    procedure :: setup
    procedure :: step
    procedure :: form
    procedure :: fluxes
    procedure :: moments
    procedure :: water
    procedure, private :: rise
    procedure, private :: transport
    procedure, private :: move
  end type droplet_shaft_t

contains

  !> Begin with a dry column.
  subroutine setup(self, kernel, shape, stat, errmsg)
    class(droplet_shaft_t), intent(inout) :: self
    type(kernel_t), intent(in) :: kernel
    real(wp), intent(in) :: shape !! nu of the drops that form [1]
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(cloud_t) :: cloud
    integer :: k

    associate (forcing => self%forcing)
      if (.not. (self%form_every > 0.0_wp .and. self%n_new >= 2)) then
        call fail(err_argument, "'form_every' must be positive and 'new_droplets' at "// &
          "least 2", stat, errmsg)
        return
      end if
      ! What forms at the strongest updraft; at other times it is a part of it.
      cloud = cloud_t(forcing%lapse*forcing%updraft(self%column)*self%form_every, &
        forcing%mean_radius(self%column), shape)
      call self%proposal%setup(cloud, self%volume, self%n_new, "tail", stat, errmsg)
      if (present(stat)) then
        if (stat /= 0) return
      end if
      self%quantum = forcing%lapse*self%rise(0.0_wp, forcing%updraft_time)*self%volume &
        *forcing%n_levels/bits
      if (forcing%updraft_every > 0.0_wp) self%quantum = self%quantum*most_updrafts
      self%condensed = 0.0_wp
      self%rained = 0.0_wp
      self%left = 0.0_wp
      if (allocated(self%levels)) deallocate (self%levels)
      if (allocated(self%tally)) deallocate (self%tally)
      allocate (self%levels(forcing%n_levels))
      allocate (self%tally(n_tallies, forcing%n_levels), source=0.0_wp)
      do k = 1, forcing%n_levels
        call self%levels(k)%reserve(start_room, kernel)
        self%levels(k)%volume = self%volume
        self%levels(k)%quantum = self%quantum
      end do
    end associate
    call succeed(stat)
  end subroutine setup

  !> Rise of the air between two times [m].
  pure real(wp) function rise(self, start, end)
    class(droplet_shaft_t), intent(in) :: self
    real(wp), intent(in) :: start !! [s]
    real(wp), intent(in) :: end   !! [s]

    real(wp) :: phase(2), since(2)

    associate (period => self%forcing%updraft_time, every => self%forcing%updraft_every)
      since = [start, end]
      if (every > 0.0_wp) since = since - every*floor(start/every)
      phase = pi*min(max(since, 0.0_wp), period)/period
      rise = self%forcing%updraft(self%column)*period/pi*(cos(phase(1)) - cos(phase(2)))
      if (every > 0.0_wp) then ! the next updraft may have begun
        phase = pi*min(max(since - every, 0.0_wp), period)/period
        rise = rise + self%forcing%updraft(self%column)*period/pi*(cos(phase(1)) &
          - cos(phase(2)))
      end if
    end associate
  end function rise

  !> Condense what belongs to the next `form_every` seconds.
  subroutine form(self, kernel, time, stream)
    class(droplet_shaft_t), intent(inout) :: self
    type(kernel_t), intent(in) :: kernel
    real(wp), intent(in) :: time                  !! [s]
    type(random_lanes_t), intent(inout) :: stream !! of the realization

    real(wp) :: added, part
    integer :: k

    associate (forcing => self%forcing)
      part = self%rise(time, time + self%form_every) &
        /(forcing%updraft(self%column)*self%form_every)
      if (part <= 0.0_wp) return
      do k = 1, forcing%n_levels
        if ((k - 0.5_wp)*forcing%dz < forcing%cloud_base) cycle
        call self%proposal%add(kernel, part, stream, self%levels(k), added)
        self%condensed = self%condensed + added
      end do
    end associate
  end subroutine form

  !> Collide in each level, then lift and let fall.
  subroutine step(self, kernel, time, dt, max_substeps, stream)
    class(droplet_shaft_t), intent(inout) :: self
    type(kernel_t), intent(in) :: kernel
    real(wp), intent(in) :: time                  !! at the start [s]
    real(wp), intent(in) :: dt                    !! [s]
    integer, intent(in) :: max_substeps           !! of collisions
    type(random_lanes_t), intent(inout) :: stream !! of the realization

    real(wp) :: change(n_moments)
    integer :: k

    do k = 1, size(self%levels)
      change = self%levels(k)%moments()
      call self%levels(k)%step(kernel, dt, max_substeps, stream)
      change = self%levels(k)%moments() - change
      self%tally(:4, k) = self%tally(:4, k) + [change(2), max(change(4), 0.0_wp), &
        max(-change(4), 0.0_wp), -change(3)]
    end do
    call self%transport(kernel, self%forcing%speed(self%column, time + 0.5_wp*dt), dt, &
      stream)
  end subroutine step

  !> Exchange super-droplets between neighbours, each at most once.
  subroutine transport(self, kernel, w, dt, stream)
    class(droplet_shaft_t), intent(inout) :: self
    type(kernel_t), intent(in) :: kernel
    real(wp), intent(in) :: w                     !! updraft [m s-1]
    real(wp), intent(in) :: dt                    !! [s]
    type(random_lanes_t), intent(inout) :: stream

    real(wp), allocatable :: chances(:), rising(:, :), risen(:, :)
    integer :: i, k

    allocate (rising(size(self%levels(1)%drops, 1), 0))
    do k = 1, size(self%levels)
      allocate (chances(self%levels(k)%n))
      call stream%uniforms(chances)
      call move_alloc(rising, risen)
      call self%move(kernel, k, w, dt, chances, rising)
      ! Only now: what came up from below does not rise again.
      do i = 1, size(risen, 2)
        call self%levels(k)%append(risen(:, i), kernel)
      end do
      deallocate (chances, risen)
    end do
    self%left = self%left + sum(rising(1, :)*rising(2, :))
  end subroutine transport

  !> Take out of a level what rises, and put one below what falls.
  subroutine move(self, kernel, k, w, dt, chances, rising)
    class(droplet_shaft_t), intent(inout) :: self
    type(kernel_t), intent(in) :: kernel
    integer, intent(in) :: k             !! level
    real(wp), intent(in) :: w            !! updraft [m s-1]
    real(wp), intent(in) :: dt           !! [s]
    real(wp), intent(in) :: chances(:)   !! in (0, 1) (super-droplet)
    real(wp), allocatable, intent(out) :: rising(:, :) !! super-droplets for the level above

    integer :: i, kept, n_rising
    real(wp) :: drop(size(self%levels(1)%drops, 1)), dt_dz, speed, sums(4), v

    dt_dz = dt/self%forcing%dz
    sums = 0.0_wp
    associate (here => self%levels(k))
      allocate (rising(size(drop), count(chances < w*dt_dz)))
      kept = 0
      n_rising = 0
      do i = 1, here%n
        drop = here%drops(:, i)
        speed = 0.0_wp
        if (drop(1)*self%quantum >= x_star) then
          speed = fall_speed(drop(1)*self%quantum)
          sums = sums + drop(2)*[drop(1), 1.0_wp, drop(1)*speed, speed]
        end if
        v = w - speed
        if (chances(i) >= abs(v)*dt_dz) then
          kept = kept + 1
          here%drops(:, kept) = drop
        else if (v > 0.0_wp) then
          n_rising = n_rising + 1
          rising(:, n_rising) = drop
        else if (k > 1) then
          call self%levels(k - 1)%append(drop, kernel)
        else
          self%rained = self%rained + drop(1)*drop(2)
        end if
      end do
      here%n = kept
    end associate
    rising = rising(:, :n_rising)
    sums([1, 3]) = sums([1, 3])*self%quantum
    self%tally(5:, k) = self%tally(5:, k) + sums*dt/self%volume
  end subroutine move

  !> Fall speed of a drop of rain, that of `bulk_shaft` [m s-1].
  pure real(wp) function fall_speed(mass) result(v)
    real(wp), intent(in) :: mass !! [kg]

    real(wp) :: diameter

    diameter = 2.0_wp*(mass*(1.0_wp/mass_of_radius(1.0_wp)))**(1.0_wp/3.0_wp)
    v = max(0.0_wp, v_large - v_small*exp(-per_diameter*diameter))
  end function fall_speed

  !> Condensed, rained, left and present water [kg m-2].
  pure function fluxes(self) result(values)
    class(droplet_shaft_t), intent(in) :: self
    real(wp) :: values(4)

    values = [self%condensed, self%rained, self%left, self%water()]*self%quantum &
      /self%volume*self%forcing%dz
  end function fluxes

  !> Water in the column, exact [quantum].
  pure real(wp) function water(self)
    class(droplet_shaft_t), intent(in) :: self

    integer :: k

    water = 0.0_wp
    do k = 1, size(self%levels)
      water = water + self%levels(k)%total_mass()
    end do
  end function water

  !> Mass and number of cloud and rain: Lc, Lr [kg m-3], Nc, Nr [m-3] (moment, level).
  pure function moments(self) result(values)
    class(droplet_shaft_t), intent(in) :: self
    real(wp) :: values(4, size(self%levels))

    integer :: k

    do k = 1, size(self%levels)
      values(:, k) = self%levels(k)%moments()
    end do
  end function moments

end module superdroplet_shaft
