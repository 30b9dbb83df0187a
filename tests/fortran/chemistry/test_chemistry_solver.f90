! SPDX-License-Identifier: MIT
!> Rosenbrock integrations against 20-digit references, orders, budgets and bad cells.
program test_chemistry_solver
  use, intrinsic :: ieee_arithmetic, only: ieee_quiet_nan, ieee_value
  use chemistry_mechanism, only: mechanism_t
  use chemistry_problems, only: correct_digits, open_mechanism, reference
  use chemistry_solver, only: chemistry_solver_t, flag_done, flag_many_steps, &
    flag_negative, flag_not_finite, flag_temperature, negatives_clip, negatives_keep, &
    negatives_reject
  use failures, only: err_argument, err_shape
  use kinds, only: wp
  use testing, only: check, check_below, finish, slope
  !$ use omp_lib, only: omp_set_num_threads
  implicit none

  character(len=6), parameter :: methods(5) = [character(len=6) :: "ros2", "ros3", &
    "rodas3", "ros4", "rodas4"]

  call check_table("pollu", [2.5_wp, 3.0_wp, 3.0_wp, 3.0_wp, 3.5_wp])
  call check_table("hires", [2.0_wp, 3.0_wp, 2.5_wp, 2.5_wp, 3.5_wp])
  ! A relaxation oscillation: an error becomes a shift in time, which the end magnifies.
  call check_table("orego", [1.0_wp, 1.5_wp, 1.0_wp, 1.5_wp, 2.0_wp])
  call check_rober()
  call check_tight()
  call check_orders()
  call check_light_order()
  call check_sunlight()
  call check_superfast()
  call check_elements()
  call check_negatives()
  call check_bad_cells()
  call check_refusals()
  call finish()

