! SPDX-License-Identifier: MIT
!> An explicit step of the same equations on the same grid: forward-backward in time.
!>
!>     zeta(n+1) = zeta(n) - dt*Div U(n)/area
!>     U(n+1)    = F*(cos(f dt)*U + sin(f dt)*Vm + ... - g*dt*H*d zeta(n+1)/dx)
!>
!> with friction F, rotation and boundaries as in the semi-implicit step. It is what that
!> step is measured against. Stable for sqrt(g H)*dt*sqrt(1/dx**2 + 1/dy**2) <= 1;
!> rotation takes 2 % of that at f dt = 0.3. A. Sielecki (1968), An energy-conserving
!> difference scheme for the storm surge equations, Mon. Weather Rev. 96, 150-156.
!>
!> Each thread passes over a band of rows, in place. It first saves what the bands beside it
!> will overwrite.
module swe_explicit
  !$ use omp_lib, only: omp_get_max_threads, omp_get_num_threads, omp_get_thread_num
  use failures, only: err_argument, fail, succeed
  use swe_blocks, only: halo, lead
  use swe_explicit_rows, only: cell_row_t, elevation_row, face_row_t, fill_cells, &
    fill_faces, plain_row, step_u, step_v, sweep_row, water_inside, work_row_t
  use swe_fields, only: allocate_field
  use swe_grid, only: boundary_face_t, swe_grid_t
  use swe_kinds, only: wp
  use swe_parameters, only: advection_none, drag_none, face_linear, face_upwind, &
    swe_parameters_t, wetting_newton
  use swe_state, only: swe_forcing_t, swe_state_t
  implicit none
  private
  public :: swe_explicit_t

  !> Rows of one thread.
  type :: band_t
    type(cell_row_t) :: cells(0:1) !! row j and row j + 1, in turns
    type(cell_row_t) :: beyond     !! the row north of the band
    type(face_row_t) :: faces(0:1) !! faces j - 1 and j, in turns
    type(work_row_t) :: work
  end type band_t

  !> An explicit model: grid and parameters, and what its step needs.
  type :: swe_explicit_t
    type(swe_grid_t) :: grid
    type(swe_parameters_t) :: parameters   !! theta is not used
    real(wp), allocatable :: depth_u(:, :) !! D at east faces, 0 at closed ones [m]
    real(wp), allocatable :: depth_v(:, :) !! the same at north faces
    integer, allocatable :: first_fixed(:) !! of each row in `grid%fixed` (0:ny+2)
    integer, allocatable :: first_u(:)     !! of each row in `grid%boundary_u` (0:ny+2)
    integer, allocatable :: first_v(:)     !! of each row in `grid%boundary_v` (0:ny+2)
    logical :: is_plain = .false.          !! linear, no rotation, no quadratic drag
    type(band_t), allocatable, private :: bands(:)
  contains
    procedure :: setup
    procedure :: step
    procedure :: largest_dt
  end type swe_explicit_t

