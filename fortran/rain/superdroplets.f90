! SPDX-License-Identifier: MIT
!> Collision and coalescence of drops in a well-mixed box, by super-droplets.
!>
!> A super-droplet stands for a whole number of drops (its multiplicity xi) of one mass. In
!> a step the n super-droplets are paired at random, and a pair (j, k) with xi_j >= xi_k
!> collides gamma times,
!>
!>   p     = xi_j K(x_j, x_k) dt/V n (n - 1)/2/[n/2]      expected number of collisions
!>   gamma = [p] + 1 with probability p - [p], else [p];  at most [xi_j/xi_k]
!>   xi_j -> xi_j - gamma xi_k                            what was not collected
!>   x_k  -> x_k + gamma x_j                              each of the xi_k takes gamma
!>
!> and where nothing of j is left (xi_j = gamma xi_k) the two share the xi_k drops. Shima,
!> Kusano, Kawano, Sugiyama and Kawahara (2009), "The super-droplet method for the numerical
!> simulation of clouds and precipitation", doi:10.1002/qj.441, section 5.1. If more
!> collisions are due than xi_j/xi_k allows, the step may be cut into several
!> (`max_substeps`); what is lost all the same is counted.
!>
!> Masses are whole multiples of a quantum, held like the multiplicities in real64 and kept
!> below 2^53 with their sum: all of the above is exact, and mass is conserved to the bit.
module superdroplets
  use kinds, only: int64, wp
  use rain_drops, only: x_star
  use rain_kernels, only: kernel_t
  use random_lanes, only: random_lanes_t
  implicit none
  private
  public :: superdroplets_t

  integer, parameter, public :: n_moments = 4 !! Lc, Lr [kg m-3], Nc, Nr [m-3]

  !> The drops of one box.
  type :: superdroplets_t
    integer :: n = 0                  !! super-droplets now
    real(wp) :: volume = 1.0_wp       !! V [m3]
    real(wp) :: quantum = 1.0_wp      !! of mass [kg]
    real(wp) :: lost = 0.0_wp         !! collisions that were due and could not be made
    real(wp) :: made = 0.0_wp         !! collisions of drops so far
    real(wp), allocatable :: drops(:, :)
      !! mass [quantum], xi [1] and, if the kernel needs them, radius [m] and speed [m s-1]
      !! (2 or 4, n and more): side by side, for they are exchanged together
    integer(int64), allocatable, private :: words(:) !! random (pair)
    real(wp), allocatable, private :: expected(:)    !! p [1] (pair)
    real(wp), allocatable, private :: chances(:)     !! random, in (0, 1) (pair)
    real(wp), allocatable, private :: work(:, :)     !! of the kernel
    integer, allocatable, private :: hits(:)         !! pairs that collide
  contains
    procedure :: reserve
    procedure :: append
    procedure :: prepare
    procedure :: step
    procedure :: moments
    procedure :: total_mass
    procedure, private :: match
    procedure, private :: expect
    procedure, private :: collide
    procedure, private :: coalesce
    procedure, private :: remove_empty
  end type superdroplets_t

