! SPDX-License-Identifier: MIT
!> Basins and channels made in one call, and what the tests measure in them.
module basins
  !$ use omp_lib, only: omp_get_num_procs, omp_set_num_threads
  use swe_blocks, only: halo, whole_grid
  use swe_conjugate_gradients, only: conjugate_gradients_t
  use swe_grid, only: cell_water, swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: drag_none, face_linear, swe_parameters_t
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  implicit none
  private
  public :: basin_t, build, energy, is_full_run, largest_difference, linear_step, report, &
    run, run_tide, volume

  !> A grid with fewer cells is faster on one thread than the start of two.
  integer, parameter :: cells_for_threads = 100000

  real(wp), parameter, public :: gravity = 9.81_wp
  real(wp), parameter, public :: pi = acos(-1.0_wp)

  !> A rectangle of equal cells on a plane. Without `depths` it is flat, without `cells`
  !> all water.
  type :: basin_t
    integer :: nx = 1, ny = 1
    real(wp) :: dx = 1000.0_wp, dy = 1000.0_wp !! [m]
    real(wp) :: depth = 0.0_wp                 !! [m]
    real(wp) :: f = 0.0_wp                     !! [s-1]
    logical :: periodic_x = .false., periodic_y = .false.
    real(wp) :: tolerance = 1.0e-10_wp         !! of the solver [m]
    real(wp), allocatable :: depths(:, :)      !! [m] (nx, ny)
    integer, allocatable :: cells(:, :)        !! one of cell_* (nx, ny)
  end type basin_t

