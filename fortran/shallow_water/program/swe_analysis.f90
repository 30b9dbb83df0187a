! SPDX-License-Identifier: MIT
!> Harmonic analysis of the elevation while a run goes on: fields of amplitude and phase.
module swe_analysis
  use failures, only: err_file
  use restarts, only: append, field_t
  use swe_blocks, only: block_t
  use swe_config, only: swe_config_t
  use swe_constituents, only: constituent_t, set_constituents
  use swe_domain, only: swe_domain_t
  use swe_grid, only: cell_elevation, cell_water, swe_grid_t
  use swe_harmonics, only: swe_harmonics_t
  use swe_kinds, only: real64, wp
  use swe_output, only: add_attributes, add_grid, no_value, time_units, write_grid
  use swe_ranks, only: gather, scatter
  use swe_state, only: swe_state_t
  use trajectories, only: trajectory_t
  implicit none
  private
  public :: analysis_t

  !> The analysis of a run.
  type :: analysis_t
    type(swe_harmonics_t) :: harmonics !! of this block's cells
    logical :: is_wanted = .false.
    integer :: every = 1               !! steps between samples
    real(real64) :: start = 0          !! of the sampling [s]
  contains
    procedure :: setup
    procedure :: rehearse
    procedure :: sample
    procedure :: write => write_analysis
    procedure :: to_fields
    procedure :: from_fields
    procedure, private :: prefix
  end type analysis_t

