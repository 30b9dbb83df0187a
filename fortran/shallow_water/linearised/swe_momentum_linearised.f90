! SPDX-License-Identifier: MIT
!> Tangent-linear and adjoint of swe_momentum: friction and provisional transports.
!>
!> At one face F and U* depend on seven numbers and on the linear drag r. `gradients` gives
!> both gradients; the tangent-linear multiplies them with the changes, the adjoint with the
!> sensitivities, so the two cannot differ. With q = dt*k*sqrt(U**2 + H*m**2), k = c/H**p,
!>
!>     F = 1/(1 + dt*r + q)     dF = -F**2*(dt*dr + dq)     dU* = dF*U*/F + F*dG
!>
!> where G is what F multiplies. The speed has no derivative where the water is at rest;
!> there zero is taken, the mean of the derivatives in opposite directions.
module swe_momentum_linearised
  use swe_blocks, only: halo, lead
  use swe_grid, only: swe_grid_t
  use swe_kinds, only: wp
  use swe_momentum, only: face_momentum_t, frozen_rotation
  use swe_parameters, only: drag_manning, drag_none, swe_parameters_t
  implicit none
  private
  public :: face_changes_t, provisional_transports_ad, provisional_transports_tl, &
    scaled_transports_ad, scaled_transports_tl

  !> Changes of the momentum of one direction, or the sensitivities to it.
  type, extends(face_momentum_t) :: face_changes_t
    real(wp), allocatable :: mean(:, :)
      !! sensitivity to the mean of the other direction, times its weight
    real(wp), allocatable :: cross(:, :) !! the same for the mean slope
    real(wp), allocatable :: drag(:, :)  !! change of the drag coefficient
    real(wp), allocatable :: change(:, :)    !! what advection makes of the momentum
    real(wp), allocatable :: change_tl(:, :) !! the change of that, or the sensitivity
  end type face_changes_t

  !> What F and U* at one face depend on, or a gradient with respect to it.
  type :: face_t
    real(wp) :: transport = 0.0_wp !! U [m2 s-1]
    real(wp) :: mean = 0.0_wp      !! m, of the other scaled transport [m3/2 s-1]
    real(wp) :: cross = 0.0_wp     !! mean of the other slope [1]
    real(wp) :: h = 0.0_wp         !! water depth [m]
    real(wp) :: slope = 0.0_wp     !! along the direction [1]
    real(wp) :: extra = 0.0_wp     !! other tendencies [m2 s-2]
    real(wp) :: drag = 0.0_wp      !! cd or Manning's n
    real(wp) :: linear_drag = 0.0_wp !! r [s-1]
  end type face_t

  !> Factors of one row in G.
  type :: row_t
    real(wp) :: cosine, sine !! of f dt [1]
    real(wp) :: cross, slope !! of H*cross and H*slope [m s-1]
  end type row_t