contains

  !> A model of the basin, and a state at rest.
  subroutine build(basin, parameters, model, state)
    type(basin_t), intent(in) :: basin
    type(swe_parameters_t), intent(in) :: parameters
    type(swe_model_t), intent(out) :: model
    type(swe_state_t), intent(out) :: state

    integer, allocatable :: cells(:, :)
    real(wp), allocatable :: depths(:, :)
    real(wp), dimension(1 - halo:basin%ny + halo) :: f, width

    allocate (cells(basin%nx, basin%ny), source=cell_water)
    allocate (depths(basin%nx, basin%ny), source=basin%depth)
    if (allocated(basin%cells)) cells(:, :) = basin%cells
    if (allocated(basin%depths)) depths(:, :) = basin%depths
    width = basin%dx
    f = basin%f
    call model%grid%setup(whole_grid(basin%nx, basin%ny, basin%periodic_x, &
      basin%periodic_y), cells, depths, width, width, basin%dy, f, f)
    model%parameters = parameters
    allocate (conjugate_gradients_t :: model%solver)
    model%solver%tolerance = basin%tolerance
    call model%setup()
    !$ call omp_set_num_threads(merge(min(2, omp_get_num_procs()), 1, &
    !$   basin%nx*basin%ny >= cells_for_threads))
    call state%setup(model%grid%block)
  end subroutine build

  !> Parameters of the linear equations without friction.
  pure function linear_step(dt, theta) result(parameters)
    real(wp), intent(in) :: dt    !! [s]
    real(wp), intent(in) :: theta !! [1]
    type(swe_parameters_t) :: parameters

    parameters = swe_parameters_t(dt=dt, theta=theta, gravity=gravity, &
      face_depth=face_linear, drag=drag_none)
  end function linear_step

  !> Steps without forcing.
  subroutine run(model, state, n_steps)
    type(swe_model_t), intent(inout) :: model
    type(swe_state_t), intent(inout) :: state
    integer, intent(in) :: n_steps

    type(swe_forcing_t) :: forcing
    integer :: n

    do n = 1, n_steps
      call model%step(state, forcing)
    end do
  end subroutine run

  !> Drive cells of prescribed elevation by Re(boundary*exp(-i omega t)) from t = 0, and
  !> return the complex amplitude of all elevations over the last periods.
  function run_tide(model, state, boundary, omega, n_before, n_mean) result(amplitude)
    type(swe_model_t), intent(inout) :: model
    type(swe_state_t), intent(inout) :: state
    complex(wp), intent(in) :: boundary(:, :) !! [m] (nx, ny)
    real(wp), intent(in) :: omega             !! [s-1]; dt is a whole part of the period
    integer, intent(in) :: n_before, n_mean   !! periods, before and of the analysis
    complex(wp) :: amplitude(size(boundary, 1), size(boundary, 2))

    type(swe_forcing_t) :: forcing
    complex(wp) :: turn
    integer :: n, nx, ny, steps_per_period

    nx = size(boundary, 1)
    ny = size(boundary, 2)
    steps_per_period = nint(2*pi/omega/model%parameters%dt)
    allocate (forcing%open_zeta, source=state%zeta)
    amplitude = 0.0_wp
    do n = 1, (n_before + n_mean)*steps_per_period
      turn = exp(cmplx(0.0_wp, -2*pi*n/steps_per_period, wp))
      forcing%open_zeta(1:nx, 1:ny) = real(boundary*turn)
      call model%step(state, forcing)
      if (n > n_before*steps_per_period) amplitude = amplitude &
        + state%zeta(1:nx, 1:ny)*conjg(turn)*2/(n_mean*steps_per_period)
    end do
  end function run_tide

  !> Energy/density of the linear equations [m5 s-2].
  real(wp) function energy(grid, state)
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(in) :: state

    real(wp) :: water
    integer :: i, j

    energy = 0.0_wp
    do j = 1, grid%block%ny
      do i = 1, grid%block%nx
        if (grid%cell(i, j) == cell_water) energy = energy &
          + 0.5_wp*gravity*grid%area(j)*state%zeta(i, j)**2
        water = 0.5_wp*(grid%depth(i, j) + grid%depth(i + 1, j))
        if (grid%open_u(i, j) > 0.0_wp) energy = energy &
          + 0.5_wp*grid%dx(j)*grid%dy*state%u(i, j)**2/water
        water = 0.5_wp*(grid%depth(i, j) + grid%depth(i, j + 1))
        if (grid%open_v(i, j) > 0.0_wp) energy = energy &
          + 0.5_wp*grid%dx_v(j)*grid%dy*state%v(i, j)**2/water
      end do
    end do
  end function energy

  !> Volume of the water [m3].
  real(wp) function volume(grid, state)
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(in) :: state

    integer :: j, nx

    nx = grid%block%nx
    volume = 0.0_wp
    do j = 1, grid%block%ny
      volume = volume + grid%area(j)*sum(grid%depth(1:nx, j) + state%zeta(1:nx, j), &
        grid%cell(1:nx, j) == cell_water)
    end do
  end function volume

  !> Largest difference of two states in the rows of a block, transports divided by
  !> `celerity` [m].
  pure real(wp) function largest_difference(one, other, celerity)
    type(swe_state_t), intent(in) :: one, other
    real(wp), intent(in) :: celerity !! [m s-1]

    integer :: last

    last = ubound(one%zeta, 2) - halo
    largest_difference = max(maxval(abs(one%zeta(:, 1:last) - other%zeta(:, 1:last))), &
      maxval(abs(one%u(:, 1:last) - other%u(:, 1:last)))/celerity, &
      maxval(abs(one%v(:, 1:last) - other%v(:, 1:last)))/celerity)
  end function largest_difference

  !> Whether the driver was called with the argument `full`: the sizes of the figures too.
  logical function is_full_run()
    character(len=8) :: argument

    call get_command_argument(1, argument)
    is_full_run = argument == "full"
  end function is_full_run

  !> Print an error in a form that the figures' script reads.
  subroutine report(series, size, error)
    character(len=*), intent(in) :: series !! without blanks
    real(wp), intent(in) :: size           !! cell or time step
    real(wp), intent(in) :: error

    print "(a, 1x, a, 2(1x, es12.4))", "error", series, size, error
  end subroutine report

end module basins
