! SPDX-License-Identifier: MIT
!> Solvers of the shallow water model: rates of an iteration against the bandwidth,
!> iterations and times over grid sizes and Courant numbers. Prints Markdown tables.
!>
!>     bench_swe_solvers [bandwidth|small|table|CELLS|SOLVER ...]
!>
!> CELLS is a table of one size, e.g. 256; SOLVER a name: the only one in what follows.
!> Times are the best of many; bytes are counted with the line that a store reads first.
program bench_swe_solvers
  use, intrinsic :: iso_fortran_env, only: int64, output_unit, real64
  use elliptic_cases, only: make_case, wavy_depth
  !$ use omp_lib, only: omp_get_max_threads
  use swe_blocks, only: whole_grid
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_five_point, only: five_point_solver_t, five_point_t, solution_t
  use swe_kinds, only: wp
  use swe_reduced_gradients, only: reduced_gradients_t
  use swe_solvers, only: make_solver
  implicit none

  integer, parameter :: bytes = storage_size(1.0_wp)/8
  character(len=16), parameter :: names(4) = [character(len=16) :: "sor", "cg", &
    "cg_incomplete", "cg_multigrid"]
  character(len=16), allocatable :: chosen(:)
  character(len=16) :: word
  integer, parameter :: sizes(5) = [64, 128, 256, 512, 1024] !! cells along a side
  integer :: k, n, n_threads, stat

  chosen = names
  n_threads = 1
  !$ n_threads = omp_get_max_threads()
  print "(a, i0, a, i0, a)", "real", 8*bytes, ", ", n_threads, " thread(s)"
  if (command_argument_count() == 0) then
    call bandwidth()
    call small()
    call table(sizes)
  end if
  do k = 1, command_argument_count()
    call get_command_argument(k, word)
    select case (word)
    case ("bandwidth")
      call bandwidth()
    case ("small")
      call small()
    case ("table")
      call table(sizes)
    case default
      if (any(names == word)) then
        chosen = [word]
        cycle
      end if
      read (word, *, iostat=stat) n
      if (stat /= 0) error stop "bench_swe_solvers: bandwidth, small, table or cells?"
      call table([n])
    end select
  end do

