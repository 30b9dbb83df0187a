! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of both models: transposes of each other to rounding, and the
!> derivative of the nonlinear model over many decades of the perturbation.
program test_lorenz96_linearised
  use, intrinsic :: iso_fortran_env, only: output_unit
  use kinds, only: wp
  use lorenz96, only: lorenz96_t
  use lorenz96_linearised, only: lorenz96_advance_ad, lorenz96_advance_tl, &
    lorenz96_tendency_ad, lorenz96_tendency_tl
  use lorenz96_two_level, only: coupling_mean, coupling_sum, two_level_t, wrap_ring, &
    wrap_sites
  use lorenz96_two_level_linearised, only: two_level_advance_ad, two_level_advance_tl, &
    two_level_tendency_ad, two_level_tendency_tl
  use schemes, only: scheme_euler, scheme_rk4
  use testing, only: check, check_below, fill_random, finish
  implicit none

  real(wp), parameter :: rounding = 1.0e-14_wp ! of a dot product, relative to the norms
  integer, parameter :: lengths(4) = [1, 2, 10, 100]
  integer, parameter :: n = 40, k = 36, j = 10, members = 3
  integer, parameter :: decades = 8
  integer :: i, scheme

  call tendency_ad_is_transpose_of_tl()
  do scheme = scheme_rk4, scheme_euler
    do i = 1, size(lengths)
      call advance_ad_is_transpose_of_tl(scheme, lengths(i))
    end do
  end do
  call residual_falls_as_the_square_of_the_perturbation()
  do i = 1, 4
    call two_level_ad_is_transpose_of_tl(merge(wrap_ring, wrap_sites, i < 3), &
      merge(coupling_mean, coupling_sum, modulo(i, 2) == 0))
  end do
  call two_level_residual_falls_as_the_square()
  call finish()

