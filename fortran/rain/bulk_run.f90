! SPDX-License-Identifier: MIT
!> Warm rain by moments, in boxes or columns, from its settings to its file.
module bulk_run
  use bulk_box, only: bulk_check, bulk_step, n_quantities, n_rates, quantity, &
    rates_check, seifert_beheng_t
  use bulk_config, only: bulk_config_t
  use bulk_shaft, only: shaft_t
  use closures, only: closure_t
  use failures, only: err_interrupted, fail, succeed
  use interrupts, only: interrupted_by
  use kinds, only: wp
  use trajectories, only: trajectory_t
  use version, only: isthmus_version
  implicit none
  private
  public :: bulk_config_t, run

  character(len=*), parameter :: units(4) = [character(len=6) :: "kg m-3", "m-3", &
    "kg m-3", "m-3"]
  character(len=*), parameter :: long_names(4) = [character(len=21) :: "cloud water", &
    "number of cloud drops", "rain water", "number of rain drops"]

  !> A run under way.
  type :: bulk_run_t
    type(bulk_config_t) :: config
    type(shaft_t) :: shaft              !! columns; unused by boxes
    type(trajectory_t) :: file
    real(wp), allocatable :: state(:, :) !! (quantity, cell)
    real(wp), allocatable :: rates(:, :) !! (rate, cell)
    real(wp), allocatable :: rained(:)   !! at the last record [kg m-2] (column)
  end type bulk_run_t