contains

  !> Rates of an iteration and of simple loops with as large a working set.
  subroutine bandwidth()
    integer, parameter :: sizes(5) = [100, 256, 1024, 2048, 4000]
    ! Words per cell and iteration. cg: reads z, p, r, 1/diagonal, diagonal, east, north,
    ! writes z, p, q(2); reads r, q, 1/diagonal, writes r. Reduced: half a word each of
    ! z, p, r, 1/diagonal, four couplings, two diagonals, written z, p, q(2); then as above.
    real(real64), parameter :: words_cg = 15.0_real64, words_reduced = 9.0_real64
    type(conjugate_gradients_t) :: cg
    type(reduced_gradients_t) :: reduced
    real(real64) :: cycle_rate, rate(2), loops(3)
    integer :: l, n

    print "(/, 3a)", "| cells | copy, triad, dot GB/s | cg Mcell/s | of triad ", &
      "| red-black cg Mcell/s | of triad | with cycle Mcell/s |"
    print "(a)", "|---|---|---|---|---|---|---|"
    do l = 1, size(sizes)
      n = sizes(l)
      loops = stream(8*n*n/3)
      cg = conjugate_gradients_t()
      reduced = reduced_gradients_t(n_levels=1)
      rate(1) = iteration_rate(cg, n)
      rate(2) = iteration_rate(reduced, n)
      reduced = reduced_gradients_t(n_levels=5)
      cycle_rate = iteration_rate(reduced, n)
      print "(a, i0, a, 3f6.1, 2(a, f7.0, a, f5.2), a, f6.0, a)", "| ", n, "^2 | ", &
        loops/1.0e9_real64, " | ", rate(1)/1.0e6_real64, " | ", &
        rate(1)*words_cg*bytes/loops(2), " | ", rate(2)/1.0e6_real64, " | ", &
        rate(2)*words_reduced*bytes/loops(2), " | ", cycle_rate/1.0e6_real64, " |"
    end do
  end subroutine bandwidth

  !> Bytes per second of copy, triad and dot product.
  function stream(n) result(rates)
    integer, intent(in) :: n !! values of each of three arrays
    real(real64) :: rates(3)

    real(wp), allocatable :: a(:), b(:), c(:)
    real(real64) :: best(3), t(0:3)
    real(wp) :: product
    integer :: i, m

    allocate (a(n), b(n), c(n))
    !$omp parallel do
    do i = 1, n
      a(i) = 1.0_wp
      b(i) = 2.0_wp
      c(i) = 0.5_wp
    end do
    best = huge(best)
    do m = 1, repetitions(n)
      t(0) = seconds()
      !$omp parallel do simd
      do i = 1, n
        c(i) = a(i)
      end do
      t(1) = seconds()
      !$omp parallel do simd
      do i = 1, n
        a(i) = b(i) + 0.5_wp*c(i)
      end do
      t(2) = seconds()
      product = 0.0_wp
      !$omp parallel do simd reduction(+: product)
      do i = 1, n
        product = product + a(i)*b(i)
      end do
      t(3) = seconds()
      if (.not. product > 0.0_wp) error stop "bench_swe_solvers: the dot product is lost"
      best = min(best, t(1:3) - t(0:2))
    end do
    rates = real(n, real64)*bytes*[3, 4, 2]/best
  end function stream

  !> Cells per second of one iteration: the difference of 21 and 1.
  function iteration_rate(solver, n) result(rate)
    class(five_point_solver_t), intent(inout) :: solver
    integer, intent(in) :: n !! cells along a side
    real(real64) :: rate

    integer, parameter :: n_iterations(2) = [1, 21]
    type(five_point_t) :: matrix
    type(solution_t) :: solution
    real(wp), allocatable :: b(:, :), guess(:, :), z(:, :), depth(:, :)
    real(real64) :: best(2), start
    integer :: l, m

    allocate (depth(n, n), source=1.0_wp)
    call make_case(whole_grid(n, n), 20.0_wp, depth, matrix, b, guess)
    allocate (z, source=guess)
    solver%tolerance = tiny(1.0_wp)
    best = huge(best)
    do m = 1, repetitions(100*n*n)
      do l = 1, 2
        z(:, :) = guess
        solver%max_iterations = n_iterations(l)
        start = seconds()
        call solver%solve(matrix, b, z, solution)
        best(l) = min(best(l), seconds() - start)
      end do
    end do
    rate = (n_iterations(2) - n_iterations(1))*real(n, real64)**2/(best(2) - best(1))
  end function iteration_rate

  !> A basin of 100 x 100 cells at small Courant numbers, from a hump to 1e-5 m.
  subroutine small()
    real(wp), parameter :: courants(3) = [0.36_wp, 1.09_wp, 1.82_wp]
    real(wp) :: depth(100, 100)
    integer :: l, m

    depth = 1.0_wp
    print "(/, a)", "| 100^2, to 1e-5 m | c = 0.36 | 1.09 | 1.82 (iterations: ms) |"
    print "(a)", "|---|---|---|---|"
    do l = 1, size(chosen)
      write (*, "(2a)", advance="no") "| ", trim(chosen(l))
      do m = 1, size(courants)
        call run_one(chosen(l), depth, courants(m), 1.0e-5_wp)
      end do
      print "(a)", " |"
    end do
  end subroutine small

  !> Iterations and times until the largest residual is a millionth.
  subroutine table(sizes)
    integer, intent(in) :: sizes(:) !! cells along a side
    real(wp), parameter :: courants(4) = [5.0_wp, 10.0_wp, 20.0_wp, 40.0_wp]
    real(wp), allocatable :: depth(:, :)
    integer :: is_flat, l, m, s

    do is_flat = 1, 0, -1
      print "(/, a)", "| "//trim(merge("flat   ", "varying", is_flat == 1))// &
        " depth | solver | c = 5 | 10 | 20 | 40 (iterations: ms) |"
      print "(a)", "|---|---|---|---|---|---|"
      do s = 1, size(sizes)
        allocate (depth(sizes(s), sizes(s)), source=1.0_wp)
        if (is_flat == 0) depth = wavy_depth(sizes(s), sizes(s))
        do l = 1, size(chosen)
          write (*, "(a, i0, 2a)", advance="no") "| ", sizes(s), "^2 | ", trim(chosen(l))
          do m = 1, size(courants)
            call run_one(chosen(l), depth, courants(m), 0.0_wp)
          end do
          print "(a)", " |"
          flush (output_unit)
        end do
        deallocate (depth)
      end do
    end do
  end subroutine table

  !> Solve often, print iterations and the best time.
  subroutine run_one(name, depth, courant, tolerance)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: depth(:, :), courant
    real(wp), intent(in) :: tolerance !! [m]; 0: a millionth of the first residual

    class(five_point_solver_t), allocatable :: solver
    type(five_point_t) :: matrix
    type(solution_t) :: solution
    real(wp), allocatable :: b(:, :), guess(:, :), z(:, :)
    real(real64) :: best, start
    integer :: m, nx, ny

    nx = size(depth, 1)
    ny = size(depth, 2)
    call make_case(whole_grid(nx, ny), courant, depth, matrix, b, guess)
    z = b
    call matrix%residual(b, guess, z)
    if (tolerance > 0.0_wp) then
      ! As a hump of 0.1 m: the elevations of the cases are near a metre.
      b = 0.1_wp*b
      guess = 0.1_wp*guess
      call make_solver(solver, trim(name), tolerance)
    else
      call make_solver(solver, trim(name), &
        1.0e-6_wp*maxval(abs(z(1:nx, 1:ny)))/matrix%area(1))
    end if
    best = huge(best)
    do m = 1, repetitions(500*nx*ny)
      z(:, :) = guess
      start = seconds()
      call solver%solve(matrix, b, z, solution)
      best = min(best, seconds() - start)
    end do
    write (*, "(a, i0, a, f0.3)", advance="no") " | ", solution%n_iterations, ": ", &
      best*1.0e3_real64
    if (.not. solution%has_converged) write (*, "(a)", advance="no") " (not converged)"
  end subroutine run_one

  !> How often something with so many cell operations is done: for some tenths of a second.
  pure integer function repetitions(n_operations)
    integer, intent(in) :: n_operations

    repetitions = max(3, min(400, nint(3.0e8/n_operations)))
  end function repetitions

  !> Seconds since some moment: CPU time of one thread, which other work disturbs least;
  !> the clock for more.
  real(real64) function seconds()
    integer(int64) :: count, rate

    if (n_threads == 1) then
      call cpu_time(seconds)
    else
      call system_clock(count, rate)
      seconds = real(count, real64)/rate
    end if
  end function seconds

end program bench_swe_solvers
