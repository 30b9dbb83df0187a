! SPDX-License-Identifier: MIT
!> The Arakawa C grid: metric, undisturbed depth, land, open boundaries, rotation.
!>
!> zeta and the depth stand in the centre of cell (i, j), the transport u on its east face,
!> v on its north face. Rows have their own width, so a plane and a sphere are one code.
!> A face is open if both its cells are inside (water or prescribed elevation). Where a
!> boundary condition needs a cell outside (radiating, prescribed transport), that cell is
!> part of the grid and says which condition; the face between it and the water is a
!> boundary face.
module swe_grid
  use swe_blocks, only: block_t, east_end, halo, lead
  use swe_exchange, only: exchange
  use swe_fields, only: allocate_field
  use swe_kinds, only: wp
  implicit none
  private
  public :: boundary_face_t, swe_grid_t

  integer, parameter, public :: cell_land = 0
  integer, parameter, public :: cell_water = 1
  integer, parameter, public :: cell_elevation = 2 !! water whose elevation is prescribed
  integer, parameter, public :: cell_radiating = 3 !! outside; Flather's condition
  integer, parameter, public :: cell_transport = 4 !! outside; prescribed transport there

  !> A face between water and a cell outside.
  type :: boundary_face_t
    integer :: i = 0, j = 0               !! of the face
    integer :: i_inside = 0, j_inside = 0 !! the water cell
    integer :: i_outside = 0, j_outside = 0 !! the cell that names the condition
    real(wp) :: outward = 1.0_wp          !! +1 if the outside lies east or north, else -1
    logical :: is_radiating = .false.     !! Flather's condition; else prescribed transport
  end type boundary_face_t

  !> A grid; build it with `setup`. All fields have the halo of `swe_blocks`.
  type :: swe_grid_t
    type(block_t) :: block
    real(wp) :: dy = 0.0_wp              !! of all cells, northward [m]
    real(wp), allocatable :: dx(:)       !! of the cells in row j, eastward [m]
    real(wp), allocatable :: dx_v(:)     !! at the north faces of row j [m]
    real(wp), allocatable :: area(:)     !! of the cells in row j [m2]
    real(wp), allocatable :: f_u(:)      !! Coriolis parameter at east faces [s-1]
    real(wp), allocatable :: f_v(:)      !! Coriolis parameter at north faces [s-1]
    integer, allocatable :: cell(:, :)   !! one of cell_*
    real(wp), allocatable :: water(:, :) !! 1 where the elevation follows from the fluxes
    real(wp), allocatable :: depth(:, :) !! undisturbed depth D, positive down [m]
    real(wp), allocatable :: open_u(:, :) !! 1 at open east faces
    real(wp), allocatable :: open_v(:, :) !! 1 at open north faces, else 0
    real(wp), allocatable :: mean_u(:, :)
      !! weight of each of the four v around an east face in their mean: 1/4, more where
      !! faces beyond an open boundary do not exist; 0 at closed faces
    real(wp), allocatable :: mean_v(:, :)  !! weight of each u around a north face, likewise
    real(wp), allocatable :: share_u(:, :) !! 1/open north faces around an east face
    real(wp), allocatable :: share_v(:, :) !! 1/open east faces around a north face
    type(boundary_face_t), allocatable :: boundary_u(:) !! among the east faces 0:nx, 1:ny
    type(boundary_face_t), allocatable :: boundary_v(:) !! among the north faces 1:nx, 0:ny
    logical :: has_fixed_cells = .false. !! somewhere on this block or beside it
    type(boundary_face_t), allocatable :: nearby_u(:) !! among the east faces that the
    type(boundary_face_t), allocatable :: nearby_v(:) !! block looks at: 0:nx+1, 0:ny+1
    integer, allocatable :: fixed(:, :)
      !! indices (i, j) of the cells of prescribed elevation in 0:nx+1, 0:ny+1 (2, n)
    real(wp), allocatable :: drag_u(:, :)
      !! drag coefficient cd at east faces [1], or Manning's n [m-1/3 s]
    real(wp), allocatable :: drag_v(:, :)  !! the same at north faces
  contains
    procedure :: setup
    procedure :: set_drag
    procedure, private :: set_faces
    procedure, private :: set_means
    procedure, private :: list_boundaries
  end type swe_grid_t

