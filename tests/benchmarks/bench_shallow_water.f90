! SPDX-License-Identifier: MIT
!> What a step of the shallow water model costs, explicit and semi-implicit, beside the
!> memory it runs on. Prints "key value" lines for bench_shallow_water.py.
!>
!>     bench_shallow_water TOPIC ROUNDS [FILE]
!>
!> All cases of a topic take turns, round after round; the best time of each counts. One
!> thread: CPU time of the process, which other work disturbs least; more: the clock.
module shallow_water_costs
  use, intrinsic :: iso_fortran_env, only: int64, real64
  !$ use omp_lib, only: omp_get_max_threads
  use swe_blocks, only: halo, lead, whole_grid
  use swe_explicit, only: swe_explicit_t
  use swe_fields, only: allocate_field
  use swe_grid, only: cell_land, cell_water, swe_grid_t
  use swe_kinds, only: wp
  use swe_metrics, only: metric_t, sphere_metric
  use swe_parameters, only: drag_none, drag_quadratic, face_backhaus, face_linear, &
    swe_parameters_t
  use swe_solvers, only: default_solver, make_solver
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  implicit none
  private
  public :: measure_break_even, measure_memory, measure_north_sea, measure_peer, &
    measure_seiche, measure_t2, n_rounds

  real(wp), parameter :: pi = acos(-1.0_wp), gravity = 9.81_wp, f = 1.2e-4_wp
  integer :: n_rounds = 3

