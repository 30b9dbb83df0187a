! SPDX-License-Identifier: MIT
!> Super-droplets: exact budgets, Golovin's solution, bins, threads.
program test_superdroplets
  use kinds, only: wp
  use omp_lib, only: omp_set_num_threads
  use rain_bins, only: rain_bins_t
  use rain_drops, only: cloud_t
  use rain_golovin, only: golovin_moments
  use rain_kernels, only: kernel_names, kernel_t
  use random_lanes, only: random_lanes_t
  use superdroplet_ensemble, only: ensemble_t, march, run_ensemble
  use superdroplet_sampling, only: proposal_t
  use superdroplets, only: n_moments, superdroplets_t
  use testing, only: check, check_below, finish, slope
  implicit none

  type(cloud_t), parameter :: golovin_cloud = cloud_t(1.0e-3_wp, 13.0e-6_wp, 0.0_wp)
  type(cloud_t), parameter :: rain_cloud = cloud_t(1.0e-3_wp, 13.0e-6_wp, 1.0_wp)

  call sampled_clouds_hold_their_water_and_drops()
  call mass_is_exact_and_each_collision_takes_one_drop()
  call two_drops_become_one()
  call every_pair_is_as_likely()
  call error_falls_with_the_root_of_the_droplets()
  call droplets_follow_the_bins()
  call substeps_lose_no_collisions()
  call bits_do_not_depend_on_threads_and_order()
  call clouds_that_are_none_are_refused()
  call finish()

