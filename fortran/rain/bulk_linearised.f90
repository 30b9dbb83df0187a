! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of the warm rain scheme of `bulk_rates`, and of its steps.
!>
!> A cell's rates are five functions of four moments: their Jacobian is written out, and
!> serves both directions, so that the adjoint is the transpose to rounding. Limits (no more
!> moves than there is, drops no heavier than x*) have the derivative of the branch taken.
!> Phi grows with tau^0.68: its derivative has no bound where rain begins, and is taken as
!> zero where there is none. Shapes nu are parameters of a run and are not perturbed.
module bulk_linearised
  use bulk_box, only: bulk_block_step
  use bulk_rates, only: apply_fluxes, block_rates, kcc, kcr, krr, lanes, least, n_fluxes, &
    phi_factor, phi_power, tau_accretion, x_star
  use kinds, only: wp
  implicit none
  private
  public :: bulk_advance_ad, bulk_advance_tl

  integer, parameter :: n_moments = 4
  real(wp), parameter :: part_of_step(4) = [0.0_wp, 0.5_wp, 0.5_wp, 1.0_wp]
    !! time of a stage of classical Runge-Kutta, in steps
  real(wp), parameter :: weight(4) = [1.0_wp, 2.0_wp, 2.0_wp, 1.0_wp]/6.0_wp

  !> Which limits of `apply_fluxes` hold in a cell: factors are 1 or 0.
  type :: branch_t
    logical :: takes_all        !! more is asked for than the cloud holds
    real(wp) :: asked = 1.0_wp  !! mass that the rates ask for [kg m-3]
    real(wp) :: part = 1.0_wp   !! of it that moves [1]
    real(wp) :: loses = 1.0_wp  !! cloud drops are lost
    real(wp) :: falls = 1.0_wp  !! their number is the old one less the loss
    real(wp) :: number = 1.0_wp !! the new number depends on the old one
    real(wp) :: heaviest = 0.0_wp !! drops as heavy as can be: number follows mass
    real(wp) :: rain = 1.0_wp   !! rain drops are left
  end type branch_t

  !> Rates and states of one Runge-Kutta step of a block.
  type :: stages_t
    real(wp) :: y(lanes, n_moments, 4) !! states of the stages
    real(wp) :: r(lanes, n_fluxes, 4)  !! rates there
    real(wp) :: mean(lanes, n_fluxes)  !! rates of the step
  end type stages_t

