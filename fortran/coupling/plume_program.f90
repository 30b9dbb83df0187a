! SPDX-License-Identifier: MIT
!> `isthmus-plume NETWORK|none MECHANISM OUTPUT [DAYS]`: a plume in a wind-driven gyre that
!> reacts, by a network with the solver behind it, or by the solver alone.
!>
!> A closed basin of 240 km, 20 m deep, f = 1e-4 s-1; wind stress over density
!> -1e-4 cos(pi y/L) m2 s-2, linear drag 2e-5 s-1; five days of spin-up. The tracers begin
!> as a day of chemistry leaves the published start of the mechanism; NO and NO2 are raised
!> in a patch near the western coast, a hundredfold in its middle. Chemistry every hour,
!> first at midday. Tells by how much the mass of each element has changed.
program plume_program
  use, intrinsic :: iso_fortran_env, only: error_unit, output_unit
  use chemistry_mechanism, only: mechanism_t
  use chemistry_reactors, only: solver_reactor_t
  use chemistry_reader, only: read_mechanism
  use flow_chemistry, only: flow_chemistry_t
  use kinds, only: wp
  use network_reactor, only: network_reactor_t
  use swe_blocks, only: halo, whole_grid
  use swe_grid, only: cell_water
  use swe_parameters, only: drag_none, face_linear, swe_parameters_t
  use swe_solvers, only: make_solver
  use swe_state, only: swe_forcing_t, swe_state_t
  use swe_step, only: swe_model_t
  use swe_tracers, only: swe_tracers_t
  use trajectories, only: trajectory_t
  implicit none

  integer, parameter :: n = 48                   !! cells in a row
  real(wp), parameter :: dx = 5000.0_wp          !! [m]
  real(wp), parameter :: dt = 900.0_wp           !! [s]
  real(wp), parameter :: noon = 43200.0_wp, day = 86400.0_wp !! [s]
  real(wp), parameter :: rtol = 1.0e-3_wp, atol = 1.0_wp     !! of the solver [1], [cm-3]
  real(wp), parameter :: pi = acos(-1.0_wp)
  integer, parameter :: spin_up = 480            !! steps: five days
  integer, parameter :: steps_per_record = 24    !! six hours

  type(network_reactor_t), target :: network
  type(solver_reactor_t), target :: alone
  type(flow_chemistry_t) :: chemistry
  type(mechanism_t) :: mechanism
  type(swe_model_t) :: model
  type(swe_state_t) :: state
  type(swe_forcing_t) :: forcing
  type(swe_tracers_t) :: tracers
  type(trajectory_t) :: file
  character(len=1024) :: argument(4)
  character(len=512) :: errmsg
  real(wp), allocatable :: first(:)
  real(wp) :: days
  integer :: i, stat, step

  do i = 1, 4
    call get_command_argument(i, argument(i))
  end do
  if (argument(3) == "") call stop_with("usage: NETWORK|none MECHANISM OUTPUT [DAYS]")
  days = 4.0_wp
  if (argument(4) /= "") read (argument(4), *) days
  call read_mechanism(trim(argument(2)), mechanism, stat, errmsg)
  if (stat /= 0) call stop_with(errmsg)
  call build_flow()
  do step = 1, spin_up
    call model%step(state, forcing)
  end do
  call build_chemistry()
  first = masses()
  call open_file()
  call write_record(0.0_wp)
  do step = 1, nint(days*day/dt)
    call model%step(state, forcing)
    call tracers%advance(model, state, stat, errmsg)
    if (stat /= 0) call stop_with(errmsg)
    if (modulo(step, steps_per_record) == 0) call write_record(step*dt)
    if (modulo(step, steps_per_record) == 0) then
      write (error_unit, "(i3, a)") nint(100*step*dt/day/days), " %"
    end if
  end do
  call file%finish()
  do i = 1, size(mechanism%elements)
    if (.not. mechanism%is_conserved(i)) cycle
    associate (a => mechanism%composition(i, :))
      write (output_unit, "(3a, es8.1)") "change of the mass of ", &
        trim(mechanism%elements(i)), ": ", &
        dot_product(a, masses())/dot_product(a, first) - 1
    end associate
  end do
  if (argument(1) /= "none") write (output_unit, "(i0, a, i0, a)") network%n_fallback, &
    " of ", network%n_cells, " cell steps by the solver"