contains

  !> Prepare a model whose grid and parameters are set.
  subroutine setup(self, stat, errmsg)
    class(swe_explicit_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=160) :: text
    integer :: n_threads

    call succeed(stat)
    text = refusal(self)
    if (len_trim(text) > 0) then
      call fail(err_argument, trim(text), stat, errmsg)
      return
    end if
    call set_faces(self)
    call list_rows(self)
    associate (p => self%parameters, grid => self%grid)
      self%is_plain = p%drag == drag_none .and. p%face_depth == face_linear &
        .and. all(abs(grid%f_u) <= 0.0_wp) .and. all(abs(grid%f_v) <= 0.0_wp)
    end associate
    n_threads = 1
    !$ n_threads = omp_get_max_threads()
    call setup_bands(self, n_threads)
  end subroutine setup

  !> Why the model cannot run; blank if it can.
  function refusal(self) result(text)
    type(swe_explicit_t), intent(in) :: self
    character(len=160) :: text

    text = ""
    associate (p => self%parameters)
      if (p%face_depth == face_upwind .or. p%advection /= advection_none &
        .or. p%viscosity > 0.0_wp .or. p%wetting == wetting_newton) then
        text = "swe_explicit: 'face_depth' must not be upwind, 'advection' none, "// &
          "'viscosity' 0, 'wetting' static: the explicit step has no more"
      else if (p%dt > self%largest_dt()) then
        write (text, "(a, es10.3, a, es10.3, a)") "swe_explicit: 'dt' is", p%dt, &
          " s, the deepest cell allows", self%largest_dt(), " s: take a shorter step"
      end if
    end associate
  end function refusal

  !> Mean of D at open faces.
  subroutine set_faces(self)
    type(swe_explicit_t), intent(inout) :: self

    integer :: last_i, last_j

    associate (grid => self%grid)
      last_i = ubound(grid%depth, 1)
      last_j = ubound(grid%depth, 2)
      if (allocated(self%depth_u)) deallocate (self%depth_u, self%depth_v)
      call allocate_field(grid%block, self%depth_u)
      call allocate_field(grid%block, self%depth_v)
      self%depth_u(:last_i - 1, :) = 0.5_wp*grid%open_u(:last_i - 1, :) &
        *(grid%depth(:last_i - 1, :) + grid%depth(2 - lead:, :))
      self%depth_v(:, :last_j - 1) = 0.5_wp*grid%open_v(:, :last_j - 1) &
        *(grid%depth(:, :last_j - 1) + grid%depth(:, 2 - halo:))
    end associate
  end subroutine set_faces

  !> Where the lists of the grid, which go row by row, start each row.
  subroutine list_rows(self)
    type(swe_explicit_t), intent(inout) :: self

    integer :: j, last

    last = self%grid%block%ny + 2
    if (allocated(self%first_fixed)) deallocate (self%first_fixed, self%first_u, &
      self%first_v)
    allocate (self%first_fixed(0:last), self%first_u(0:last), self%first_v(0:last))
    do j = 0, last
      self%first_fixed(j) = 1 + count(self%grid%fixed(2, :) < j)
      self%first_u(j) = 1 + count(self%grid%boundary_u(:)%j < j)
      self%first_v(j) = 1 + count(self%grid%boundary_v(:)%j < j)
    end do
  end subroutine list_rows

  !> Allocate the rows of some threads.
  subroutine setup_bands(self, n_threads)
    type(swe_explicit_t), intent(inout) :: self
    integer, intent(in) :: n_threads

    integer :: k, nx, t

    nx = self%grid%block%nx
    if (allocated(self%bands)) deallocate (self%bands)
    allocate (self%bands(0:n_threads - 1))
    do t = 0, n_threads - 1
      associate (band => self%bands(t))
        do k = 0, 1
          call setup_cells(band%cells(k))
          allocate (band%faces(k)%h(nx + 1), source=0.0_wp)
          allocate (band%faces(k)%slope, band%faces(k)%root, band%faces(k)%scaled, &
            source=band%faces(k)%h)
        end do
        call setup_cells(band%beyond)
        allocate (band%work%extra(nx), source=0.0_wp)
        allocate (band%work%drag, band%work%friction, band%work%share, band%work%star, &
          source=band%work%extra)
        allocate (band%work%weight(nx), source=0.25_wp)
      end associate
    end do

  contains

    subroutine setup_cells(row)
      type(cell_row_t), intent(inout) :: row

      allocate (row%zeta(0:nx + 1), row%h(0:nx), source=0.0_wp)
      allocate (row%slope, row%root, row%scaled, source=row%h)
    end subroutine setup_cells

  end subroutine setup_bands

  !> The longest stable time step [s] over the depths of the grid.
  pure real(wp) function largest_dt(self)
    class(swe_explicit_t), intent(in) :: self

    integer :: j

    largest_dt = huge(1.0_wp)
    associate (grid => self%grid)
      do j = 1, grid%block%ny
        largest_dt = min(largest_dt, 1.0_wp/sqrt(max(tiny(1.0_wp), self%parameters%gravity &
          *maxval(grid%depth(1:grid%block%nx, j))*(1.0_wp/grid%dx(j)**2 &
          + 1.0_wp/grid%dy**2))))
      end do
    end associate
  end function largest_dt

  !> Advance the state by one time step. Its halos must be filled; they are when it returns.
  subroutine step(self, state, forcing, stat, errmsg)
    class(swe_explicit_t), intent(inout) :: self
    type(swe_state_t), intent(inout) :: state
    type(swe_forcing_t), intent(in) :: forcing !! at the new level; without a head
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    character(len=200) :: problem
    integer :: n_threads, t

    call succeed(stat)
    problem = state%problem(self%grid%block)
    if (problem == "") problem = forcing%problem(self%grid%block)
    if (allocated(forcing%head)) problem = "'head' of the forcing must not be there: "// &
      "the explicit step knows no air pressure"
    if (problem /= "") then
      call fail(err_argument, "swe_explicit: "//trim(problem), stat, errmsg)
      return
    end if
    n_threads = 1
    !$ n_threads = omp_get_max_threads()
    if (n_threads > size(self%bands)) call setup_bands(self, n_threads)
    !$omp parallel private(t, n_threads)
    t = 0
    n_threads = 1
    !$ t = omp_get_thread_num()
    !$ n_threads = omp_get_num_threads()
    associate (first => 1 + self%grid%block%ny*t/n_threads, &
      last => self%grid%block%ny*(t + 1)/n_threads)
      if (self%is_plain) then
        call pass_plain(self, forcing, first, last, self%bands(t), state)
      else
        call pass_band(self, forcing, first, last, self%bands(t), state)
      end if
    end associate
    !$omp end parallel
    call set_boundary(self, self%grid%boundary_u, forcing%open_u, forcing%open_zeta, &
      state%zeta, state%u)
    call set_boundary(self, self%grid%boundary_v, forcing%open_v, forcing%open_zeta, &
      state%zeta, state%v)
    call state%fill_halo(self%grid%block)
  end subroutine step

  !> The rows from `first` to `last`.
  subroutine pass_band(self, forcing, first, last, band, state)
    class(swe_explicit_t), intent(in) :: self
    type(swe_forcing_t), intent(in) :: forcing
    integer, intent(in) :: first, last
    type(band_t), intent(inout) :: band
    type(swe_state_t), intent(inout) :: state

    integer :: j, nx, one, other

    nx = self%grid%block%nx
    if (last >= first) then
      call cells_of(self, forcing, state, first - 1, band%cells(1))
      call cells_of(self, forcing, state, first, band%cells(0))
      call cells_of(self, forcing, state, last + 1, band%beyond)
      call faces_of(first - 1, band%cells(1), band%cells(0), band%faces(1))
    end if
    !$omp barrier
    one = 0
    do j = first, last
      other = 1 - one
      if (j < last) then
        call cells_of(self, forcing, state, j + 1, band%cells(other))
      else
        call swap(band%cells(other), band%beyond)
      end if
      state%zeta(1:nx, j) = band%cells(one)%zeta(1:nx)
      call faces_of(j, band%cells(one), band%cells(other), band%faces(one))
      call step_row(self, forcing, j, band%cells(one), band%cells(other), &
        band%faces(other), band%faces(one), band%work, state)
      one = other
    end do

  contains

    subroutine faces_of(j, south, north, row)
      integer, intent(in) :: j
      type(cell_row_t), intent(in) :: south, north
      type(face_row_t), intent(inout) :: row

      call fill_faces(self%grid, self%parameters, self%depth_v, &
        self%grid%boundary_v(self%first_v(j):self%first_v(j + 1) - 1), state%v, j, south, &
        north, row)
    end subroutine faces_of

  end subroutine pass_band

  !> The same without rotation and quadratic drag, where elevations need no copy.
  subroutine pass_plain(self, forcing, first, last, band, state)
    class(swe_explicit_t), intent(in) :: self
    type(swe_forcing_t), intent(in) :: forcing
    integer, intent(in) :: first, last
    type(band_t), intent(inout) :: band
    type(swe_state_t), intent(inout) :: state

    integer :: end, j

    end = self%grid%block%nx + 1
    if (last >= first) then
      call cells_of(self, forcing, state, first, band%cells(0))
      call cells_of(self, forcing, state, last + 1, band%beyond)
    end if
    !$omp barrier
    if (last < first) return
    state%zeta(0:end, first) = band%cells(0)%zeta
    do j = first, last - 1
      if (self%first_fixed(j + 1) == self%first_fixed(j + 2)) then
        call sweep(self, j, state)
      else
        call cells_of(self, forcing, state, j + 1, band%cells(1))
        state%zeta(0:end, j + 1) = band%cells(1)%zeta
        call step_plain(self, j, band%cells(1)%zeta, state)
      end if
    end do
    call step_plain(self, last, band%beyond%zeta, state)
  end subroutine pass_plain

  !> The new elevation of row j, and what else the momentum equations look at.
  subroutine cells_of(self, forcing, state, j, row)
    class(swe_explicit_t), intent(in) :: self
    type(swe_forcing_t), intent(in) :: forcing
    type(swe_state_t), intent(in) :: state
    integer, intent(in) :: j
    type(cell_row_t), intent(inout) :: row

    call fill_cells(self%grid, self%parameters, self%depth_u, self%grid%fixed(:, &
      self%first_fixed(j):self%first_fixed(j + 1) - 1), &
      self%grid%boundary_u(self%first_u(j):self%first_u(j + 1) - 1), &
      forcing%open_zeta, state%zeta, state%u, state%v, j, self%is_plain, row)
  end subroutine cells_of

  !> Transports of row j.
  subroutine step_row(self, forcing, j, cells, next, south, north, work, state)
    class(swe_explicit_t), intent(in) :: self
    type(swe_forcing_t), intent(in) :: forcing
    integer, intent(in) :: j
    type(cell_row_t), intent(in) :: cells, next  !! rows j and j + 1
    type(face_row_t), intent(in) :: south, north !! of the cells of row j
    type(work_row_t), intent(inout) :: work
    type(swe_state_t), intent(inout) :: state

    type(swe_parameters_t) :: backward
    integer :: nx

    nx = self%grid%block%nx
    backward = self%parameters
    backward%theta = 0.0_wp ! `slope` is the new one, and has the whole weight
    call step_u(self%grid, backward, j, forcing%stress_u, cells, south, north, work, &
      state%u(1:nx, j))
    call step_v(self%grid, backward, j, forcing%stress_v, north, cells, next, work, &
      state%v(1:nx, j))
  end subroutine step_row

  !> Its transports without rotation and quadratic drag; its elevation is the new one.
  subroutine step_plain(self, j, north, state)
    class(swe_explicit_t), intent(in) :: self
    integer, intent(in) :: j
    real(wp), intent(in) :: north(0:) !! new elevation of row j + 1 [m]
    type(swe_state_t), intent(inout) :: state

    integer :: nx

    nx = self%grid%block%nx
    associate (dt => self%parameters%dt, g => self%parameters%gravity)
      call plain_row(nx, kept(self), g*dt/self%grid%dx(j), self%depth_u(1:nx, j), &
        state%zeta(1:nx, j), state%zeta(2:nx + 1, j), state%u(1:nx, j))
      call plain_row(nx, kept(self), g*dt/self%grid%dy, self%depth_v(1:nx, j), &
        state%zeta(1:nx, j), north(1:nx), state%v(1:nx, j))
    end associate
  end subroutine step_plain

  !> The same and the elevation of row j + 1, none of which is prescribed.
  subroutine sweep(self, j, state)
    class(swe_explicit_t), intent(in) :: self
    integer, intent(in) :: j
    type(swe_state_t), intent(inout) :: state

    real(wp) :: beside(1)
    integer :: end, nx

    nx = self%grid%block%nx
    end = nx + 1
    associate (grid => self%grid, dt => self%parameters%dt, g => self%parameters%gravity)
      call sweep_row(nx, kept(self), g*dt/grid%dx(j), g*dt/grid%dy, self%depth_u(1:nx, j), &
        self%depth_v(1:nx, j), state%zeta(1:end, j), state%u(1:nx, j), state%v(1:nx, j), &
        dt/grid%area(j + 1), grid%dy, grid%dx_v(j + 1), grid%dx_v(j), &
        state%u(0:nx, j + 1), state%v(1:nx, j + 1), state%zeta(1:nx, j + 1))
      call elevation_row(1, dt/grid%area(j + 1), grid%dy, grid%dx_v(j + 1), grid%dx_v(j), &
        state%zeta(end:end, j + 1), state%u(nx:end, j + 1), state%v(end:end, j + 1), &
        state%v(end:end, j), beside)
      state%zeta(end, j + 1) = beside(1)
    end associate
  end subroutine sweep

  !> What linear drag leaves of a transport [1].
  pure real(wp) function kept(self)
    class(swe_explicit_t), intent(in) :: self

    kept = 1.0_wp/(1.0_wp + self%parameters%dt*self%parameters%linear_drag)
  end function kept

  !> Exchange two rows without a copy.
  subroutine swap(one, other)
    type(cell_row_t), intent(inout) :: one, other

    call swap_arrays(one%zeta, other%zeta)
    call swap_arrays(one%h, other%h)
    call swap_arrays(one%slope, other%slope)
    call swap_arrays(one%root, other%root)
    call swap_arrays(one%scaled, other%scaled)
  end subroutine swap

  subroutine swap_arrays(one, other)
    real(wp), allocatable, intent(inout) :: one(:), other(:)

    real(wp), allocatable :: kept(:)

    call move_alloc(one, kept)
    call move_alloc(other, one)
    call move_alloc(kept, other)
  end subroutine swap_arrays

  !> Transports of boundary faces of one direction, and the elevation of the cells outside.
  subroutine set_boundary(self, faces, open_transport, open_zeta, zeta, transport)
    type(swe_explicit_t), intent(in) :: self
    type(boundary_face_t), intent(in) :: faces(:)
    real(wp), intent(in), contiguous, optional :: open_transport(1 - lead:, 1 - halo:)
      !! [m2 s-1]
    real(wp), intent(in), contiguous, optional :: open_zeta(1 - lead:, 1 - halo:) !! [m]
    real(wp), intent(inout), contiguous :: zeta(1 - lead:, 1 - halo:)      !! [m]
    real(wp), intent(inout), contiguous :: transport(1 - lead:, 1 - halo:) !! [m2 s-1]

    real(wp) :: known, outside, water
    integer :: k

    do k = 1, size(faces)
      associate (face => faces(k))
        known = 0.0_wp
        outside = 0.0_wp
        if (present(open_transport)) known = open_transport(face%i, face%j)
        if (present(open_zeta)) outside = open_zeta(face%i_outside, face%j_outside)
        if (face%is_radiating) then
          water = water_inside(self%grid, self%parameters, face, zeta(face%i_inside, &
            face%j_inside))
          known = known + face%outward*sqrt(self%parameters%gravity*water) &
            *(zeta(face%i_inside, face%j_inside) - outside)
        end if
        transport(face%i, face%j) = known
        zeta(face%i_outside, face%j_outside) = outside
      end associate
    end do
  end subroutine set_boundary

end module swe_explicit