contains

  !> Advance boxes and perturbations of their moments.
  subroutine bulk_advance_tl(state, state_tl, dt, n_steps)
    real(wp), intent(inout) :: state(:, :)    !! (quantity, cell)
    real(wp), intent(inout) :: state_tl(:, :) !! perturbed moments (moment, cell)
    real(wp), intent(in) :: dt                !! time step [s]
    integer, intent(in) :: n_steps            !! number of steps

    real(wp) :: nu(lanes), r(lanes, n_fluxes), y(lanes, n_moments), y_tl(lanes, n_moments)
    type(stages_t) :: stages
    integer :: first, i, n

    !$omp parallel do private(i, n, nu, r, y, y_tl, stages)
    do first = 1, size(state, 2), lanes
      call load(state, state_tl, first, n, y, nu, y_tl)
      do i = 1, n_steps
        call find_stages(y, nu, dt, stages)
        call step_tl(stages, nu, dt, y_tl)
        call bulk_block_step(y, nu, dt, r)
      end do
      state(:n_moments, first:first + n - 1) = transpose(y(:n, :))
      state_tl(:, first:first + n - 1) = transpose(y_tl(:n, :))
    end do
    !$omp end parallel do
  end subroutine bulk_advance_tl

  !> Carry sensitivities to the moments at the end back to the start; `state` stays there.
  subroutine bulk_advance_ad(state, state_ad, dt, n_steps)
    real(wp), intent(in) :: state(:, :)       !! at the start (quantity, cell)
    real(wp), intent(inout) :: state_ad(:, :) !! at the end, then the start (moment, cell)
    real(wp), intent(in) :: dt                !! time step [s]
    integer, intent(in) :: n_steps            !! number of steps

    real(wp), allocatable :: path(:, :, :)
    real(wp) :: nu(lanes), r(lanes, n_fluxes), y(lanes, n_moments), y_ad(lanes, n_moments)
    type(stages_t) :: stages
    integer :: first, i, n

    !$omp parallel do private(i, n, nu, r, y, y_ad, path, stages)
    do first = 1, size(state, 2), lanes
      allocate (path(lanes, n_moments, n_steps))
      call load(state, state_ad, first, n, y, nu, y_ad)
      do i = 1, n_steps
        path(:, :, i) = y
        call bulk_block_step(y, nu, dt, r)
      end do
      do i = n_steps, 1, -1
        call find_stages(path(:, :, i), nu, dt, stages)
        call step_ad(stages, nu, dt, y_ad)
      end do
      state_ad(:, first:first + n - 1) = transpose(y_ad(:n, :))
      deallocate (path)
    end do
    !$omp end parallel do
  end subroutine bulk_advance_ad

  !> Copy a block of cells and its perturbation; what is missing to a whole block is empty.
  pure subroutine load(state, state_d, first, n, y, nu, y_d)
    real(wp), intent(in) :: state(:, :)   !! (quantity, cell)
    real(wp), intent(in) :: state_d(:, :) !! perturbation or sensitivity (moment, cell)
    integer, intent(in) :: first          !! its first cell
    integer, intent(out) :: n             !! its cells
    real(wp), intent(out) :: y(lanes, n_moments)
    real(wp), intent(out) :: nu(lanes)
    real(wp), intent(out) :: y_d(lanes, n_moments)

    n = min(lanes, size(state, 2) - first + 1)
    y = 0.0_wp
    y_d = 0.0_wp
    nu = 1.0_wp
    y(:n, :) = transpose(state(:n_moments, first:first + n - 1))
    y_d(:n, :) = transpose(state_d(:, first:first + n - 1))
    nu(:n) = state(7, first:first + n - 1)
  end subroutine load

  !> States and rates of a Runge-Kutta step, as `bulk_block_step` has them.
  pure subroutine find_stages(y, nu, dt, stages)
    real(wp), intent(in) :: y(lanes, n_moments)
    real(wp), intent(in) :: nu(lanes)
    real(wp), intent(in) :: dt
    type(stages_t), intent(out) :: stages

    integer :: s

    stages%mean = 0.0_wp
    stages%y(:, :, 1) = y
    do s = 1, 4
      if (s > 1) call apply_fluxes(y, stages%r(:, :, s - 1), part_of_step(s)*dt, &
        stages%y(:, :, s))
      call block_rates(stages%y(:, :, s), nu, stages%r(:, :, s))
      stages%mean = stages%mean + weight(s)*stages%r(:, :, s)
    end do
  end subroutine find_stages

  !> Tangent-linear of a step.
  pure subroutine step_tl(stages, nu, dt, y_tl)
    type(stages_t), intent(in) :: stages
    real(wp), intent(in) :: nu(lanes)
    real(wp), intent(in) :: dt
    real(wp), intent(inout) :: y_tl(lanes, n_moments)

    real(wp) :: jac(lanes, n_fluxes, n_moments), mean_tl(lanes, n_fluxes), &
      r_tl(lanes, n_fluxes), stage_tl(lanes, n_moments)
    integer :: m, s

    mean_tl = 0.0_wp
    stage_tl = y_tl
    do s = 1, 4
      if (s > 1) call apply_fluxes_tl(stages%y(:, :, 1), stages%r(:, :, s - 1), &
        part_of_step(s)*dt, y_tl, r_tl, stage_tl)
      call jacobian(stages%y(:, :, s), nu, jac)
      r_tl = 0.0_wp
      do m = 1, n_moments
        r_tl = r_tl + jac(:, :, m)*spread(stage_tl(:, m), 2, n_fluxes)
      end do
      mean_tl = mean_tl + weight(s)*r_tl
    end do
    call apply_fluxes_tl(stages%y(:, :, 1), stages%mean, dt, y_tl, mean_tl, stage_tl)
    y_tl = stage_tl
  end subroutine step_tl

  !> Adjoint of a step.
  pure subroutine step_ad(stages, nu, dt, y_ad)
    type(stages_t), intent(in) :: stages
    real(wp), intent(in) :: nu(lanes)
    real(wp), intent(in) :: dt
    real(wp), intent(inout) :: y_ad(lanes, n_moments)

    real(wp) :: jac(lanes, n_fluxes, n_moments), later_ad(lanes, n_moments), &
      mean_ad(lanes, n_fluxes), r_ad(lanes, n_fluxes), stage_ad(lanes, n_moments)
    integer :: m, s

    later_ad = y_ad
    y_ad = 0.0_wp
    mean_ad = 0.0_wp
    call apply_fluxes_ad(stages%y(:, :, 1), stages%mean, dt, y_ad, mean_ad, later_ad)
    r_ad = 0.0_wp
    do s = 4, 1, -1
      r_ad = r_ad + weight(s)*mean_ad
      call jacobian(stages%y(:, :, s), nu, jac)
      do m = 1, n_moments
        stage_ad(:, m) = sum(jac(:, :, m)*r_ad, dim=2)
      end do
      r_ad = 0.0_wp
      if (s > 1) then
        call apply_fluxes_ad(stages%y(:, :, 1), stages%r(:, :, s - 1), &
          part_of_step(s)*dt, y_ad, r_ad, stage_ad)
      else
        y_ad = y_ad + stage_ad
      end if
    end do
  end subroutine step_ad

  !> Derivatives of the rates of `block_rates` by the moments.
  pure subroutine jacobian(y, nu, jac)
    real(wp), intent(in) :: y(lanes, n_moments)
    real(wp), intent(in) :: nu(lanes)
    real(wp), intent(out) :: jac(lanes, n_fluxes, n_moments) !! (cell, rate, moment)

    real(wp) :: accreted, accreted_tau, both, cloud, lc, lr, nc, p, phi, phi_tau, share, &
      spread_nu, tau, tau_lc, tau_lr, total, xc, xc_lc, xc_nc
    logical :: is_counted
    integer :: i

    jac = 0.0_wp
    do i = 1, lanes
      lc = y(i, 1)
      lr = y(i, 3)
      is_counted = y(i, 2) > lc*(1.0_wp/x_star) ! else drops have the mass x*
      nc = max(y(i, 2), lc*(1.0_wp/x_star))
      xc = lc/max(nc, least)
      xc_lc = merge(1.0_wp/max(nc, least), 0.0_wp, is_counted)
      xc_nc = merge(-xc/max(nc, least), 0.0_wp, is_counted)
      total = lc + lr
      tau = lr/max(total, least)
      tau_lc = merge(-tau/max(total, least), 0.0_wp, total > least)
      tau_lr = merge((1.0_wp - tau)/max(total, least), 0.0_wp, total > least)
      p = exp(phi_power*log(max(tau, least)))
      phi = phi_factor*p*(1.0_wp - p)**3
      phi_tau = merge(phi_factor*(1.0_wp - p)**2*(1.0_wp - 4.0_wp*p)*phi_power*p &
        /max(tau, least), 0.0_wp, tau > least)
      share = tau/(tau + tau_accretion)
      accreted = kcr*lr*share**4
      accreted_tau = 4.0_wp*kcr*lr*share**3*tau_accretion/(tau + tau_accretion)**2
      spread_nu = (nu(i) + 2.0_wp)/(nu(i) + 1.0_wp)
      cloud = kcc/(20.0_wp*x_star)*spread_nu*(nu(i) + 4.0_wp)/(nu(i) + 1.0_wp)
      both = lc**2 + phi*total**2
      jac(i, 1, 1) = cloud*(2.0_wp*xc*xc_lc*both + xc**2*(2.0_wp*lc + phi_tau*tau_lc &
        *total**2 + 2.0_wp*phi*total))
      jac(i, 1, 2) = cloud*2.0_wp*xc*xc_nc*both
      jac(i, 1, 3) = cloud*xc**2*(phi_tau*tau_lr*total**2 + 2.0_wp*phi*total)
      jac(i, 2, 1) = accreted + lc*accreted_tau*tau_lc
      jac(i, 2, 3) = lc*(kcr*share**4 + accreted_tau*tau_lr)
      jac(i, 3, 1) = 2.0_wp*kcc*spread_nu*lc
      jac(i, 4, 3) = krr*y(i, 4)
      jac(i, 4, 4) = krr*lr
      jac(i, 5, 1) = nc*accreted_tau*tau_lc + merge(0.0_wp, accreted/x_star, is_counted)
      jac(i, 5, 2) = merge(accreted, 0.0_wp, is_counted)
      jac(i, 5, 3) = nc*(kcr*share**4 + accreted_tau*tau_lr)
    end do
  end subroutine jacobian

  !> Limits that hold in a cell.
  pure type(branch_t) function branch(y, r, dt)
    real(wp), intent(in) :: y(n_moments)
    real(wp), intent(in) :: r(n_fluxes)
    real(wp), intent(in) :: dt

    real(wp) :: floor_number, left, loss

    branch%asked = max(dt*(r(1) + r(2)), least)
    branch%part = min(1.0_wp, y(1)/branch%asked)
    branch%takes_all = y(1) < branch%asked
    left = y(1) - min(dt*(r(1) + r(2)), y(1))
    loss = dt*(r(3) + branch%part*r(5))
    if (.not. loss > 0.0_wp) branch%loses = 0.0_wp
    loss = max(loss, 0.0_wp)
    floor_number = min(y(2), left/x_star)
    if (y(2) - loss < floor_number) then
      branch%falls = 0.0_wp
      if (left/x_star < y(2)) then
        branch%number = 0.0_wp
        branch%heaviest = 1.0_wp
      end if
    end if
    if (.not. y(4) + branch%part*dt*r(1)/x_star - dt*r(4) > 0.0_wp) branch%rain = 0.0_wp
  end function branch

  !> Tangent-linear of `apply_fluxes`.
  pure subroutine apply_fluxes_tl(y, r, dt, y_tl, r_tl, y_new_tl)
    real(wp), intent(in) :: y(lanes, n_moments)
    real(wp), intent(in) :: r(lanes, n_fluxes)
    real(wp), intent(in) :: dt
    real(wp), intent(in) :: y_tl(lanes, n_moments)
    real(wp), intent(in) :: r_tl(lanes, n_fluxes)
    real(wp), intent(out) :: y_new_tl(lanes, n_moments)

    type(branch_t) :: b
    real(wp) :: asked_tl, loss_tl, moved_tl, part_tl
    integer :: i

    do i = 1, lanes
      b = branch(y(i, :), r(i, :), dt)
      asked_tl = dt*(r_tl(i, 1) + r_tl(i, 2))
      moved_tl = merge(y_tl(i, 1), asked_tl, b%takes_all)
      part_tl = merge((y_tl(i, 1) - b%part*asked_tl)/b%asked, 0.0_wp, b%takes_all)
      y_new_tl(i, 1) = y_tl(i, 1) - moved_tl
      y_new_tl(i, 3) = y_tl(i, 3) + moved_tl
      loss_tl = b%loses*dt*(r_tl(i, 3) + b%part*r_tl(i, 5) + r(i, 5)*part_tl)
      y_new_tl(i, 2) = b%number*(y_tl(i, 2) - b%falls*loss_tl) &
        + b%heaviest*y_new_tl(i, 1)/x_star
      y_new_tl(i, 4) = b%rain*(y_tl(i, 4) - dt*r_tl(i, 4) + dt/x_star*(b%part*r_tl(i, 1) &
        + r(i, 1)*part_tl))
    end do
  end subroutine apply_fluxes_tl

  !> Adjoint of `apply_fluxes`: adds to `y_ad` and `r_ad`.
  pure subroutine apply_fluxes_ad(y, r, dt, y_ad, r_ad, y_new_ad)
    real(wp), intent(in) :: y(lanes, n_moments)
    real(wp), intent(in) :: r(lanes, n_fluxes)
    real(wp), intent(in) :: dt
    real(wp), intent(inout) :: y_ad(lanes, n_moments)
    real(wp), intent(inout) :: r_ad(lanes, n_fluxes)
    real(wp), intent(in) :: y_new_ad(lanes, n_moments)

    type(branch_t) :: b
    real(wp) :: asked_ad, first_ad, loss_ad, moved_ad, part_ad, rain_ad
    integer :: i

    do i = 1, lanes
      b = branch(y(i, :), r(i, :), dt)
      rain_ad = b%rain*y_new_ad(i, 4)
      y_ad(i, 4) = y_ad(i, 4) + rain_ad
      r_ad(i, 1) = r_ad(i, 1) + dt/x_star*b%part*rain_ad
      r_ad(i, 4) = r_ad(i, 4) - dt*rain_ad
      part_ad = dt/x_star*r(i, 1)*rain_ad
      y_ad(i, 2) = y_ad(i, 2) + b%number*y_new_ad(i, 2)
      loss_ad = -b%loses*b%falls*b%number*y_new_ad(i, 2)*dt
      r_ad(i, 3) = r_ad(i, 3) + loss_ad
      r_ad(i, 5) = r_ad(i, 5) + b%part*loss_ad
      part_ad = part_ad + r(i, 5)*loss_ad
      first_ad = y_new_ad(i, 1) + b%heaviest/x_star*y_new_ad(i, 2)
      moved_ad = y_new_ad(i, 3) - first_ad
      y_ad(i, 1) = y_ad(i, 1) + first_ad + merge(moved_ad + part_ad/b%asked, 0.0_wp, &
        b%takes_all)
      y_ad(i, 3) = y_ad(i, 3) + y_new_ad(i, 3)
      asked_ad = merge(-b%part*part_ad/b%asked, moved_ad, b%takes_all)
      r_ad(i, 1:2) = r_ad(i, 1:2) + dt*asked_ad
    end do
  end subroutine apply_fluxes_ad

end module bulk_linearised
