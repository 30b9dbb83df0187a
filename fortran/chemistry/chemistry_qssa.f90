! SPDX-License-Identifier: MIT
!> The quasi-steady-state method: the cheap, explicit way through stiff chemistry.
!>
!> With production P and loss L y frozen over a sub-step h, each species has
!>
!>     y(t + h) = P/L + (y - P/L) exp(-L h)
!>
!> (Hesstvedt et al. 1978, doi:10.1002/kin.550100907; compared with Rosenbrock methods by
!> Sandu et al. 1997, doi:10.1016/S1352-2310(97)83212-8). Positive always; first order; no
!> error control; elements are not kept, since the loss of one species and the gain of
!> another are averaged differently. It stands here as what emulators are compared with.
module chemistry_qssa
  use, intrinsic :: ieee_arithmetic, only: ieee_is_finite
  use chemistry_kernel, only: lanes, speeds
  use chemistry_mechanism, only: max_order, mechanism_t
  use chemistry_rates, only: photolyse
  use chemistry_solver, only: flag_done, flag_negative, flag_not_finite, flag_temperature, &
    load_rates
  use chemistry_tables, only: build_tables, tables_t
  use failures, only: err_argument, err_shape, fail, succeed
  use kinds, only: wp
  implicit none
  private
  public :: qssa_t

  real(wp), parameter :: small_loss = 1.0e-6_wp !! L h below which P counts as a source

  !> A mechanism split into what makes and what eats each species.
  type :: qssa_t
    type(mechanism_t) :: mechanism
    type(tables_t) :: tables
    integer, allocatable :: others(:, :) !! slots of the other reactants (order - 1, term)
    logical, allocatable :: is_loss(:)   !! of a term of `tables%tendency` (term)
  contains
    procedure :: setup
    procedure :: integrate
  end type qssa_t

