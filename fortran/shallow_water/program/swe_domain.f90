! SPDX-License-Identifier: MIT
!> The whole grid of a run as its files describe it, before it is cut into blocks.
module swe_domain
  use swe_blocks, only: block_t
  use swe_config, only: grid_settings_t
  use swe_grid, only: cell_elevation, cell_land, cell_radiating, cell_water, swe_grid_t
  use swe_kinds, only: int64, real64, wp
  use swe_metrics, only: earth_radius, earth_rotation, metric_t, plane_metric, sphere_metric
  implicit none
  private
  public :: swe_domain_t

  real(real64), parameter :: degree = acos(-1.0_real64)/180.0_real64
  real(real64), parameter :: rim = 1.0e-6_real64 !! rounding of a place [cells]

  !> Cells, depths and coordinates of the whole grid.
  type :: swe_domain_t
    integer :: nx = 0, ny = 0                !! cells
    integer :: n_unknown = 0                 !! land because the depth is missing
    logical :: periodic_x = .false., periodic_y = .false.
    logical :: is_sphere = .false.           !! x and y are longitude and latitude
    real(real64), allocatable :: x(:), y(:)  !! of cell centres [m], or [degree]
    real(real64) :: dx = 0, dy = 0           !! distance of two centres, likewise
    real(real64) :: f0 = 0, beta = 0         !! of a plane [s-1], [m-1 s-1]
    integer, allocatable :: cell(:, :)       !! one of cell_* (nx, ny)
    real(real64), allocatable :: depth(:, :) !! positive down [m] (nx, ny), 0 on land
    real(real64), allocatable :: drag(:, :)  !! coefficient at centres (nx, ny)
  contains
    procedure :: make_box
    procedure :: set_rotation
    procedure :: adjust_depth
    procedure :: open_sides
    procedure :: make_grid
    procedure :: locate
    procedure :: distance
    procedure :: fingerprint
  end type swe_domain_t

