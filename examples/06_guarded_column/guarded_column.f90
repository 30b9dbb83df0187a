! SPDX-License-Identifier: MIT
!> Columns in a time loop, their physics by a network where it may be trusted:
!> guarded_column RUN.nml
!>
!> `&run` says which network, how many steps, which restarts; `&isthmus_emulator` says
!> whether the network is in the shadow, blended in, or alone.
program guarded_column
  use, intrinsic :: iso_fortran_env, only: int8, wp => real64
  use column_physics, only: dt_step, initial_columns, n_levels, tendencies
  use isthmus, only: isthmus_emulator_t, isthmus_float64, isthmus_model_t
  implicit none

  integer, parameter :: n_columns = 64
  integer, parameter :: burst_step = 30, burst_column = 17 ! something never seen before
  type(isthmus_emulator_t) :: emulator
  real(wp), target, dimension(n_levels, n_columns) :: t, q, dt, dq, dt_physics, dq_physics
  character(len=256) :: namelist_file, network, restart_in, restart_out
  integer :: n_steps, i

  call get_command_argument(1, namelist_file)
  call read_run()
  call initial_columns(t, q)
  call connect()
  if (restart_in /= "") call read_restart()

  do i = int(emulator%step()), int(emulator%step()) + n_steps - 1
    if (i == burst_step) t(3, burst_column) = t(3, burst_column) + 60.0_wp
    call tendencies(t, q, dt_physics, dq_physics)
    call emulator%run()
    if (emulator%n_flagged() > 0) print "(a, i0, a, i0, a)", "step ", i, ": ", &
      emulator%n_flagged(), " columns by the physics"
    t = t + dt_step*dt
    q = q + dt_step*dq
  end do

  print "(a)", emulator%report()
  print "(a, f8.3, a, f7.4, a)", "mean temperature ", sum(t)/size(t), &
    " K, least humidity ", 1000.0_wp*minval(q), " g kg-1"
  if (restart_out /= "") call write_restart()

contains

  subroutine read_run()
    integer :: unit
    namelist /run/ network, n_steps, restart_in, restart_out

    network = "column.pt"
    n_steps = 60
    restart_in = ""
    restart_out = ""
    open (newunit=unit, file=namelist_file, status="old", action="read")
    read (unit, nml=run)
    close (unit)
  end subroutine read_run

  !> Once, before step one: what does not fit is refused here, by name.
  subroutine connect()
    type(isthmus_model_t) :: model

    call emulator%load(network)
    call emulator%network(model)
    call model%require_input("t", "K", [character(len=6) :: "level", "column"], &
      [n_levels, -1], isthmus_float64)
    call model%require_input("q", units="kg kg-1", shape=[n_levels, -1])
    call model%require_output("dt", units="K s-1")
    call model%require_output("dq", units="kg kg-1 s-1")
    call model%require_time_step(dt_step)
    call emulator%bind_input("t", t)
    call emulator%bind_input("q", q)
    call emulator%bind_output("dt", dt)
    call emulator%bind_output("dq", dq)
    call emulator%bind_fallback("dt", dt_physics)
    call emulator%bind_fallback("dq", dq_physics)
    call emulator%configure(namelist_file)
  end subroutine connect

  subroutine write_restart()
    integer(int8), allocatable :: bytes(:)
    integer :: unit

    call emulator%pack_state(bytes)
    open (newunit=unit, file=restart_out, form="unformatted", status="replace")
    write (unit) t, q
    write (unit) size(bytes)
    write (unit) bytes
    close (unit)
  end subroutine write_restart

  subroutine read_restart()
    integer(int8), allocatable :: bytes(:)
    integer :: unit, n_bytes

    open (newunit=unit, file=restart_in, form="unformatted", status="old", action="read")
    read (unit) t, q
    read (unit) n_bytes
    allocate (bytes(n_bytes))
    read (unit) bytes
    close (unit)
    call emulator%unpack_state(bytes)
  end subroutine read_restart

end program guarded_column