contains

  !> Integrate the published problem in one cell.
  subroutine run(solver, y)
    type(chemistry_solver_t), intent(inout) :: solver
    real(wp), allocatable, intent(out) :: y(:)

    real(wp) :: state(size(solver%mechanism%initial), 1)
    integer :: flags(1)

    state(:, 1) = solver%mechanism%initial
    call solver%integrate(state, 0.0_wp, solver%mechanism%end_time, flags)
    call check(flags(1) == flag_done, solver%mechanism%name//" is integrated")
    y = state(:, 1)
  end subroutine run

  !> Correct digits at two tolerances; a thousandth of the tolerance brings three digits
  !> less one for what is left of the first steps.
  subroutine check_table(name, least)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: least(5) !! digits at 1e-3, half a digit below what is found

    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    real(wp), allocatable :: y(:)
    real(wp) :: digits(2)
    integer :: i

    call open_mechanism(name, mechanism)
    do i = 1, size(methods)
      call solver%setup(mechanism, trim(methods(i)), 1.0e-3_wp, 1.0e-9_wp)
      call run(solver, y)
      digits(1) = correct_digits(name, y)
      call check_below(least(i), digits(1), name//" by "//methods(i)//": digits at 1e-3")
      if (methods(i) == "ros2") cycle
      call solver%setup(mechanism, trim(methods(i)), 1.0e-6_wp, 1.0e-12_wp)
      call run(solver, y)
      digits(2) = correct_digits(name, y)
      call check_below(least(i) + 2.0_wp, digits(2), name//" by "//methods(i)// &
        ": digits at 1e-6")
    end do
  end subroutine check_table

  !> Eleven orders of time. B is of 1e-13: its absolute tolerance must be far below that.
  subroutine check_rober()
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    real(wp), allocatable :: y(:)
    integer :: i

    call open_mechanism("rober", mechanism)
    do i = 2, size(methods)
      call solver%setup(mechanism, trim(methods(i)), 1.0e-7_wp, 1.0e-20_wp)
      call run(solver, y)
      call check_below(3.5_wp, correct_digits("rober", y), "rober by "//methods(i)// &
        ": digits at 1e-7")
    end do
  end subroutine check_rober

  !> Towards the last digits.
  subroutine check_tight()
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    real(wp), allocatable :: y(:)

    call open_mechanism("pollu", mechanism)
    call solver%setup(mechanism, "rodas4", 1.0e-10_wp, 1.0e-20_wp)
    call run(solver, y)
    call check_below(10.0_wp, correct_digits("pollu", y), "pollu by rodas4 at 1e-10")
    call open_mechanism("hires", mechanism)
    call solver%setup(mechanism, "rodas4", 1.0e-10_wp, 1.0e-14_wp)
    call run(solver, y)
    call check_below(10.0_wp, correct_digits("hires", y), "hires by rodas4 at 1e-10")
  end subroutine check_tight

  !> Errors with equal steps on HIRES until t = 5 fall with the order of the method.
  subroutine check_orders()
    type(mechanism_t) :: mechanism

    call open_mechanism("hires", mechanism)
    call measure_orders(mechanism, 0.0_wp, 5.0_wp, [400, 800], "HIRES")
  end subroutine check_orders

  !> Orders of all methods between two numbers of steps.
  subroutine measure_orders(mechanism, t, dt, n_steps, title)
    type(mechanism_t), intent(in) :: mechanism
    real(wp), intent(in) :: t, dt
    integer, intent(in) :: n_steps(2)
    character(len=*), intent(in) :: title

    real(wp), parameter :: shortfall = 0.25_wp !! an order is reached in the limit only
    integer, parameter :: more = 8 !! steps of the lower orders, which reach it late
    integer :: i

    do i = 1, size(methods)
      call check_below(order_of(methods(i)) - shortfall, observed_order(mechanism, &
        methods(i), t, dt, n_steps*merge(1, more, order_of(methods(i)) > 3.0_wp), .true.), &
        title//": order of "//methods(i))
    end do
  end subroutine measure_orders

  !> Design order.
  pure real(wp) function order_of(method)
    character(len=*), intent(in) :: method

    order_of = merge(4.0_wp, 3.0_wp, index(method, "4") > 0)
    if (method == "ros2") order_of = 2.0_wp
  end function order_of

  !> Order between two numbers of equal steps.
  real(wp) function observed_order(mechanism, method, t, dt, n_steps, with_f_t)
    type(mechanism_t), intent(in) :: mechanism
    character(len=*), intent(in) :: method
    real(wp), intent(in) :: t, dt
    integer, intent(in) :: n_steps(2)
    logical, intent(in) :: with_f_t !! false: leave out df/dt, which must cost order

    type(chemistry_solver_t) :: solver
    real(wp), dimension(size(mechanism%initial), 1) :: exact, y
    real(wp) :: errors(2)
    integer :: flags(1), j

    call solver%setup(mechanism, "rodas4", 1.0e-13_wp, 1.0e-17_wp)
    exact(:, 1) = mechanism%initial
    call solver%integrate(exact, t, dt, flags)
    call solver%setup(mechanism, trim(method), 1.0e-3_wp, 1.0e-9_wp)
    if (.not. with_f_t) solver%tableau%gamma_i = 0.0_wp
    do j = 1, 2
      solver%fixed_steps = n_steps(j)
      y(:, 1) = mechanism%initial
      call solver%integrate(y, t, dt, flags)
      errors(j) = maxval(abs(y - exact))
    end do
    observed_order = -slope(real(n_steps, wp), errors)
  end function observed_order

  !> With light that changes: the orders hold, and hold because of the term with df/dt.
  subroutine check_light_order()
    type(mechanism_t) :: mechanism

    call open_mechanism("superfast", mechanism)
    mechanism%reactions = [mechanism%reactions(4), mechanism%reactions(17)] ! NO2, O3 + NO
    mechanism%sun%hours_per_unit = 1.0_wp
    mechanism%reactions%rate%form = [5, 1] ! the same light, a constant rate
    mechanism%reactions(1)%rate%c(1) = 2.0_wp
    mechanism%reactions(2)%rate%c(1) = 3.0_wp
    mechanism%initial = mechanism%initial*0.0_wp
    mechanism%initial([1, 6, 7]) = [0.5_wp, 0.1_wp, 1.0_wp] ! O3, NO, NO2
    call measure_orders(mechanism, 6.0_wp, 4.0_wp, [80, 160], "light")
    call check_below(observed_order(mechanism, "rodas3", 6.0_wp, 4.0_wp, [80, 160], &
      .false.), 2.5_wp, "without df/dt rodas3 loses its order")
  end subroutine check_light_order

  !> Three and a half days of the stratosphere, stopped where the light has a kink.
  subroutine check_sunlight()
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    real(wp), parameter :: hour = 3600.0_wp
    real(wp), parameter :: printed = 8.0_wp !! digits that the reference surely has
    real(wp) :: y(5, 1), t(10)
    integer :: flags(1), i

    call open_mechanism("small_strato", mechanism)
    call solver%setup(mechanism, "rodas4", 1.0e-10_wp, 1.0e-2_wp)
    t = hour*[12.0_wp, 19.5_wp, 28.5_wp, 36.0_wp, 43.5_wp, 52.5_wp, 60.0_wp, 67.5_wp, &
      76.5_wp, 84.0_wp]
    y(:, 1) = mechanism%initial
    do i = 1, size(t) - 1
      call solver%integrate(y, t(i), t(i + 1) - t(i), flags)
      call check(flags(1) == flag_done, "the stratosphere is integrated")
    end do
    call check_below(printed, correct_digits("small_strato", y(:, 1)), &
      "small_strato: digits at 1e-10")
  end subroutine check_sunlight

  !> Two hours of a morning against another program: rate forms, sun and reader at once.
  subroutine check_superfast()
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    real(wp), parameter :: agreed = 9.0_wp !! digits; the reference has ten
    real(wp) :: y(16, 1)
    integer :: flags(1)

    call open_mechanism("superfast", mechanism)
    call solver%setup(mechanism, "rodas4", 1.0e-10_wp, 1.0e-5_wp)
    y(:, 1) = mechanism%initial
    call solver%integrate(y, 28800.0_wp, 7200.0_wp, flags)
    call check(flags(1) == flag_done, "superfast is integrated")
    call check_below(agreed, correct_digits("superfast", y(:, 1)), &
      "superfast: digits at 1e-10")
  end subroutine check_superfast

  !> Sums that every reaction keeps are kept by every method to rounding.
  subroutine check_elements()
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    real(wp), parameter :: rounding = 2.0e-13_wp !! of some hundred steps
    real(wp), allocatable :: y(:)
    real(wp) :: before, change
    integer :: e, i, n
    character(len=12), parameter :: names(3) = [character(len=12) :: "pollu", &
      "small_strato", "superfast"]

    do n = 1, size(names)
      call open_mechanism(trim(names(n)), mechanism)
      mechanism%end_time = min(mechanism%end_time, 43200.0_wp)
      do i = 1, size(methods)
        call solver%setup(mechanism, trim(methods(i)), 1.0e-3_wp, &
          1.0e-9_wp*maxval(mechanism%initial))
        call run(solver, y)
        do e = 1, size(mechanism%elements)
          before = mechanism%element_total(trim(mechanism%elements(e)), mechanism%initial)
          change = mechanism%element_total(trim(mechanism%elements(e)), y)/before - 1.0_wp
          call check_below(abs(change), rounding, trim(names(n))//" by "//methods(i)// &
            " keeps "//trim(mechanism%elements(e)))
        end do
      end do
    end do
  end subroutine check_elements

  !> Below zero: by what the relative tolerance allows; by less than atol; not at all.
  subroutine check_negatives()
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    real(wp), parameter :: atol = 1.0e7_wp !! coarse: radicals of 1e6 to 1e8 may go below
    integer, parameter :: choices(3) = [negatives_keep, negatives_reject, negatives_clip]
    real(wp) :: lowest, y(16, 1)
    integer :: flags(1), i, k

    call open_mechanism("superfast", mechanism)
    lowest = 0.0_wp
    do i = 1, size(methods)
      do k = 1, 3
        call solver%setup(mechanism, trim(methods(i)), 1.0e-1_wp, atol)
        solver%negatives = choices(k)
        y(:, 1) = mechanism%initial
        call solver%integrate(y, 61200.0_wp, 7200.0_wp, flags) ! sunset
        call check(flags(1) == flag_done, "sunset is integrated by "//methods(i))
        select case (k)
        case (1)
          lowest = min(lowest, minval(y))
        case (2)
          call check_below(-minval(y), atol, "rejected: "//methods(i)//" stays above -atol")
        case default
          call check(minval(y) >= 0.0_wp, "clipped: "//methods(i)//" is not negative")
        end select
      end do
    end do
    call check(lowest < -atol, "where they are kept, negatives do occur")
  end subroutine check_negatives

  !> Bad cells are flagged and left alone; no other cell changes by a bit, nor does it with
  !> other threads or another number of cells.
  subroutine check_bad_cells()
    integer, parameter :: n_cells = 100003
    real(wp), parameter :: noon = 43200.0_wp, dt = 1200.0_wp
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    real(wp), allocatable :: alone(:, :), clean(:, :), start(:, :), y(:, :)
    real(wp), allocatable :: temperature(:)
    integer, allocatable :: flags(:)
    integer :: c, bad(3)

    call open_mechanism("superfast", mechanism)
    call solver%setup(mechanism, "rodas3", 1.0e-3_wp, 1.0e2_wp)
    allocate (start(16, n_cells), temperature(n_cells), flags(n_cells))
    do c = 1, n_cells
      start(:, c) = mechanism%initial*(0.5_wp + real(modulo(37*c, n_cells), wp)/n_cells)
      temperature(c) = 260.0_wp + 40.0_wp*c/n_cells
    end do
    clean = start
    call solver%integrate(clean, noon, dt, flags, temperature)
    call check(all(flags == flag_done), "all cells are integrated")

    y = start
    bad = [37, 50, 61]
    y(3, 37) = ieee_value(1.0_wp, ieee_quiet_nan)
    y(7, 50) = -1.0e9_wp
    temperature(61) = 0.0_wp
    !$ call omp_set_num_threads(1)
    call solver%integrate(y, noon, dt, flags, temperature)
    !$ call omp_set_num_threads(2)
    call check(all(flags(bad) == [flag_not_finite, flag_negative, flag_temperature]), &
      "bad cells are flagged for what they are")
    call check(count(flags /= flag_done) == 3, "no other cell is flagged")
    call check(all(y(:, 61) == start(:, 61)) .and. y(7, 50) == -1.0e9_wp, &
      "a flagged cell keeps its input")
    do c = 1, n_cells
      if (any(c == bad)) cycle
      call check(all(y(:, c) == clean(:, c)), "a bad cell changes no other cell's bits")
    end do
    alone = start(:, 100:100)
    call solver%integrate(alone, noon, dt, flags(1:1), temperature(100:100))
    call check(all(alone(:, 1) == clean(:, 100)), "a cell alone has the same bits")
    solver%max_steps = 3
    call solver%integrate(alone, noon, dt, flags(1:1), temperature(100:100))
    call check(flags(1) == flag_many_steps, "too many steps are flagged")
  end subroutine check_bad_cells

  !> Arguments that make no sense.
  subroutine check_refusals()
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    character(len=256) :: errmsg
    real(wp) :: y(2, 1)
    integer :: flags(1), stat

    y = 1.0_wp
    call solver%integrate(y, 0.0_wp, 1.0_wp, flags, stat=stat, errmsg=errmsg)
    call check(stat == err_shape, "integrate before setup is refused")
    call open_mechanism("rober", mechanism)
    call solver%setup(mechanism, "ros5", 1.0e-3_wp, 1.0e-9_wp, stat, errmsg)
    call check(stat == err_argument .and. index(errmsg, "'ros5'") > 0, &
      "an unknown method is refused")
    call solver%setup(mechanism, "ros3", 0.0_wp, 1.0e-9_wp, stat, errmsg)
    call check(stat == err_argument, "a tolerance of zero is refused")
    call solver%setup(mechanism, "ros3", 1.0e-3_wp, 1.0e-9_wp)
    call solver%integrate(y, 0.0_wp, 1.0_wp, flags, stat=stat, errmsg=errmsg)
    call check(stat == err_shape .and. index(errmsg, "has 2 species") > 0, &
      "a state of the wrong size is refused")
    call check(size(reference("unknown")) == 0, "an unknown problem has no reference")
  end subroutine check_refusals

end program test_chemistry_solver