contains

  !> <f_tl x_tl, y> = <x_tl, f_ad y>
  subroutine tendency_ad_is_transpose_of_tl()
    real(wp), dimension(n, members) :: f_ad, f_tl, x, x_ad, x_tl
    real(wp) :: difference, forcing_ad(members), forcing_tl(1, members)

    call fill_random(x, 4.0_wp)
    call fill_random(x_tl, 1.0_wp)
    call fill_random(f_ad, 1.0_wp)
    call fill_random(forcing_tl, 1.0_wp)
    call lorenz96_tendency_tl(x, x_tl, forcing_tl(1, :), f_tl)
    call lorenz96_tendency_ad(x, f_ad, x_ad, forcing_ad)
    difference = sum(f_tl*f_ad) - sum(x_tl*x_ad) - dot_product(forcing_tl(1, :), forcing_ad)
    call check_below(abs(difference)/(norm2(f_tl)*norm2(f_ad)), rounding, &
      "tendency, transposition error")
  end subroutine tendency_ad_is_transpose_of_tl

  !> The same for many steps, forcing and added tendency included.
  subroutine advance_ad_is_transpose_of_tl(scheme, n_steps)
    integer, intent(in) :: scheme, n_steps

    real(wp), dimension(n, members) :: b, b_ad, b_tl, start, x, x_ad, x_tl, y, y_tl
    real(wp) :: difference, dt, forcing_ad(members), forcing_tl(1, members)
    type(lorenz96_t) :: ring

    dt = merge(0.05_wp, 0.005_wp, scheme == scheme_rk4)
    call ring%setup(n, 8.0_wp, scheme)
    call start_on_attractor(ring, start)
    call fill_random(b, 0.1_wp)
    call fill_random(b_tl, 1.0_wp)
    call fill_random(forcing_tl, 1.0_wp)
    call fill_random(x_tl, 1.0_wp)
    call fill_random(y, 1.0_wp)
    x = start
    y_tl = x_tl
    call lorenz96_advance_tl(ring, x, dt, n_steps, b, y_tl, forcing_tl(1, :), b_tl)
    x_ad = y
    call lorenz96_advance_ad(ring, start, dt, n_steps, b, x_ad, forcing_ad, b_ad)
    difference = sum(y_tl*y) - sum(x_tl*x_ad) - sum(b_tl*b_ad) &
      - dot_product(forcing_tl(1, :), forcing_ad)
    call check_below(abs(difference)/(norm2(y_tl)*norm2(y)), rounding, &
      "steps, transposition error")
    y = start
    call ring%hold(y, dt, n_steps, b)
    ! Two orders of summation part by rounding, and chaos multiplies that by e^(1.7 t).
    call check_below(maxval(abs(x - y)), 1.0e-12_wp*exp(1.7_wp*n_steps*dt), &
      "trajectory beside the tangent-linear minus the model's own")
  end subroutine advance_ad_is_transpose_of_tl

  !> A state after the transient.
  subroutine start_on_attractor(ring, x)
    type(lorenz96_t), intent(in) :: ring
    real(wp), intent(out) :: x(:, :)

    call fill_random(x, 1.0_wp)
    call ring%advance(x, 0.005_wp, 2000)
  end subroutine start_on_attractor

  !> |M(x + h u) - M(x) - h M' u| / h^2 is constant until rounding takes over, and the error
  !> of the linear part falls with h over eight decades.
  subroutine residual_falls_as_the_square_of_the_perturbation()
    real(wp), parameter :: dt = 0.05_wp
    integer, parameter :: n_steps = 4
    real(wp), dimension(n, 1) :: b, b_tl, base, moved, start, u, u_tl
    real(wp) :: h, ratios(decades), residual(decades), forcing_tl(1)
    type(lorenz96_t) :: ring, warmer
    integer :: i

    call ring%setup(n, 8.0_wp)
    call start_on_attractor(ring, start)
    call fill_random(u, 1.0_wp)
    call fill_random(b, 0.1_wp)
    call fill_random(b_tl, 1.0_wp)
    forcing_tl = 0.7_wp
    base = start
    call ring%hold(base, dt, n_steps, b)
    moved = start
    u_tl = u
    call lorenz96_advance_tl(ring, moved, dt, n_steps, b, u_tl, forcing_tl, b_tl)
    do i = 1, decades
      h = 10.0_wp**(-i)
      call warmer%setup(n, 8.0_wp + h*forcing_tl(1))
      moved = start + h*u
      call warmer%hold(moved, dt, n_steps, b + h*b_tl)
      residual(i) = norm2(moved - base - h*u_tl)
      ratios(i) = norm2(moved - base)/(h*norm2(u_tl))
    end do
    call report("one level", residual, ratios)
  end subroutine residual_falls_as_the_square_of_the_perturbation

  !> Second order down to where rounding (1e-14) is larger than h^2, then no worse than
  !> rounding; the ratio tends to one.
  subroutine report(name, residual, ratios)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: residual(decades), ratios(decades)

    real(wp), parameter :: floor = 1.0e-12_wp ! rounding of the differences
    integer :: i

    do i = 1, decades
      write (output_unit, "(2a, i3, 2(a, es10.2))") name, ": h = 1e", -i, "  residual", &
        residual(i), "  ratio - 1", ratios(i) - 1.0_wp
      call check(abs(ratios(i) - 1.0_wp) <= 20.0_wp*10.0_wp**(-i) + floor*10.0_wp**i, &
        name//": the ratio tends to one")
      if (i == 1) cycle
      call check(residual(i) <= max(residual(i - 1)/80.0_wp, floor), &
        name//": the residual falls as h^2")
    end do
  end subroutine report

  !> Tendency and steps of the two-level model, all coefficients included.
  subroutine two_level_ad_is_transpose_of_tl(wrap, coupling)
    integer, intent(in) :: wrap, coupling

    real(wp), dimension(k, members) :: added, added_ad, added_tl, r, x, x_ad, x_tl, y, y_tl
    real(wp), dimension(k*j, members) :: s, w, w_tl, z, z_ad, z_tl
    real(wp), dimension(4, members) :: q_ad, q_tl
    real(wp) :: difference
    type(two_level_t) :: rings
    integer :: i

    call rings%setup(k, j, 10.0_wp, 0.9_wp, 10.0_wp, 9.0_wp, wrap, coupling)
    call fill_random(x, 3.0_wp)
    call fill_random(z, 0.3_wp)
    call rings%advance(x, z, 0.002_wp, 1000)
    call fill_random(x_tl, 1.0_wp)
    call fill_random(z_tl, 1.0_wp)
    call fill_random(q_tl, 1.0_wp)
    call fill_random(added, 0.1_wp)
    call fill_random(added_tl, 1.0_wp)
    call fill_random(r, 1.0_wp)
    call fill_random(s, 1.0_wp)
    call two_level_tendency_tl(rings, x, z, x_tl, z_tl, q_tl, y_tl, w_tl)
    call two_level_tendency_ad(rings, x, z, r, s, x_ad, z_ad, q_ad)
    difference = sum(y_tl*r) + sum(w_tl*s) - sum(x_tl*x_ad) - sum(z_tl*z_ad) &
      - sum(q_tl*q_ad)
    call check_below(abs(difference)/(norms(y_tl, w_tl)*norms(r, s)), rounding, &
      "two levels, tendency, transposition error")
    do i = 1, size(lengths)
      y = x
      w = z
      y_tl = x_tl
      w_tl = z_tl
      call two_level_advance_tl(rings, y, w, 0.002_wp, lengths(i), added, y_tl, w_tl, &
        q_tl, added_tl)
      x_ad = r
      z_ad = s
      call two_level_advance_ad(rings, x, z, 0.002_wp, lengths(i), added, x_ad, z_ad, &
        q_ad, added_ad)
      difference = sum(y_tl*r) + sum(w_tl*s) - sum(x_tl*x_ad) - sum(z_tl*z_ad) &
        - sum(q_tl*q_ad) - sum(added_tl*added_ad)
      call check_below(abs(difference)/(norms(y_tl, w_tl)*norms(r, s)), rounding, &
        "two levels, steps, transposition error")
    end do
  end subroutine two_level_ad_is_transpose_of_tl

  !> Norm of a vector in two pieces.
  real(wp) function norms(a, b)
    real(wp), intent(in) :: a(:, :), b(:, :)

    norms = sqrt(norm2(a)**2 + norm2(b)**2)
  end function norms

  !> As for one level, with all four coefficients moving.
  subroutine two_level_residual_falls_as_the_square()
    real(wp), parameter :: dt = 0.002_wp
    integer, parameter :: n_steps = 10
    real(wp), dimension(k, 1) :: added, added_tl, base_x, moved_x, start_x, u, u_tl
    real(wp), dimension(k*j, 1) :: base_z, moved_z, start_z, v, v_tl
    real(wp) :: h, q_tl(4, 1), ratios(decades), residual(decades)
    type(two_level_t) :: moved, rings
    integer :: i

    call rings%setup(k, j, 10.0_wp, 1.0_wp, 10.0_wp, 10.0_wp, coupling_form=coupling_sum)
    call fill_random(start_x, 3.0_wp)
    call fill_random(start_z, 0.3_wp)
    call rings%advance(start_x, start_z, dt, 1000)
    call fill_random(u, 1.0_wp)
    call fill_random(v, 0.1_wp)
    call fill_random(q_tl, 0.5_wp)
    call fill_random(added, 0.1_wp)
    call fill_random(added_tl, 1.0_wp)
    base_x = start_x
    base_z = start_z
    call rings%hold(base_x, base_z, dt, n_steps, added)
    u_tl = u
    v_tl = v
    moved_x = start_x
    moved_z = start_z
    call two_level_advance_tl(rings, moved_x, moved_z, dt, n_steps, added, u_tl, v_tl, &
      q_tl, added_tl)
    do i = 1, decades
      h = 10.0_wp**(-i)
      call moved%setup(k, j, 10.0_wp + h*q_tl(1, 1), 1.0_wp + h*q_tl(2, 1), &
        10.0_wp + h*q_tl(3, 1), 10.0_wp + h*q_tl(4, 1), coupling_form=coupling_sum)
      moved_x = start_x + h*u
      moved_z = start_z + h*v
      call moved%hold(moved_x, moved_z, dt, n_steps, added + h*added_tl)
      residual(i) = norms(moved_x - base_x - h*u_tl, moved_z - base_z - h*v_tl)
      ratios(i) = norms(moved_x - base_x, moved_z - base_z)/(h*norms(u_tl, v_tl))
    end do
    call report("two levels", residual, ratios)
  end subroutine two_level_residual_falls_as_the_square

end program test_lorenz96_linearised
