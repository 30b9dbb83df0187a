! SPDX-License-Identifier: MIT
!> Wind over a closed channel: water piles up until its slope holds the stress.
!>
!>     g H d zeta/dx = tau_x      so      H(x)**2/2 - tau_x*x/g = constant
!>
!> The mean depth of two cells times their difference is exact for H**2/2: the steady state
!> has no error in space. Called with `full`, it prints the surface too.
program test_swe_set_up
  use basins, only: basin_t, build, gravity, is_full_run
  use swe_kinds, only: wp
  use swe_parameters, only: drag_none, face_backhaus, face_linear, swe_parameters_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check_below, finish
  implicit none

  integer, parameter :: nx = 40, ny = 3
  real(wp), parameter :: dx = 5000.0_wp, depth = 20.0_wp
  real(wp), parameter :: stress = 2.0e-3_wp !! over the density: a storm [m2 s-2]
  real(wp), parameter :: tolerance = 1.0e-9_wp !! of the solver and of what still moves

  call check_set_up(face_linear, "linear")
  call check_set_up(face_backhaus, "surface in the depth")
  call finish()

contains

  subroutine check_set_up(face_depth, name)
    integer, intent(in) :: face_depth
    character(len=*), intent(in) :: name

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    type(swe_forcing_t) :: forcing
    real(wp) :: held(nx - 1)
    integer :: i, n

    call build(basin_t(nx=nx, ny=ny, dx=dx, dy=dx, depth=depth, tolerance=1.0e-12_wp), &
      swe_parameters_t(dt=1800.0_wp, theta=1.0_wp, gravity=gravity, drag=drag_none, &
      face_depth=face_depth, linear_drag=1.0e-4_wp), model, state)
    allocate (forcing%stress_u, source=state%u)
    forcing%stress_u = stress
    do n = 1, 1000
      call model%step(state, forcing)
    end do
    if (is_full_run()) then
      do i = 1, nx
        print "(a, i2, 2es14.5)", "set-up ", face_depth, (i - 0.5_wp - 0.5_wp*nx)*dx, &
          state%zeta(i, 2)
      end do
    end if
    associate (zeta => state%zeta(1:nx, 2))
      held = zeta(2:) - zeta(:nx - 1)
      if (face_depth == face_backhaus) held = held*(1.0_wp + 0.5_wp*(zeta(2:) &
        + zeta(:nx - 1))/depth)
    end associate
    call check_below(maxval(abs(held*gravity*depth/(stress*dx) - 1.0_wp)), tolerance, &
      "set-up, "//name)
    call check_below(maxval(abs(state%u)), tolerance, "nothing moves")
  end subroutine check_set_up

end program test_swe_set_up