contains

  !> Begin, if the settings want it.
  subroutine setup(self, config, block, stat, errmsg)
    class(analysis_t), intent(inout) :: self
    type(swe_config_t), intent(in) :: config
    type(block_t), intent(in) :: block
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    type(constituent_t), allocatable :: constituents(:)

    stat = 0
    self%is_wanted = size(config%analysis%constituents) > 0
    if (.not. self%is_wanted) return
    self%every = config%analysis%every
    self%start = max(config%analysis%start, config%integration%spin_up)
    call set_constituents(constituents, config%analysis%constituents, &
      config%integration%start, config%boundary%nodal, stat, errmsg)
    if (stat == 0) call self%harmonics%setup(constituents, block%nx, block%ny)
  end subroutine setup

  !> Refuse a run whose samples will not part the constituents: the normal matrix depends
  !> on times alone, so it is known before the first step.
  subroutine rehearse(self, config, first_step, stat, errmsg)
    class(analysis_t), intent(in) :: self
    type(swe_config_t), intent(in) :: config
    integer, intent(in) :: first_step !! of the run, its sums are known
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    type(swe_harmonics_t) :: trial
    real(wp) :: amplitude(1, 1, size(config%analysis%constituents)), phase(1, 1, &
      size(config%analysis%constituents)), zeta(1, 1)
    integer :: step

    if (stat /= 0 .or. .not. self%is_wanted .or. config%analysis%output == "") return
    call trial%setup(self%harmonics%constituents, 1, 1)
    trial%matrix(:, :) = self%harmonics%matrix
    trial%n_samples = self%harmonics%n_samples
    trial%first_time = self%harmonics%first_time
    zeta = 0.0_wp
    do step = first_step + 1, first_step + config%integration%n_steps
      associate (time => step*real(config%parameters%dt, real64))
        if (time >= self%start .and. modulo(step, self%every) == 0) call trial%add(time, &
          zeta)
      end associate
    end do
    call trial%solve(amplitude, phase, stat=stat, errmsg=errmsg)
  end subroutine rehearse

  !> Take the state of one step in, if it is one to be sampled.
  subroutine sample(self, grid, state, step, time)
    class(analysis_t), intent(inout) :: self
    type(swe_grid_t), intent(in) :: grid
    type(swe_state_t), intent(in) :: state
    integer, intent(in) :: step      !! since the start
    real(real64), intent(in) :: time !! since the start [s]

    if (.not. self%is_wanted .or. time < self%start) return
    if (modulo(step, self%every) == 0) call self%harmonics%add(time, &
      state%zeta(1:grid%block%nx, 1:grid%block%ny))
  end subroutine sample

  !> Solve and write. All ranks call it, rank 0 writes.
  subroutine write_analysis(self, config, domain, grid, stat, errmsg)
    class(analysis_t), intent(in) :: self
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp), allocatable :: amplitude(:, :, :), mean(:, :, :), phase(:, :, :)
    type(trajectory_t) :: trajectory
    integer :: n

    n = size(self%harmonics%constituents)
    allocate (amplitude(grid%block%nx, grid%block%ny, n))
    allocate (phase, mold=amplitude)
    allocate (mean(grid%block%nx, grid%block%ny, 1))
    call self%harmonics%solve(amplitude, phase, mean(:, :, 1), stat, errmsg)
    ! The normal matrix is the same on all ranks: they fail together.
    if (stat /= 0) return
    if (grid%block%rank == 0) call create(self, config, domain, trajectory, stat, errmsg)
    call write_layers(domain, grid, "amplitude", amplitude, trajectory, stat, errmsg)
    call write_layers(domain, grid, "phase", phase, trajectory, stat, errmsg)
    call write_layers(domain, grid, "mean", mean, trajectory, stat, errmsg)
    if (stat == 0 .and. trajectory%is_open()) call trajectory%finish(stat=stat, &
      errmsg=errmsg)
    call trajectory%abandon()
  end subroutine write_analysis

  !> Create the file. Its only time is the middle of the samples.
  subroutine create(self, config, domain, trajectory, stat, errmsg)
    type(analysis_t), intent(in) :: self
    type(swe_config_t), intent(in) :: config
    type(swe_domain_t), intent(in) :: domain
    type(trajectory_t), intent(inout) :: trajectory
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=*), parameter :: dims(3) = [character(len=11) :: "x", "y", &
      "constituent"]
    character(len=*), parameter :: names(3) = [character(len=9) :: "amplitude", "phase", &
      "mean"]
    character(len=*), parameter :: units(3) = [character(len=7) :: "m", "degrees", "m"]
    character(len=*), parameter :: long_names(3) = [character(len=44) :: &
      "amplitude of the surface elevation", &
      "Greenwich phase lag of the surface elevation", &
      "mean elevation of the surface"]
    integer :: k, n_dims

    call trajectory%create(trim(config%analysis%output), stat, errmsg, time_units(config))
    if (stat == 0) call add_grid(domain, trajectory, stat, errmsg)
    associate (constituents => self%harmonics%constituents)
      if (stat == 0) call trajectory%add_coordinate("constituent", &
        constituents%speed, "s-1", "angular frequency of the constituent", stat, errmsg)
      if (stat == 0) call trajectory%add_texts("name", "constituent", constituents%name, &
        "name of the constituent", stat, errmsg)
    end associate
    do k = 1, size(names)
      n_dims = merge(2, 3, names(k) == "mean")
      if (stat == 0) call trajectory%add_constant(trim(names(k)), dims(:n_dims), &
        trim(units(k)), trim(long_names(k)), .false., stat, errmsg)
      if (stat == 0) call trajectory%add_number_mark(trim(names(k)), "_FillValue", &
        no_value, .false., stat, errmsg)
    end do
    if (stat == 0) call trajectory%add_attribute("n_samples", self%harmonics%n_samples, &
      stat, errmsg)
    if (stat == 0) call add_attributes(config, domain, &
      "Harmonic analysis of the elevation", trajectory, stat, errmsg)
    if (stat == 0) call write_grid(domain, trajectory, stat, errmsg)
    if (stat == 0) call trajectory%begin_record(0.5_real64*(self%harmonics%first_time &
      + self%harmonics%last_time), stat, errmsg)
  end subroutine create

  !> Collect and write the layers of one variable.
  subroutine write_layers(domain, grid, name, layers, trajectory, stat, errmsg)
    type(swe_domain_t), intent(in) :: domain
    type(swe_grid_t), intent(in) :: grid
    character(len=*), intent(in) :: name         !! of the variable
    real(wp), intent(in) :: layers(:, :, :)      !! of this block
    type(trajectory_t), intent(inout) :: trajectory
    integer, intent(inout) :: stat               !! nothing is written unless it is 0
    character(len=*), intent(inout) :: errmsg

    real(wp), allocatable :: layer(:, :), whole(:, :)
    logical, allocatable :: here(:, :)
    integer :: k

    here = domain%cell == cell_water .or. domain%cell == cell_elevation
    allocate (whole(domain%nx, domain%ny))
    do k = 1, size(layers, 3)
      layer = layers(:, :, k)
      call gather(grid%block, layer, whole)
      if (stat /= 0 .or. .not. trajectory%is_open()) cycle
      if (size(layers, 3) == 1 .and. name == "mean") then
        call trajectory%write_constant(name, merge(real(whole, real64), no_value, here), &
          stat, errmsg)
      else
        call trajectory%write_layer(name, k, merge(real(whole, real64), no_value, here), &
          stat, errmsg)
      end if
    end do
  end subroutine write_layers

  !> Append the sums to the fields of a restart. All ranks call it.
  subroutine to_fields(self, domain, block, fields)
    class(analysis_t), intent(in) :: self
    type(swe_domain_t), intent(in) :: domain
    type(block_t), intent(in) :: block
    type(field_t), allocatable, intent(inout) :: fields(:)

    real(wp), allocatable :: layer(:, :), whole(:, :)
    integer :: k

    if (.not. self%is_wanted) return
    if (.not. allocated(fields)) allocate (fields(0))
    associate (h => self%harmonics)
      call append(fields, self%prefix()//"matrix", h%matrix)
      call append(fields, self%prefix()//"samples", reshape([real(h%n_samples, real64), &
        h%first_time, h%last_time], [3, 1]))
      allocate (whole(domain%nx, domain%ny))
      do k = 1, size(h%right_hand, 3)
        layer = real(h%right_hand(:, :, k), wp)
        call gather(block, layer, whole)
        call append(fields, self%prefix()//digits(k), real(whole, real64))
      end do
    end associate
    fields%is_optional = .true.
  end subroutine to_fields

  !> Take the sums of a restart; say so if it has none and samples are missing.
  subroutine from_fields(self, block, fields, time, stat, errmsg)
    class(analysis_t), intent(inout) :: self
    type(block_t), intent(in) :: block
    type(field_t), intent(in) :: fields(:)  !! as `to_fields` makes them
    real(real64), intent(in) :: time        !! of the restart [s]
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    real(wp), allocatable :: layer(:, :)
    integer :: k

    if (.not. self%is_wanted .or. stat /= 0) return
    if (any(.not. fields%is_found)) then
      if (time <= self%start) return
      stat = err_file
      write (errmsg, "(a, g0.8, a, g0.8, a)") "the restart has no sums of an analysis "// &
        "of these constituents, which began at ", self%start, " s: set 'start' in "// &
        "&analysis to ", time, " s or later"
      return
    end if
    associate (h => self%harmonics)
      h%matrix(:, :) = fields(1)%values
      h%n_samples = nint(fields(2)%values(1, 1))
      h%first_time = fields(2)%values(2, 1)
      h%last_time = fields(2)%values(3, 1)
      allocate (layer(block%nx, block%ny))
      do k = 1, size(h%right_hand, 3)
        call scatter(block, real(fields(k + 2)%values, wp), layer)
        h%right_hand(:, :, k) = layer
      end do
    end associate
  end subroutine from_fields

  !> Names in a restart tell the constituents: sums of others are not taken for these.
  function prefix(self) result(name)
    class(analysis_t), intent(in) :: self
    character(len=:), allocatable :: name

    integer :: k

    name = "analysis_"
    do k = 1, size(self%harmonics%constituents)
      name = name//trim(self%harmonics%constituents(k)%name)//"_"
    end do
  end function prefix

  !> A number as text.
  function digits(number) result(text)
    integer, intent(in) :: number
    character(len=:), allocatable :: text

    character(len=12) :: buffer

    write (buffer, "(i0)") number
    text = trim(buffer)
  end function digits

end module swe_analysis
