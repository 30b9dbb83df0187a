! SPDX-License-Identifier: MIT
!> What a step costs on several MPI ranks, and what of it is communication. Prints
!> "key value" lines for bench_swe_scaling.py.
!>
!>     mpiexec -n RANKS bench_swe_scaling NX NY COURANT SOLVER ROUNDS [reproducible]
!>
!> The best time of all rounds counts: CPU time of one rank alone, which other work disturbs
!> least, else the time on the clock until the last rank is done.
program bench_swe_scaling
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use swe_blocks, only: block_t, halo, ranks_t, traffic_t
  use swe_decomposition, only: decompose
  use swe_exchange, only: exchange, global_maximum, global_sum, traffic
  use swe_grid, only: cell_land, cell_water
  use swe_kinds, only: wp
  use swe_parameters, only: swe_parameters_t
  use swe_ranks, only: end_ranks, start_ranks
  use swe_solvers, only: make_solver
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  implicit none

  integer, parameter :: steps_per_round = 1, calls_per_round = 50
  real(wp), parameter :: dx = 1000.0_wp, depth = 30.0_wp, gravity = 9.81_wp
  real(wp), parameter :: tolerance = 1.0e-5_wp !! of the solver [m]
  type(ranks_t) :: ranks
  type(block_t) :: block
  type(swe_model_t) :: model
  type(swe_state_t) :: state
  integer :: n_rounds

  call start_ranks(ranks)
  n_rounds = number(5)
  call build()
  call measure_steps()
  call measure_messages()
  call end_ranks(ranks)

contains

  function argument(k) result(text)
    integer, intent(in) :: k
    character(len=32) :: text

    call get_command_argument(k, text)
  end function argument

  integer function number(k)
    integer, intent(in) :: k

    character(len=32) :: text

    text = argument(k)
    read (text, *) number
  end function number

  subroutine print_value(key, value)
    character(len=*), intent(in) :: key
    real(real64), intent(in) :: value

    if (ranks%rank == 0) print "(a, 1x, es14.6)", key, value
  end subroutine print_value

  !> Seconds since some moment.
  real(real64) function now()
    integer(int64) :: count, rate

    if (ranks%count == 1) then
      call cpu_time(now)
    else
      call system_clock(count, rate)
      now = real(count, real64)/rate
    end if
  end function now

  !> Wait for all ranks.
  subroutine meet()
    real(wp) :: sums(1)

    sums = global_sum(block, [0.0_wp])
  end subroutine meet

  !> A closed sea over a rough bottom, with a hump for each 128 x 128 cells.
  subroutine build()
    integer, allocatable :: cell(:, :)
    real(wp), allocatable :: bottom(:, :)
    real(wp), allocatable :: width(:), coriolis(:)
    integer :: i, i_global, j, j_global

    call decompose(ranks, number(1), number(2), .false., .false., block, &
      argument(6) == "reproducible")
    allocate (cell(block%nx, block%ny), bottom(block%nx, block%ny))
    allocate (width(1 - halo:block%ny + halo), source=dx)
    allocate (coriolis(1 - halo:block%ny + halo), source=1.2e-4_wp)
    call state%setup(block)
    do j = 1, block%ny
      j_global = block%j_offset + j
      do i = 1, block%nx
        i_global = block%i_offset + i
        cell(i, j) = merge(cell_land, cell_water, min(i_global, j_global) == 1)
        bottom(i, j) = depth*(1.0_wp + 0.3_wp*sin(0.11_wp*i_global)*cos(0.07_wp*j_global))
        state%zeta(i, j) = exp(-((modulo(i_global, 128) - 64)**2 &
          + (modulo(j_global, 128) - 64)**2)/200.0_wp)
      end do
    end do
    call model%grid%setup(block, cell, bottom, width, width, dx, coriolis, coriolis)
    bottom = 0.0025_wp
    call model%grid%set_drag(bottom)
    model%parameters = swe_parameters_t(dt=number(3)*dx/sqrt(gravity*depth))
    call make_solver(model%solver, trim(argument(4)), tolerance)
    call model%setup()
    call state%fill_halo(block)
  end subroutine build

  !> Seconds, iterations, messages of a step.
  subroutine measure_steps()
    type(swe_forcing_t) :: forcing
    type(traffic_t) :: before
    real(real64) :: best, start
    integer :: k, n, n_iterations

    do n = 1, steps_per_round
      call model%step(state, forcing)
    end do
    best = huge(best)
    n_iterations = 0
    before = traffic
    do k = 1, n_rounds
      call meet()
      start = now()
      do n = 1, steps_per_round
        call model%step(state, forcing)
        n_iterations = n_iterations + model%solution%n_iterations
      end do
      call meet()
      best = min(best, real(global_maximum(block, real(now() - start, wp)), real64))
    end do
    n = steps_per_round*n_rounds
    call print_value("step", best/steps_per_round)
    call print_value("iterations", real(n_iterations, real64)/n)
    ! Three reductions of each round are the meetings and the maximum.
    call print_value("reductions", real(traffic%n_reductions - before%n_reductions &
      - 3*n_rounds, real64)/n)
    call print_value("waits", real(traffic%n_waits - before%n_waits, real64)/n)
    call print_value("messages", real(traffic%n_messages - before%n_messages, real64)/n)
    call print_value("bytes", real(traffic%n_bytes - before%n_bytes, real64)/n)
    call print_value("cells", real(block%nx, real64)*block%ny)
  end subroutine measure_steps

  !> Seconds of an exchange of one model field, and of a sum over the ranks.
  subroutine measure_messages()
    real(wp), allocatable :: field(:, :)
    real(wp) :: sums(1)
    real(real64) :: best_exchange, best_sum, start
    integer :: k, n

    allocate (field, source=state%zeta)
    best_exchange = huge(best_exchange)
    best_sum = huge(best_sum)
    do k = 1, min(20, n_rounds)
      call meet()
      start = now()
      do n = 1, calls_per_round
        call exchange(block, field)
      end do
      best_exchange = min(best_exchange, now() - start)
      call meet()
      start = now()
      do n = 1, calls_per_round
        sums = global_sum(block, [1.0_wp])
      end do
      best_sum = min(best_sum, now() - start)
    end do
    call print_value("exchange", best_exchange/calls_per_round)
    call print_value("sum", best_sum/calls_per_round)
  end subroutine measure_messages

end program bench_swe_scaling
