! SPDX-License-Identifier: MIT
!> The adjoint on any number of ranks: the same sensitivities as on a process alone, to the
!> tolerance of the solves, and the transpose of the tangent-linear.
!>
!> The sea has islands, a rough bottom, rotation, wind, air pressure, viscosity, advection,
!> and every kind of open boundary.
program test_swe_adjoint_ranks
  use swe_blocks, only: block_t, east_end, halo, lead, ranks_t, whole_grid
  use swe_controls, only: swe_controls_t
  use swe_decomposition, only: decompose
  use swe_exchange, only: exchange, exchange_ad, global_sum
  use swe_grid, only: cell_elevation, cell_land, cell_radiating, cell_transport, cell_water
  use swe_kinds, only: wp
  use swe_parameters, only: advection_limited, face_upwind, swe_parameters_t
  use swe_ranks, only: end_ranks, gather, start_ranks
  use swe_run_linearised, only: held_forcing_t, run_ad, run_tl
  use swe_solvers, only: make_solver
  use swe_state, only: swe_state_t
  use swe_step, only: swe_model_t
  use swe_step_linearised, only: swe_linearised_t
  use testing, only: check_below, finish
  implicit none

  integer, parameter :: nx = 38, ny = 26, n_steps = 3, n_fields = 13
  real(wp), parameter :: agreement = 1.0e-11_wp
    !! relative: solves to 1e-13, and a forward run whose solver leaves 1e-12 m
  real(wp), parameter :: rounding = 1.0e-12_wp !! relative, of the transposes
  type(ranks_t) :: ranks
  integer :: x

  call start_ranks(ranks)
  do x = 0, 1
    call check_exchange(x == 1)
    call check_sensitivities(x == 1)
  end do
  call end_ranks(ranks)
  call finish()

