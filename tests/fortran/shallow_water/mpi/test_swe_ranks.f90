! SPDX-License-Identifier: MIT
!> A model run on any number of ranks against the same run on a process alone: to the
!> solver's tolerance, and in the reproducible mode to the last bit.
!>
!> The sea has islands, a sloping and rough bottom, rotation, friction, wind, air pressure,
!> viscosity and advection; a tide enters, leaves by radiation, and a river flows in.
program test_swe_ranks
  use swe_blocks, only: block_t, east_end, halo, lead, ranks_t, whole_grid
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_decomposition, only: decompose
  use swe_five_point, only: five_point_solver_t
  use swe_grid, only: cell_elevation, cell_land, cell_radiating, cell_transport, cell_water
  use swe_kinds, only: int64, wp
  use swe_multigrid, only: multigrid_t
  use swe_over_relaxation, only: over_relaxation_t
  use swe_parameters, only: advection_limited, face_backhaus, face_upwind, swe_parameters_t
  use swe_ranks, only: end_ranks, gather, start_ranks
  use swe_reduced_gradients, only: reduced_gradients_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check, check_below, finish
  implicit none

  integer, parameter :: nx = 100, ny = 70
  integer, parameter :: n_long = 200, n_short = 25 !! steps of a run
  real(wp), parameter :: dx = 5000.0_wp, dt = 300.0_wp, f = 1.2e-4_wp
  real(wp), parameter :: tolerance = 1.0e-9_wp !! of the solver [m]
  real(wp), parameter :: agreement = n_long*tolerance !! each step may add its error
  real(wp), parameter :: least_tide = 0.05_wp !! [m], or the run shows nothing
  type(ranks_t) :: ranks

  call start_ranks(ranks)
  call compare(.false., .false., n_long, "reduced gradients")
  call compare(.false., .false., n_short, "gradients")
  call compare(.true., .false., n_short, "gradients with multigrid")
  call compare(.false., .true., n_short, "reduced gradients with multigrid")
  call compare(.true., .true., n_short, "over-relaxation")
  call end_ranks(ranks)
  call finish()