contains

  !> Both samplings: water as prescribed; number and the mean square of mass as the gamma
  !> distribution has them, within the noise of sampling.
  subroutine sampled_clouds_hold_their_water_and_drops()
    real(wp), parameter :: noise(2) = [0.01_wp, 0.02_wp] !! 4096 strata, tail weighted
    real(wp), parameter :: quantised = 1.0e-8_wp
      !! a mean drop has four million quanta, and 4096 are rounded
    character(len=8), parameter :: samplings(2) = [character(len=8) :: "constant", "tail"]
    type(kernel_t) :: kernel
    type(proposal_t) :: proposal
    type(random_lanes_t) :: stream
    type(superdroplets_t) :: drops
    real(wp) :: mean_square
    integer :: i

    call kernel%setup("long")
    do i = 1, 2
      call stream%seed(1, 1, i)
      call proposal%setup(rain_cloud, 10.0_wp, 4096, trim(samplings(i)))
      call proposal%draw(kernel, stream, drops)
      call check_below(abs(drops%total_mass()*drops%quantum/1.0e-2_wp - 1), quantised, &
        trim(samplings(i))//": water")
      call check_below(abs(sum(drops%drops(2, :drops%n))/(rain_cloud%number()*10.0_wp) &
        - 1.0_wp), noise(1), trim(samplings(i))//": number")
      ! (nu + 2)/(nu + 1) times the squared mean.
      mean_square = 1.5_wp*rain_cloud%mean_mass()**2*rain_cloud%number()*10.0_wp
      call check_below(abs(sum(drops%drops(2, :drops%n)*(drops%quantum* &
        drops%drops(1, :drops%n))**2)/mean_square - 1.0_wp), noise(2), &
        trim(samplings(i))//": mean square")
    end do
  end subroutine sampled_clouds_hold_their_water_and_drops

  !> To the last bit, with every kernel, until most of the water is rain.
  subroutine mass_is_exact_and_each_collision_takes_one_drop()
    type(kernel_t) :: kernel
    type(proposal_t) :: proposal
    type(random_lanes_t) :: stream
    type(superdroplets_t) :: drops
    real(wp) :: first_mass, first_number
    integer :: i, k

    do k = 1, size(kernel_names)
      call kernel%setup(trim(kernel_names(k)))
      call proposal%setup(rain_cloud, 1.0_wp, 1000, "tail")
      call stream%seed(3, k, 1)
      call proposal%draw(kernel, stream, drops)
      first_mass = drops%total_mass()
      first_number = sum(drops%drops(2, :drops%n))
      do i = 1, 2400
        call drops%step(kernel, 1.0_wp, 1, stream)
      end do
      call check(drops%total_mass() == first_mass, trim(kernel_names(k))//": mass is exact")
      call check(sum(drops%drops(2, :drops%n)) == first_number - drops%made, &
        trim(kernel_names(k))//": each collision takes one drop")
      call check(all(drops%drops(2, :drops%n) >= 1.0_wp .and. drops%drops(1, :drops%n) >= &
        1.0_wp), trim(kernel_names(k))//": no super-droplet is empty")
      call check(drops%made > 0.5_wp*first_number, trim(kernel_names(k))//": it rained")
    end do
  end subroutine mass_is_exact_and_each_collision_takes_one_drop

  !> A box that is set up by hand.
  subroutine fill(drops, kernel, masses, multiplicities)
    type(superdroplets_t), intent(inout) :: drops
    type(kernel_t), intent(in) :: kernel
    real(wp), intent(in) :: masses(:)         !! [quantum]
    real(wp), intent(in) :: multiplicities(:) !! [1]

    call drops%reserve(size(masses), kernel)
    drops%n = size(masses)
    drops%volume = 1.0_wp
    drops%quantum = 1.0e-15_wp
    drops%drops(1, :drops%n) = masses
    drops%drops(2, :drops%n) = multiplicities
    call drops%prepare(kernel)
  end subroutine fill

  !> Two of multiplicity 1 merge into one, and it stays alone.
  subroutine two_drops_become_one()
    type(kernel_t) :: kernel
    type(random_lanes_t) :: stream
    type(superdroplets_t) :: drops
    integer :: i

    call kernel%setup("golovin")
    call stream%seed(1, 1, 1)
    call fill(drops, kernel, [3.0_wp, 4.0_wp], [1.0_wp, 1.0_wp])
    do i = 1, 5
      call drops%step(kernel, 1.0e15_wp, 1, stream) ! a collision is certain
    end do
    call check(drops%n == 1 .and. drops%drops(1, 1) == 7.0_wp, "two drops become one")
  end subroutine two_drops_become_one

  !> Of four super-droplets the three possible pairings come up as often, and each of five
  !> is left out as often: told by which collisions are made.
  subroutine every_pair_is_as_likely()
    integer, parameter :: n_trials = 12000
    real(wp), parameter :: errors = 4.5_wp !! standard errors
    type(kernel_t) :: kernel
    type(random_lanes_t) :: stream
    type(superdroplets_t) :: drops
    integer :: counts(3), i, left_out(5), what

    call kernel%setup("golovin")
    call stream%seed(1, 2, 3)
    counts = 0
    left_out = 0
    do i = 1, n_trials
      call fill(drops, kernel, 10.0_wp**[0, 1, 2, 3], spread(1.0_wp, 1, 4))
      call drops%step(kernel, 1.0e18_wp, 1, stream) ! both pairs collide
      what = findloc([11.0_wp, 101.0_wp, 1001.0_wp], minval(drops%drops(1, :drops%n), &
        mask=modulo(drops%drops(1, :drops%n), 10.0_wp) == 1.0_wp), dim=1)
      counts(what) = counts(what) + 1
      call fill(drops, kernel, 10.0_wp**[0, 1, 2, 3, 4], spread(1.0_wp, 1, 5))
      call drops%step(kernel, 1.0e18_wp, 1, stream)
      do what = 1, 5
        if (any(drops%drops(1, :drops%n) == 10.0_wp**(what - 1))) left_out(what) = &
          left_out(what) + 1
      end do
    end do
    call check_below(maxval(abs(counts - n_trials/3.0_wp))/sqrt(n_trials*2.0_wp/9.0_wp), &
      errors, "pairings of four, standard errors")
    call check(sum(left_out) == n_trials, "one of five is left out")
    call check_below(maxval(abs(left_out - n_trials/5.0_wp))/sqrt(n_trials*0.16_wp), &
      errors, "left out of five, standard errors")
  end subroutine every_pair_is_as_likely

  !> Rain water after 1200 s under Golovin's kernel: root mean square error of realizations.
  subroutine error_falls_with_the_root_of_the_droplets()
    integer, parameter :: sizes(3) = [512, 2048, 8192], n_members = 48
    real(wp), parameter :: shallow = -0.35_wp, steep = -0.65_wp
      !! a root mean square of 48 has an error of 10 %, the slope over a factor 16 of 0.05
    real(wp), parameter :: errors = 4.0_wp !! standard errors
    type(ensemble_t) :: ensemble
    type(kernel_t) :: kernel
    type(proposal_t) :: proposal
    real(wp) :: deviations(3), exact(4), lost, means(n_moments, 2), spread(n_moments, 2)
    integer :: i

    call kernel%setup("golovin")
    exact = golovin_moments(golovin_cloud, kernel%golovin_b, 1200.0_wp)
    ensemble = ensemble_t(n_members=n_members, dt=4.0_wp, steps_per_record=300, n_records=2)
    do i = 1, 3
      call proposal%setup(golovin_cloud, 100.0_wp, sizes(i), "constant")
      call run_ensemble(ensemble, kernel, proposal, i, means, spread, lost)
      deviations(i) = sqrt(n_members*spread(2, 2)**2 + (means(2, 2) - exact(2))**2)
      call check_below(abs(means(2, 2) - exact(2))/spread(2, 2), errors, &
        "mean rain water, standard errors from the exact one")
    end do
    call check_below(slope(real(sizes([1, 3]), wp), deviations([1, 3])), shallow, &
      "slope of the error over the number of droplets")
    call check_below(steep, slope(real(sizes([1, 3]), wp), deviations([1, 3])), &
      "and not steeper")
  end subroutine error_falls_with_the_root_of_the_droplets

  !> Long's and Hall's kernels: half of the water is rain at the same time.
  subroutine droplets_follow_the_bins()
    real(wp), parameter :: delay = 40.0_wp
      !! [s] of about 1660: these bins are early by 17, and twice 12 of standard error
    real(wp), parameter :: dt = 10.0_wp
    character(len=4), parameter :: kernels(2) = ["long", "hall"]
    type(ensemble_t) :: ensemble
    type(kernel_t) :: kernel
    type(proposal_t) :: proposal
    type(rain_bins_t) :: bins
    real(wp) :: expected(4, 121), lost, means(n_moments, 121), spread(n_moments, 121)
    integer :: i, k

    ensemble = ensemble_t(n_members=24, steps_per_record=20, n_records=121)
    call proposal%setup(rain_cloud, 10.0_wp, 4096, "tail")
    do k = 1, 2
      call kernel%setup(kernels(k))
      call run_ensemble(ensemble, kernel, proposal, k, means, spread, lost)
      call bins%setup(8, kernel)
      call bins%start(rain_cloud)
      expected(:, 1) = bins%moments()
      do i = 2, 121
        call bins%step(dt)
        call bins%step(dt)
        expected(:, i) = bins%moments()
      end do
      call check_below(abs(half_time(means(2, :)) - half_time(expected(2, :))), delay, &
        kernels(k)//": difference of the times of half rain [s]")
    end do
  end subroutine droplets_follow_the_bins

  !> When half of the water is rain, linear between records of 20 s [s].
  pure real(wp) function half_time(rain)
    real(wp), intent(in) :: rain(:) !! [kg m-3]

    integer :: i

    i = findloc(rain > 0.5e-3_wp, .true., dim=1)
    half_time = 20.0_wp*(i - 2 + (0.5e-3_wp - rain(i - 1))/(rain(i) - rain(i - 1)))
  end function half_time

  !> Late in a shower more collisions are due than drops are there.
  subroutine substeps_lose_no_collisions()
    real(wp), parameter :: few = 1.0e-4_wp !! what the pairs drawn anew in a part still lose
    type(ensemble_t) :: ensemble
    type(kernel_t) :: kernel
    type(proposal_t) :: proposal
    real(wp) :: lost(2), means(n_moments, 2), spread(n_moments, 2)
    integer :: i

    call kernel%setup("long")
    call proposal%setup(rain_cloud, 10.0_wp, 1024, "constant")
    do i = 1, 2
      ensemble = ensemble_t(n_members=1, steps_per_record=3600, n_records=2, &
        max_substeps=merge(1, 1000, i == 1))
      call run_ensemble(ensemble, kernel, proposal, 1, means, spread, lost(i))
    end do
    call check(lost(1) > lost(2), "whole steps lose more")
    call check_below(lost(2), few, "lost collisions with sub-steps")
  end subroutine substeps_lose_no_collisions

  subroutine bits_do_not_depend_on_threads_and_order()
    type(ensemble_t) :: ensemble
    type(kernel_t) :: kernel
    type(proposal_t) :: proposal
    type(superdroplets_t) :: drops
    real(wp) :: alone(n_moments, 4), lost(2)
    real(wp) :: means(n_moments, 4, 2), spread(n_moments, 4, 2)
    integer :: i

    call kernel%setup("hall")
    call proposal%setup(rain_cloud, 10.0_wp, 512, "tail")
    ensemble = ensemble_t(n_members=7, steps_per_record=300, n_records=4)
    do i = 1, 2
      call omp_set_num_threads(merge(1, 3, i == 1))
      call run_ensemble(ensemble, kernel, proposal, 5, means(:, :, i), spread(:, :, i), &
        lost(i))
    end do
    call check(all(means(:, :, 1) == means(:, :, 2)) .and. all(spread(:, :, 1) == &
      spread(:, :, 2)) .and. lost(1) == lost(2), "one thread and three: the same bits")
    means(:, :, 2) = 0.0_wp
    do i = 1, 7
      call march(ensemble, kernel, proposal, 5, i, drops, alone)
      means(:, :, 2) = means(:, :, 2) + alone
    end do
    call check(all(means(:, :, 1) == means(:, :, 2)/7), "members by themselves: the same")
    call march(ensemble, kernel, proposal, 6, 1, drops, means(:, :, 1))
    call march(ensemble, kernel, proposal, 5, 1, drops, means(:, :, 2))
    call check(any(means(:, 2:, 1) /= means(:, 2:, 2)), "another case draws other numbers")
  end subroutine bits_do_not_depend_on_threads_and_order

  subroutine clouds_that_are_none_are_refused()
    real(wp) :: nan

    nan = 0.0_wp
    nan = nan/nan
    call refuse(cloud_t(-1.0e-3_wp, 13.0e-6_wp, 1.0_wp), 10.0_wp, 100, "'liquid_water'")
    call refuse(cloud_t(nan, 13.0e-6_wp, 1.0_wp), 10.0_wp, 100, "'liquid_water'")
    call refuse(cloud_t(1.0e-3_wp, 0.0_wp, 1.0_wp), 10.0_wp, 100, "'mean_radius'")
    call refuse(cloud_t(1.0e-3_wp, 13.0_wp, 1.0_wp), 10.0_wp, 100, "'mean_radius'")
    call refuse(cloud_t(1.0e-3_wp, 13.0e-6_wp, nan), 10.0_wp, 100, "'shape'")
    call refuse(rain_cloud, 0.0_wp, 100, "'volume'")
    call refuse(rain_cloud, 1.0e-9_wp, 100, "too small")
    call refuse(rain_cloud, 1.0e9_wp, 100, "too large")
    call refuse(rain_cloud, 10.0_wp, 0, "'droplets'")
  end subroutine clouds_that_are_none_are_refused

  subroutine refuse(cloud, volume, n, expected)
    type(cloud_t), intent(in) :: cloud
    real(wp), intent(in) :: volume
    integer, intent(in) :: n
    character(len=*), intent(in) :: expected !! in the message

    type(proposal_t) :: proposal
    character(len=300) :: errmsg
    integer :: stat

    errmsg = ""
    call proposal%setup(cloud, volume, n, "tail", stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, expected) > 0, "refused: "//trim(errmsg))
  end subroutine refuse

end program test_superdroplets