contains

  !> A box of one depth.
  subroutine make_box(self, settings)
    class(swe_domain_t), intent(inout) :: self
    type(grid_settings_t), intent(in) :: settings

    integer :: i

    self%nx = settings%nx
    self%ny = settings%ny
    self%dx = settings%dx
    self%dy = settings%dy
    self%is_sphere = settings%projection == "sphere"
    self%x = [((i - 0.5_real64)*self%dx, i=1, self%nx)]
    self%y = [((i - 0.5_real64)*self%dy, i=1, self%ny)]
    if (self%is_sphere) self%y = self%y + settings%latitude
    allocate (self%cell(self%nx, self%ny), source=cell_water)
    allocate (self%depth(self%nx, self%ny), source=settings%depth)
  end subroutine make_box

  !> Rotation of a plane, from its latitude or as given.
  subroutine set_rotation(self, settings)
    class(swe_domain_t), intent(inout) :: self
    type(grid_settings_t), intent(in) :: settings

    self%periodic_x = settings%periodic_x
    self%periodic_y = settings%periodic_y
    self%f0 = settings%f0
    self%beta = settings%beta
    if (.not. self%f0 < huge(self%f0)) self%f0 = 2*earth_rotation*sin(settings%latitude &
      *degree)
    if (.not. self%beta < huge(self%beta)) self%beta = 2*earth_rotation &
      *cos(settings%latitude*degree)/earth_radius
    if (settings%projection /= "beta_plane") self%beta = 0
  end subroutine set_rotation

  !> Deepen all water, and give it a least depth.
  subroutine adjust_depth(self, settings)
    class(swe_domain_t), intent(inout) :: self
    type(grid_settings_t), intent(in) :: settings

    where (self%cell /= cell_land)
      self%depth = max(self%depth + settings%depth_offset, settings%shallowest)
    else where
      self%depth = 0
    end where
  end subroutine adjust_depth

  !> Open the water at the sides of the grid.
  subroutine open_sides(self, west, east, south, north, problem)
    class(swe_domain_t), intent(inout) :: self
    character(len=*), intent(in) :: west, east, south, north
      !! "closed", "elevation" or "radiating"
    character(len=*), intent(inout) :: problem !! set if there is none to open

    call open_cells("west", self%cell(1, :), west, problem)
    call open_cells("east", self%cell(self%nx, :), east, problem)
    call open_cells("south", self%cell(:, 1), south, problem)
    call open_cells("north", self%cell(:, self%ny), north, problem)
  end subroutine open_sides

  !> Open the water among some cells.
  subroutine open_cells(side, cell, kind, problem)
    character(len=*), intent(in) :: side       !! they lie on
    integer, intent(inout) :: cell(:)          !! one of cell_*
    character(len=*), intent(in) :: kind       !! of the boundary
    character(len=*), intent(inout) :: problem !! set if there is no water

    if (kind /= "closed" .and. all(cell == cell_land) .and. problem == "") problem = &
      "'"//side//"' = '"//kind//"' in &boundary opens land: that side of the grid has "// &
      "no water"
    if (kind == "elevation") then
      where (cell == cell_water) cell = cell_elevation
    else if (kind == "radiating") then
      where (cell == cell_water) cell = cell_radiating
    end if
  end subroutine open_cells

  !> The grid of one block.
  subroutine make_grid(self, block, grid)
    class(swe_domain_t), intent(in) :: self
    type(block_t), intent(in) :: block
    type(swe_grid_t), intent(inout) :: grid !! set up

    type(metric_t) :: metric

    if (self%is_sphere) then
      metric = sphere_metric(block, self%y(1), self%dx, self%dy)
    else
      metric = plane_metric(block, self%dx, self%dy, self%f0, self%beta)
    end if
    associate (i => block%i_offset, j => block%j_offset, nx => block%nx, ny => block%ny)
      call grid%setup(block, self%cell(i + 1:i + nx, j + 1:j + ny), &
        real(self%depth(i + 1:i + nx, j + 1:j + ny), wp), metric%dx, metric%dx_v, &
        metric%dy, metric%f_u, metric%f_v)
      call grid%set_drag(real(self%drag(i + 1:i + nx, j + 1:j + ny), wp))
    end associate
  end subroutine make_grid

  !> The cell that holds a place; (0, 0) outside of the grid.
  pure subroutine locate(self, x, y, i, j)
    class(swe_domain_t), intent(in) :: self
    real(real64), intent(in) :: x, y !! the place, as the coordinates [m] or [degree]
    integer, intent(out) :: i, j     !! the cell

    real(real64) :: east

    east = x - self%x(1)
    if (self%is_sphere) east = modulo(east + self%dx/2, 360.0_real64) - self%dx/2
    i = nint(east/self%dx) + 1
    j = nint((y - self%y(1))/self%dy) + 1
    ! A point on the rim belongs to the cell inside.
    if (abs(east/self%dx - (self%nx - 0.5_real64)) < rim) i = self%nx
    if (abs((y - self%y(1))/self%dy - (self%ny - 0.5_real64)) < rim) j = self%ny
    if (i >= 1 .and. j >= 1 .and. i <= self%nx .and. j <= self%ny) return
    i = 0
    j = 0
  end subroutine locate

  !> Distance of a place from a cell's centre [m].
  pure real(real64) function distance(self, x, y, i, j)
    class(swe_domain_t), intent(in) :: self
    real(real64), intent(in) :: x, y !! the place, as the coordinates [m] or [degree]
    integer, intent(in) :: i, j      !! the cell

    real(real64) :: east, north

    east = x - self%x(i)
    north = y - self%y(j)
    if (self%is_sphere) then
      east = modulo(east + 180, 360.0_real64) - 180
      ! Short distances: the parallel between both serves.
      east = earth_radius*degree*cos(0.5_real64*(y + self%y(j))*degree)*east
      north = earth_radius*degree*north
    end if
    distance = hypot(east, north)
  end function distance

  !> Sixteen digits that change with any depth, cell kind, drag or metric (FNV-1a, 64 bit).
  function fingerprint(self) result(text)
    class(swe_domain_t), intent(in) :: self
    character(len=16) :: text

    integer(int64) :: hash
    integer :: i, j

    hash = -3750763034362895579_int64 ! the hash's own start
    call stir(hash, [self%dx, self%dy, self%f0, self%beta, self%x(1), self%y(1)])
    call stir(hash, [merge(1, 0, self%periodic_x), merge(1, 0, self%periodic_y), &
      merge(1, 0, self%is_sphere)]*1.0_real64)
    do j = 1, self%ny
      call stir(hash, self%depth(:, j))
      call stir(hash, self%drag(:, j))
      call stir(hash, [(real(self%cell(i, j), real64), i=1, self%nx)])
    end do
    write (text, "(z16.16)") hash
  end function fingerprint

  !> Take numbers into a hash, bit by bit. Its product is modulo 2**64.
  pure subroutine stir(hash, values)
    integer(int64), intent(inout) :: hash
    real(real64), intent(in) :: values(:)

    integer :: i

    do i = 1, size(values)
      hash = times_prime(ieor(hash, transfer(values(i), hash)))
    end do
  end subroutine stir

  !> hash*(2**40 + 435) modulo 2**64, in halves: a signed product must not overflow.
  pure integer(int64) function times_prime(hash)
    integer(int64), intent(in) :: hash

    integer(int64), parameter :: low_half = 4294967295_int64
    integer(int64) :: high, low

    low = iand(hash, low_half)*435_int64
    high = iand(shiftr(hash, 32)*435_int64 + shiftr(low, 32) + shiftl(iand(hash, &
      16777215_int64), 8), low_half)
    times_prime = ior(shiftl(high, 32), iand(low, low_half))
  end function times_prime

end module swe_domain
