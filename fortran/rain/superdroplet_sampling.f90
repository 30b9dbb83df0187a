! SPDX-License-Identifier: MIT
!> Super-droplets drawn from a gamma distribution.
!>
!> The masses are the quantiles of a proposal g, one in each of n strata of equal weight,
!> and the multiplicity is f V/(n g), rounded at random to a whole number:
!>
!>   constant   g = f/N: all super-droplets stand for as many drops (Shima et al. 2009)
!>   tail       g = a third each of f/N, of x f/L, and of a uniform density in log x from
!>              the mean mass to the largest drop that the box is likely to hold
!>
!> The few large drops that start the rain have super-droplets of their own in the second:
!> see Unterstrasser, Hoffmann and Lerch (2017), doi:10.5194/gmd-10-1521-2017.
module superdroplet_sampling
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use rain_drops, only: cloud_t
  use rain_kernels, only: kernel_t
  use random_lanes, only: random_lanes_t
  use superdroplets, only: superdroplets_t
  implicit none
  private
  public :: check_cloud, proposal_t, sampling_names

  character(len=*), parameter :: sampling_names(2) = [character(len=8) :: "constant", &
    "tail"]
  integer, parameter :: n_table = 6000         !! points of the cumulative proposal
  real(wp), parameter :: least = 1.0e-6_wp     !! of the masses, over the mean mass
  real(wp), parameter :: rarest = 1.0e-3_wp    !! drops in the box beyond the largest mass
  real(wp), parameter, public :: bits = 2.0_wp**52 !! quanta of all water: sums are exact
  real(wp), parameter :: least_quanta = 1.0e3_wp !! of a mean drop: rounding below 0.1 %

  !> Where super-droplets are drawn from: made once for a cloud, used by all realizations.
  type :: proposal_t
    type(cloud_t) :: cloud
    real(wp) :: volume = 1.0_wp         !! V [m3]
    integer :: n = 0                    !! super-droplets
    logical :: is_constant = .true.     !! of equal multiplicities
    real(wp), allocatable, private :: log_mass(:)   !! even (point)
    real(wp), allocatable, private :: weight(:)     !! proposal per log mass [1] (point)
    real(wp), allocatable, private :: cumulative(:) !! its integral, 0 to 1 (point)
  contains
    procedure :: setup
    procedure :: draw
    procedure :: add
    procedure, private :: quantile
  end type proposal_t