contains

  !> Build the grid of a block. `cell` and `depth` are given on the block's cells; whatever
  !> is beyond the grid is land.
  subroutine setup(self, block, cell, depth, dx, dx_v, dy, f_u, f_v)
    class(swe_grid_t), intent(inout) :: self
    type(block_t), intent(in) :: block
    integer, intent(in) :: cell(:, :)        !! one of cell_* (nx, ny)
    real(wp), intent(in) :: depth(:, :)      !! undisturbed, positive down [m] (nx, ny)
    real(wp), intent(in) :: dx(1 - halo:)    !! width of row j [m] (1-halo:ny+halo)
    real(wp), intent(in) :: dx_v(1 - halo:)  !! width at its north faces [m], likewise
    real(wp), intent(in) :: dy               !! height of all cells [m]
    real(wp), intent(in) :: f_u(1 - halo:)   !! Coriolis parameter of row j [s-1], likewise
    real(wp), intent(in) :: f_v(1 - halo:)   !! at its north faces [s-1], likewise

    real(wp), allocatable :: marks(:, :)
    integer :: nx, ny

    nx = block%nx
    ny = block%ny
    self%block = block
    self%dy = dy
    allocate (self%dx(1 - halo:ny + halo), source=dx)
    allocate (self%dx_v(1 - halo:ny + halo), source=dx_v)
    allocate (self%area(1 - halo:ny + halo), source=dx*dy)
    allocate (self%f_u(1 - halo:ny + halo), source=f_u)
    allocate (self%f_v(1 - halo:ny + halo), source=f_v)
    call allocate_field(block, self%depth)
    self%depth(1:nx, 1:ny) = depth
    allocate (marks, source=self%depth)
    marks = cell_land
    marks(1:nx, 1:ny) = cell
    call exchange(block, self%depth, marks)
    allocate (self%cell(1 - lead:east_end(nx), 1 - halo:ny + halo), source=nint(marks))
    allocate (self%water(1 - lead:east_end(nx), 1 - halo:ny + halo), &
      source=merge(1.0_wp, 0.0_wp, self%cell == cell_water))
    call self%set_faces()
    call self%set_means()
    call self%list_boundaries()
    call allocate_field(block, self%drag_u)
    call allocate_field(block, self%drag_v)
  end subroutine setup

  !> Set the drag coefficients: faces take the mean of their two cells.
  subroutine set_drag(self, drag)
    class(swe_grid_t), intent(inout) :: self
    real(wp), intent(in) :: drag(:, :) !! at centres [1], or Manning's n [m-1/3 s] (nx, ny)

    real(wp), allocatable :: wide(:, :)
    integer :: nx, ny

    nx = self%block%nx
    ny = self%block%ny
    allocate (wide, mold=self%depth)
    wide = 0.0_wp
    wide(1:nx, 1:ny) = drag
    call exchange(self%block, wide)
    self%drag_u(:nx + 1, :) = 0.5_wp*(wide(:nx + 1, :) + wide(2 - lead:nx + halo, :))
    self%drag_v(:, :ny + 1) = 0.5_wp*(wide(:, :ny + 1) + wide(:, 2 - halo:))
  end subroutine set_drag

  !> Which faces are open.
  subroutine set_faces(self)
    class(swe_grid_t), intent(inout) :: self

    integer :: i, j

    call allocate_field(self%block, self%open_u)
    call allocate_field(self%block, self%open_v)
    do j = lbound(self%cell, 2), ubound(self%cell, 2)
      do i = lbound(self%cell, 1), ubound(self%cell, 1)
        if (i < ubound(self%cell, 1)) self%open_u(i, j) = &
          openness(self%cell(i, j), self%cell(i + 1, j))
        if (j < ubound(self%cell, 2)) self%open_v(i, j) = &
          openness(self%cell(i, j), self%cell(i, j + 1))
      end do
    end do
  end subroutine set_faces

  !> 1 between two cells that are inside, else 0.
  pure real(wp) function openness(one, other)
    integer, intent(in) :: one, other !! kinds of the two cells

    openness = merge(1.0_wp, 0.0_wp, (one == cell_water .or. one == cell_elevation) .and. &
      (other == cell_water .or. other == cell_elevation))
  end function openness

  !> Weights of the means over four neighbouring faces.
  subroutine set_means(self)
    class(swe_grid_t), intent(inout) :: self

    real(wp) :: n_open
    integer :: i, j

    call allocate_field(self%block, self%mean_u)
    call allocate_field(self%block, self%mean_v)
    call allocate_field(self%block, self%share_u)
    call allocate_field(self%block, self%share_v)
    do j = lbound(self%cell, 2) + 1, ubound(self%cell, 2) - 1
      do i = lbound(self%cell, 1) + 1, ubound(self%cell, 1) - 1
        if (self%open_u(i, j) > 0.0_wp) then
          n_open = sum(self%open_v(i:i + 1, j - 1:j))
          self%share_u(i, j) = 1.0_wp/max(1.0_wp, n_open)
          self%mean_u(i, j) = merge(self%share_u(i, j), 0.25_wp, &
            all(self%cell(i:i + 1, j) == cell_elevation))
        end if
        if (self%open_v(i, j) > 0.0_wp) then
          n_open = sum(self%open_u(i - 1:i, j:j + 1))
          self%share_v(i, j) = 1.0_wp/max(1.0_wp, n_open)
          self%mean_v(i, j) = merge(self%share_v(i, j), 0.25_wp, &
            all(self%cell(i, j:j + 1) == cell_elevation))
        end if
      end do
    end do
  end subroutine set_means

  !> List the faces and cells where a condition holds.
  subroutine list_boundaries(self)
    class(swe_grid_t), intent(inout) :: self

    integer :: i, j

    allocate (self%boundary_u(0), self%boundary_v(0), self%fixed(2, 0))
    allocate (self%nearby_u(0), self%nearby_v(0))
    do j = 0, self%block%ny + 1
      do i = 0, self%block%nx + 1
        if (self%cell(i, j) == cell_elevation) then
          self%fixed = reshape([self%fixed, i, j], [2, size(self%fixed, 2) + 1])
        end if
        call append_face(self%nearby_u, self%cell, i, j, 1, 0)
        call append_face(self%nearby_v, self%cell, i, j, 0, 1)
        if (i <= self%block%nx .and. j >= 1 .and. j <= self%block%ny) then
          call append_face(self%boundary_u, self%cell, i, j, 1, 0)
        end if
        if (j <= self%block%ny .and. i >= 1 .and. i <= self%block%nx) then
          call append_face(self%boundary_v, self%cell, i, j, 0, 1)
        end if
      end do
    end do
    self%has_fixed_cells = any(self%cell == cell_elevation)
  end subroutine list_boundaries

  !> Append the face between cell (i, j) and the next one if it is a boundary face.
  subroutine append_face(faces, cell, i, j, di, dj)
    type(boundary_face_t), allocatable, intent(inout) :: faces(:)
    integer, intent(in) :: cell(1 - lead:, 1 - halo:) !! kinds of cells
    integer, intent(in) :: i, j                       !! of the face
    integer, intent(in) :: di, dj                     !! step to the next cell

    type(boundary_face_t) :: face

    face%i = i
    face%j = j
    if (cell(i, j) == cell_water .and. is_outside(cell(i + di, j + dj))) then
      face%outward = 1.0_wp
      face%i_inside = i
      face%j_inside = j
      face%i_outside = i + di
      face%j_outside = j + dj
    else if (is_outside(cell(i, j)) .and. cell(i + di, j + dj) == cell_water) then
      face%outward = -1.0_wp
      face%i_inside = i + di
      face%j_inside = j + dj
      face%i_outside = i
      face%j_outside = j
    else
      return
    end if
    face%is_radiating = cell(face%i_outside, face%j_outside) == cell_radiating
    faces = [faces, face]
  end subroutine append_face

  !> Whether a cell lies outside and says what holds on its faces.
  pure logical function is_outside(cell)
    integer, intent(in) :: cell !! its kind

    is_outside = cell == cell_radiating .or. cell == cell_transport
  end function is_outside

end module swe_grid
