! SPDX-License-Identifier: MIT
!> The one-level model: identities, order of convergence, bits, the closure slot.
program test_lorenz96
  !$ use omp_lib, only: omp_set_num_threads
  use failures, only: err_argument, err_shape
  use kinds, only: wp
  use lorenz96, only: lorenz96_t
  use lorenz96_closures, only: polynomial_closure_t
  use schemes, only: scheme_euler, scheme_rk4
  use testing, only: check, check_below, fill_random, finish, slope
  implicit none

  integer, parameter :: n = 40
  real(wp), parameter :: rounding = 1.0e-14_wp ! a few operations on numbers of order ten

  call tendency_is_the_published_one()
  call advection_conserves_energy()
  call rest_at_the_forcing_is_kept()
  call step_is_the_classical_scheme_for_every_ring()
  call error_falls_with_the_order_of_the_scheme()
  call bits_do_not_depend_on_the_ensemble()
  call bits_do_not_depend_on_threads_or_pieces()
  call closure_enters_as_it_is_asked_to()
  call wrong_arguments_are_refused()
  call finish()

contains

  !> One site by hand: x = 1, 2, 3, 4, 5 and F = 8.
  subroutine tendency_is_the_published_one()
    real(wp) :: dxdt(5, 1), x(5, 1)
    type(lorenz96_t) :: ring

    call ring%setup(5, 8.0_wp)
    x(:, 1) = [1.0_wp, 2.0_wp, 3.0_wp, 4.0_wp, 5.0_wp]
    call ring%tendency(x, dxdt)
    call check(all(nint(dxdt(:, 1)) == [-3, 4, 11, 13, -5]), "dx/dt is as by hand")
  end subroutine tendency_is_the_published_one

  !> sum x (dx/dt + x - F) = 0
  subroutine advection_conserves_energy()
    real(wp) :: dxdt(n, 3), x(n, 3)
    type(lorenz96_t) :: ring

    call ring%setup(n, 8.0_wp)
    call fill_random(x, 4.0_wp)
    call ring%tendency(x, dxdt)
    call check_below(abs(sum(x*(dxdt + x - 8.0_wp)))/sum(abs(x**3)), rounding, &
      "energy that advection makes")
  end subroutine advection_conserves_energy

  !> x = F is a fixed point, though an unstable one.
  subroutine rest_at_the_forcing_is_kept()
    real(wp) :: x(n, 1)
    type(lorenz96_t) :: ring

    call ring%setup(n, 8.0_wp)
    x = 8.0_wp
    call ring%advance(x, 0.05_wp, 10)
    call check_below(maxval(abs(x - 8.0_wp)), 1.0e-13_wp, "drift of the fixed point")
  end subroutine rest_at_the_forcing_is_kept

  !> The blocked step against the textbook's, for rings that fill a stride and that do not.
  subroutine step_is_the_classical_scheme_for_every_ring()
    real(wp), allocatable :: b(:, :), reference(:, :), x(:, :)
    type(lorenz96_t) :: ring
    real(wp) :: error
    integer :: sites

    error = 0.0_wp
    do sites = 4, 45
      call ring%setup(sites, 8.0_wp)
      allocate (b(sites, 11), reference(sites, 11), x(sites, 11))
      call fill_random(x, 4.0_wp)
      call fill_random(b, 1.0_wp)
      reference = x
      call textbook_step(ring, reference, 0.05_wp, b)
      call ring%step(x, 0.05_wp, b)
      error = max(error, maxval(abs(x - reference)))
      deallocate (b, reference, x)
    end do
    call check_below(error, 1.0e-13_wp, "blocked step minus textbook, K = 4 to 45")
  end subroutine step_is_the_classical_scheme_for_every_ring

  !> The classical scheme, array by array.
  subroutine textbook_step(ring, x, dt, b)
    type(lorenz96_t), intent(in) :: ring
    real(wp), intent(inout) :: x(:, :)
    real(wp), intent(in) :: dt
    real(wp), intent(in) :: b(:, :)

    real(wp), dimension(size(x, 1), size(x, 2)) :: k1, k2, k3, k4

    call ring%tendency(x, k1)
    call ring%tendency(x + dt/2*(k1 + b), k2)
    call ring%tendency(x + dt/2*(k2 + b), k3)
    call ring%tendency(x + dt*(k3 + b), k4)
    x = x + dt/6*(k1 + 2*k2 + 2*k3 + k4) + dt*b
  end subroutine textbook_step

  !> Against a run with a far shorter step: slopes 4 and 1.
  subroutine error_falls_with_the_order_of_the_scheme()
    integer, parameter :: schemes(2) = [scheme_rk4, scheme_euler]
    integer, parameter :: counts(2) = [80, 160] ! steps over the time 0.4
    real(wp) :: errors(2), reference(n, 1), start(n, 1), x(n, 1)
    type(lorenz96_t) :: ring
    integer :: i, s

    call ring%setup(n, 8.0_wp)
    call fill_random(start, 1.0_wp)
    call ring%advance(start, 0.05_wp, 100)
    reference = start
    call ring%advance(reference, 0.4_wp/2560, 2560)
    do s = 1, 2
      call ring%setup(n, 8.0_wp, schemes(s))
      do i = 1, 2
        x = start
        call ring%advance(x, 0.4_wp/(counts(i)*10**(2*s - 2)), counts(i)*10**(2*s - 2))
        errors(i) = norm2(x - reference)
      end do
      call check_below(abs(slope(1.0_wp/counts, errors) - merge(4.0_wp, 1.0_wp, s == 1)), &
        0.1_wp, "order of convergence, distance from "//merge("4", "1", s == 1))
    end do
  end subroutine error_falls_with_the_order_of_the_scheme

  !> A member alone, first, in the middle or last: the same bits.
  subroutine bits_do_not_depend_on_the_ensemble()
    integer, parameter :: n_members = 21
    real(wp) :: alone(n, 1), b(n, n_members), x(n, n_members), y(n, n_members)
    type(lorenz96_t) :: ring
    logical :: equal
    integer :: m

    call ring%setup(n, 8.0_wp)
    call fill_random(x, 4.0_wp)
    call fill_random(b, 1.0_wp)
    y = x
    call ring%hold(y, 0.05_wp, 50, b)
    equal = .true.
    do m = 1, n_members
      alone(:, 1) = x(:, m)
      call ring%hold(alone, 0.05_wp, 50, b(:, m:m))
      equal = equal .and. all(same_bits(alone(:, 1), y(:, m)))
    end do
    call check(equal, "a member alone has the bits it has in the ensemble")
  end subroutine bits_do_not_depend_on_the_ensemble

  !> One thread or three, one call or five.
  subroutine bits_do_not_depend_on_threads_or_pieces()
    real(wp) :: x(n, 100), y(n, 100), z(n, 100)
    type(lorenz96_t) :: ring
    integer :: i

    call ring%setup(n, 8.0_wp)
    call fill_random(x, 4.0_wp)
    y = x
    z = x
    !$ call omp_set_num_threads(1)
    call ring%advance(x, 0.05_wp, 100)
    do i = 1, 5
      call ring%advance(z, 0.05_wp, 20)
    end do
    !$ call omp_set_num_threads(3)
    call ring%advance(y, 0.05_wp, 100)
    call check(all(same_bits(x, y)), "bits do not depend on the number of threads")
    call check(all(same_bits(x, z)), "100 steps are five times 20, bit for bit")
  end subroutine bits_do_not_depend_on_threads_or_pieces

  !> Held: as an added tendency. In every stage: order 4 is kept, held it is lost.
  subroutine closure_enters_as_it_is_asked_to()
    type(polynomial_closure_t) :: closure
    real(wp) :: b(n, 2), errors(2, 2), reference(n, 2), start(n, 2), x(n, 2), y(n, 2)
    type(lorenz96_t) :: ring
    integer :: i, s

    closure%coefficients = [-0.2_wp, -0.31_wp, 0.01_wp]
    call ring%setup(n, 10.0_wp)
    call fill_random(start, 1.0_wp)
    call ring%advance(start, 0.05_wp, 100)
    x = start
    call ring%advance(x, 0.05_wp, 1, closure)
    y = start
    b = -0.2_wp - 0.31_wp*y + 0.01_wp*y**2
    call ring%step(y, 0.05_wp, b)
    call check_below(maxval(abs(x - y)), rounding, "held closure minus added tendency")

    reference = start
    call ring%advance(reference, 0.2_wp/640, 640, closure, every_stage=.true.)
    do s = 1, 2
      do i = 1, 2
        x = start
        call ring%advance(x, 0.2_wp/(10*i), 10*i, closure, every_stage=s == 1)
        errors(i, s) = norm2(x - reference)
      end do
    end do
    call check_below(abs(slope([1.0_wp, 0.5_wp], errors(:, 1)) - 4.0_wp), 0.1_wp, &
      "order with the closure in every stage, distance from 4")
    call check_below(abs(slope([1.0_wp, 0.5_wp], errors(:, 2)) - 1.0_wp), 0.1_wp, &
      "order with the closure held, distance from 1")
  end subroutine closure_enters_as_it_is_asked_to

  !> Sizes that make no sense come back as stat and a text that names them.
  subroutine wrong_arguments_are_refused()
    character(len=128) :: errmsg
    real(wp) :: x(5, 2)
    type(lorenz96_t) :: ring
    integer :: stat

    errmsg = "untouched"
    call ring%setup(40, 8.0_wp, stat=stat, errmsg=errmsg)
    call check(stat == 0 .and. errmsg == "untouched", "success leaves errmsg alone")
    x = 0.0_wp
    call ring%advance(x, 0.05_wp, 1, stat=stat, errmsg=errmsg)
    call check(stat == err_shape .and. index(errmsg, "'x' has 5 sites, expected 40") > 0, &
      "a state of another size is refused")
    call ring%setup(3, 8.0_wp, stat=stat, errmsg=errmsg)
    call check(stat == err_argument .and. index(errmsg, "'n_sites'") > 0, &
      "a ring of three sites is refused")
  end subroutine wrong_arguments_are_refused

  !> True where two numbers are the same in every bit.
  elemental logical function same_bits(a, b)
    use kinds, only: int64
    real(wp), intent(in) :: a !! one
    real(wp), intent(in) :: b !! other

    same_bits = transfer(a, 0_int64) == transfer(b, 0_int64)
  end function same_bits

end program test_lorenz96
