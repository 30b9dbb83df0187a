! SPDX-License-Identifier: MIT
!> Budgets of a shallow water state: volume, kinetic and potential energy, extremes.
!>
!>     volume     sum area*(zeta - B) over water           [m3]
!>     potential  sum area*g*(zeta**2 - B**2)/2 over water [m5 s-2], energy/density
!>     kinetic    sum area*U**2/(2 H) over faces           [m5 s-2]
!>
!> B is the bed where it stands above the undisturbed surface, else 0: dry land has nothing.
!> The volume that a step lets in through open boundaries is known to rounding, since the
!> same transports made the new elevation: what is left of the change is the model's error.
module swe_budgets
  use swe_blocks, only: halo, lead
  use swe_exchange, only: global_maximum, global_sum
  use swe_grid, only: boundary_face_t, cell_water, swe_grid_t
  use swe_kinds, only: real64, wp
  use swe_parameters, only: face_linear, swe_parameters_t
  use swe_state, only: swe_state_t
  implicit none
  private
  public :: budget_of, inflow, swe_budget_t, water_volume

  !> Budgets of the whole grid at one time.
  type :: swe_budget_t
    real(real64) :: volume = 0      !! above the undisturbed surface [m3]
    real(real64) :: kinetic = 0     !! energy/density [m5 s-2]
    real(real64) :: potential = 0   !! energy/density [m5 s-2]
    real(real64) :: largest_zeta = 0 !! of all |zeta| [m]
    real(real64) :: fastest = 0     !! largest mean velocity at a face [m s-1]
  end type swe_budget_t