contains

  !> <E a, b> = <a, E' b> for the halo exchange E.
  subroutine check_exchange(periodic_x)
    logical, intent(in) :: periodic_x

    type(block_t) :: block
    real(wp), allocatable :: a(:, :), b(:, :)
    real(wp) :: products(2)
    integer :: i, j

    call decompose(ranks, nx, ny, periodic_x, .true., block)
    allocate (a(1 - lead:east_end(block%nx), 1 - halo:block%ny + halo), source=0.0_wp)
    allocate (b, source=a)
    call fill(block, 1, 1.0_wp, a)
    do j = lbound(b, 2), ubound(b, 2)
      do i = lbound(b, 1), ubound(b, 1)
        b(i, j) = noise(i + 7*ranks%rank, j, 2)
      end do
    end do
    call exchange(block, a)
    products(1) = sum(a*b)
    call exchange_ad(block, b)
    products(2) = sum(a(1:block%nx, 1:block%ny)*b(1:block%nx, 1:block%ny))
    products = global_sum(block, products)
    call check_below(abs(products(1) - products(2)), rounding*nx*ny, &
      "exchange_ad is the transpose of exchange")
  end subroutine check_exchange

  !> On rank 0 alone and on all.
  subroutine check_sensitivities(periodic_x)
    logical, intent(in) :: periodic_x

    type(block_t) :: block
    real(wp), dimension(nx, ny, n_fields) :: expected, found
    real(wp) :: linear_drag(2), size
    integer :: k

    if (ranks%rank == 0) then
      call sensitivities(whole_grid(nx, ny, periodic_x), expected, linear_drag(1))
    end if
    call decompose(ranks, nx, ny, periodic_x, .false., block)
    call sensitivities(block, found, linear_drag(2))
    if (ranks%rank /= 0) return
    do k = 1, n_fields
      size = maxval(abs(expected(:, :, k)))
      call check_below(maxval(abs(found(:, :, k) - expected(:, :, k))), agreement*size, &
        "sensitivities on the ranks and alone")
    end do
    call check_below(abs(linear_drag(1) - linear_drag(2)), agreement*abs(linear_drag(1)), &
      "the one to the linear drag")
  end subroutine check_sensitivities

  !> Sensitivities of a run, collected on rank 0, and the identity of the transpose.
  subroutine sensitivities(block, fields, linear_drag)
    type(block_t), intent(in) :: block
    real(wp), intent(out) :: fields(nx, ny, n_fields), linear_drag

    type(swe_model_t) :: model
    type(swe_linearised_t) :: linearised
    type(swe_state_t) :: start, state, state_tl, state_ad, change
    type(swe_controls_t) :: controls_tl, controls_ad
    type(held_forcing_t) :: source
    real(wp) :: products(3)

    call build(block, model, source)
    call set_state(block, 20, start)
    call set_state(block, 30, change)
    call set_state(block, 40, state_ad)
    call set_controls(block, 50, controls_tl)
    call linearised%setup(model)
    linearised%tolerance = 1.0e-13_wp
    call controls_ad%setup(block)
    state = start
    state_tl = change
    call run_tl(linearised, model, source, n_steps, state, state_tl, controls_tl)
    products(1) = product_of_states(block, state_tl, state_ad)
    products(3) = product_of_states(block, state_tl, state_tl)
    call run_ad(linearised, model, source, n_steps, start, state_ad, controls_ad)
    call controls_ad%collect_halo(block)
    products(2) = product_of_states(block, change, state_ad) &
      + product_of_controls(block, controls_tl, controls_ad)
    products = global_sum(block, products)
    products(2) = products(2) + controls_tl%linear_drag*controls_ad%linear_drag
    call check_below(abs(products(1) - products(2)), rounding*products(3), &
      "adjoint is the transpose of the tangent-linear on the ranks")
    linear_drag = controls_ad%linear_drag
    call gather(block, state_ad%zeta, fields(:, :, 1))
    call gather(block, state_ad%u, fields(:, :, 2))
    call gather(block, state_ad%v, fields(:, :, 3))
    call gather(block, controls_ad%depth, fields(:, :, 4))
    call gather(block, controls_ad%drag_u, fields(:, :, 5))
    call gather(block, controls_ad%drag_v, fields(:, :, 6))
    call gather(block, controls_ad%stress_u, fields(:, :, 7))
    call gather(block, controls_ad%stress_v, fields(:, :, 8))
    call gather(block, controls_ad%head, fields(:, :, 9))
    call gather(block, controls_ad%open_zeta, fields(:, :, 10))
    call gather(block, controls_ad%open_u, fields(:, :, 11))
    call gather(block, controls_ad%open_v, fields(:, :, 12))
    call gather(block, state%zeta, fields(:, :, 13))
  end subroutine sensitivities

  subroutine build(block, model, source)
    type(block_t), intent(in) :: block
    type(swe_model_t), intent(out) :: model
    type(held_forcing_t), intent(out) :: source

    integer :: cell(block%nx, block%ny), i, j
    real(wp) :: depth(block%nx, block%ny), drag(block%nx, block%ny)
    real(wp), dimension(1 - halo:block%ny + halo) :: width, rotation
    type(swe_controls_t) :: weather

    do j = 1, block%ny
      do i = 1, block%nx
        cell(i, j) = kind_of(block%i_offset + i, block%j_offset + j)
        depth(i, j) = 20.0_wp + noise(block%i_offset + i, block%j_offset + j, 10)
        drag(i, j) = 0.003_wp + 1.0e-3_wp*noise(block%i_offset + i, block%j_offset + j, 11)
      end do
    end do
    width = 1000.0_wp
    rotation = 1.0e-4_wp
    call model%grid%setup(block, cell, depth, width, width, 900.0_wp, rotation, rotation)
    call model%grid%set_drag(drag)
    model%parameters = swe_parameters_t(dt=100.0_wp, theta=0.6_wp, viscosity=50.0_wp, &
      advection=advection_limited, face_depth=face_upwind, linear_drag=1.0e-4_wp)
    call make_solver(model%solver, "cg", 1.0e-12_wp)
    call model%setup()
    call set_controls(block, 60, weather)
    ! Copied first: the bounds of an expression begin at 1, those of a forcing at 1-halo.
    source%forcing%stress_u = weather%stress_u
    source%forcing%stress_v = weather%stress_v
    source%forcing%stress_u(:, :) = 0.01_wp*weather%stress_u
    source%forcing%stress_v(:, :) = 0.01_wp*weather%stress_v
    source%forcing%head = weather%head
    source%forcing%open_zeta = weather%open_zeta
    source%forcing%open_u = weather%open_u
    source%forcing%open_v = weather%open_v
  end subroutine build

  !> Islands, and a boundary of each kind.
  pure integer function kind_of(i, j)
    integer, intent(in) :: i, j !! of the whole grid

    kind_of = cell_water
    if (abs(i - 12) < 3 .and. abs(j - 9) < 3) kind_of = cell_land
    if (abs(i - 20) < 2 .and. abs(j - 13) < 3) kind_of = cell_land
    if (j == ny .and. i < 15) kind_of = cell_elevation
    if (j == ny .and. i > 17) kind_of = cell_radiating
    if (j == 1 .and. i > 5 .and. i < 25) kind_of = cell_transport
  end function kind_of

  !> A number between -1 and 1 that only the cell and the field decide.
  pure real(wp) function noise(i, j, field)
    integer, intent(in) :: i, j, field

    noise = sin(12.9898_wp*modulo(i - 1, nx) + 78.233_wp*modulo(j - 1, ny) &
      + 37.719_wp*field + 3.1_wp*modulo(i*j + field, 17))
  end function noise

  !> Fill the cells of the block.
  subroutine fill(block, field, scale, values)
    type(block_t), intent(in) :: block
    integer, intent(in) :: field
    real(wp), intent(in) :: scale
    real(wp), intent(inout) :: values(1 - lead:, 1 - halo:)

    integer :: i, j

    do j = 1, block%ny
      do i = 1, block%nx
        values(i, j) = scale*noise(block%i_offset + i, block%j_offset + j, field)
      end do
    end do
  end subroutine fill

  subroutine set_state(block, field, state)
    type(block_t), intent(in) :: block
    integer, intent(in) :: field
    type(swe_state_t), intent(out) :: state

    call state%setup(block)
    call fill(block, field, 0.1_wp, state%zeta)
    call fill(block, field + 1, 3.0_wp, state%u)
    call fill(block, field + 2, 3.0_wp, state%v)
    call state%fill_halo(block)
  end subroutine set_state

  subroutine set_controls(block, field, controls)
    type(block_t), intent(in) :: block
    integer, intent(in) :: field
    type(swe_controls_t), intent(out) :: controls

    call controls%setup(block)
    call fill(block, field, 1.0_wp, controls%depth)
    call fill(block, field + 1, 0.01_wp, controls%drag_u)
    call fill(block, field + 2, 0.01_wp, controls%drag_v)
    call fill(block, field + 3, 0.01_wp, controls%stress_u)
    call fill(block, field + 4, 0.01_wp, controls%stress_v)
    call fill(block, field + 5, 0.1_wp, controls%head)
    call fill(block, field + 6, 0.1_wp, controls%open_zeta)
    call fill(block, field + 7, 1.0_wp, controls%open_u)
    call fill(block, field + 8, 1.0_wp, controls%open_v)
    controls%linear_drag = 1.0e-4_wp
    call controls%fill_halo(block)
  end subroutine set_controls

  !> The part of this block.
  pure real(wp) function product_of_states(block, one, other)
    type(block_t), intent(in) :: block
    type(swe_state_t), intent(in) :: one, other

    product_of_states = inner(block, one%zeta, other%zeta) + inner(block, one%u, other%u) &
      + inner(block, one%v, other%v)
  end function product_of_states

  !> The part of this block, of the fields.
  pure real(wp) function product_of_controls(block, one, other)
    type(block_t), intent(in) :: block
    type(swe_controls_t), intent(in) :: one, other

    product_of_controls = inner(block, one%depth, other%depth) &
      + inner(block, one%drag_u, other%drag_u) + inner(block, one%drag_v, other%drag_v) &
      + inner(block, one%stress_u, other%stress_u) &
      + inner(block, one%stress_v, other%stress_v) + inner(block, one%head, other%head) &
      + inner(block, one%open_zeta, other%open_zeta) &
      + inner(block, one%open_u, other%open_u) + inner(block, one%open_v, other%open_v)
  end function product_of_controls

  pure real(wp) function inner(block, one, other)
    type(block_t), intent(in) :: block
    real(wp), intent(in), contiguous :: one(1 - lead:, 1 - halo:)
    real(wp), intent(in), contiguous :: other(1 - lead:, 1 - halo:)

    inner = sum(one(1:block%nx, 1:block%ny)*other(1:block%nx, 1:block%ny))
  end function inner

end program test_swe_adjoint_ranks
