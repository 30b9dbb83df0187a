! SPDX-License-Identifier: MIT
!> Cells that dry, and tracers in them, on any number of ranks against the same run on a
!> process alone: the reproducible mode gives the same bits of the flow. The tracers agree
!> to rounding, since the sweeps over cells that are flushed begin anew in each block.
program test_swe_drying_ranks
  use swe_blocks, only: block_t, halo, ranks_t, whole_grid
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_decomposition, only: decompose
  use swe_grid, only: cell_water
  use swe_kinds, only: wp
  use swe_parameters, only: advection_limited, face_upwind, swe_parameters_t, wetting_newton
  use swe_ranks, only: end_ranks, gather, start_ranks
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use swe_tracers, only: swe_tracers_t
  use testing, only: check, check_below, finish
  implicit none

  integer, parameter :: nx = 100, ny = 66, n_steps = 150
  real(wp), parameter :: dx = 10.0_wp
  real(wp), parameter :: rounding = 1.0e-11_wp !! of the tracers
  real(wp), parameter :: pi = acos(-1.0_wp)
  type(ranks_t) :: ranks
  type(block_t) :: block
  real(wp), dimension(nx, ny, 4) :: expected, found

  call start_ranks(ranks)
  if (ranks%rank == 0) then
    block = whole_grid(nx, ny)
    block%is_reproducible = .true.
    call run(block, expected)
  end if
  call decompose(ranks, nx, ny, .false., .false., block, .true.)
  call run(block, found)
  if (ranks%rank == 0) then
    call check_below(maxval(abs(found(:, :, :3) - expected(:, :, :3))), 0.0_wp, &
      "zeta, u and v on the ranks and alone")
    call check_below(maxval(abs(found(:, :, 4) - expected(:, :, 4))), rounding, &
      "tracers on the ranks and alone")
    call check(count(.not. expected(:, :, 1) + depths() > 0.0_wp) > 100, "cells are dry")
    call check(maxval(abs(expected(:, :, 2))) > 0.1_wp, "the water moves")
  end if
  call end_ranks(ranks)
  call finish()

contains

  !> A beach with grooves.
  function depths()
    real(wp) :: depths(nx, ny)

    integer :: i, j

    do j = 1, ny
      do i = 1, nx
        depths(i, j) = 2 - 3.0_wp*i/nx + 0.3_wp*sin(0.7_wp*j)*sin(0.2_wp*i)
      end do
    end do
  end function depths

  !> Build the block's model, make the steps, collect zeta, u, v and a tracer.
  subroutine run(block, fields)
    type(block_t), intent(in) :: block
    real(wp), intent(out) :: fields(nx, ny, 4) !! set on rank 0

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    type(swe_tracers_t) :: tracers
    integer :: i, n

    call build(block, model)
    call state%setup(block)
    call tracers%setup(block, 1)
    do i = 1, block%nx
      state%zeta(i, 1:block%ny) = max(0.5_wp*cos(2*pi*(block%i_offset + i)/nx), &
        -model%grid%depth(i, 1:block%ny))
      tracers%c(i, 1:block%ny, 1) = merge(1.0_wp, 0.0_wp, block%i_offset + i > 20)
    end do
    call state%fill_halo(block)
    do n = 1, n_steps
      call model%step(state, forcing)
      call tracers%advance(model, state)
    end do
    call gather(block, state%zeta, fields(:, :, 1))
    call gather(block, state%u, fields(:, :, 2))
    call gather(block, state%v, fields(:, :, 3))
    call gather(block, tracers%c(:, :, 1), fields(:, :, 4))
  end subroutine run

  subroutine build(block, model)
    type(block_t), intent(in) :: block
    type(swe_model_t), intent(out) :: model

    integer :: cell(block%nx, block%ny)
    real(wp) :: depth(nx, ny)
    real(wp), dimension(1 - halo:block%ny + halo) :: turns, width

    cell = cell_water
    depth = depths()
    width = dx
    turns = 1.0e-4_wp
    call model%grid%setup(block, cell, depth(block%i_offset + 1:block%i_offset + block%nx, &
      block%j_offset + 1:block%j_offset + block%ny), width, width, dx, turns, turns)
    call model%grid%set_drag(spread(spread(0.0025_wp, 1, block%nx), 2, block%ny))
    model%parameters = swe_parameters_t(dt=1.5_wp, theta=0.55_wp, thin_depth=0.02_wp, &
      advection=advection_limited, face_depth=face_upwind, wetting=wetting_newton)
    allocate (conjugate_gradients_t :: model%solver)
    model%solver%tolerance = 1.0e-10_wp
    call model%setup()
  end subroutine build

end program test_swe_drying_ranks
