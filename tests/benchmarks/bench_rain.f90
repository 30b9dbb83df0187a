! SPDX-License-Identifier: MIT
!> CPU time of one step of a box of super-droplets, for each kernel and several sizes.
!>
!> `bench_rain [STEPS]`: the cloud of docs/rain.md (1 g/m3, 13 um, shape 1; Golovin: Shima's
!> exponential one of 30.531 um), 1 s steps, constant multiplicities, one thread; the least
!> of five runs. `bench_rain.py` runs PySDM on the same box beside it.
program bench_rain
  use, intrinsic :: iso_fortran_env, only: output_unit
  use kinds, only: wp
  use rain_drops, only: cloud_t, mass_of_radius
  use rain_kernels, only: kernel_t
  use random_lanes, only: random_lanes_t
  use superdroplet_sampling, only: proposal_t
  use superdroplets, only: superdroplets_t
  implicit none

  integer, parameter :: sizes(3) = [1024, 4096, 16384]
  integer, parameter :: n_repeats = 5
  character(len=*), parameter :: names(4) = [character(len=9) :: "golovin", "long", &
    "geometric", "hall"]
  character(len=16) :: argument
  integer :: i, j, n_steps, status

  n_steps = 1000
  call get_command_argument(1, argument, status=status)
  if (status == 0) read (argument, *) n_steps
  write (output_unit, "(a)") "kernel droplets us_per_step ns_per_droplet"
  do i = 1, size(names)
    do j = 1, size(sizes)
      call measure(trim(names(i)), sizes(j))
    end do
  end do

contains

  subroutine measure(name, n)
    character(len=*), intent(in) :: name !! of the kernel
    integer, intent(in) :: n             !! super-droplets

    type(cloud_t) :: cloud
    type(kernel_t) :: kernel
    type(proposal_t) :: proposal
    type(random_lanes_t) :: stream
    type(superdroplets_t) :: drops
    integer :: k, step
    real(wp) :: best, start, stop

    cloud = cloud_t(1.0e-3_wp, 13.0e-6_wp, 1.0_wp)
    if (name == "golovin") cloud = cloud_t(2.0_wp**23*mass_of_radius(30.531e-6_wp), &
      30.531e-6_wp, 0.0_wp)
    call kernel%setup(name)
    call proposal%setup(cloud, 1000.0_wp, n, "constant")
    best = huge(best)
    do k = 1, n_repeats
      call stream%seed(1, n, k)
      call proposal%draw(kernel, stream, drops)
        call cpu_time(start)
      do step = 1, n_steps
        call drops%step(kernel, 1.0_wp, 1, stream)
      end do
      call cpu_time(stop)
      best = min(best, stop - start)
    end do
    write (output_unit, "(a, t11, i8, f12.2, f14.2)") name, n, 1.0e6_wp*best/n_steps, &
      1.0e9_wp*best/n_steps/n
  end subroutine measure

end program bench_rain