contains

  !> Change of transport/sqrt(H).
  subroutine scaled_transports_tl(grid, east, north, u_tl, v_tl, east_tl, north_tl)
    type(swe_grid_t), intent(in) :: grid
    type(face_momentum_t), intent(in) :: east, north               !! of the step
    real(wp), intent(in), contiguous :: u_tl(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v_tl(1 - lead:, 1 - halo:) !! [m2 s-1]
    type(face_changes_t), intent(inout) :: east_tl, north_tl       !! `scaled` is set

    integer :: i, j

    !$omp parallel do private(i)
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx + 1
        east_tl%scaled(i, j) = scaled_tl(u_tl(i, j), east%scaled(i, j), east%h(i, j), &
          east_tl%h(i, j))
        north_tl%scaled(i, j) = scaled_tl(v_tl(i, j), north%scaled(i, j), north%h(i, j), &
          north_tl%h(i, j))
      end do
    end do
  end subroutine scaled_transports_tl

  !> The same at one face.
  elemental real(wp) function scaled_tl(transport_tl, scaled, h, h_tl)
    real(wp), intent(in) :: transport_tl !! [m2 s-1]
    real(wp), intent(in) :: scaled       !! of the step [m3/2 s-1]
    real(wp), intent(in) :: h, h_tl      !! [m]

    real(wp) :: per_root

    per_root = merge(1.0_wp, 0.0_wp, h > 0.0_wp)/sqrt(max(h, tiny(h)))
    scaled_tl = per_root*(transport_tl - 0.5_wp*per_root*scaled*h_tl)
  end function scaled_tl

  !> Transpose of `scaled_transports_tl`.
  subroutine scaled_transports_ad(grid, east, north, east_ad, north_ad, u_ad, v_ad)
    type(swe_grid_t), intent(in) :: grid
    type(face_momentum_t), intent(in) :: east, north                  !! of the step
    type(face_changes_t), intent(inout) :: east_ad, north_ad          !! `h` is added to
    real(wp), intent(inout), contiguous :: u_ad(1 - lead:, 1 - halo:) !! added to
    real(wp), intent(inout), contiguous :: v_ad(1 - lead:, 1 - halo:) !! added to

    integer :: i, j

    !$omp parallel do private(i)
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx + 1
        call scaled_ad(east_ad%scaled(i, j), east%scaled(i, j), east%h(i, j), &
          u_ad(i, j), east_ad%h(i, j))
        call scaled_ad(north_ad%scaled(i, j), north%scaled(i, j), north%h(i, j), &
          v_ad(i, j), north_ad%h(i, j))
      end do
    end do
  end subroutine scaled_transports_ad

  !> The same at one face.
  elemental subroutine scaled_ad(sensitivity, scaled, h, transport_ad, h_ad)
    real(wp), intent(in) :: sensitivity     !! to the scaled transport
    real(wp), intent(in) :: scaled          !! of the step [m3/2 s-1]
    real(wp), intent(in) :: h               !! [m]
    real(wp), intent(inout) :: transport_ad !! added to
    real(wp), intent(inout) :: h_ad         !! added to

    real(wp) :: per_root

    per_root = merge(1.0_wp, 0.0_wp, h > 0.0_wp)/sqrt(max(h, tiny(h)))
    transport_ad = transport_ad + per_root*sensitivity
    h_ad = h_ad - 0.5_wp*per_root**2*scaled*sensitivity
  end subroutine scaled_ad

  !> Changes of F and of the provisional transports.
  subroutine provisional_transports_tl(grid, parameters, u, v, east, north, u_tl, v_tl, &
    linear_drag_tl, east_tl, north_tl)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:)    !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:)    !! [m2 s-1]
    type(face_momentum_t), intent(in) :: east, north               !! of the step
    real(wp), intent(in), contiguous :: u_tl(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v_tl(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in) :: linear_drag_tl                         !! [s-1]
    type(face_changes_t), intent(inout) :: east_tl, north_tl
      !! `friction` and `star` are set from the other parts

    type(face_t) :: friction_by, star_by, change
    type(row_t) :: row
    integer :: i, j

    !$omp parallel do private(i, friction_by, star_by, change, row)
    do j = 0, grid%block%ny
      row = row_factors(parameters, grid%f_u(j))
      do i = merge(0, grid%block%nx + 1, j > 0), grid%block%nx
        call gradients(parameters, row, east_face(grid, east, north, u(i, j), &
          grid%drag_u(i, j), i, j), east%friction(i, j), friction_by, star_by)
        change = east_face(grid, east_tl, north_tl, u_tl(i, j), east_tl%drag(i, j), i, j)
        change%linear_drag = linear_drag_tl
        east_tl%friction(i, j) = product_of(friction_by, change)
        east_tl%star(i, j) = product_of(star_by, change)
      end do
      row = row_factors(parameters, grid%f_v(j))
      do i = 1, grid%block%nx
        call gradients(parameters, row, north_face(grid, east, north, v(i, j), &
          grid%drag_v(i, j), i, j), north%friction(i, j), friction_by, star_by)
        change = north_face(grid, east_tl, north_tl, v_tl(i, j), north_tl%drag(i, j), i, j)
        change%linear_drag = linear_drag_tl
        north_tl%friction(i, j) = product_of(friction_by, change)
        north_tl%star(i, j) = product_of(star_by, change)
      end do
    end do
  end subroutine provisional_transports_tl

  !> Transpose of `provisional_transports_tl`.
  subroutine provisional_transports_ad(grid, parameters, u, v, east, north, east_ad, &
    north_ad, u_ad, v_ad, linear_drag_ad)
    type(swe_grid_t), intent(in) :: grid
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in), contiguous :: u(1 - lead:, 1 - halo:) !! [m2 s-1]
    real(wp), intent(in), contiguous :: v(1 - lead:, 1 - halo:) !! [m2 s-1]
    type(face_momentum_t), intent(in) :: east, north            !! of the step
    type(face_changes_t), intent(inout) :: east_ad, north_ad
      !! `friction` and `star` come in; `h`, `slope`, `scaled` are added to, `extra` and
      !! `drag` set
    real(wp), intent(inout), contiguous :: u_ad(1 - lead:, 1 - halo:) !! added to
    real(wp), intent(inout), contiguous :: v_ad(1 - lead:, 1 - halo:) !! added to
    real(wp), intent(inout) :: linear_drag_ad !! added to, the part of this block

    type(face_t) :: friction_by, star_by
    type(row_t) :: row
    integer :: i, j

    !$omp parallel do private(i, friction_by, star_by, row) reduction(+: linear_drag_ad)
    do j = 0, grid%block%ny
      row = row_factors(parameters, grid%f_u(j))
      do i = merge(0, grid%block%nx + 1, j > 0), grid%block%nx
        call gradients(parameters, row, east_face(grid, east, north, u(i, j), &
          grid%drag_u(i, j), i, j), east%friction(i, j), friction_by, star_by)
        call add_face(friction_by, star_by, i, j, grid%mean_u(i, j), -grid%share_u(i, j), &
          east_ad, u_ad(i, j), linear_drag_ad)
      end do
      row = row_factors(parameters, grid%f_v(j))
      do i = 1, grid%block%nx
        call gradients(parameters, row, north_face(grid, east, north, v(i, j), &
          grid%drag_v(i, j), i, j), north%friction(i, j), friction_by, star_by)
        call add_face(friction_by, star_by, i, j, -grid%mean_v(i, j), grid%share_v(i, j), &
          north_ad, v_ad(i, j), linear_drag_ad)
      end do
    end do
    call add_means(grid, east_ad, north_ad)
  end subroutine provisional_transports_ad

  !> Carry the sensitivities to F and U* of a face to what they depend on.
  pure subroutine add_face(friction_by, star_by, i, j, mean_weight, cross_weight, &
    faces_ad, transport_ad, linear_drag_ad)
    type(face_t), intent(in) :: friction_by, star_by       !! gradients
    integer, intent(in) :: i, j                            !! the face
    real(wp), intent(in) :: mean_weight, cross_weight      !! of the means, with their signs
    type(face_changes_t), intent(inout) :: faces_ad
    real(wp), intent(inout) :: transport_ad, linear_drag_ad !! added to

    real(wp) :: by_friction, by_star

    by_friction = faces_ad%friction(i, j)
    by_star = faces_ad%star(i, j)
    transport_ad = transport_ad + by_friction*friction_by%transport &
      + by_star*star_by%transport
    faces_ad%mean(i, j) = mean_weight*(by_friction*friction_by%mean + by_star*star_by%mean)
    faces_ad%cross(i, j) = cross_weight*by_star*star_by%cross
    faces_ad%h(i, j) = faces_ad%h(i, j) + by_friction*friction_by%h + by_star*star_by%h
    faces_ad%slope(i, j) = faces_ad%slope(i, j) + by_star*star_by%slope
    faces_ad%extra(i, j) = by_star*star_by%extra
    faces_ad%drag(i, j) = by_friction*friction_by%drag + by_star*star_by%drag
    linear_drag_ad = linear_drag_ad + by_friction*friction_by%linear_drag &
      + by_star*star_by%linear_drag
  end subroutine add_face

  !> Carry the sensitivities to the means to the four faces of each.
  subroutine add_means(grid, east_ad, north_ad)
    type(swe_grid_t), intent(in) :: grid
    type(face_changes_t), intent(inout) :: east_ad, north_ad
      !! `mean`, `cross` come in, zero outside the block's faces; `scaled`, `slope` added to

    integer :: i, j

    !$omp parallel do private(i)
    do j = 0, grid%block%ny + 1
      do i = 0, grid%block%nx + 1
        east_ad%scaled(i, j) = east_ad%scaled(i, j) &
          + ((north_ad%mean(i, j) + north_ad%mean(i, j - 1)) &
          + (north_ad%mean(i + 1, j) + north_ad%mean(i + 1, j - 1)))
        east_ad%slope(i, j) = east_ad%slope(i, j) &
          + ((north_ad%cross(i, j) + north_ad%cross(i, j - 1)) &
          + (north_ad%cross(i + 1, j) + north_ad%cross(i + 1, j - 1)))
        north_ad%scaled(i, j) = north_ad%scaled(i, j) &
          + ((east_ad%mean(i, j) + east_ad%mean(i - 1, j)) &
          + (east_ad%mean(i, j + 1) + east_ad%mean(i - 1, j + 1)))
        north_ad%slope(i, j) = north_ad%slope(i, j) &
          + ((east_ad%cross(i, j) + east_ad%cross(i - 1, j)) &
          + (east_ad%cross(i, j + 1) + east_ad%cross(i - 1, j + 1)))
      end do
    end do
  end subroutine add_means

  !> What east face (i, j) reads. For changes too: all of it is linear in the fields.
  pure type(face_t) function east_face(grid, east, north, transport, drag, i, j)
    type(swe_grid_t), intent(in) :: grid
    class(face_momentum_t), intent(in) :: east, north
    real(wp), intent(in) :: transport, drag !! at the face
    integer, intent(in) :: i, j             !! the face

    east_face = face_t(transport=transport, drag=drag, h=east%h(i, j), &
      slope=east%slope(i, j), extra=east%extra(i, j), &
      mean=grid%mean_u(i, j)*((north%scaled(i, j) + north%scaled(i + 1, j)) &
      + (north%scaled(i, j - 1) + north%scaled(i + 1, j - 1))), &
      cross=-grid%share_u(i, j)*((north%slope(i, j) + north%slope(i + 1, j)) &
      + (north%slope(i, j - 1) + north%slope(i + 1, j - 1))))
  end function east_face

  !> What north face (i, j) reads.
  pure type(face_t) function north_face(grid, east, north, transport, drag, i, j)
    type(swe_grid_t), intent(in) :: grid
    class(face_momentum_t), intent(in) :: east, north
    real(wp), intent(in) :: transport, drag !! at the face
    integer, intent(in) :: i, j             !! the face

    north_face = face_t(transport=transport, drag=drag, h=north%h(i, j), &
      slope=north%slope(i, j), extra=north%extra(i, j), &
      mean=-grid%mean_v(i, j)*((east%scaled(i - 1, j) + east%scaled(i, j)) &
      + (east%scaled(i - 1, j + 1) + east%scaled(i, j + 1))), &
      cross=grid%share_v(i, j)*((east%slope(i - 1, j) + east%slope(i, j)) &
      + (east%slope(i - 1, j + 1) + east%slope(i, j + 1))))
  end function north_face

  !> Factors of a row whose Coriolis parameter is f.
  pure type(row_t) function row_factors(parameters, f)
    type(swe_parameters_t), intent(in) :: parameters
    real(wp), intent(in) :: f !! [s-1]

    row_factors = row_t(cosine=cos(f*parameters%dt), sine=sin(f*parameters%dt), &
      cross=parameters%gravity*frozen_rotation(f, parameters%dt), &
      slope=-(1.0_wp - parameters%theta)*parameters%gravity*parameters%dt)
  end function row_factors

  !> Gradients of F and U* at one face.
  pure subroutine gradients(parameters, row, face, friction, friction_by, star_by)
    type(swe_parameters_t), intent(in) :: parameters
    type(row_t), intent(in) :: row     !! factors
    type(face_t), intent(in) :: face   !! where
    real(wp), intent(in) :: friction   !! F there [1]
    type(face_t), intent(out) :: friction_by, star_by !! dF/d, dU*/d

    real(wp) :: driven, per_depth, root

    if (.not. friction > 0.0_wp) return
    per_depth = 1.0_wp/face%h
    root = sqrt(face%h)
    call friction_gradient(parameters, face, friction, per_depth, friction_by)
    driven = row%cosine*face%transport + row%sine*root*face%mean &
      + face%h*(row%cross*face%cross + row%slope*face%slope) + parameters%dt*face%extra
    star_by%transport = friction_by%transport*driven + friction*row%cosine
    star_by%mean = friction_by%mean*driven + friction*row%sine*root
    star_by%cross = friction*face%h*row%cross
    star_by%h = friction_by%h*driven + friction*(0.5_wp*row%sine*face%mean*root*per_depth &
      + row%cross*face%cross + row%slope*face%slope)
    star_by%slope = friction*face%h*row%slope
    star_by%extra = friction*parameters%dt
    star_by%drag = friction_by%drag*driven
    star_by%linear_drag = friction_by%linear_drag*driven
  end subroutine gradients

  !> Gradient of F at an open face with water.
  pure subroutine friction_gradient(parameters, face, friction, per_depth, by)
    type(swe_parameters_t), intent(in) :: parameters
    type(face_t), intent(in) :: face
    real(wp), intent(in) :: friction  !! F [1]
    real(wp), intent(in) :: per_depth !! 1/H [m-1]
    type(face_t), intent(inout) :: by !! dF/d, zero on entry

    real(wp) :: factor, per_speed, power, speed, strength, strength_by_drag

    factor = -friction**2*parameters%dt
    by%linear_drag = factor
    if (parameters%drag == drag_none) return
    power = 2.0_wp
    strength_by_drag = per_depth**2
    strength = face%drag*strength_by_drag
    if (parameters%drag == drag_manning) then
      power = 7.0_wp/3.0_wp
      strength_by_drag = 2.0_wp*parameters%gravity*strength/face%h**(1.0_wp/3.0_wp)
      strength = 0.5_wp*face%drag*strength_by_drag
    end if
    speed = sqrt(face%transport**2 + face%h*face%mean**2)
    per_speed = merge(1.0_wp/max(speed, tiny(speed)), 0.0_wp, speed > 0.0_wp)
    by%transport = factor*strength*face%transport*per_speed
    by%mean = factor*strength*face%h*face%mean*per_speed
    by%h = factor*strength*(0.5_wp*face%mean**2*per_speed - power*speed*per_depth)
    by%drag = factor*strength_by_drag*speed
  end subroutine friction_gradient

  !> Change that a gradient gives.
  pure real(wp) function product_of(gradient, change)
    type(face_t), intent(in) :: gradient, change

    product_of = gradient%transport*change%transport + gradient%mean*change%mean &
      + gradient%cross*change%cross + gradient%h*change%h + gradient%slope*change%slope &
      + gradient%extra*change%extra + gradient%drag*change%drag &
      + gradient%linear_drag*change%linear_drag
  end function product_of

end module swe_momentum_linearised
