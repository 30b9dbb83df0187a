! SPDX-License-Identifier: MIT
!> The numbers of one block of cells, lanes first: about 40 KB for POLLU, so that a step
!> runs in the nearest caches. Each array begins on a cache line.
module chemistry_lanes
  use aligned, only: aligned_length, first_aligned
  use chemistry_kernel, only: lanes
  use chemistry_tables, only: tables_t
  use kinds, only: wp
  implicit none
  private
  public :: lanes_t

  !> Work arrays of a block. Slot n + 1 of `y` and `stage_y` holds one, of a direction
  !> (`stage_k`) zero: so a reaction with fewer reactants needs no branch.
  type :: lanes_t
    integer :: n = 0
    real(wp) :: t(lanes) = 0.0_wp !! time at the step's start
    real(wp) :: h(lanes) = 1.0_wp !! step
    real(wp), pointer, contiguous :: y(:, :) => null()       !! state (lane, slot)
    real(wp), pointer, contiguous :: y_new(:, :) => null()   !! after the step
    real(wp), pointer, contiguous :: error(:, :) => null()   !! its estimated error
    real(wp), pointer, contiguous :: f(:, :) => null()       !! tendency
    real(wp), pointer, contiguous :: f_t(:, :) => null()     !! its derivative in time
    real(wp), pointer, contiguous :: k(:, :) => null()       !! constants (lane, reaction)
    real(wp), pointer, contiguous :: k_t(:, :) => null()     !! their derivative in time
    real(wp), pointer, contiguous :: factor(:, :) => null()  !! of the constants
    real(wp), pointer, contiguous :: v(:, :) => null()       !! speeds
    real(wp), pointer, contiguous :: partial(:, :) => null() !! derivatives of speeds
    real(wp), pointer, contiguous :: a(:, :) => null()       !! factors (lane, entry)
    real(wp), pointer, contiguous :: stage_y(:, :, :) => null() !! (lane, slot, stage)
    real(wp), pointer, contiguous :: stage_k(:, :, :) => null() !! (lane, slot, stage)
    real(wp), pointer, contiguous :: pool(:) => null()       !! memory of all of them
  contains
    procedure :: setup
    procedure :: free
    procedure :: clear
    procedure :: advance
  end type lanes_t

contains

  !> Get the memory.
  subroutine setup(self, tables, n_stages)
    class(lanes_t), intent(inout) :: self
    type(tables_t), intent(in) :: tables
    integer, intent(in) :: n_stages !! of the method

    integer :: m, next

    self%n = tables%n
    m = lanes*(tables%n + 1)
    allocate (self%pool(aligned_length(m*(5 + 2*n_stages) &
      + lanes*(4*tables%n_reactions + tables%n_partials + tables%n_entries))), &
      source=0.0_wp)
    next = first_aligned(self%pool)
    call take(self%y, tables%n + 1)
    call take(self%y_new, tables%n + 1)
    call take(self%error, tables%n + 1)
    call take(self%f, tables%n + 1)
    call take(self%f_t, tables%n + 1)
    call take(self%k, tables%n_reactions)
    call take(self%k_t, tables%n_reactions)
    call take(self%factor, tables%n_reactions)
    call take(self%v, tables%n_reactions)
    call take(self%partial, tables%n_partials)
    call take(self%a, tables%n_entries)
    self%stage_y(1:lanes, 1:tables%n + 1, 1:n_stages) => &
      self%pool(next:next + m*n_stages - 1)
    next = next + m*n_stages
    self%stage_k(1:lanes, 1:tables%n + 1, 1:n_stages) => &
      self%pool(next:next + m*n_stages - 1)
    self%y(:, tables%n + 1) = 1.0_wp
    self%y_new(:, tables%n + 1) = 1.0_wp
    self%stage_y(:, tables%n + 1, :) = 1.0_wp

  contains

    !> The next piece of the pool.
    subroutine take(piece, columns)
      real(wp), pointer, contiguous, intent(inout) :: piece(:, :)
      integer, intent(in) :: columns

      piece(1:lanes, 1:columns) => self%pool(next:next + lanes*columns - 1)
      next = next + lanes*columns
    end subroutine take

  end subroutine setup

  !> Give it back.
  subroutine free(self)
    class(lanes_t), intent(inout) :: self

    if (associated(self%pool)) deallocate (self%pool)
    self%pool => null()
  end subroutine free

  !> Take the new state in some lanes.
  subroutine advance(self, is_taken)
    class(lanes_t), intent(inout) :: self
    logical, intent(in) :: is_taken(lanes)

    real(wp), pointer, contiguous :: old(:, :)
    integer :: i

    if (all(is_taken)) then
      old => self%y
      self%y => self%y_new
      self%y_new => old
    else
      do i = 1, self%n
        self%y(:, i) = merge(self%y_new(:, i), self%y(:, i), is_taken)
      end do
    end if
  end subroutine advance

  !> Make a lane harmless: nothing reacts in it.
  subroutine clear(self, lane)
    class(lanes_t), intent(inout) :: self
    integer, intent(in) :: lane

    self%t(lane) = 0.0_wp
    self%h(lane) = 1.0_wp
    self%y(lane, :self%n) = 0.0_wp
    self%k(lane, :) = 0.0_wp
  end subroutine clear

end module chemistry_lanes
