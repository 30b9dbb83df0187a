! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of an integration, along the steps it accepted.
!>
!> The steps h_n of the tape are taken as given, so both are derivatives of exactly the
!> numbers that were computed (the discrete adjoint of Sandu, Daescu & Carmichael 2003,
!> Atmos. Environ. 37, 5083). With A = I/(h gamma) - J and all stages recomputed,
!>
!>     A dK_i = J(Y_i) dY_i + f''(y)(dy, K_i) + sum_j c_ij dK_j/h + h gamma_i J_t dy
!>              + [df(Y_i) + dJ K_i + h gamma_i df_t by the rates],
!>
!> and its transpose backwards: one pair of factors per step serves the stages, the
!> tangent-linear and, read by columns, the adjoint. Controls are the initial state and a
!> relative change of each rate constant (1: twice as fast).
module chemistry_linearised
  use chemistry_kernel, only: add_reactants_ad, lanes, solve, solve_transposed, &
    speed_curvature, speed_tl, speeds, sums
  use chemistry_lanes, only: lanes_t
  use chemistry_rates, only: photolyse
  use chemistry_solver, only: chemistry_solver_t, load_lane_rates
  use chemistry_step, only: begin_step, run_stages
  use chemistry_tape, only: tape_t
  use failures, only: err_shape, fail, succeed
  use kinds, only: wp
  implicit none
  private
  public :: integrate_ad, integrate_tl

  !> Work arrays of a block, besides those of the forward step.
  type :: linear_lanes_t
    type(lanes_t) :: w
    integer :: cell(lanes) = 0
    logical :: is_active(lanes) = .false. !! the cell has this step
    real(wp), allocatable :: x(:, :)      !! y_tl or y_ad (lane, slot)
    real(wp), allocatable :: dk(:, :, :)  !! stages of it (lane, slot, stage)
    real(wp), allocatable :: dy(:, :)     !! direction of a stage's state
    real(wp), allocatable :: rhs(:, :)    !! work
    real(wp), allocatable :: dv(:, :), total(:, :) !! speeds (lane, reaction)
    real(wp), allocatable :: rates(:, :)  !! relative change of rates, or its adjoint
    real(wp), allocatable :: k0(:, :)     !! rate constants at the step's start
  end type linear_lanes_t