contains

  !> Seconds since some moment.
  real(real64) function now()
    integer(int64) :: count, rate
    integer :: n_threads

    n_threads = 1
    !$ n_threads = omp_get_max_threads()
    if (n_threads == 1) then
      call cpu_time(now)
    else
      call system_clock(count, rate)
      now = real(count, real64)/rate
    end if
  end function now

  subroutine print_value(key, value)
    character(len=*), intent(in) :: key
    real(real64), intent(in) :: value

    print "(a, 1x, es14.6)", key, value
  end subroutine print_value

  !> A closed square with land around it, over a smooth rough bottom.
  subroutine make_grid(n, dx, mean_depth, roughness, rotation, drag, grid)
    integer, intent(in) :: n
    real(wp), intent(in) :: dx, mean_depth, roughness, rotation, drag
    type(swe_grid_t), intent(out) :: grid

    integer, allocatable :: cell(:, :)
    real(wp), allocatable :: depth(:, :)
    real(wp), dimension(1 - halo:n + halo) :: coriolis, width
    integer :: i, j

    allocate (cell(n, n), depth(n, n))
    do j = 1, n
      do i = 1, n
        cell(i, j) = merge(cell_land, cell_water, min(i, j) == 1 .or. max(i, j) == n)
        depth(i, j) = mean_depth*(1.0_wp + roughness*sin(0.11_wp*i)*cos(0.07_wp*j))
      end do
    end do
    width = dx
    coriolis = rotation
    call grid%setup(whole_grid(n, n), cell, depth, width, width, dx, coriolis, coriolis)
    depth = drag
    call grid%set_drag(depth)
  end subroutine make_grid

  !> A hump of 1 m in the middle of a quarter.
  subroutine make_state(grid, state)
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(out) :: state

    integer :: i, j, n

    n = grid%block%nx
    call state%setup(grid%block)
    do j = 2, n - 1
      do i = 2, n - 1
        state%zeta(i, j) = exp(-((i - 0.3_wp*n)**2 + (j - 0.4_wp*n)**2)/(0.1_wp*n)**2)
      end do
    end do
  end subroutine make_state

  !> Bandwidth as in STREAM [GB/s], writes counted once, and explicit steps [Mcell/s].
  subroutine measure_memory(n, name)
    integer, intent(in) :: n
    character(len=*), intent(in) :: name

    type(swe_explicit_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    real(wp), allocatable :: a(:, :), b(:, :), c(:, :)
    real(real64) :: best(5), start
    integer :: k, n_times, round

    call make_grid(n, 1000.0_wp, 50.0_wp, 0.5_wp, f, 0.0025_wp, model%grid)
    model%parameters = swe_parameters_t(dt=20.0_wp, gravity=gravity, &
      face_depth=face_linear, drag=drag_quadratic)
    call model%setup()
    call make_state(model%grid, state)
    call allocate_field(model%grid%block, a)
    call allocate_field(model%grid%block, b, 1.0_wp)
    call allocate_field(model%grid%block, c)
    n_times = max(1, 5000000/n**2)
    best = huge(best)
    do round = 1, n_rounds
      do k = 1, 5
        start = now()
        call repeat_case(k, n_times)
        best(k) = min(best(k), (now() - start)/n_times)
      end do
    end do
    call print_value(name//" copy", 2*bytes(n)/best(1)*1.0e-9_real64)
    call print_value(name//" triad", 3*bytes(n)/best(2)*1.0e-9_real64)
    call print_value(name//" update", 3*bytes(n)/best(3)*1.0e-9_real64)
    call print_value(name//" explicit_plain", n**2/best(4)*1.0e-6_real64)
    call print_value(name//" explicit_full", n**2/best(5)*1.0e-6_real64)
    call print_value(name//" explicit_bytes", 8*bytes(1))

  contains

    subroutine repeat_case(k, n_times)
      integer, intent(in) :: k, n_times

      integer :: j, l

      model%is_plain = k == 4
      do l = 1, n_times
        select case (k)
        case (1)
          !$omp parallel do
          do j = 1, n
            c(1:n, j) = a(1:n, j)
          end do
        case (2)
          !$omp parallel do
          do j = 1, n
            c(1:n, j) = a(1:n, j) + 0.5_wp*b(1:n, j)
          end do
        case (3)
          !$omp parallel do
          do j = 1, n
            b(1:n, j) = a(1:n, j) + 0.999_wp*b(1:n, j)
          end do
        case default
          call model%step(state, forcing)
        end select
      end do
    end subroutine repeat_case

  end subroutine measure_memory

  !> Bytes of a field.
  real(real64) function bytes(n)
    integer, intent(in) :: n

    bytes = real(n, real64)**2*storage_size(1.0_wp)/8
  end function bytes

  !> k_e, k_s, k_it of SWE 4.4 in ns per cell, on 512 x 512, with friction and rotation.
  subroutine measure_break_even()
    integer, parameter :: n = 512
    type(swe_explicit_t) :: explicit
    type(swe_model_t) :: bare, diagonal, multigrid
    type(swe_state_t) :: start_state, state
    type(swe_forcing_t) :: forcing
    real(wp), parameter :: courants(4) = [5.0_wp, 10.0_wp, 20.0_wp, 40.0_wp]
    real(real64) :: best(5), start
    real(wp) :: largest_dt
    character(len=4) :: name
    integer :: k, l, round

    call make_grid(n, 5000.0_wp, 50.0_wp, 0.4_wp, f, 0.0025_wp, explicit%grid)
    explicit%parameters = swe_parameters_t(dt=1.0_wp, gravity=gravity)
    largest_dt = explicit%largest_dt()
    explicit%parameters%dt = largest_dt
    call explicit%setup()
    call make_state(explicit%grid, start_state)
    call state%setup(explicit%grid%block)
    do l = 1, size(courants)
      call make_model(bare, 1.0e9_wp, "cg")
      call make_model(diagonal, 1.0e-5_wp, "cg")
      call make_model(multigrid, 1.0e-5_wp, "cg_multigrid")
      best = huge(best)
      do round = 1, n_rounds
        do k = 1, 5
          call state%copy(start_state)
          start = now()
          select case (k)
          case (1)
            call bare%step(state, forcing)
          case (2)
            call diagonal%step(state, forcing)
          case (3)
            call multigrid%step(state, forcing)
          case default
            explicit%is_plain = k == 5
            call explicit%step(state, forcing)
          end select
          best(k) = min(best(k), (now() - start)/real(n, real64)**2*1.0e9_real64)
        end do
      end do
      write (name, "(a, i0)") "c", nint(courants(l))
      call print_value(trim(name)//" k_e", best(5))
      call print_value(trim(name)//" k_e_full", best(4))
      call print_value(trim(name)//" k_s", best(1))
      call print_value(trim(name)//" n_cg", 1.0_real64*diagonal%solution%n_iterations)
      call print_value(trim(name)//" k_it_cg", (best(2) - best(1)) &
        /max(1, diagonal%solution%n_iterations))
      call print_value(trim(name)//" n_mg", 1.0_real64*multigrid%solution%n_iterations)
      call print_value(trim(name)//" k_it_mg", (best(3) - best(1)) &
        /max(1, multigrid%solution%n_iterations))
    end do

  contains

    subroutine make_model(model, tolerance, solver)
      type(swe_model_t), intent(out) :: model
      real(wp), intent(in) :: tolerance
      character(len=*), intent(in) :: solver

      call make_grid(n, 5000.0_wp, 50.0_wp, 0.4_wp, f, 0.0025_wp, model%grid)
      model%parameters = swe_parameters_t(dt=courants(l)*sqrt(2.0_wp)*largest_dt, &
        theta=0.55_wp, gravity=gravity, face_depth=face_backhaus, drag=drag_quadratic)
      call make_solver(model%solver, solver, tolerance)
      call model%setup()
    end subroutine make_model

  end subroutine measure_break_even

  !> The step that scipy_shallow_water.py makes too: 512 x 512, c about 5, 10 and 21.
  subroutine measure_peer()
    integer, parameter :: n = 512, n_steps = 4
    real(wp), parameter :: cells(3) = [5000.0_wp, 2500.0_wp, 1250.0_wp]
    type(swe_model_t) :: model(size(cells))
    type(swe_state_t) :: start_state, state
    type(swe_forcing_t) :: forcing
    real(real64) :: best(size(cells)), start
    integer :: k, round, step
    character(len=6) :: name

    do k = 1, size(cells)
      call make_grid(n, cells(k), 50.0_wp, 0.4_wp, f, 0.0025_wp, model(k)%grid)
      model(k)%parameters = swe_parameters_t(dt=1000.0_wp, theta=0.55_wp, &
        gravity=gravity, face_depth=face_backhaus, drag=drag_quadratic)
      call make_solver(model(k)%solver, default_solver, 1.0e-5_wp)
      call model(k)%setup()
    end do
    call make_state(model(1)%grid, start_state)
    call state%setup(model(1)%grid%block)
    best = huge(best)
    do round = 1, n_rounds
      do k = 1, size(cells)
        call state%copy(start_state)
        start = now()
        do step = 1, n_steps
          call model(k)%step(state, forcing)
        end do
        best(k) = min(best(k), (now() - start)/n_steps)
        if (round < n_rounds) cycle
        write (name, "(a, i0)") "dx", nint(cells(k))
        call print_value(trim(name)//" ms", best(k)*1000)
        call print_value(trim(name)//" zeta", norm(state%zeta))
        call print_value(trim(name)//" u", norm(state%u))
        call print_value(trim(name)//" v", norm(state%v))
      end do
    end do
  end subroutine measure_peer

  !> Of a field without its halo.
  real(real64) function norm(field)
    real(wp), intent(in) :: field(1 - lead:, 1 - halo:)

    norm = norm2(field(1:512, 1:512))
  end function norm

  !> Case T2 of a published code: 100 x 100 with a ring of land, 10 km, about 15 m deep, a
  !> square hump, friction and viscosity, no rotation; 25 hours. Its solver stops at a mean
  !> square residual/diagonal of 1e-10 m2; ours at a largest residual/area of 1e-5 m, or of
  !> 2e-4 m, which leaves a mean square still below theirs.
  subroutine measure_t2()
    integer, parameter :: n = 100
    real(wp), parameter :: steps(3) = [300.0_wp, 900.0_wp, 1500.0_wp]
    real(wp), parameter :: tolerances(2) = [1.0e-5_wp, 2.0e-4_wp]
    type(swe_model_t) :: model(3, 2)
    real(real64) :: best(3, 2), ms
    real(wp) :: mean_square(3, 2)
    integer :: iterations, k, l, round
    character(len=16) :: name

    best = huge(best)
    do l = 1, 2
      do k = 1, 3
        call make_grid(n, 10000.0_wp, 15.0_wp, 0.3_wp, 0.0_wp, 0.001_wp, model(k, l)%grid)
        model(k, l)%parameters = swe_parameters_t(dt=steps(k), theta=0.5_wp, &
          gravity=gravity, face_depth=face_backhaus, drag=drag_quadratic, &
          viscosity=1000.0_wp, no_slip=.true.)
        call make_solver(model(k, l)%solver, default_solver, tolerances(l))
        call model(k, l)%setup()
        call run_t2(model(k, l), nint(25*3600/steps(k)), ms, iterations, &
          mean_square(k, l))
      end do
    end do
    do round = 1, n_rounds
      do l = 1, 2
        do k = 1, 3
          call run_t2(model(k, l), nint(25*3600/steps(k)), ms, iterations)
          best(k, l) = min(best(k, l), ms)
          write (name, "(a, i0, a)") "dt", nint(steps(k)), merge("      ", " loose", l == 1)
          if (round < n_rounds) cycle
          call print_value(trim(name)//" ms", best(k, l))
          call print_value(trim(name)//" n", iterations*real(steps(k), real64)/(25*3600))
          call print_value(trim(name)//" square", real(mean_square(k, l), real64))
        end do
      end do
    end do
  end subroutine measure_t2

  !> One run of it: ms per step, iterations, and, if asked for (it costs time), the largest
  !> mean square residual/diagonal [m2] that a step was left with.
  subroutine run_t2(model, n_steps, ms, iterations, mean_square)
    type(swe_model_t), intent(inout) :: model
    integer, intent(in) :: n_steps
    real(real64), intent(out) :: ms
    integer, intent(out) :: iterations
    real(wp), intent(out), optional :: mean_square

    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    real(wp), allocatable :: residual(:, :)
    real(real64) :: start
    integer :: n, step

    n = model%grid%block%nx
    call state%setup(model%grid%block)
    state%zeta(40:47, 50:57) = 0.1_wp
    allocate (residual, source=state%zeta)
    iterations = 0
    if (present(mean_square)) mean_square = 0.0_wp
    start = now()
    do step = 1, n_steps
      call model%step(state, forcing)
      iterations = iterations + model%solution%n_iterations
      if (.not. present(mean_square)) cycle
      call model%matrix%residual(model%b, model%z, residual)
      mean_square = max(mean_square, sum((residual(1:n, 1:n) &
        /model%matrix%diagonal(1:n, 1:n))**2)/n**2)
    end do
    ms = 1000*(now() - start)/n_steps
  end subroutine run_t2

  !> A seiche of a flat square, 300 x 300, one period: time and error of the elevation.
  !> The explicit step runs at 0.99 of its limit, the semi-implicit one at some dt.
  subroutine measure_seiche()
    integer, parameter :: n = 302
    real(wp), parameter :: courants(5) = [2.0_wp, 5.0_wp, 10.0_wp, 20.0_wp, 40.0_wp]
    type(swe_explicit_t) :: explicit
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    real(real64) :: best(0:5), error(0:5), start
    real(wp) :: celerity, dx, mode(n, n), omega, period
    character(len=3) :: name
    integer :: i, j, k, n_steps, round, step

    dx = 1000.0_wp
    celerity = sqrt(gravity*20.0_wp)
    omega = celerity*pi*sqrt(2.0_wp)/((n - 2)*dx)
    period = 2*pi/omega
    mode = 0.0_wp
    do j = 2, n - 1
      do i = 2, n - 1
        mode(i, j) = cos(pi*(i - 1.5_wp)/(n - 2))*cos(pi*(j - 1.5_wp)/(n - 2))
      end do
    end do
    call make_grid(n, dx, 20.0_wp, 0.0_wp, 0.0_wp, 0.0_wp, explicit%grid)
    best = huge(best)
    do round = 1, n_rounds
      do k = 0, size(courants)
        call state%setup(explicit%grid%block)
        state%zeta(1:n, 1:n) = mode
        if (k == 0) then
          n_steps = ceiling(1.25_wp*period/(0.99_wp*dx/(sqrt(2.0_wp)*celerity)))
        else
          n_steps = nint(1.25_wp*period/(courants(k)*dx/celerity))
        end if
        call prepare(k, 1.25_wp*period/n_steps)
        start = now()
        do step = 1, n_steps
          if (k == 0) call explicit%step(state, forcing)
          if (k > 0) call model%step(state, forcing)
        end do
        best(k) = min(best(k), now() - start)
        ! After five quarters of a period nothing should be left.
        error(k) = norm2(state%zeta(1:n, 1:n))/norm2(mode)
        deallocate (state%zeta, state%u, state%v)
      end do
    end do
    do k = 0, size(courants)
      name = "ex"
      if (k > 0) write (name, "(a, i0)") "c", nint(courants(k))
      call print_value(trim(name)//" ms", best(k)*1000)
      call print_value(trim(name)//" error", error(k))
    end do

  contains

    subroutine prepare(k, dt)
      integer, intent(in) :: k
      real(wp), intent(in) :: dt

      type(swe_model_t) :: fresh
      type(swe_parameters_t) :: parameters

      parameters = swe_parameters_t(dt=dt, theta=0.5_wp, gravity=gravity, &
        face_depth=face_linear, drag=drag_none)
      if (k == 0) then
        explicit%parameters = parameters
        call explicit%setup()
        ! The backward step sees the slope half a step late: start U there.
        state%u(1:n - 1, 1:n) = -0.5_wp*dt*gravity*20.0_wp*explicit%grid%open_u(1:n - 1, &
          1:n)*(mode(2:n, :) - mode(1:n - 1, :))/dx
        state%v(1:n, 1:n - 1) = -0.5_wp*dt*gravity*20.0_wp*explicit%grid%open_v(1:n, &
          1:n - 1)*(mode(:, 2:n) - mode(:, 1:n - 1))/dx
      else
        fresh%grid = explicit%grid
        fresh%parameters = parameters
        call make_solver(fresh%solver, default_solver, 1.0e-6_wp)
        call fresh%setup()
        model = fresh
      end if
    end subroutine prepare

  end subroutine measure_seiche

  !> M2 of the North Sea, six periods from rest: time, and how far the last one is from that
  !> of the explicit step at half its limit. FILE holds the case as text.
  subroutine measure_north_sea(file)
    character(len=*), intent(in) :: file

    integer, parameter :: steps(5) = [200, 100, 50, 33, 25] !! per period
    real(wp), parameter :: period = 44714.164_wp
    integer, parameter :: n_periods = 6
    type(swe_explicit_t) :: explicit
    type(swe_model_t) :: model
    type(swe_state_t) :: state
    complex(wp), allocatable :: boundary(:, :), exact(:, :), found(:, :)
    real(real64) :: best(0:5), error(0:5), start
    character(len=4) :: name
    integer :: k, limit, n_steps, round

    call read_case(file, explicit%grid, boundary)
    explicit%parameters = swe_parameters_t(dt=1.0_wp, theta=0.51_wp, gravity=gravity)
    limit = ceiling(period/explicit%largest_dt()*1.05_wp) ! the surface rises
    explicit%parameters%dt = period/(2*limit)
    call explicit%setup()
    call state%setup(explicit%grid%block)
    call run_tide(2*limit, 0, exact)
    best = huge(best)
    do round = 1, n_rounds
      do k = 0, size(steps)
        deallocate (state%zeta, state%u, state%v)
        call state%setup(explicit%grid%block)
        n_steps = limit
        if (k > 0) n_steps = steps(k)
        explicit%parameters%dt = period/n_steps
        if (k > 0) call make_model(n_steps)
        start = now()
        call run_tide(n_steps, k, found)
        best(k) = min(best(k), now() - start)
        error(k) = sqrt(sum(abs(found - exact)**2) &
          /count(explicit%grid%cell(1:size(found, 1), 1:size(found, 2)) == cell_water))
      end do
    end do
    do k = 0, size(steps)
      name = "ex"
      if (k > 0) write (name, "(i0)") steps(k)
      call print_value(trim(name)//" ms", best(k)*1000)
      call print_value(trim(name)//" error", error(k))
    end do
    call print_value("limit n", real(limit, real64))

  contains

    subroutine make_model(n_steps)
      integer, intent(in) :: n_steps

      type(swe_model_t) :: fresh

      fresh%grid = explicit%grid
      fresh%parameters = explicit%parameters
      fresh%parameters%dt = period/n_steps
      call make_solver(fresh%solver, default_solver, 1.0e-4_wp)
      call fresh%setup()
      model = fresh
    end subroutine make_model

    !> Six periods, the boundary's tide rising over two; the amplitude of the last.
    subroutine run_tide(n_steps, k, amplitude)
      integer, intent(in) :: n_steps, k
      complex(wp), allocatable, intent(out) :: amplitude(:, :)

      type(swe_forcing_t) :: forcing
      complex(wp) :: turn
      integer :: n, nx, ny

      nx = size(boundary, 1)
      ny = size(boundary, 2)
      allocate (forcing%open_zeta, source=state%zeta)
      allocate (amplitude(nx, ny), source=(0.0_wp, 0.0_wp))
      do n = 1, n_periods*n_steps
        turn = exp(cmplx(0.0_wp, 2*pi*n/n_steps, wp))
        forcing%open_zeta(1:nx, 1:ny) = min(1.0_wp, 0.5_wp*n/n_steps)*real(boundary*turn)
        if (k == 0) call explicit%step(state, forcing)
        if (k > 0) call model%step(state, forcing)
        if (n > (n_periods - 1)*n_steps) amplitude = amplitude + state%zeta(1:nx, 1:ny) &
          *conjg(turn)*2/n_steps
      end do
    end subroutine run_tide

  end subroutine measure_north_sea

  !> Columns, rows, first latitude, cell [degree], drag; then of each cell, eastward first,
  !> its kind, depth, and real and imaginary part of the tide.
  subroutine read_case(file, grid, boundary)
    character(len=*), intent(in) :: file
    type(swe_grid_t), intent(out) :: grid
    complex(wp), allocatable, intent(out) :: boundary(:, :)

    integer, allocatable :: cell(:, :)
    real(wp), allocatable :: depth(:, :)
    real(wp) :: drag, imaginary, real_part
    real(real64) :: degrees, first_latitude
    type(metric_t) :: metric
    integer :: i, j, nx, ny, unit

    open (newunit=unit, file=file, status="old", action="read")
    read (unit, *) nx, ny, first_latitude, degrees, drag
    allocate (cell(nx, ny), depth(nx, ny), boundary(nx, ny))
    do j = 1, ny
      do i = 1, nx
        read (unit, *) cell(i, j), depth(i, j), real_part, imaginary
        boundary(i, j) = cmplx(real_part, imaginary, wp)
      end do
    end do
    close (unit)
    metric = sphere_metric(whole_grid(nx, ny), first_latitude, degrees, degrees)
    call grid%setup(whole_grid(nx, ny), cell, depth, metric%dx, metric%dx_v, metric%dy, &
      metric%f_u, metric%f_v)
    depth = drag
    call grid%set_drag(depth)
  end subroutine read_case

end module shallow_water_costs

program bench_shallow_water
  use shallow_water_costs, only: measure_break_even, measure_memory, measure_north_sea, &
    measure_peer, measure_seiche, measure_t2, n_rounds
  implicit none

  character(len=16) :: argument, topic
  character(len=256) :: file

  call get_command_argument(1, topic)
  call get_command_argument(2, argument)
  read (argument, *) n_rounds
  select case (topic)
  case ("memory")
    call measure_memory(4000, "memory")
  case ("cache")
    call measure_memory(300, "cache")
  case ("break_even")
    call measure_break_even()
  case ("peer")
    call measure_peer()
  case ("t2")
    call measure_t2()
  case ("seiche")
    call measure_seiche()
  case ("north_sea")
    call get_command_argument(3, file)
    call measure_north_sea(trim(file))
  case default
    error stop "topics: memory, cache, break_even, peer, t2, seiche, north_sea FILE"
  end select
end program bench_shallow_water