contains

  !> A run with plain sums and one with reproducible ones.
  subroutine compare(periodic_x, periodic_y, n_steps, solver)
    logical, intent(in) :: periodic_x, periodic_y
    integer, intent(in) :: n_steps
    character(len=*), intent(in) :: solver

    real(wp), dimension(nx, ny, 3) :: expected, found

    call run_both(periodic_x, periodic_y, n_steps, solver, .false., expected, found)
    if (ranks%rank == 0) then
      call check(maxval(abs(expected(:, :, 1))) > least_tide, "there is a tide")
      call check_below(maxval(abs(found(:, :, 1) - expected(:, :, 1))), agreement, &
        "zeta on the ranks and alone [m], "//solver)
    end if
    call run_both(periodic_x, periodic_y, n_steps, solver, .true., expected, found)
    if (ranks%rank == 0) then
      call check(all(same(found(:, :, 1), expected(:, :, 1))), "the bits of zeta, "//solver)
      call check(all(same(found(:, :, 2), expected(:, :, 2))), "the bits of u, "//solver)
      call check(all(same(found(:, :, 3), expected(:, :, 3))), "the bits of v, "//solver)
    end if
  end subroutine compare

  !> On rank 0 alone and on all ranks: zeta, u, v as whole fields of rank 0.
  subroutine run_both(periodic_x, periodic_y, n_steps, solver, is_reproducible, expected, &
    found)
    logical, intent(in) :: periodic_x, periodic_y, is_reproducible
    integer, intent(in) :: n_steps
    character(len=*), intent(in) :: solver
    real(wp), dimension(nx, ny, 3), intent(out) :: expected, found

    type(block_t) :: block

    if (ranks%rank == 0) then
      block = whole_grid(nx, ny, periodic_x, periodic_y)
      block%is_reproducible = is_reproducible
      call run(block, n_steps, solver, expected)
    end if
    call decompose(ranks, nx, ny, periodic_x, periodic_y, block, is_reproducible)
    call run(block, n_steps, solver, found)
  end subroutine run_both

  !> Bit for bit.
  elemental logical function same(one, other)
    real(wp), intent(in) :: one, other

    same = transfer(one, 0_int64) == transfer(other, 0_int64)
  end function same

  !> Build the block's model, make the steps, collect zeta, u and v.
  subroutine run(block, n_steps, solver, fields)
    type(block_t), intent(in) :: block
    integer, intent(in) :: n_steps
    character(len=*), intent(in) :: solver
    real(wp), intent(out) :: fields(nx, ny, 3) !! set on rank 0

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    integer :: n

    call build(block, solver, model)
    call state%setup(block)
    call allocate_forcing(block, forcing)
    do n = 1, n_steps
      call set_forcing(block, n*dt, forcing)
      call model%step(state, forcing)
    end do
    call gather(block, state%zeta, fields(:, :, 1))
    call gather(block, state%u, fields(:, :, 2))
    call gather(block, state%v, fields(:, :, 3))
  end subroutine run

  subroutine build(block, solver, model)
    type(block_t), intent(in) :: block
    character(len=*), intent(in) :: solver
    type(swe_model_t), intent(out) :: model

    integer :: cell(block%nx, block%ny), i, j
    real(wp) :: depth(block%nx, block%ny)
    real(wp), dimension(1 - halo:block%ny + halo) :: width, rotation

    do j = 1, block%ny
      do i = 1, block%nx
        cell(i, j) = kind_of(block, block%i_offset + i, block%j_offset + j)
        depth(i, j) = depth_of(block%i_offset + i, block%j_offset + j)
      end do
    end do
    width = dx
    rotation = f
    call model%grid%setup(block, cell, depth, width, width, dx, rotation, rotation)
    call model%grid%set_drag(spread(spread(0.0025_wp, 1, block%nx), 2, block%ny))
    model%parameters = swe_parameters_t(dt=dt, theta=0.55_wp, viscosity=100.0_wp, &
      advection=advection_limited, face_depth=merge(face_upwind, face_backhaus, &
      block%periodic_x))
    call choose_solver(solver, model%solver)
    call model%setup()
  end subroutine build

  !> Each solver whose result the blocks do not show in.
  subroutine choose_solver(name, solver)
    character(len=*), intent(in) :: name
    class(five_point_solver_t), allocatable, intent(out) :: solver

    type(conjugate_gradients_t) :: gradients

    select case (name)
    case ("over-relaxation")
      allocate (over_relaxation_t :: solver)
    case ("reduced gradients")
      solver = reduced_gradients_t(n_levels=1)
    case ("reduced gradients with multigrid")
      solver = reduced_gradients_t(n_levels=9)
    case ("gradients with multigrid")
      gradients%preconditioner = multigrid_t(n_levels=9)
      solver = gradients
    case default
      solver = gradients
    end select
    solver%tolerance = tolerance
  end subroutine choose_solver

  !> Two islands; a prescribed tide in the south, a radiating side in the north or, where
  !> they meet, on an inner stretch of coast; a river in the west.
  pure integer function kind_of(block, i, j) result(cell)
    type(block_t), intent(in) :: block
    integer, intent(in) :: i, j !! in the whole grid

    cell = cell_water
    if ((i - 30)**2 + (j - 33)**2 < 40 .or. (i - 64)**2 + (j - 31)**2 < 30) cell = cell_land
    if (i == 1 .and. .not. block%periodic_x) cell = cell_land
    if (j == ny .and. i > 10) cell = cell_radiating
    if (j == 1 .and. i > 5) cell = cell_elevation
    if (i == 50 .and. (j > 30 .and. j < 36)) cell = cell_transport
    if (i == 65 .and. j == 32) cell = cell_radiating
  end function kind_of

  !> Sloping and rough.
  pure real(wp) function depth_of(i, j)
    integer, intent(in) :: i, j !! in the whole grid

    depth_of = 30.0_wp + 0.2_wp*j + 8.0_wp*sin(0.7_wp*i)*cos(0.9_wp*j)
  end function depth_of

  subroutine allocate_forcing(block, forcing)
    type(block_t), intent(in) :: block
    type(swe_forcing_t), intent(out) :: forcing

    allocate (forcing%open_zeta(1 - lead:east_end(block%nx), 1 - halo:block%ny + halo), &
      source=0.0_wp)
    allocate (forcing%open_u, forcing%open_v, forcing%stress_u, forcing%stress_v, &
      forcing%head, source=forcing%open_zeta)
  end subroutine allocate_forcing

  !> A tide that grows, a river, and a weather that travels.
  subroutine set_forcing(block, time, forcing)
    type(block_t), intent(in) :: block
    real(wp), intent(in) :: time !! [s]
    type(swe_forcing_t), intent(inout) :: forcing

    real(wp), parameter :: omega = 1.405e-4_wp, turn = 2*acos(-1.0_wp)
    real(wp) :: phase
    integer :: i, i_global, j, j_global

    do j = 1 - halo, block%ny + halo
      j_global = modulo(block%j_offset + j - 1, ny) + 1
      do i = 1 - halo, block%nx + halo
        i_global = modulo(block%i_offset + i - 1, nx) + 1
        phase = turn*(real(i_global, wp)/nx + real(j_global, wp)/ny)
        forcing%open_zeta(i, j) = merge(min(1.0_wp, time/20000.0_wp)*sin(omega*time &
          + 0.02_wp*i_global), 0.0_wp, j_global < 20)
        forcing%open_u(i, j) = 0.3_wp
        forcing%open_v(i, j) = 0.0_wp
        forcing%stress_u(i, j) = 1.0e-4_wp*cos(phase - omega*time)
        forcing%stress_v(i, j) = 1.0e-4_wp*sin(phase - omega*time)
        forcing%head(i, j) = 0.05_wp*cos(2*phase + omega*time)
      end do
    end do
  end subroutine set_forcing

end program test_swe_ranks