contains

  !> Advance a change of the initial state, and a relative one of the rates, to the end.
  subroutine integrate_tl(solver, tape, y_tl, rates_tl, stat, errmsg)
    class(chemistry_solver_t), intent(in) :: solver       !! as it was in `integrate`
    type(tape_t), intent(in) :: tape                      !! of that integration
    real(wp), intent(inout), contiguous :: y_tl(:, :)     !! change (species, cell)
    real(wp), intent(in), contiguous, optional :: rates_tl(:, :) !! (reaction, cell)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(linear_lanes_t) :: q
    integer :: first, step

    if (.not. fits(solver, tape, y_tl, rates_tl, stat, errmsg)) return
    !$omp parallel private(q, step)
    call allocate_lanes(solver, q)
    !$omp do schedule(dynamic)
    do first = 1, size(y_tl, 2), lanes
      call load(solver, tape, first, y_tl, q)
      if (present(rates_tl)) call load_changes(rates_tl, q)
      do step = 1, maxval(tape%n_steps(first:last_cell(y_tl, first)))
        call repeat_step(solver, tape, step, q)
        call step_tl(solver, q)
      end do
      call store(solver, q, y_tl)
    end do
    !$omp end do
    call q%w%free()
    !$omp end parallel
    call succeed(stat)
  end subroutine integrate_tl

  !> Bring a sensitivity to the final state back to the initial one; that to the relative
  !> change of the rates is added.
  subroutine integrate_ad(solver, tape, y_ad, rates_ad, stat, errmsg)
    class(chemistry_solver_t), intent(in) :: solver       !! as it was in `integrate`
    type(tape_t), intent(in) :: tape                      !! of that integration
    real(wp), intent(inout), contiguous :: y_ad(:, :)     !! sensitivity (species, cell)
    real(wp), intent(inout), contiguous, optional :: rates_ad(:, :) !! (reaction, cell)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(linear_lanes_t) :: q
    integer :: first, l, step

    if (.not. fits(solver, tape, y_ad, rates_ad, stat, errmsg)) return
    !$omp parallel private(q, step, l)
    call allocate_lanes(solver, q)
    !$omp do schedule(dynamic)
    do first = 1, size(y_ad, 2), lanes
      call load(solver, tape, first, y_ad, q)
      do step = maxval(tape%n_steps(first:last_cell(y_ad, first))), 1, -1
        call repeat_step(solver, tape, step, q)
        call step_ad(solver, q)
      end do
      call store(solver, q, y_ad)
      if (.not. present(rates_ad)) cycle
      do l = 1, lanes
        if (q%cell(l) > 0) rates_ad(:, q%cell(l)) = rates_ad(:, q%cell(l)) + q%rates(l, :)
      end do
    end do
    !$omp end do
    call q%w%free()
    !$omp end parallel
    call succeed(stat)
  end subroutine integrate_ad

  !> Whether the arrays fit to each other.
  logical function fits(solver, tape, x, rates, stat, errmsg)
    class(chemistry_solver_t), intent(in) :: solver
    type(tape_t), intent(in) :: tape
    real(wp), intent(in) :: x(:, :)
    real(wp), intent(in), optional :: rates(:, :)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    fits = size(x, 1) == solver%tables%n
    if (allocated(tape%n_steps)) then
      fits = fits .and. size(tape%n_steps) == size(x, 2)
    else
      fits = .false.
    end if
    if (present(rates)) fits = fits .and. size(rates, 2) == size(x, 2) .and. &
      size(rates, 1) == solver%tables%n_reactions
    if (.not. fits) call fail(err_shape, "chemistry: the tape, the change of the state "// &
      "(species, cell) and that of the rates (reaction, cell) do not fit together", &
      stat, errmsg)
  end function fits

  !> Last cell of the block that begins at `first`.
  pure integer function last_cell(x, first)
    real(wp), intent(in) :: x(:, :)
    integer, intent(in) :: first

    last_cell = min(first + lanes - 1, size(x, 2))
  end function last_cell

  !> Get the memory of a block.
  subroutine allocate_lanes(solver, q)
    class(chemistry_solver_t), intent(in) :: solver
    type(linear_lanes_t), intent(out) :: q

    associate (n => solver%tables%n, m => solver%tables%n_reactions, &
      s => solver%tableau%n_stages)
      call q%w%setup(solver%tables, s)
      allocate (q%x(lanes, n + 1), q%dy(lanes, n + 1), q%rhs(lanes, n + 1), source=0.0_wp)
      allocate (q%dk(lanes, n + 1, s), source=0.0_wp)
      allocate (q%dv(lanes, m), q%total(lanes, m), q%rates(lanes, m), q%k0(lanes, m), &
        source=0.0_wp)
    end associate
  end subroutine allocate_lanes

  !> Put a block of cells into the lanes.
  subroutine load(solver, tape, first, x, q)
    class(chemistry_solver_t), intent(in) :: solver
    type(tape_t), intent(in) :: tape
    integer, intent(in) :: first        !! cell
    real(wp), intent(in) :: x(:, :)     !! (species, cell)
    type(linear_lanes_t), intent(inout) :: q

    integer :: l

    q%rates = 0.0_wp
    do l = 1, lanes
      q%cell(l) = merge(first + l - 1, 0, first + l - 1 <= size(x, 2))
      call q%w%clear(l)
      q%x(l, :) = 0.0_wp
      if (q%cell(l) == 0) cycle
      if (allocated(tape%factors)) then
        call load_lane_rates(solver%mechanism, tape%temperature(q%cell(l)), l, q%w, &
          tape%factors(:, q%cell(l)))
      else
        call load_lane_rates(solver%mechanism, tape%temperature(q%cell(l)), l, q%w)
      end if
      q%x(l, :solver%tables%n) = x(solver%tables%species, q%cell(l))
    end do
  end subroutine load

  !> The changes of the rates.
  subroutine load_changes(rates, q)
    real(wp), intent(in) :: rates(:, :) !! (reaction, cell)
    type(linear_lanes_t), intent(inout) :: q

    integer :: l

    do l = 1, lanes
      if (q%cell(l) > 0) q%rates(l, :) = rates(:, q%cell(l))
    end do
  end subroutine load_changes

  !> Write the results.
  subroutine store(solver, q, x)
    class(chemistry_solver_t), intent(in) :: solver
    type(linear_lanes_t), intent(in) :: q
    real(wp), intent(inout) :: x(:, :)

    integer :: l

    do l = 1, lanes
      if (q%cell(l) > 0) x(solver%tables%species, q%cell(l)) = q%x(l, :solver%tables%n)
    end do
  end subroutine store

  !> Recompute the stages of a step; a lane without it idles on what it holds.
  subroutine repeat_step(solver, tape, step, q)
    class(chemistry_solver_t), intent(in) :: solver
    type(tape_t), intent(in) :: tape
    integer, intent(in) :: step
    type(linear_lanes_t), intent(inout) :: q

    integer :: i, l

    do l = 1, lanes
      q%is_active(l) = .false.
      if (q%cell(l) == 0) cycle
      if (step > tape%n_steps(q%cell(l))) cycle
      q%is_active(l) = .true.
      q%w%t(l) = tape%t(step, q%cell(l))
      q%w%h(l) = tape%h(step, q%cell(l))
      q%w%y(l, :solver%tables%n) = tape%y(:, step, q%cell(l))
    end do
    call begin_step(solver%mechanism, solver%tables, solver%tableau, q%w)
    q%k0 = q%w%k
    call run_stages(solver%mechanism, solver%tables, solver%tableau, q%w)
    q%w%stage_y(:, :, 1) = q%w%y
    do i = 2, solver%tableau%n_stages
      if (.not. solver%tableau%is_new(i)) q%w%stage_y(:, :, i) = q%w%stage_y(:, :, i - 1)
    end do
  end subroutine repeat_step

  !> Rate constants of a stage, in q%w%k.
  subroutine set_stage_rates(solver, i, q)
    class(chemistry_solver_t), intent(in) :: solver
    integer, intent(in) :: i !! stage
    type(linear_lanes_t), intent(inout) :: q

    if (solver%tables%is_autonomous) return
    call photolyse(solver%mechanism, solver%tables%photolytic, &
      q%w%t + solver%tableau%alpha(i)*q%w%h, q%w%k, factor=q%w%factor)
  end subroutine set_stage_rates

  !> One step of the tangent-linear.
  subroutine step_tl(solver, q)
    class(chemistry_solver_t), intent(in) :: solver
    type(linear_lanes_t), intent(inout) :: q

    integer :: i, j

    associate (t => solver%tables, m => solver%tableau)
      do i = 1, m%n_stages
        q%dy = q%x
        do j = 1, i - 1
          q%dy = q%dy + m%a(i, j)*q%dk(:, :, j)
        end do
        call set_stage_rates(solver, i, q)
        call stage_speeds_tl(solver, i, q)
        call sums(t%tendency, t%n, t%n_reactions, q%total, q%dk(:, :, i))
        do j = 1, i - 1
          q%dk(:, :, i) = q%dk(:, :, i) + m%c(i, j)*q%dk(:, :, j) &
            /spread(q%w%h, 2, t%n + 1)
        end do
        q%dk(:, t%n + 1, i) = 0.0_wp
        call solve(t, q%w%a, q%dk(:, :, i))
      end do
      do i = 1, m%n_stages
        where (spread(q%is_active, 2, t%n + 1)) q%x = q%x + m%m(i)*q%dk(:, :, i)
      end do
    end associate
  end subroutine step_tl

  !> Change of the speeds that drive stage i: of f, of J K_i and of f_t.
  subroutine stage_speeds_tl(solver, i, q)
    class(chemistry_solver_t), intent(in) :: solver
    integer, intent(in) :: i !! stage
    type(linear_lanes_t), intent(inout) :: q

    associate (t => solver%tables, w => q%w)
      call speed_tl(t, w%k, w%stage_y(:, :, i), q%dy, q%total)
      call speeds(t, w%k, w%stage_y(:, :, i), q%dv)
      q%total = q%total + q%rates*q%dv
      call speed_curvature(t, q%k0, w%y, q%x, w%stage_k(:, :, i), q%dv)
      q%total = q%total + q%dv
      call speed_tl(t, q%k0, w%y, w%stage_k(:, :, i), q%dv)
      q%total = q%total + q%rates*q%dv
      if (t%is_autonomous) return
      call speed_tl(t, w%k_t, w%y, q%x, q%dv)
      q%total = q%total + q%dv*spread(solver%tableau%gamma_i(i)*w%h, 2, t%n_reactions)
      call speeds(t, w%k_t, w%y, q%dv)
      q%total = q%total + q%rates*q%dv &
        *spread(solver%tableau%gamma_i(i)*w%h, 2, t%n_reactions)
    end associate
  end subroutine stage_speeds_tl

  !> One step of the adjoint: `step_tl` line by line backwards.
  subroutine step_ad(solver, q)
    class(chemistry_solver_t), intent(in) :: solver
    type(linear_lanes_t), intent(inout) :: q

    integer :: i, j

    associate (t => solver%tables, m => solver%tableau)
      do i = 1, m%n_stages
        q%dk(:, :, i) = merge(m%m(i)*q%x, 0.0_wp, spread(q%is_active, 2, t%n + 1))
      end do
      do i = m%n_stages, 1, -1
        q%dk(:, t%n + 1, i) = 0.0_wp
        call solve_transposed(t, q%w%a, q%dk(:, :, i))
        do j = 1, i - 1
          q%dk(:, :, j) = q%dk(:, :, j) + m%c(i, j)*q%dk(:, :, i) &
            /spread(q%w%h, 2, t%n + 1)
        end do
        call sums(t%by_reaction, t%n_reactions, t%n, q%dk(:, :, i), q%total)
        call set_stage_rates(solver, i, q)
        call stage_speeds_ad(solver, i, q)
        do j = 1, i - 1
          q%dk(:, :, j) = q%dk(:, :, j) + m%a(i, j)*q%dy
        end do
        q%x = q%x + q%dy
        q%x(:, t%n + 1) = 0.0_wp
      end do
    end associate
  end subroutine step_ad

  !> Transpose of `stage_speeds_tl`: q%total gives q%dy, and adds to q%x and q%rates.
  subroutine stage_speeds_ad(solver, i, q)
    class(chemistry_solver_t), intent(in) :: solver
    integer, intent(in) :: i !! stage
    type(linear_lanes_t), intent(inout) :: q

    associate (t => solver%tables, w => q%w)
      q%dy = 0.0_wp
      call add_reactants_ad(t, w%k, w%stage_y(:, :, i), q%total, q%dy)
      call speeds(t, w%k, w%stage_y(:, :, i), q%dv)
      q%rates = q%rates + q%total*q%dv
      call add_reactants_ad(t, q%k0, w%y, q%total, q%x, w%stage_k(:, :, i))
      call speed_tl(t, q%k0, w%y, w%stage_k(:, :, i), q%dv)
      q%rates = q%rates + q%total*q%dv
      if (.not. t%is_autonomous) then
        q%total = q%total*spread(solver%tableau%gamma_i(i)*w%h, 2, t%n_reactions)
        call add_reactants_ad(t, w%k_t, w%y, q%total, q%x)
        call speeds(t, w%k_t, w%y, q%dv)
        q%rates = q%rates + q%total*q%dv
      end if
      q%dy(:, t%n + 1) = 0.0_wp
      q%x(:, t%n + 1) = 0.0_wp
    end associate
  end subroutine stage_speeds_ad

end module chemistry_linearised
