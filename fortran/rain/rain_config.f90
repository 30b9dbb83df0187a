! SPDX-License-Identifier: MIT
!> What a namelist says about an ensemble of warm clouds.
!>
!> Each key is one `visit` line below and one component with its default and its unit. The
!> clouds are all combinations of the three lists of `&clouds`; by default the 819 of
!> Seifert and Rasp (2020), doi:10.1029/2020MS002301.
module rain_config
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  use namelist_checks, only: check_at_least, check_choice
  use namelist_keys, only: key_visitor_t
  use namelists, only: assignment_t, complain, read_assignments
  use rain_drops, only: cloud_t
  use rain_kernels, only: kernel_names
  use restarts, only: setting_t
  use superdroplet_ensemble, only: ensemble_t
  use superdroplet_sampling, only: sampling_names
  implicit none
  private
  public :: rain_config_t, read_config

  integer, parameter, public :: max_path = 1024 !! longest path in a namelist
  character(len=*), parameter :: groups = &
    "unknown group, expected &clouds, &box, &integration or &files"
  real(wp), parameter :: part_of_step = 1.0e-6_wp
    !! accepted difference of an interval from whole steps [steps]: decimal fractions

  !> Settings of a run, with their defaults.
  type :: rain_config_t
    real(wp), allocatable :: liquid_water(:)  !! L0 [kg m-3]
    real(wp), allocatable :: mean_radius(:)   !! r_m [m]
    real(wp), allocatable :: shape(:)         !! nu [1]
    character(len=16) :: method = "droplets"  !! or "bins", which know no chance
    integer :: per_doubling = 8               !! bins for each doubling of mass
    real(wp) :: volume = 10.0_wp              !! of a box [m3]
    integer :: droplets = 4096                !! super-droplets in it
    character(len=16) :: sampling = "tail"    !! or "constant"
    character(len=16) :: kernel = "long"      !! or "golovin", "geometric", "hall"
    real(wp) :: golovin_b = 1500.0_wp         !! [s-1]
    integer :: members = 10                   !! realizations of each cloud
    integer :: seed = 1                       !! of all random numbers
    real(wp) :: dt = 1.0_wp                   !! time step [s]
    real(wp) :: duration = 3600.0_wp          !! [s]
    real(wp) :: output_every = 20.0_wp        !! [s]
    integer :: max_substeps = 1               !! parts of a step; 1: never cut
    character(len=max_path) :: output = ""    !! netCDF
  contains
    procedure :: n_cases
    procedure :: cloud
    procedure :: ensemble
    procedure :: signature
  end type rain_config_t

