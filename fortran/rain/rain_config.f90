! SPDX-License-Identifier: MIT
!> What a namelist says about an ensemble of warm clouds.
!>
!> Each key is one `visit` line below and one component with its default and its unit. The
!> clouds are all combinations of the three lists of `&clouds`; by default the 819 of
!> Seifert and Rasp (2020), doi:10.1029/2020MS002301.
module rain_config
  use kinds, only: wp
  use namelist_checks, only: check_amount, check_at_least, check_choice, check_multiple, &
    check_positive
  use namelist_settings, only: key_visitor_t, max_path, settings_t
  use rain_drops, only: cloud_t
  use rain_kernels, only: kernel_names
  use restarts, only: setting_t
  use superdroplet_ensemble, only: ensemble_t
  use superdroplet_sampling, only: sampling_names
  implicit none
  private
  public :: rain_config_t

  character(len=*), parameter :: groups = &
    "unknown group, expected &clouds, &box, &integration or &files"

  !> Settings of a run, with their defaults.
  type, extends(settings_t) :: rain_config_t
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
    procedure :: set_lists
    procedure :: visit_group
    procedure :: check
    procedure :: n_cases
    procedure :: cloud
    procedure :: ensemble
    procedure :: signature
  end type rain_config_t

contains

  !> The 819 clouds.
  subroutine set_lists(self)
    class(rain_config_t), intent(inout) :: self

    self%liquid_water = 1.0e-4_wp*[2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20]
    self%mean_radius = 1.0e-6_wp*[9, 10, 11, 12, 13, 14, 15]
    self%shape = 0.5_wp*[0, 1, 2, 3, 4, 5, 6, 7, 8]
  end subroutine set_lists

  !> All keys of the group at hand.
  subroutine visit_group(self, keys, group)
    class(rain_config_t), intent(inout) :: self
    type(key_visitor_t), intent(inout) :: keys
    character(len=*), intent(in) :: group

    select case (group)
    case ("clouds")
      call keys%visit("liquid_water", self%liquid_water)
      call keys%visit("mean_radius", self%mean_radius)
      call keys%visit("shape", self%shape)
    case ("box")
      call keys%visit("method", self%method)
      call keys%visit("per_doubling", self%per_doubling)
      call keys%visit("volume", self%volume)
      call keys%visit("droplets", self%droplets)
      call keys%visit("sampling", self%sampling)
      call keys%visit("kernel", self%kernel)
      call keys%visit("golovin_b", self%golovin_b)
    case ("integration")
      call keys%visit("members", self%members)
      call keys%visit("seed", self%seed)
      call keys%visit("dt", self%dt)
      call keys%visit("duration", self%duration)
      call keys%visit("output_every", self%output_every)
      call keys%visit("max_substeps", self%max_substeps)
    case ("files")
      call keys%visit("output", self%output)
    case default
      keys%problem = groups
    end select
  end subroutine visit_group

  !> Refuse what cannot be run. The clouds are checked where they are drawn.
  subroutine check(self, problem)
    class(rain_config_t), intent(inout) :: self
    character(len=*), intent(inout) :: problem !! set if there is one

    if (self%output == "") problem = "'output' in &files is missing"
    call check_choice("method", self%method, ["droplets", "bins    "], problem)
    call check_at_least("per_doubling", self%per_doubling, 1, problem)
    call check_choice("kernel", self%kernel, kernel_names, problem)
    call check_choice("sampling", self%sampling, sampling_names, problem)
    call check_at_least("droplets", self%droplets, 2, problem)
    call check_at_least("members", self%members, 1, problem)
    call check_amount("'members'", [self%members], 2, problem)
    call check_amount("'droplets'", [self%droplets], 2, problem)
    call check_at_least("max_substeps", self%max_substeps, 1, problem)
    call check_positive("volume", self%volume, problem)
    call check_positive("golovin_b", self%golovin_b, problem)
    call check_positive("dt", self%dt, problem)
    call check_positive("duration", self%duration, problem)
    call check_positive("output_every", self%output_every, problem)
    call check_multiple("output_every", self%output_every, "dt", self%dt, problem)
    call check_multiple("duration", self%duration, "output_every", self%output_every, &
      problem)
  end subroutine check

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
    call copy%visit_group(keys, "clouds")
    call copy%visit_group(keys, "box")
    call copy%visit_group(keys, "integration")
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