contains

  subroutine stop_with(text)
    character(len=*), intent(in) :: text !! why

    write (error_unit, "(a)") "isthmus-plume: "//trim(text)
    error stop 1, quiet=.true.
  end subroutine stop_with

  !> Basin and wind.
  subroutine build_flow()
    integer :: cells(n, n), j
    real(wp) :: depths(n, n)
    real(wp), dimension(1 - halo:n + halo) :: f, width

    cells = cell_water
    depths = 20.0_wp
    width = dx
    f = 1.0e-4_wp
    call model%grid%setup(whole_grid(n, n, .false., .false.), cells, depths, width, width, &
      dx, f, f)
    model%parameters = swe_parameters_t(dt=dt, face_depth=face_linear, drag=drag_none, &
      linear_drag=2.0e-5_wp)
    call make_solver(model%solver, "cg", 1.0e-10_wp)
    call model%setup()
    call state%setup(model%grid%block)
    allocate (forcing%stress_u, mold=state%zeta)
    forcing%stress_u = 0.0_wp
    do j = 1, n
      forcing%stress_u(:, j) = -1.0e-4_wp*cos(pi*(j - 0.5_wp)/n)
    end do
  end subroutine build_flow

  !> Tracers as a day of chemistry leaves them, with a patch of nitrogen oxides.
  subroutine build_chemistry()
    real(wp) :: box(size(mechanism%species), 1), patch
    integer :: flags(1), i, j, k

    box(:, 1) = mechanism%initial
    call alone%solver%setup(mechanism, "rodas3", rtol, atol)
    call alone%react(box, noon, day, flags)
    deallocate (alone%h)
    call tracers%setup(model%grid%block, size(mechanism%species))
    do k = 1, size(mechanism%species)
      tracers%c(:, :, k) = max(box(k, 1), 0.0_wp)
    end do
    do j = 1, n
      do i = 1, n
        patch = 1 + 99*exp(-((i - 12)**2 + (j - 24)**2)/16.0_wp)
        do k = 1, size(mechanism%species)
          if (any(mechanism%species(k) == [character(len=3) :: "NO", "NO2"])) then
            tracers%c(i, j, k) = patch*tracers%c(i, j, k)
          end if
        end do
      end do
    end do
    chemistry%t = noon
    chemistry%unit = 3600.0_wp*mechanism%sun%hours_per_unit
    chemistry%reactor => alone
    if (argument(1) /= "none") then
      network%fallback = alone
      call network%load(trim(argument(1)), .true., stat, errmsg)
      if (stat /= 0) call stop_with(errmsg)
      chemistry%reactor => network
    end if
    tracers%reaction = chemistry
  end subroutine build_chemistry

  !> Mass of all tracers.
  function masses() result(mass)
    real(wp) :: mass(size(mechanism%species))

    integer :: k

    do k = 1, size(mass)
      mass(k) = tracers%mass(model%grid, state, k)
    end do
  end function masses

  subroutine open_file()
    integer :: k

    call file%create(trim(argument(3)), time_units="seconds since 2000-01-01 12:00:00")
    call file%add_coordinate("x", [(dx*(k - 0.5_wp), k=1, n)], "m", "distance eastward")
    call file%add_coordinate("y", [(dx*(k - 0.5_wp), k=1, n)], "m", "distance northward")
    do k = 1, size(mechanism%species)
      call file%add_variable(trim(mechanism%species(k)), ["x", "y"], mechanism%unit, &
        "concentration", .true.)
    end do
    call file%add_variable("by_solver", ["x", "y"], "1", &
      "one where the solver stood in for the network", .true.)
    call file%add_attribute("Conventions", "CF-1.10")
  end subroutine open_file

  subroutine write_record(t)
    real(wp), intent(in) :: t !! [s]

    real(wp) :: field(n, n)
    integer :: cell, k

    call file%begin_record(t)
    do k = 1, size(mechanism%species)
      field = tracers%c(1:n, 1:n, k)
      call file%write_field(trim(mechanism%species(k)), field)
    end do
    field = 0.0_wp
    select type (reaction => tracers%reaction)
    type is (flow_chemistry_t)
      if (argument(1) /= "none" .and. allocated(reaction%place)) then
        do cell = 1, size(reaction%place, 2)
          associate (place => reaction%place(:, cell))
            if (network%reasons(cell) /= 0) field(place(1), place(2)) = 1.0_wp
          end associate
        end do
      end if
    end select
    call file%write_field("by_solver", field)
  end subroutine write_record

end program plume_program