contains

  !> Run with a closure in the slot, Seifert & Beheng if none is given.
  subroutine run(config, closure, closure_name, stat, errmsg)
    type(bulk_config_t), intent(in) :: config                !! settings
    class(closure_t), intent(inout), optional :: closure     !! state to rates
    character(len=*), intent(in), optional :: closure_name   !! for the file
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(bulk_run_t) :: self
    type(seifert_beheng_t) :: scheme
    character(len=512) :: message
    integer :: status

    message = ""
    self%config = config
    call set_up(self)
    call bulk_check(self%state, status, message)
    if (present(closure)) then
      if (status == 0) call create_file(self, closure_name, status, message)
      if (status == 0) call march(self, closure, status, message)
    else
      scheme = seifert_beheng_t(dt=config%dt, n_substeps=config%substeps)
      if (status == 0) call create_file(self, "Seifert-Beheng", status, message)
      if (status == 0) call march(self, scheme, status, message)
    end if
    if (status == 0) call self%file%finish(stat=status, errmsg=message)
    if (status /= 0) then
      if (self%file%is_open()) call self%file%abandon()
      call fail(status, trim(message), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine run

  !> First state.
  subroutine set_up(self)
    type(bulk_run_t), intent(inout) :: self

    integer :: c, n_columns

    if (self%config%levels == 0) then
      call fill_boxes(self)
    else
      n_columns = self%config%columns
      associate (config => self%config, shaft => self%shaft)
        shaft%n_levels = config%levels
        shaft%dz = config%dz
        shaft%cloud_base = config%cloud_base
        shaft%lapse = config%lapse
        shaft%updraft_time = config%updraft_time
        shaft%updraft_every = config%updraft_every
        shaft%updraft = [(config%updraft_min + (config%updraft_max - config%updraft_min) &
          *(c - 1)/max(n_columns - 1, 1), c=1, n_columns)]
        shaft%mean_radius = [(config%mean_radius(modulo(c - 1, &
          size(config%mean_radius)) + 1), c=1, n_columns)]
        allocate (self%state(n_quantities, shaft%n_levels*n_columns))
        call shaft%setup([(config%shape(modulo(c - 1, size(config%shape)) + 1), &
          c=1, n_columns)], self%state)
      end associate
      allocate (self%rained(n_columns), source=0.0_wp)
    end if
    allocate (self%rates(n_rates, size(self%state, 2)), source=0.0_wp)
  end subroutine set_up

  !> All combinations of the clouds, the shape fastest, all of it cloud.
  subroutine fill_boxes(self)
    type(bulk_run_t), intent(inout) :: self

    real(wp), parameter :: sphere = 4.0_wp/3.0_wp*acos(-1.0_wp), water = 1000.0_wp
    integer :: i, j, k, n

    associate (config => self%config)
      allocate (self%state(n_quantities, size(config%liquid_water) &
        *size(config%mean_radius)*size(config%shape)), source=0.0_wp)
      n = 0
      do k = 1, size(config%liquid_water)
        do j = 1, size(config%mean_radius)
          do i = 1, size(config%shape)
            n = n + 1
            self%state(1, n) = config%liquid_water(k)
            self%state(2, n) = config%liquid_water(k) &
              /(sphere*water*config%mean_radius(j)**3)
            self%state(5:, n) = [config%liquid_water(k), config%mean_radius(j), &
              config%shape(i)]
          end do
        end do
      end do
    end associate
  end subroutine fill_boxes

  !> Step to the end, and write.
  subroutine march(self, closure, stat, errmsg)
    type(bulk_run_t), intent(inout), target :: self
    class(closure_t), intent(inout) :: closure
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    integer :: i, n_between, n_steps

    n_steps = nint(self%config%duration/self%config%dt)
    n_between = nint(self%config%output_every/self%config%dt)
    call write_record(self, 0, stat, errmsg)
    do i = 1, n_steps
      if (stat /= 0) return
      if (self%config%levels > 0) call self%shaft%force((i - 1)*self%config%dt, &
        self%config%dt, self%state)
      call closure%evaluate(self%state, self%rates, stat, errmsg)
      if (stat == 0) call rates_check(self%rates, stat, errmsg)
      if (stat /= 0) return
      call bulk_step(self%state, self%rates, self%config%dt)
      call bulk_check(self%state, stat, errmsg)
      if (stat == 0 .and. modulo(i, n_between) == 0) call write_record(self, i, stat, &
        errmsg)
      if (stat == 0 .and. interrupted_by() /= 0) call fail(err_interrupted, &
        "interrupted, the file was not finished", stat, errmsg)
    end do
  end subroutine march

  !> Create the file and define all that will be in it.
  subroutine create_file(self, closure_name, stat, errmsg)
    type(bulk_run_t), intent(inout) :: self
    character(len=*), intent(in) :: closure_name !! what fills the slot
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    character(len=6), allocatable :: dims(:)
    integer :: i

    call self%file%create(trim(self%config%output), stat, errmsg, time_units="s")
    if (self%config%levels == 0) then
      dims = ["case  "]
      if (stat == 0) call self%file%add_dimension("case", size(self%state, 2), "box", &
        stat, errmsg)
    else
      dims = ["level ", "column"]
      if (stat == 0) call self%file%add_coordinate("level", &
        [((i - 0.5_wp)*self%config%dz, i=1, self%config%levels)], "m", "height", stat, &
        errmsg)
      if (stat == 0) call self%file%add_dimension("column", self%config%columns, "column", &
        stat, errmsg)
    end if
    do i = 1, 4
      if (stat == 0) call self%file%add_variable(quantity(i), dims, trim(units(i)), &
        trim(long_names(i)), .false., stat, errmsg)
    end do
    if (self%config%levels > 0) call define_budget(self, stat, errmsg)
    if (stat == 0) call self%file%add_attribute("Conventions", "CF-1.11", stat, errmsg)
    if (stat == 0) call self%file%add_attribute("source", "isthmus-rain-bulk "// &
      isthmus_version, stat, errmsg)
    if (stat == 0) call self%file%add_attribute("closure", closure_name, stat, errmsg)
    if (stat == 0) call self%file%add_attribute("dt", self%config%dt, stat, errmsg)
  end subroutine create_file

  !> What falls, what condensed and what left.
  subroutine define_budget(self, stat, errmsg)
    type(bulk_run_t), intent(inout) :: self
    integer, intent(inout) :: stat
    character(len=*), intent(inout) :: errmsg

    if (stat == 0) call self%file%add_variable("rain_rate", ["column"], "kg m-2 s-1", &
      "rain at the ground, mean since the last record", .false., stat, errmsg)
    if (stat == 0) call self%file%add_variable("rained", ["column"], "kg m-2", &
      "rain at the ground since the start", .false., stat, errmsg)
    if (stat == 0) call self%file%add_variable("condensed", ["column"], "kg m-2", &
      "water condensed since the start", .false., stat, errmsg)
    if (stat == 0) call self%file%add_variable("left", ["column"], "kg m-2", &
      "water that left through the top since the start", .false., stat, errmsg)
    if (stat == 0) call self%file%add_variable("water_path", ["column"], "kg m-2", &
      "cloud and rain water in the column", .false., stat, errmsg)
  end subroutine define_budget

  !> Write the state after `step` steps.
  subroutine write_record(self, step, stat, errmsg)
    type(bulk_run_t), intent(inout) :: self
    integer, intent(in) :: step
    integer, intent(out) :: stat
    character(len=*), intent(inout) :: errmsg

    integer :: i, shape_out(2)

    shape_out = [max(self%config%levels, 1), self%config%columns]
    if (self%config%levels == 0) shape_out = [size(self%state, 2), 1]
    call self%file%begin_record(step*self%config%dt, stat, errmsg)
    do i = 1, 4
      if (stat == 0) call self%file%write_field(quantity(i), &
        reshape(self%state(i, :), shape_out), stat, errmsg)
    end do
    if (self%config%levels == 0) return
    associate (shaft => self%shaft, n => self%config%columns)
      if (stat == 0) call self%file%write_field("rain_rate", reshape((shaft%rained &
        - self%rained)/self%config%output_every, [n, 1]), stat, errmsg)
      if (stat == 0) call self%file%write_field("rained", reshape(shaft%rained, [n, 1]), &
        stat, errmsg)
      if (stat == 0) call self%file%write_field("condensed", reshape(shaft%condensed, &
        [n, 1]), stat, errmsg)
      if (stat == 0) call self%file%write_field("left", reshape(shaft%left, [n, 1]), stat, &
        errmsg)
      if (stat == 0) call self%file%write_field("water_path", &
        reshape(shaft%water_path(self%state), [n, 1]), stat, errmsg)
      self%rained = shaft%rained
    end associate
  end subroutine write_record

end module bulk_run