contains

  !> Read a namelist file.
  subroutine read_config(path, config, stat, errmsg)
    character(len=*), intent(in) :: path       !! namelist file
    type(rain_config_t), intent(out) :: config !! what it says
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(assignment_t), allocatable :: items(:)
    type(key_visitor_t) :: keys
    integer :: i

    config%liquid_water = 1.0e-4_wp*[2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20]
    config%mean_radius = 1.0e-6_wp*[9, 10, 11, 12, 13, 14, 15]
    config%shape = 0.5_wp*[0, 1, 2, 3, 4, 5, 6, 7, 8]
    call read_assignments(path, items, stat, errmsg)
    if (present(stat)) then
      if (stat /= 0) return
    end if
    do i = 1, size(items)
      call keys%look_for(items(i))
      call visit_group(keys, items(i)%group, config)
      if (keys%problem == "" .and. .not. keys%is_known) keys%problem = &
        "unknown key '"//items(i)%key//"'"
      if (keys%problem /= "") then
        call complain(path, items(i), trim(keys%problem), stat, errmsg)
        return
      end if
    end do
    keys%problem = ""
    call check_config(config, keys%problem)
    if (keys%problem /= "") then
      call fail(err_argument, path//": "//trim(keys%problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine read_config

  !> All keys of the group at hand.
  subroutine visit_group(keys, group, config)
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group
    type(rain_config_t), intent(inout) :: config

    select case (group)
    case ("clouds")
      call keys%visit("liquid_water", config%liquid_water)
      call keys%visit("mean_radius", config%mean_radius)
      call keys%visit("shape", config%shape)
    case ("box")
      call keys%visit("method", config%method)
      call keys%visit("per_doubling", config%per_doubling)
      call keys%visit("volume", config%volume)
      call keys%visit("droplets", config%droplets)
      call keys%visit("sampling", config%sampling)
      call keys%visit("kernel", config%kernel)
      call keys%visit("golovin_b", config%golovin_b)
    case ("integration")
      call keys%visit("members", config%members)
      call keys%visit("seed", config%seed)
      call keys%visit("dt", config%dt)
      call keys%visit("duration", config%duration)
      call keys%visit("output_every", config%output_every)
      call keys%visit("max_substeps", config%max_substeps)
    case ("files")
      call keys%visit("output", config%output)
    case default
      keys%problem = groups
    end select
  end subroutine visit_group

  !> Refuse what cannot be run. The clouds are checked where they are drawn.
  subroutine check_config(config, problem)
    type(rain_config_t), intent(in) :: config
    character(len=*), intent(inout) :: problem !! set if there is one

    if (config%output == "") problem = "'output' in &files is missing"
    call check_choice("method", config%method, ["droplets", "bins    "], problem)
    call check_at_least("per_doubling", config%per_doubling, 1, problem)
    call check_choice("kernel", config%kernel, kernel_names, problem)
    call check_choice("sampling", config%sampling, sampling_names, problem)
    call check_at_least("droplets", config%droplets, 2, problem)
    call check_at_least("members", config%members, 1, problem)
    call check_at_least("max_substeps", config%max_substeps, 1, problem)
    call check_positive("volume", config%volume, problem)
    call check_positive("golovin_b", config%golovin_b, problem)
    call check_positive("dt", config%dt, problem)
    call check_positive("duration", config%duration, problem)
    call check_positive("output_every", config%output_every, problem)
    call check_multiple("output_every", config%output_every, "dt", config%dt, problem)
    call check_multiple("duration", config%duration, "output_every", config%output_every, &
      problem)
  end subroutine check_config

  !> Say so if a number is not positive and finite.
  subroutine check_positive(name, value, problem)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: value
    character(len=*), intent(inout) :: problem !! set if there is one

    if (problem /= "" .or. (value > 0.0_wp .and. value < huge(value))) return
    write (problem, "(3a, g0)") "'", name, "' must be positive and finite, found ", value
  end subroutine check_positive

  !> Say so if an interval is not so many times another one.
  subroutine check_multiple(name, value, part_name, part, problem)
    character(len=*), intent(in) :: name
    real(wp), intent(in) :: value
    character(len=*), intent(in) :: part_name
    real(wp), intent(in) :: part
    character(len=*), intent(inout) :: problem !! set if there is one

    if (problem /= "") return
    if (abs(value/part - anint(value/part)) < part_of_step .and. &
      value/part < 1.0e9_wp) return
    write (problem, "(5a, g0, a, g0)") "'", name, "' must be a multiple of '", part_name, &
      "', found ", value, " and ", part
  end subroutine check_multiple

  !> How many clouds there are.
  pure integer function n_cases(self)
    class(rain_config_t), intent(in) :: self

    n_cases = size(self%liquid_water)*size(self%mean_radius)*size(self%shape)
  end function n_cases

  !> One of the clouds: the shape runs fastest, then the radius.
  pure type(cloud_t) function cloud(self, number)
    class(rain_config_t), intent(in) :: self
    integer, intent(in) :: number !! from 1 on

    integer :: i, j, k

    i = modulo(number - 1, size(self%shape)) + 1
    j = modulo((number - 1)/size(self%shape), size(self%mean_radius)) + 1
    k = (number - 1)/(size(self%shape)*size(self%mean_radius)) + 1
    cloud = cloud_t(self%liquid_water(k), self%mean_radius(j), self%shape(i))
  end function cloud

  !> How an ensemble is made.
  pure type(ensemble_t) function ensemble(self)
    class(rain_config_t), intent(in) :: self

    ensemble = ensemble_t(n_members=self%members, seed=self%seed, dt=self%dt, &
      steps_per_record=nint(self%output_every/self%dt), &
      n_records=nint(self%duration/self%output_every) + 1, max_substeps=self%max_substeps)
  end function ensemble

  !> All settings as text: an unfinished file is only continued with the same.
  function signature(self) result(text)
    class(rain_config_t), intent(in) :: self
    character(len=:), allocatable :: text

    type(key_visitor_t) :: keys
    type(rain_config_t) :: copy
    character(len=32) :: number
    integer :: i

    copy = self
    call keys%list()
    call visit_group(keys, "clouds", copy)
    call visit_group(keys, "box", copy)
    call visit_group(keys, "integration", copy)
    text = ""
    do i = 1, size(keys%settings)
      associate (item => keys%settings(i))
        if (allocated(item%text)) then
          text = text//item%name//"="//trim(item%text)//" "
        else
          write (number, "(es24.17)") item%number
          text = text//item%name//"="//trim(adjustl(number))//" "
        end if
      end associate
    end do
  end function signature

end module rain_config
