! SPDX-License-Identifier: MIT
!> Time of the Rosenbrock methods per step and box: POLLU, 60 minutes.
!>
!> usage: bench_chemistry MECHANISM_FILE [CELLS [METHOD]]
!>
!> Prints for each method and tolerance: steps, correct digits of the first cell against
!> the 20-digit reference, microseconds per box, and per step and box; the least of twenty
!> runs. "equal": all cells start as published; "varied": the initial NO, O3 and HCHO differ
!> by factors between 1/2 and 2, so that cells want different steps.
program bench_chemistry
  use, intrinsic :: iso_fortran_env, only: output_unit
  use chemistry_mechanism, only: mechanism_t
  use chemistry_reader, only: read_mechanism
  use chemistry_solver, only: chemistry_solver_t
  use kinds, only: wp
  use random, only: random_t
  implicit none

  character(len=6), parameter :: methods(5) = [character(len=6) :: "ros2", "ros3", &
    "rodas3", "ros4", "rodas4"]
  integer, parameter :: n_runs = 20
  real(wp), parameter :: end_point(20) = [ & ! see tests/fortran/chemistry
    5.6462554800227692780e-2_wp, 1.3424841304223385219e-1_wp, 4.1397343310994269701e-9_wp, &
    5.5231402074843599373e-3_wp, 2.0189772623021960401e-7_wp, 1.4645418634939657926e-7_wp, &
    7.7842491189979641461e-2_wp, 3.2450753533960182183e-1_wp, 7.4940133838804055526e-3_wp, &
    1.6222931573015603494e-8_wp, 1.1358638332570748217e-8_wp, 2.2305059757213598610e-3_wp, &
    2.0871628827986300410e-4_wp, 1.3969210168401577156e-5_wp, 8.9648848568982941776e-3_wp, &
    4.3528463693301036742e-18_wp, 6.8992196962634054047e-3_wp, &
    1.0078030373659459531e-4_wp, 1.7721465139699845371e-6_wp, 5.6829432923163934427e-5_wp]
  real(wp), parameter :: tolerances(2) = [1.0e-3_wp, 1.0e-6_wp]
  character(len=512) :: argument
  character(len=6) :: only
  type(mechanism_t) :: mechanism
  integer :: i, j, n_cells

  call get_command_argument(1, argument)
  call read_mechanism(trim(argument), mechanism)
  n_cells = 512
  if (command_argument_count() > 1) then
    call get_command_argument(2, argument)
    read (argument, *) n_cells
  end if
  only = ""
  if (command_argument_count() > 2) call get_command_argument(3, only)
  write (output_unit, "(a)") "cells   start  method  rtol     steps   tried  digits" &
    //"    us/box  us/step"
  do j = 1, size(tolerances)
    do i = 1, size(methods)
      if (only /= "" .and. methods(i) /= only) cycle
      if (i == 1 .and. j == 2) cycle ! 5600 steps: no one would
      call measure(trim(methods(i)), tolerances(j), .false.)
      call measure(trim(methods(i)), tolerances(j), .true.)
    end do
  end do

contains

  !> Integrate some times, print the shortest.
  subroutine measure(method, rtol, is_varied)
    character(len=*), intent(in) :: method
    real(wp), intent(in) :: rtol
    logical, intent(in) :: is_varied

    type(chemistry_solver_t) :: solver
    real(wp), allocatable :: start(:, :), y(:, :)
    integer, allocatable :: flags(:)
    real(wp) :: seconds(2)
    real(wp) :: best, digits, tried
    integer :: run

    call solver%setup(mechanism, method, rtol, rtol*1.0e-6_wp)
    allocate (flags(n_cells))
    start = spread(mechanism%initial, 2, n_cells)
    if (is_varied) call vary(start)
    best = huge(best)
    do run = 1, n_runs
      y = start
      solver%n_accepted = 0
      solver%n_rejected = 0
      call cpu_time(seconds(1))
      call solver%integrate(y, 0.0_wp, mechanism%end_time, flags)
      call cpu_time(seconds(2))
      if (any(flags /= 0)) error stop "a cell was flagged"
      best = min(best, seconds(2) - seconds(1))
    end do
    digits = -log10(maxval(abs(y(:, 1)/end_point - 1.0_wp)))
    tried = real(solver%n_accepted + solver%n_rejected, wp)
    write (output_unit, "(i5, a8, a8, es9.1, 2f8.1, f8.2, f10.2, f9.3)") n_cells, &
      merge("varied", "equal ", is_varied), method, rtol, &
      real(solver%n_accepted, wp)/n_cells, tried/n_cells, digits, 1.0e6_wp*best/n_cells, &
      1.0e6_wp*best/tried
    flush (output_unit)
  end subroutine measure

  !> Other initial states than the published one, in all cells but the first.
  subroutine vary(y)
    real(wp), intent(inout) :: y(:, :)

    type(random_t) :: stream
    real(wp) :: number
    integer :: c, i

    call stream%seed(1)
    do c = 2, size(y, 2)
      do i = 1, size(y, 1)
        call stream%uniform(number)
        y(i, c) = y(i, c)*2.0_wp**(2*number - 1)
      end do
    end do
  end subroutine vary

end program bench_chemistry
