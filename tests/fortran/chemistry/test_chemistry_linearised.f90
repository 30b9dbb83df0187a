! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of chemistry integrations against each other and the model.
program test_chemistry_linearised
  use chemistry_linearised, only: integrate_ad, integrate_tl
  use chemistry_mechanism, only: mechanism_t
  use chemistry_problems, only: open_mechanism
  use chemistry_solver, only: chemistry_solver_t, flag_done, flag_tape_full
  use chemistry_tape, only: tape_t
  use failures, only: err_shape
  use kinds, only: wp
  use testing, only: check, check_below, fill_random, finish, slope
  implicit none

  character(len=6), parameter :: methods(5) = [character(len=6) :: "ros2", "ros3", &
    "rodas3", "ros4", "rodas4"]
  integer, parameter :: n_cells = 11 !! more than a block, and no multiple of one
  integer :: i

  do i = 1, size(methods)
    call check_mechanism("pollu", trim(methods(i)), 0.0_wp, 60.0_wp, 1.0e-9_wp)
    call check_mechanism("hires", trim(methods(i)), 0.0_wp, 10.0_wp, 1.0e-9_wp)
    call check_mechanism("superfast", trim(methods(i)), 28800.0_wp, 3600.0_wp, 1.0e3_wp)
  end do
  call check_third_order()
  call check_refusals()
  call finish()