contains

  !> Budgets of a state. Sums are real64 in either build.
  function budget_of(grid, parameters, state) result(budget)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state !! with filled halos
    type(swe_budget_t) :: budget

    real(wp) :: extremes(2), sums(3)
    real(real64) :: row(3), total(3)
    integer :: j

    total = 0.0_real64
    extremes = 0.0_wp
    !$omp parallel do private(row) reduction(+: total) reduction(max: extremes)
    do j = 1, grid%block%ny
      call add_row(grid, parameters, state, j, row, extremes)
      total = total + row
    end do
    sums = global_sum(grid%block, real(total, wp))
    budget%volume = sums(1)
    budget%potential = sums(2)
    budget%kinetic = sums(3)
    budget%largest_zeta = global_maximum(grid%block, extremes(1))
    budget%fastest = global_maximum(grid%block, extremes(2))
  end function budget_of

  !> What one row of cells and their faces hold.
  pure subroutine add_row(grid, parameters, state, j, row, extremes)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state
    integer, intent(in) :: j                !! row
    real(real64), intent(out) :: row(3)     !! volume, potential, kinetic
    real(wp), intent(inout) :: extremes(2)  !! largest |zeta|, fastest

    real(real64) :: area, area_v, bed
    integer :: i

    row = 0.0_real64
    area = grid%area(j)
    area_v = grid%dx_v(j)*grid%dy
    do i = 1, grid%block%nx
      if (grid%cell(i, j) == cell_water) then
        bed = max(0.0_wp, -grid%depth(i, j))
        row(1) = row(1) + (state%zeta(i, j) - bed)
        row(2) = row(2) + 0.5_real64*parameters%gravity*(state%zeta(i, j) - bed) &
          *(state%zeta(i, j) + bed)
        if (grid%depth(i, j) + state%zeta(i, j) > 0.0_wp) then
          extremes(1) = max(extremes(1), abs(state%zeta(i, j)))
        end if
      end if
      call add_face(state%u(i, j), face_depth(grid, parameters, state, i, j, 1, 0), &
        1.0_real64, row(3), extremes(2))
      call add_face(state%v(i, j), face_depth(grid, parameters, state, i, j, 0, 1), &
        area_v/area, row(3), extremes(2))
    end do
    row = row*area
  end subroutine add_row

  !> Kinetic energy of one face.
  pure subroutine add_face(transport, h, share, kinetic, fastest)
    real(wp), intent(in) :: transport        !! [m2 s-1]
    real(wp), intent(in) :: h                !! water depth [m], 0 if there is none
    real(real64), intent(in) :: share        !! area of the face/area of the cell [1]
    real(real64), intent(inout) :: kinetic   !! [m3 s-2]
    real(wp), intent(inout) :: fastest       !! [m s-1]

    if (.not. h > 0.0_wp) return
    kinetic = kinetic + 0.5_real64*share*transport**2/h
    fastest = max(fastest, abs(transport)/h)
  end subroutine add_face

  !> Mean depth of water between two cells, 0 where the face is closed or dry [m].
  pure real(wp) function face_depth(grid, parameters, state, i, j, di, dj) result(h)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: state
    integer, intent(in) :: i, j, di, dj !! cell, and the step to the other one

    h = 0.5_wp*(grid%depth(i, j) + grid%depth(i + di, j + dj))
    if (parameters%face_depth /= face_linear) h = h &
      + 0.5_wp*(state%zeta(i, j) + state%zeta(i + di, j + dj))
    if (di == 1 .and. .not. grid%open_u(i, j) > 0.0_wp) h = 0.0_wp
    if (dj == 1 .and. .not. grid%open_v(i, j) > 0.0_wp) h = 0.0_wp
    if (h < parameters%min_depth) h = 0.0_wp
  end function face_depth

  !> Volume of all water at rest [m3].
  function water_volume(grid) result(volume)
    type(swe_grid_t), intent(in) :: grid
    real(real64) :: volume

    real(wp) :: sums(1)
    real(real64) :: total
    integer :: j

    total = 0.0_real64
    do j = 1, grid%block%ny
      total = total + real(grid%area(j), real64)*sum(real(max(0.0_wp, &
        grid%depth(1:grid%block%nx, j)), real64), &
        mask=grid%cell(1:grid%block%nx, j) == cell_water)
    end do
    sums = global_sum(grid%block, real([total], wp))
    volume = sums(1)
  end function water_volume

  !> Volume that came into this block's water through open boundaries during a step [m3].
  !> A model that keeps velocity says what it moved: give that as both states.
  real(real64) function inflow(grid, parameters, old, new)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_state_t), intent(in) :: old, new !! before and after the step

    integer :: i, j, k

    inflow = 0.0_real64
    do k = 1, size(grid%boundary_u)
      associate (face => grid%boundary_u(k))
        if (is_own(grid, face)) inflow = inflow - face%outward*grid%dy*through( &
          parameters, old%u, new%u, face%i, face%j)
      end associate
    end do
    do k = 1, size(grid%boundary_v)
      associate (face => grid%boundary_v(k))
        if (is_own(grid, face)) inflow = inflow - face%outward*grid%dx_v(face%j)*through( &
          parameters, old%v, new%v, face%i, face%j)
      end associate
    end do
    do k = 1, size(grid%fixed, 2)
      i = grid%fixed(1, k)
      j = grid%fixed(2, k)
      if (is_water(grid, i + 1, j)) inflow = inflow + grid%dy*through(parameters, old%u, &
        new%u, i, j)
      if (is_water(grid, i - 1, j)) inflow = inflow - grid%dy*through(parameters, old%u, &
        new%u, i - 1, j)
      if (is_water(grid, i, j + 1)) inflow = inflow + grid%dx_v(j)*through(parameters, &
        old%v, new%v, i, j)
      if (is_water(grid, i, j - 1)) inflow = inflow - grid%dx_v(j - 1)*through( &
        parameters, old%v, new%v, i, j - 1)
    end do
    inflow = inflow*parameters%dt
  end function inflow

  !> The transport that made the new elevation [m2 s-1].
  pure real(real64) function through(parameters, old, new, i, j)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: old(1 - lead:, 1 - halo:), new(1 - lead:, 1 - halo:)
    integer, intent(in) :: i, j !! of the face

    through = (1.0_wp - parameters%theta)*old(i, j) + parameters%theta*new(i, j)
  end function through

  !> Whether the inner cell of a boundary face is this block's: then it counts the face.
  pure logical function is_own(grid, face)
    type(swe_grid_t), intent(in) :: grid
    type(boundary_face_t), intent(in) :: face

    is_own = is_water(grid, face%i_inside, face%j_inside)
  end function is_own

  !> Whether a cell is water of this block.
  pure logical function is_water(grid, i, j)
    type(swe_grid_t), intent(in) :: grid
    integer, intent(in) :: i, j

    is_water = .false.
    if (i < 1 .or. j < 1 .or. i > grid%block%nx .or. j > grid%block%ny) return
    is_water = grid%cell(i, j) == cell_water
  end function is_water

end module swe_budgets
