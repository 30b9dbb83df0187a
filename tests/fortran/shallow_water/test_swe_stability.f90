! SPDX-License-Identifier: MIT
!> Von Neumann stability of the whole step, rotation included.
!>
!> On a doubly periodic plane one step multiplies each wave number by a matrix of three by
!> three. Its columns are the transforms of what one step makes of a single zeta, U or V.
!> No eigenvalue may lie outside the unit circle.
program test_swe_stability
  use basins, only: basin_t, build, gravity, linear_step, pi, run
  use swe_explicit, only: swe_explicit_t
  use swe_kinds, only: wp
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use testing, only: check, check_below, finish
  implicit none

  integer, parameter :: n = 16
  real(wp), parameter :: dx = 5000.0_wp, depth = 50.0_wp
  real(wp), parameter :: celerity = sqrt(gravity*depth)
  real(wp), parameter :: tolerance = 1.0e-10_wp !! growth per step that the solver may feign
  real(wp), parameter :: turns(3) = [0.05_wp, 0.1_wp, 0.3_wp] !! f dt [1]
  real(wp), parameter :: courants(4) = [0.3_wp, 2.0_wp, 10.0_wp, 40.0_wp]
  real(wp), parameter :: explicit_courants(2) = [0.3_wp, 0.69_wp] !! limit: 0.707
  character(len=40) :: name
  integer :: k, l

  do k = 1, size(turns)
    do l = 1, size(courants)
      write (name, "(a, f4.2, a, f4.1)") "growth, f dt = ", turns(k), ", c = ", courants(l)
      call check_below(largest_growth(0.51_wp, turns(k), &
        courants(l)), tolerance, trim(name))
    end do
  end do
  call check(largest_growth(0.5_wp, 0.3_wp, 2.0_wp) > tolerance, &
    "theta = 1/2 with rotation grows")
  do k = 1, size(turns)
    do l = 1, size(explicit_courants)
      write (name, "(a, f4.2, a, f4.1)") "explicit, f dt = ", turns(k), ", c = ", &
        explicit_courants(l)
      call check_below(largest_growth(0.0_wp, turns(k), explicit_courants(l)), tolerance, &
        trim(name))
    end do
  end do
  call finish()

contains

  !> Largest eigenvalue of all wave numbers, less one. theta = 0: the explicit step.
  real(wp) function largest_growth(theta, turn, courant)
    real(wp), intent(in) :: theta, turn, courant

    complex(wp) :: symbols(3, 3, n, n), wave(n)
    real(wp) :: responses(n, n, 3, 3)
    integer :: i, j, column, row

    call respond(theta, turn, courant, responses)
    do j = 1, n
      do i = 1, n
        do column = 1, 3
          do row = 1, 3
            wave = matmul(responses(:, :, row, column), waves(j - 1))
            symbols(row, column, i, j) = sum(waves(i - 1)*wave)
          end do
        end do
      end do
    end do
    largest_growth = -1.0_wp
    do j = 1, n
      do i = 1, n
        largest_growth = max(largest_growth, radius(symbols(:, :, i, j)) - 1.0_wp)
      end do
    end do
  end function largest_growth

  !> exp(-i m x) at the cells.
  pure function waves(m)
    integer, intent(in) :: m
    complex(wp) :: waves(n)

    integer :: i

    waves = [(exp(cmplx(0.0_wp, -2*pi*m*(i - 1)/n, wp)), i=1, n)]
  end function waves

  !> What one step makes of a single zeta, U and V, transports divided by the celerity.
  subroutine respond(theta, turn, courant, responses)
    real(wp), intent(in) :: theta, turn, courant
    real(wp), intent(out) :: responses(n, n, 3, 3)

    type(swe_model_t) :: model
    type(swe_state_t) :: state
    real(wp) :: dt
    integer :: column

    dt = courant*dx/celerity
    do column = 1, 3
      call build(basin_t(nx=n, ny=n, dx=dx, dy=dx, depth=depth, f=turn/dt, &
        periodic_x=.true., periodic_y=.true., tolerance=1.0e-14_wp), &
        linear_step(dt, theta), model, state)
      if (column == 1) state%zeta(1, 1) = 1.0_wp
      if (column == 2) state%u(1, 1) = celerity
      if (column == 3) state%v(1, 1) = celerity
      call state%fill_halo(model%grid%block)
      if (theta > 0.0_wp) then
        call run(model, state, 1)
      else
        call step_explicitly(model, state)
      end if
      responses(:, :, 1, column) = state%zeta(1:n, 1:n)
      responses(:, :, 2, column) = state%u(1:n, 1:n)/celerity
      responses(:, :, 3, column) = state%v(1:n, 1:n)/celerity
    end do
  end subroutine respond

  !> One explicit step with the grid and parameters of a model.
  subroutine step_explicitly(model, state)
    type(swe_model_t), intent(in) :: model
    type(swe_state_t), intent(inout) :: state

    type(swe_explicit_t) :: explicit
    type(swe_forcing_t) :: forcing

    explicit%grid = model%grid
    explicit%parameters = model%parameters
    call explicit%setup()
    call explicit%step(state, forcing)
  end subroutine step_explicitly

  !> Spectral radius: the N-th root of the norm of the N-th power, N = 2**40.
  real(wp) function radius(symbol)
    complex(wp), intent(in) :: symbol(3, 3)

    integer, parameter :: n_squarings = 40
    complex(wp) :: power(3, 3)
    real(wp) :: logarithm, norm
    integer :: k

    power = symbol
    logarithm = 0.0_wp
    do k = 1, n_squarings
      norm = maxval(abs(power))
      logarithm = 2*(logarithm + log(norm))
      power = matmul(power/norm, power/norm)
    end do
    radius = exp((logarithm + log(maxval(abs(power))))/2.0_wp**n_squarings)
  end function radius

end program test_swe_stability