contains

  !> Tabulate the proposal.
  subroutine setup(self, cloud, volume, n, sampling, stat, errmsg)
    class(proposal_t), intent(inout) :: self
    type(cloud_t), intent(in) :: cloud       !! to be drawn from
    real(wp), intent(in) :: volume           !! of the box [m3]
    integer, intent(in) :: n                 !! super-droplets
    character(len=*), intent(in) :: sampling !! one of `sampling_names`
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=256) :: problem

    problem = ""
    if (all(sampling_names /= sampling)) problem = &
      "'sampling' must be constant or tail, found '"//trim(sampling)//"'"
    if (.not. volume > 0.0_wp) problem = "'volume' must be positive"
    if (n < 2) problem = "'droplets' must be at least 2: nothing collides with itself"
    call check_cloud(cloud, problem)
    if (problem == "") call check_size(cloud, volume, n, problem)
    if (problem /= "") then
      call fail(err_argument, trim(problem), stat, errmsg)
      return
    end if
    self%cloud = cloud
    self%volume = volume
    self%n = n
    self%is_constant = sampling == sampling_names(1)
    call tabulate(self)
    call succeed(stat)
  end subroutine setup

  !> Say so if a cloud is none.
  subroutine check_cloud(cloud, problem)
    type(cloud_t), intent(in) :: cloud
    character(len=*), intent(inout) :: problem !! set if there is one

    call check_positive("liquid_water", cloud%liquid_water, "kg m-3", problem)
    call check_positive("mean_radius", cloud%mean_radius, "m", problem)
    if (problem /= "") return
    if (.not. (cloud%shape >= 0.0_wp .and. cloud%shape <= 50.0_wp)) then
      write (problem, "(a, g0)") "'shape' must be in 0 to 50, found ", cloud%shape
    else if (cloud%mean_radius > 1.0e-3_wp) then
      write (problem, "(a, g0)") &
        "'mean_radius' is in metres and must be below 1e-3, found ", cloud%mean_radius
    end if
  end subroutine check_cloud

  !> Say so if a number is not positive and finite.
  subroutine check_positive(name, value, units, problem)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: value
    character(len=*), intent(in) :: units
    character(len=*), intent(inout) :: problem !! set if there is one

    if (problem /= "") return
    if (value > 0.0_wp .and. value < huge(value)) return
    write (problem, "(3a, g0, 2a)") "'", name, "' must be positive and finite, found ", &
      value, " ", units
  end subroutine check_positive

  !> Say so if the box holds too few drops, or too many for exact sums.
  subroutine check_size(cloud, volume, n, problem)
    type(cloud_t), intent(in) :: cloud
    real(wp), intent(in) :: volume !! [m3]
    integer, intent(in) :: n       !! super-droplets
    character(len=*), intent(inout) :: problem !! set if there is one

    real(wp) :: drops

    drops = cloud%number()*volume
    if (drops < n) write (problem, "(a, es9.2, a, i0)") &
      "'volume' is too small: it holds ", drops, " drops, fewer than 'droplets' = ", n
    if (drops > bits/least_quanta) write (problem, "(a, es9.2, a, es9.2)") &
      "'volume' is too large: it holds ", drops, " drops, masses are exact up to ", &
      bits/least_quanta
  end subroutine check_size

  !> Cumulative proposal over the logarithm of mass.
  subroutine tabulate(self)
    class(proposal_t), intent(inout) :: self

    real(wp) :: by_mass, by_number, first, last, mean, step, x
    integer :: i

    mean = self%cloud%mean_mass()
    first = log(least*mean)
    last = log(largest_mass(self%cloud, self%volume))
    step = (last - first)/(n_table - 1)
    self%log_mass = [(first + step*(i - 1), i=1, n_table)]
    if (allocated(self%weight)) deallocate (self%weight, self%cumulative)
    allocate (self%weight(n_table), self%cumulative(n_table))
    do i = 1, n_table
      x = exp(self%log_mass(i))
      by_number = self%cloud%density(x)*x/self%cloud%number()
      by_mass = by_number*x/mean
      self%weight(i) = by_number
      if (.not. self%is_constant) self%weight(i) = (by_number + by_mass + &
        merge(1.0_wp/(last - log(mean)), 0.0_wp, x >= mean))/3.0_wp
    end do
    self%cumulative(1) = 0.0_wp
    do i = 2, n_table
      self%cumulative(i) = self%cumulative(i - 1) &
        + 0.5_wp*step*(self%weight(i - 1) + self%weight(i))
    end do
    self%weight = self%weight/self%cumulative(n_table)
    self%cumulative = self%cumulative/self%cumulative(n_table)
  end subroutine tabulate

  !> The mass beyond which the box holds a drop with a chance of a thousandth only [kg].
  pure real(wp) function largest_mass(cloud, volume) result(x)
    type(cloud_t), intent(in) :: cloud
    real(wp), intent(in) :: volume !! [m3]

    real(wp) :: scale

    scale = cloud%mean_mass()/(cloud%shape + 1.0_wp)
    x = cloud%mean_mass()
    ! Beyond the maximum the tail's integral is about its density times 1/B.
    do while (cloud%density(x)*scale*volume > rarest)
      x = x + 0.25_wp*scale
    end do
  end function largest_mass

  !> Fill a box with super-droplets.
  subroutine draw(self, kernel, stream, drops)
    class(proposal_t), intent(in) :: self
    type(kernel_t), intent(in) :: kernel          !! that will be used
    type(random_lanes_t), intent(inout) :: stream !! of the realization
    type(superdroplets_t), intent(inout) :: drops !! filled

    real(wp) :: ignored

    call drops%reserve(self%n, kernel)
    drops%n = 0
    drops%volume = self%volume
    drops%quantum = self%cloud%liquid_water*self%volume/bits
    call self%add(kernel, 1.0_wp, stream, drops, ignored)
    call drops%prepare(kernel)
  end subroutine draw

  !> Add a part of the cloud to a box whose volume and quantum are set: the masses are
  !> scaled to the prescribed water and rounded to whole quanta.
  subroutine add(self, kernel, part, stream, drops, added)
    class(proposal_t), intent(in) :: self
    type(kernel_t), intent(in) :: kernel          !! that will be used
    real(wp), intent(in) :: part                  !! of the cloud's water [1]
    type(random_lanes_t), intent(inout) :: stream !! of the realization
    type(superdroplets_t), intent(inout) :: drops
    real(wp), intent(out) :: added                !! water, exact [quantum]

    real(wp) :: chances(self%n, 2), drop(4), x(self%n), xi(self%n)
    real(wp) :: scale, weight
    integer :: i

    call stream%uniforms(chances(:, 1))
    call stream%uniforms(chances(:, 2))
    do i = 1, self%n
      call self%quantile((i - 1 + chances(i, 1))/self%n, x(i), weight)
      xi(i) = part*self%volume/self%n
      if (self%is_constant) then
        xi(i) = aint(xi(i)*self%cloud%number() + chances(i, 2))
      else
        xi(i) = aint(xi(i)*self%cloud%density(x(i))*x(i)/weight + chances(i, 2))
      end if
    end do
    scale = part*self%cloud%liquid_water*self%volume/sum(xi*x)/drops%quantum
    added = 0.0_wp
    do i = 1, self%n
      if (xi(i) == 0.0_wp) cycle
      drop(:2) = [max(1.0_wp, anint(x(i)*scale)), xi(i)]
      if (kernel%needs_motion) call kernel%motion(drops%quantum*drop(1), drop(3), drop(4))
      call drops%append(drop(:size(drops%drops, 1)), kernel)
      added = added + drop(1)*drop(2)
    end do
  end subroutine add

  !> Mass below which a part of the proposal lies, and the proposal there.
  pure subroutine quantile(self, part, mass, weight)
    class(proposal_t), intent(in) :: self
    real(wp), intent(in) :: part    !! in (0, 1)
    real(wp), intent(out) :: mass   !! [kg]
    real(wp), intent(out) :: weight !! proposal per log mass [1]

    integer :: above, below, middle
    real(wp) :: place

    below = 1
    above = n_table
    do while (above - below > 1)
      middle = (above + below)/2
      if (self%cumulative(middle) > part) then
        above = middle
      else
        below = middle
      end if
    end do
    place = (part - self%cumulative(below)) &
      /(self%cumulative(above) - self%cumulative(below))
    mass = exp(self%log_mass(below) + place*(self%log_mass(above) - self%log_mass(below)))
    ! The table is linear in between: this is the density the mass was drawn with.
    weight = (self%cumulative(above) - self%cumulative(below)) &
      /(self%log_mass(above) - self%log_mass(below))
  end subroutine quantile

end module superdroplet_sampling