contains

  !> Make room.
  pure subroutine reserve(self, n, kernel)
    class(superdroplets_t), intent(inout) :: self
    integer, intent(in) :: n              !! super-droplets, at most
    type(kernel_t), intent(in) :: kernel  !! that will be used

    integer :: width

    width = merge(4, 2, kernel%needs_motion)
    if (allocated(self%drops)) then
      if (size(self%drops, 1) == width .and. size(self%drops, 2) >= n) return
      deallocate (self%drops, self%words, self%expected, self%chances, self%work, self%hits)
    end if
    allocate (self%drops(width, n), self%words(n/2 + 1), self%expected(n/2), &
      self%chances(n/2), self%work(n/2, 3), self%hits(n/2 + 1))
  end subroutine reserve

  !> Add a super-droplet; there is room for twice as many if there was none.
  pure subroutine append(self, drop, kernel)
    class(superdroplets_t), intent(inout) :: self
    real(wp), intent(in) :: drop(:)      !! as a column of `drops`
    type(kernel_t), intent(in) :: kernel !! that will be used

    real(wp), allocatable :: kept(:, :)

    if (self%n == size(self%drops, 2)) then
      kept = self%drops
      call self%reserve(2*self%n, kernel)
      self%drops(:, :self%n) = kept
    end if
    self%n = self%n + 1
    self%drops(:, self%n) = drop
  end subroutine append

  !> What the kernel needs beside the masses, once these are set.
  pure subroutine prepare(self, kernel)
    class(superdroplets_t), intent(inout) :: self
    type(kernel_t), intent(in) :: kernel

    integer :: i

    self%lost = 0.0_wp
    self%made = 0.0_wp
    if (.not. kernel%needs_motion) return
    do i = 1, self%n
      call kernel%motion(self%quantum*self%drops(1, i), self%drops(3, i), self%drops(4, i))
    end do
  end subroutine prepare

  !> One time step.
  pure subroutine step(self, kernel, dt, max_substeps, stream)
    class(superdroplets_t), intent(inout) :: self
    type(kernel_t), intent(in) :: kernel
    real(wp), intent(in) :: dt                     !! [s]
    integer, intent(in) :: max_substeps            !! parts of a step at most; 1: never cut
    type(random_lanes_t), intent(inout) :: stream  !! of this realization

    integer :: i, n_parts

    if (self%n < 2) return
    call self%match(stream)
    call self%expect(kernel, dt)
    n_parts = 1
    if (max_substeps > 1) n_parts = min(parts(self), max_substeps)
    if (n_parts > 1) self%expected(:self%n/2) = self%expected(:self%n/2)/n_parts
    call self%collide(kernel, stream)
    do i = 2, n_parts
      if (self%n < 2) return
      call self%match(stream)
      call self%expect(kernel, dt/n_parts)
      call self%collide(kernel, stream)
    end do
  end subroutine step

  !> Pair at random: afterwards k belongs to m + 1 - k, where m is n or, if n is odd, n - 1
  !> and the last one stays alone. The partner of k is drawn among all that have none, k + 1
  !> to m + 1 - k, and exchanged with m + 1 - k: every set of pairs is as likely, at half
  !> the draws of a permutation.
  pure subroutine match(self, stream)
    class(superdroplets_t), intent(inout) :: self
    type(random_lanes_t), intent(inout) :: stream

    real(wp) :: kept(size(self%drops, 1))
    integer :: alone, half

    half = self%n/2
    call stream%words(self%words(:half + 1))
    if (2*half < self%n) then
      alone = 1 + int(shiftr(self%words(half + 1)*int(self%n, int64), 32))
      kept = self%drops(:, alone)
      self%drops(:, alone) = self%drops(:, self%n)
      self%drops(:, self%n) = kept
    end if
    if (size(self%drops, 1) == 2) then
      call exchange_2(half, self%words, self%drops)
    else
      call exchange_4(half, self%words, self%drops)
    end if
  end subroutine match

  ! Two procedures, so that an exchange is one vector, and not a loop over its values.

  pure subroutine exchange_2(half, words, drops)
    integer, intent(in) :: half
    integer(int64), intent(in) :: words(half)
    real(wp), intent(inout) :: drops(2, 2*half)

    real(wp) :: kept(2)
    integer :: j, k, last

    do k = 1, half
      last = 2*half + 1 - k
      j = k + 1 + int(shiftr(words(k)*int(last - k, int64), 32))
      kept = drops(:, j)
      drops(:, j) = drops(:, last)
      drops(:, last) = kept
    end do
  end subroutine exchange_2

  pure subroutine exchange_4(half, words, drops)
    integer, intent(in) :: half
    integer(int64), intent(in) :: words(half)
    real(wp), intent(inout) :: drops(4, 2*half)

    real(wp) :: kept(4)
    integer :: j, k, last

    do k = 1, half
      last = 2*half + 1 - k
      j = k + 1 + int(shiftr(words(k)*int(last - k, int64), 32))
      kept = drops(:, j)
      drops(:, j) = drops(:, last)
      drops(:, last) = kept
    end do
  end subroutine exchange_4

  !> Expected numbers of collisions p of the pairs.
  pure subroutine expect(self, kernel, dt)
    class(superdroplets_t), intent(inout) :: self
    type(kernel_t), intent(in) :: kernel
    real(wp), intent(in) :: dt !! [s]

    integer :: n

    n = self%n
    ! The n/2 pairs stand for all n (n - 1)/2.
    call kernel%expect(2*(n/2), size(self%drops, 1), self%drops, self%quantum, &
      dt/self%volume*(0.5_wp*n*(n - 1.0_wp)/(n/2)), self%work, self%expected(:n/2))
  end subroutine expect

  !> Parts of a step in which no pair would need more drops than it has.
  pure integer function parts(self)
    class(superdroplets_t), intent(in) :: self

    integer :: k, m
    real(wp) :: least, most, need

    m = 2*(self%n/2)
    need = 1.0_wp
    do k = 1, self%n/2
      if (self%expected(k) <= 1.0_wp) cycle
      most = max(self%drops(2, k), self%drops(2, m + 1 - k))
      least = min(self%drops(2, k), self%drops(2, m + 1 - k))
      need = max(need, self%expected(k)/aint(most/least))
    end do
    parts = ceiling(min(need, 1.0e6_wp))
  end function parts

  !> Draw which pairs collide, and let them.
  pure subroutine collide(self, kernel, stream)
    class(superdroplets_t), intent(inout) :: self
    type(kernel_t), intent(in) :: kernel
    type(random_lanes_t), intent(inout) :: stream

    integer :: i, k, m, n_hits, n_pairs
    logical :: is_empty
    real(wp) :: gamma

    n_pairs = self%n/2
    m = 2*n_pairs
    call stream%uniforms(self%chances(:n_pairs))
    n_hits = 0
    do k = 1, n_pairs
      self%hits(n_hits + 1) = k
      if (self%chances(k) < self%expected(k)) n_hits = n_hits + 1
    end do
    is_empty = .false.
    do i = 1, n_hits
      k = self%hits(i)
      gamma = aint(self%expected(k))
      if (self%chances(k) < self%expected(k) - gamma) gamma = gamma + 1.0_wp
      if (self%drops(2, k) >= self%drops(2, m + 1 - k)) then
        call self%coalesce(kernel, k, m + 1 - k, gamma, is_empty)
      else
        call self%coalesce(kernel, m + 1 - k, k, gamma, is_empty)
      end if
    end do
    if (is_empty) call self%remove_empty()
  end subroutine collide

  !> Each drop of k takes up `due` drops of j, as far as there are so many.
  pure subroutine coalesce(self, kernel, j, k, due, is_empty)
    class(superdroplets_t), intent(inout) :: self
    type(kernel_t), intent(in) :: kernel
    integer, intent(in) :: j              !! of the greater multiplicity
    integer, intent(in) :: k              !! of the smaller one
    real(wp), intent(in) :: due           !! collisions of the pair
    logical, intent(inout) :: is_empty    !! set if one of the two is left without drops

    real(wp) :: gamma, left

    associate (drops => self%drops)
      ! The quotient of whole numbers below 2^53 is not rounded up to a whole number.
      gamma = min(due, aint(drops(2, j)/drops(2, k)))
      self%lost = self%lost + (due - gamma)*drops(2, k)
      self%made = self%made + gamma*drops(2, k)
      left = drops(2, j) - gamma*drops(2, k)
      drops(1, k) = drops(1, k) + gamma*drops(1, j)
      if (kernel%needs_motion) call kernel%motion(self%quantum*drops(1, k), drops(3, k), &
        drops(4, k))
      if (left > 0.0_wp) then
        drops(2, j) = left
      else
        left = aint(0.5_wp*drops(2, k))
        drops(2, k) = drops(2, k) - left
        drops(:, j) = drops(:, k)
        drops(2, j) = left
        is_empty = is_empty .or. left == 0.0_wp
      end if
    end associate
  end subroutine coalesce

  !> Take out super-droplets that stand for no drop any more.
  pure subroutine remove_empty(self)
    class(superdroplets_t), intent(inout) :: self

    integer :: i, kept

    kept = 0
    do i = 1, self%n
      if (self%drops(2, i) == 0.0_wp) cycle
      kept = kept + 1
      if (kept < i) self%drops(:, kept) = self%drops(:, i)
    end do
    self%n = kept
  end subroutine remove_empty

  !> Mass and number of cloud and rain: Lc, Lr [kg m-3], Nc, Nr [m-3].
  pure function moments(self) result(values)
    class(superdroplets_t), intent(in) :: self
    real(wp) :: values(n_moments)

    real(wp) :: is_rain, limit, sums(n_moments)
    integer :: i

    limit = x_star/self%quantum
    sums = 0.0_wp
    do i = 1, self%n
      is_rain = merge(1.0_wp, 0.0_wp, self%drops(1, i) >= limit)
      sums(1) = sums(1) + self%drops(2, i)*self%drops(1, i)
      sums(2) = sums(2) + is_rain*self%drops(2, i)*self%drops(1, i)
      sums(3) = sums(3) + self%drops(2, i)
      sums(4) = sums(4) + is_rain*self%drops(2, i)
    end do
    sums([1, 3]) = sums([1, 3]) - sums([2, 4])
    values = sums*[self%quantum, self%quantum, 1.0_wp, 1.0_wp]/self%volume
  end function moments

  !> Mass of all drops, exact [quantum].
  pure real(wp) function total_mass(self)
    class(superdroplets_t), intent(in) :: self

    total_mass = sum(self%drops(2, :self%n)*self%drops(1, :self%n))
  end function total_mass

end module superdroplets