contains

  !> Sort the terms of each species.
  subroutine setup(self, mechanism, stat, errmsg)
    class(qssa_t), intent(inout) :: self
    type(mechanism_t), intent(in) :: mechanism
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: i, j, p

    self%mechanism = mechanism
    call build_tables(mechanism, self%tables)
    associate (list => self%tables%tendency)
      self%is_loss = list%weight < 0.0_wp
      if (allocated(self%others)) deallocate (self%others)
      allocate (self%others(max_order - 1, size(list%index)), source=self%tables%n + 1)
      do i = 1, self%tables%n
        do p = list%start(i), list%start(i + 1) - 1
          if (.not. self%is_loss(p)) cycle
          associate (reactant => self%tables%reactant(:, list%index(p)))
            j = findloc(reactant, i, dim=1)
            if (j == 0) then
              call fail(err_argument, "chemistry: quasi-steady state needs what a "// &
                "reaction eats on its left: '"// &
                mechanism%reactions(list%index(p))%text//"'", stat, errmsg)
              return
            end if
            self%others(:, p) = pack(reactant, [(i, i=1, max_order)] /= j)
          end associate
        end do
      end do
    end associate
    call succeed(stat)
  end subroutine setup

  !> Advance all cells from t to t + dt by equal sub-steps. A flagged cell keeps its input.
  subroutine integrate(self, y, t, dt, n_substeps, flags, temperature, stat, errmsg)
    class(qssa_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: y(:, :) !! concentrations (species, cell)
    real(wp), intent(in) :: t                      !! start [time unit]
    real(wp), intent(in) :: dt                     !! length
    integer, intent(in) :: n_substeps              !! sub-steps in it
    integer, intent(out), contiguous :: flags(:)   !! one of flag_* (cell)
    real(wp), intent(in), contiguous, optional :: temperature(:) !! [K] (cell)
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(wp) :: kelvin(lanes)
    integer :: c, cell, l

    if (n_substeps < 1 .or. .not. dt > 0.0_wp) then
      call fail(err_argument, "chemistry: 'dt' and 'n_substeps' must be positive", stat, &
        errmsg)
      return
    else if (size(y, 1) /= self%tables%n .or. size(flags) /= size(y, 2)) then
      call fail(err_shape, "chemistry: 'y', 'flags' and the mechanism differ in their "// &
        "extents", stat, errmsg)
      return
    end if
    !$omp parallel do private(c, cell, l, kelvin) if(size(flags) > lanes)
    do c = 1, size(flags), lanes
      kelvin = self%mechanism%temperature
      do l = 1, min(lanes, size(flags) - c + 1)
        cell = c + l - 1
        if (present(temperature)) kelvin(l) = temperature(cell)
        flags(cell) = input_flag(y(:, cell), kelvin(l))
        if (flags(cell) /= flag_done) kelvin(l) = self%mechanism%temperature
      end do
      call advance_block(self, y, c, t, dt/n_substeps, n_substeps, flags, kelvin)
    end do
    !$omp end parallel do
    call succeed(stat)
  end subroutine integrate

  !> Whether a cell can be advanced.
  pure integer function input_flag(y, kelvin) result(flag)
    real(wp), intent(in) :: y(:)
    real(wp), intent(in) :: kelvin

    flag = flag_done
    if (.not. all(ieee_is_finite(y))) then
      flag = flag_not_finite
    else if (any(y < 0.0_wp)) then
      flag = flag_negative
    else if (.not. (kelvin > 0.0_wp .and. ieee_is_finite(kelvin))) then
      flag = flag_temperature
    end if
  end function input_flag

  !> All sub-steps of some cells, one in each lane.
  subroutine advance_block(self, y, first, t, h, n, flags, kelvin)
    type(qssa_t), intent(in) :: self
    real(wp), intent(inout), contiguous :: y(:, :)
    integer, intent(in) :: first !! cell of the first lane
    real(wp), intent(in) :: t, h
    integer, intent(in) :: n
    integer, intent(in) :: flags(:)
    real(wp), intent(in) :: kelvin(lanes)

    real(wp) :: z(lanes, self%tables%n + 1), k(lanes, self%tables%n_reactions)
    real(wp) :: v(lanes, self%tables%n_reactions), middle(lanes)
    integer :: l, n_lanes, step

    n_lanes = min(lanes, size(flags) - first + 1)
    z = 0.0_wp
    z(:, self%tables%n + 1) = 1.0_wp
    do l = 1, lanes
      call load_rates(self%mechanism, kelvin(l), k(l, :))
      if (l > n_lanes) cycle
      if (flags(first + l - 1) == flag_done) then
        z(l, :self%tables%n) = y(self%tables%species, first + l - 1)
      end if
    end do
    do step = 1, n
      if (.not. self%tables%is_autonomous) then
        middle = t + (step - 0.5_wp)*h
        call photolyse(self%mechanism, self%tables%photolytic, middle, k)
      end if
      call speeds(self%tables, k, z, v)
      call relax(self, k, v, h, z)
    end do
    do l = 1, n_lanes
      if (flags(first + l - 1) /= flag_done) cycle
      y(self%tables%species, first + l - 1) = z(l, :self%tables%n)
    end do
  end subroutine advance_block

  !> One sub-step of all lanes.
  subroutine relax(self, k, v, h, z)
    type(qssa_t), intent(in) :: self
    real(wp), intent(in) :: k(lanes, self%tables%n_reactions)
    real(wp), intent(in) :: v(lanes, self%tables%n_reactions)
    real(wp), intent(in) :: h
    real(wp), intent(inout) :: z(lanes, self%tables%n + 1)

    real(wp), dimension(lanes) :: loss, production, decay
    real(wp) :: next(lanes, self%tables%n)
    integer :: i, l, p, r

    associate (list => self%tables%tendency)
      do i = 1, self%tables%n
        loss = 0.0_wp
        production = 0.0_wp
        do p = list%start(i), list%start(i + 1) - 1
          r = list%index(p)
          if (self%is_loss(p)) then
            do l = 1, lanes
              loss(l) = loss(l) - list%weight(p)*k(l, r)*z(l, self%others(1, p)) &
                *z(l, self%others(2, p))
            end do
          else
            do l = 1, lanes
              production(l) = production(l) + list%weight(p)*v(l, r)
            end do
          end if
        end do
        decay = exp(-loss*h)
        do l = 1, lanes
          if (loss(l)*h > small_loss) then
            next(l, i) = z(l, i)*decay(l) + production(l)/loss(l)*(1.0_wp - decay(l))
          else
            next(l, i) = z(l, i)*decay(l) + production(l)*h
          end if
        end do
      end do
    end associate
    z(:, :self%tables%n) = next
  end subroutine relax

end module chemistry_qssa