contains

  !> Both tests on some mechanism; rates change as well.
  subroutine check_mechanism(name, method, t, dt, atol)
    character(len=*), intent(in) :: name, method
    real(wp), intent(in) :: t, dt, atol

    type(mechanism_t) :: mechanism

    call open_mechanism(name, mechanism)
    call check_derivatives(mechanism, method, t, dt, atol)
  end subroutine check_mechanism

  !> A reaction of three reactants, one of them twice.
  subroutine check_third_order()
    type(mechanism_t) :: mechanism

    call open_mechanism("rober", mechanism)
    mechanism%reactions(2)%order = 3
    mechanism%reactions(2)%reactant = [2, 2, 1]
    mechanism%initial = [1.0_wp, 0.5_wp, 0.2_wp]
    mechanism%reactions%rate%c(1) = [0.4_wp, 30.0_wp, 10.0_wp]
    call check_derivatives(mechanism, "rodas4", 0.0_wp, 2.0_wp, 1.0e-9_wp)
  end subroutine check_third_order

  !> Adjoint identity and Taylor test.
  subroutine check_derivatives(mechanism, method, t, dt, atol)
    type(mechanism_t), intent(in) :: mechanism
    character(len=*), intent(in) :: method
    real(wp), intent(in) :: t, dt, atol

    type(chemistry_solver_t) :: solver
    type(tape_t) :: tape
    real(wp), allocatable :: y(:, :), dy(:, :), start(:, :), rates(:, :)
    character(len=:), allocatable :: title
    integer :: c, flags(n_cells), n

    title = mechanism%name//" by "//method
    n = size(mechanism%initial)
    call solver%setup(mechanism, method, 1.0e-3_wp, atol)
    allocate (start(n, n_cells), dy(n, n_cells), rates(size(mechanism%reactions), n_cells))
    do c = 1, n_cells
      start(:, c) = (mechanism%initial + 1.0e-3_wp*maxval(mechanism%initial)) &
        *(0.5_wp + 0.1_wp*c)
    end do
    call fill_random(dy, 1.0_wp)
    call fill_random(rates, 1.0_wp)
    dy = dy*start
    y = start
    call tape%setup(n, n_cells, 1000)
    call solver%integrate(y, t, dt, flags, tape=tape)
    call check(all(flags == flag_done), title//": integrated")
    call check_identity(solver, tape, dy, rates, y, title)
    call check_taylor(solver, tape, start, dy, rates, y, t, title)
  end subroutine check_derivatives

  !> <L dx, p> = <dx, L* p>, cell by cell.
  subroutine check_identity(solver, tape, dy, rates, y, title)
    type(chemistry_solver_t), intent(in) :: solver
    type(tape_t), intent(in) :: tape
    real(wp), intent(in) :: dy(:, :), rates(:, :), y(:, :)
    character(len=*), intent(in) :: title

    real(wp), parameter :: rounding = 1.0e-10_wp !! stiff steps amplify it: 6e-12 found
    real(wp), dimension(size(dy, 1), n_cells) :: y_ad, weight, y_tl
    real(wp) :: rates_ad(size(rates, 1), n_cells), left, right, scale, worst
    integer :: c

    y_tl = dy
    call integrate_tl(solver, tape, y_tl, rates)
    call fill_random(weight, 1.0_wp)
    weight = weight/(abs(y) + 1.0e-6_wp*maxval(abs(y)))
    y_ad = weight
    rates_ad = 0.0_wp
    call integrate_ad(solver, tape, y_ad, rates_ad)
    worst = 0.0_wp
    do c = 1, n_cells
      left = dot_product(y_tl(:, c), weight(:, c))
      right = dot_product(dy(:, c), y_ad(:, c)) + dot_product(rates(:, c), rates_ad(:, c))
      scale = sum(abs(y_tl(:, c)*weight(:, c))) + sum(abs(dy(:, c)*y_ad(:, c))) &
        + sum(abs(rates(:, c)*rates_ad(:, c)))
      worst = max(worst, abs(left - right)/scale)
    end do
    call check_below(worst, rounding, title//": adjoint is transpose of tangent-linear")
  end subroutine check_identity

  !> What the tangent-linear leaves is of second order in the change. The steps are those
  !> of the tape, repeated one by one.
  subroutine check_taylor(solver, tape, start, dy, rates, y, t, title)
    type(chemistry_solver_t), intent(in) :: solver
    type(tape_t), intent(in) :: tape
    real(wp), intent(in) :: start(:, :), dy(:, :), rates(:, :), y(:, :), t
    character(len=*), intent(in) :: title

    real(wp), parameter :: sizes(2) = [1.0e-3_wp, 1.0e-4_wp]
    real(wp), parameter :: shortfall = 0.1_wp !! of the slope 2: third order terms
    real(wp) :: y_tl(size(dy, 1)), change(size(dy, 1)), errors(2), scale(size(dy, 1))
    real(wp) :: all_tl(size(dy, 1), n_cells)
    integer :: k

    all_tl = dy
    call integrate_tl(solver, tape, all_tl, rates)
    y_tl = all_tl(:, n_cells)
    scale = abs(y(:, n_cells)) + 1.0e-9_wp*maxval(abs(y(:, n_cells)))
    do k = 1, size(sizes)
      change = repeated(solver, tape, start(:, n_cells) + sizes(k)*dy(:, n_cells), &
        1.0_wp + sizes(k)*rates(:, n_cells)) - y(:, n_cells)
      errors(k) = norm2((change - sizes(k)*y_tl)/scale)
    end do
    call check_below(2.0_wp - shortfall, slope(sizes, errors), title//": Taylor slope")
    call check(tape%t(1, n_cells) == t, title//": the tape begins at the start")
  end subroutine check_taylor

  !> The last cell's integration from another state, with other rates and the tape's steps.
  function repeated(solver, tape, start, factor) result(y)
    type(chemistry_solver_t), intent(in) :: solver
    type(tape_t), intent(in) :: tape
    real(wp), intent(in) :: start(:)  !! (species)
    real(wp), intent(in) :: factor(:) !! of the rate constants (reaction)
    real(wp) :: y(size(start))

    type(chemistry_solver_t) :: one_step
    real(wp) :: state(size(start), 1)
    integer :: flags(1), step

    one_step = solver
    one_step%fixed_steps = 1
    one_step%mechanism%reactions%rate%c(1) = solver%mechanism%reactions%rate%c(1)*factor
    call scale_falloff(one_step%mechanism, factor)
    state(:, 1) = start
    one_step%atol = huge(1.0_wp) ! small negatives are welcome
    do step = 1, tape%n_steps(n_cells)
      call one_step%integrate(state, tape%t(step, n_cells), tape%h(step, n_cells), flags)
    end do
    y = state(:, 1)
  end function repeated

  !> The limit of high pressure scales with the rate, too.
  subroutine scale_falloff(mechanism, factor)
    type(mechanism_t), intent(inout) :: mechanism
    real(wp), intent(in) :: factor(:)

    integer :: r

    do r = 1, size(factor)
      associate (rate => mechanism%reactions(r)%rate)
        if (rate%form == 3) rate%c(3) = rate%c(3)*factor(r)
      end associate
    end do
  end subroutine scale_falloff

  !> A tape that is too short, arrays that do not fit.
  subroutine check_refusals()
    type(mechanism_t) :: mechanism
    type(chemistry_solver_t) :: solver
    type(tape_t) :: tape
    real(wp) :: y(3, 1), wrong(2, 1)
    integer :: flags(1), stat

    call open_mechanism("rober", mechanism)
    call solver%setup(mechanism, "ros3", 1.0e-3_wp, 1.0e-9_wp)
    call tape%setup(3, 1, 5)
    y(:, 1) = mechanism%initial
    call solver%integrate(y, 0.0_wp, 1.0e3_wp, flags, tape=tape)
    call check(flags(1) == flag_tape_full, "a tape that is full is flagged")
    call check(all(y(:, 1) == mechanism%initial), "its cell keeps its input")
    wrong = 0.0_wp
    call integrate_tl(solver, tape, wrong, stat=stat)
    call check(stat == err_shape, "a change of the wrong size is refused")
  end subroutine check_refusals

end program test_chemistry_linearised
