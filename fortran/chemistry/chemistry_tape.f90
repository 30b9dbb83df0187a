! SPDX-License-Identifier: MIT
!> The accepted steps of an integration: what the linearised integrations walk along.
module chemistry_tape
  use kinds, only: wp
  implicit none
  private
  public :: tape_t

  !> Steps of many cells. Memory: (species + 2) numbers for each of `capacity` steps.
  type :: tape_t
    integer :: capacity = 0             !! most steps of a cell
    integer, allocatable :: n_steps(:)  !! recorded (cell)
    real(wp), allocatable :: t(:, :)    !! a step's start (step, cell)
    real(wp), allocatable :: h(:, :)    !! its length (step, cell)
    real(wp), allocatable :: y(:, :, :) !! the state at its start (slot, step, cell)
    real(wp), allocatable :: temperature(:) !! [K] (cell)
    real(wp), allocatable :: factors(:, :)  !! of the rates, if given (reaction, cell)
  contains
    procedure :: setup
  end type tape_t

contains

  !> An empty tape.
  subroutine setup(self, n_species, n_cells, capacity)
    class(tape_t), intent(out) :: self
    integer, intent(in) :: n_species
    integer, intent(in) :: n_cells
    integer, intent(in) :: capacity !! most steps of a cell; with more it is flagged

    self%capacity = capacity
    allocate (self%n_steps(n_cells), source=0)
    allocate (self%t(capacity, n_cells), self%h(capacity, n_cells), &
      self%y(n_species, capacity, n_cells), self%temperature(n_cells))
  end subroutine setup

end module chemistry_tape
