! SPDX-License-Identifier: MIT
!> The two-level model: identities, order of convergence, bits, both closings of the ring.
program test_lorenz96_two_level
  !$ use omp_lib, only: omp_set_num_threads
  use failures, only: err_argument, err_shape
  use kinds, only: int64, wp
  use lorenz96_two_level, only: coupling_mean, coupling_sum, two_level_t, wrap_ring, &
    wrap_sites
  use testing, only: check, check_below, fill_random, finish, slope
  implicit none

  integer, parameter :: k = 36, j = 10
  integer, parameter :: wraps(2) = [wrap_ring, wrap_sites]
  integer, parameter :: couplings(2) = [coupling_mean, coupling_sum]
  type(two_level_t) :: rings
  integer :: i_coupling, i_wrap

  do i_wrap = 1, 2
    do i_coupling = 1, 2
      call rings%setup(k, j, 10.0_wp, 1.0_wp, 10.0_wp, 10.0_wp, wraps(i_wrap), &
        couplings(i_coupling))
      call tendency_is_the_published_one()
      call advection_and_coupling_conserve_energy()
      call block_is_the_tendency()
      call error_falls_with_order_four()
      call bits_depend_on_nothing()
    end do
  end do
  call wrong_arguments_are_refused()
  call finish()

contains

  !> Each variable from the formula, with `modulo` for the neighbours.
  subroutine tendency_is_the_published_one()
    real(wp) :: dxdt(k, 1), dzdt(k*j, 1), error, fx, fz, weight, x(k, 1), z(k*j, 1)
    integer :: i, site

    call fill_random(x, 3.0_wp)
    call fill_random(z, 0.3_wp)
    call rings%tendency(x, z, dxdt, dzdt)
    error = 0.0_wp
    weight = merge(rings%h*rings%c/j, rings%h*rings%c/rings%b, &
      rings%coupling_form == coupling_mean)
    do site = 1, k
      fx = -at(x, site - 1, k)*(at(x, site - 2, k) - at(x, site + 1, k)) - x(site, 1) &
        + rings%forcing - weight*sum(z((site - 1)*j + 1:site*j, 1))
      error = max(error, abs(fx - dxdt(site, 1)))
      do i = (site - 1)*j + 1, site*j
        fz = rings%c*(-rings%b*at_z(z, i, 1)*(at_z(z, i, 2) - at_z(z, i, -1)) - z(i, 1)) &
          + weight*x(site, 1)
        error = max(error, abs(fz - dzdt(i, 1)))
      end do
    end do
    call check_below(error, 1.0e-12_wp, "tendency minus formula")
  end subroutine tendency_is_the_published_one

  !> x at a site of a ring of length n.
  real(wp) function at(x, site, n)
    real(wp), intent(in) :: x(:, :)
    integer, intent(in) :: site, n

    at = x(1 + modulo(site - 1, n), 1)
  end function at

  !> z at a neighbour of i, on the ring as it is closed.
  real(wp) function at_z(z, i, offset)
    real(wp), intent(in) :: z(:, :)
    integer, intent(in) :: i, offset

    integer :: start

    if (rings%wrap == wrap_ring) then
      at_z = at(z, i + offset, k*j)
    else
      start = (i - 1)/j*j
      at_z = z(start + 1 + modulo(i - start - 1 + offset, j), 1)
    end if
  end function at_z

  !> Only forcing and damping change x^2 + z^2: in both forms of the coupling x gives what z
  !> receives.
  subroutine advection_and_coupling_conserve_energy()
    real(wp) :: change, dxdt(k, 2), dzdt(k*j, 2), x(k, 2), z(k*j, 2)

    call fill_random(x, 3.0_wp)
    call fill_random(z, 0.3_wp)
    call rings%tendency(x, z, dxdt, dzdt)
    change = sum(x*(dxdt + x - rings%forcing)) + sum(z*(dzdt + rings%c*z))
    call check_below(abs(change)/(sum(abs(x*dxdt)) + sum(abs(z*dzdt))), 1.0e-14_wp, &
      "energy that advection and coupling make")
  end subroutine advection_and_coupling_conserve_energy

  !> One blocked Runge-Kutta step against the textbook's.
  subroutine block_is_the_tendency()
    real(wp), parameter :: dt = 0.005_wp
    real(wp), dimension(k, 3) :: a1, a2, a3, a4, added, x, y
    real(wp), dimension(k*j, 3) :: b1, b2, b3, b4, w, z

    call fill_random(x, 3.0_wp)
    call fill_random(z, 0.3_wp)
    call fill_random(added, 1.0_wp)
    y = x
    w = z
    call rings%tendency(x, z, a1, b1)
    call rings%tendency(x + dt/2*(a1 + added), z + dt/2*b1, a2, b2)
    call rings%tendency(x + dt/2*(a2 + added), z + dt/2*b2, a3, b3)
    call rings%tendency(x + dt*(a3 + added), z + dt*b3, a4, b4)
    call rings%step(y, w, dt, added)
    x = x + dt/6*(a1 + 2*a2 + 2*a3 + a4) + dt*added
    z = z + dt/6*(b1 + 2*b2 + 2*b3 + b4)
    call check_below(max(maxval(abs(x - y)), maxval(abs(z - w))), 1.0e-13_wp, &
      "blocked step minus textbook")
  end subroutine block_is_the_tendency

  !> Against a run with a far shorter step.
  subroutine error_falls_with_order_four()
    real(wp) :: errors(2), reference(k, 1), start_x(k, 1), start_z(k*j, 1)
    real(wp) :: x(k, 1), z(k*j, 1)
    integer :: i

    call fill_random(start_x, 1.0_wp)
    call fill_random(start_z, 0.1_wp)
    call rings%advance(start_x, start_z, 0.005_wp, 200)
    reference = start_x
    z = start_z
    call rings%advance(reference, z, 0.04_wp/256, 256)
    do i = 1, 2
      x = start_x
      z = start_z
      call rings%advance(x, z, 0.04_wp/(16*i), 16*i)
      errors(i) = norm2(x - reference)
    end do
    call check_below(abs(slope([1.0_wp, 0.5_wp], errors) - 4.0_wp), 0.25_wp, &
      "order of convergence, distance from 4")
  end subroutine error_falls_with_order_four

  !> A member alone, threads and pieces: the same bits.
  subroutine bits_depend_on_nothing()
    real(wp) :: x(k, 21), x1(k, 1), y(k, 21), z(k*j, 21), z1(k*j, 1), w(k*j, 21)

    call fill_random(x, 3.0_wp)
    call fill_random(z, 0.3_wp)
    x1 = x(:, 20:20)
    z1 = z(:, 20:20)
    y = x
    w = z
    !$ call omp_set_num_threads(1)
    call rings%advance(x, z, 0.005_wp, 20)
    !$ call omp_set_num_threads(3)
    call rings%advance(y, w, 0.005_wp, 12)
    call rings%advance(y, w, 0.005_wp, 8)
    call rings%advance(x1, z1, 0.005_wp, 20)
    call check(all(same_bits(x, y)) .and. all(same_bits(z, w)), &
      "bits do not depend on threads or pieces")
    call check(all(same_bits(x1(:, 1), x(:, 20))) .and. all(same_bits(z1(:, 1), z(:, &
      20))), "a member alone has the bits it has in the ensemble")
  end subroutine bits_depend_on_nothing

  !> Parameters and arrays that do not fit are named.
  subroutine wrong_arguments_are_refused()
    character(len=160) :: errmsg
    real(wp) :: x(k, 2), z(k*j, 3)
    integer :: stat

    call rings%setup(3, j, 10.0_wp, 1.0_wp, 10.0_wp, 10.0_wp, stat=stat, errmsg=errmsg)
    call check(stat == err_argument .and. index(errmsg, "'n_sites'") > 0, "n_sites = 3")
    call rings%setup(k, 3, 10.0_wp, 1.0_wp, 10.0_wp, 10.0_wp, wrap_sites, stat=stat, &
      errmsg=errmsg)
    call check(stat == err_argument .and. index(errmsg, "'n_fast'") > 0, "n_fast = 3")
    call rings%setup(k, j, 10.0_wp, 1.0_wp, 10.0_wp, 0.0_wp, stat=stat, errmsg=errmsg)
    call check(stat == err_argument .and. index(errmsg, "'b'") > 0, "b = 0")
    call rings%setup(k, j, 10.0_wp, 1.0_wp, 10.0_wp, 10.0_wp)
    x = 0.0_wp
    z = 0.0_wp
    call rings%advance(x, z, 0.005_wp, 1, stat=stat, errmsg=errmsg)
    call check(stat == err_shape .and. index(errmsg, "'z' has 3 members") > 0, &
      "another number of members in z")
  end subroutine wrong_arguments_are_refused

  !> True where two numbers are the same in every bit.
  elemental logical function same_bits(a, b)
    real(wp), intent(in) :: a !! one
    real(wp), intent(in) :: b !! other

    same_bits = transfer(a, 0_int64) == transfer(b, 0_int64)
  end function same_bits

end program test_lorenz96_two_level
