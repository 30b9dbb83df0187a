! SPDX-License-Identifier: MIT
!> The shaft of super-droplets: exact budgets, the fluxes of the shaft by moments.
program test_superdroplet_shaft
  use bulk_shaft, only: shaft_t
  use files, only: delete_file
  use kinds, only: wp
  use netcdf, only: nf90_close, nf90_get_var, nf90_inq_varid, nf90_noerr, nf90_nowrite, &
    nf90_open
  use omp_lib, only: omp_set_num_threads
  use rain_kernels, only: kernel_t
  use random_lanes, only: random_lanes_t
  use superdroplet_shaft, only: droplet_shaft_t
  use superdroplet_shaft_run, only: read_config, run, shaft_config_t
  use testing, only: check, check_below, finish
  implicit none

  integer, parameter :: n_levels = 12
  character(len=*), parameter :: namelist_path = "test_superdroplet_shaft.nml"
  character(len=*), parameter :: output_path = "test_superdroplet_shaft.nc"

  call water_is_counted_to_the_bit()
  call tallies_close_the_budget_of_rain()
  call without_collisions_the_moments_are_those_of_the_other_shaft()
  call bits_do_not_depend_on_threads()
  call mistakes_are_named()
  call delete_file(namelist_path)
  call delete_file(output_path)
  call finish()

contains

  !> A low column with strong condensation.
  subroutine set_up(shaft, kernel, n_new, form_every)
    type(droplet_shaft_t), intent(inout) :: shaft
    type(kernel_t), intent(in) :: kernel
    integer, intent(in) :: n_new
    real(wp), intent(in) :: form_every !! [s]

    shaft%forcing = shaft_t(n_levels=n_levels, cloud_base=100.0_wp, lapse=4.0e-6_wp)
    shaft%forcing%updraft = [2.0_wp]
    shaft%forcing%mean_radius = [15.0e-6_wp]
    shaft%n_new = n_new
    shaft%form_every = form_every
    call shaft%setup(kernel, 1.0_wp)
  end subroutine set_up

  subroutine water_is_counted_to_the_bit()
    real(wp), parameter :: formed = 1.0e-5_wp !! of the condensate: rounding to quanta
    type(droplet_shaft_t) :: shaft
    type(kernel_t) :: kernel
    type(random_lanes_t) :: stream
    real(wp) :: expected, fluxes(4)
    integer :: i

    call kernel%setup("hall")
    call set_up(shaft, kernel, 16, 20.0_wp)
    call stream%seed(1, 1, 1)
    do i = 0, 2399
      if (modulo(i, 20) == 0) call shaft%form(kernel, real(i, wp), stream)
      call shaft%step(kernel, real(i, wp), 1.0_wp, 1, stream)
      if (modulo(i, 600) == 599) call check(shaft%condensed == shaft%rained + shaft%left + &
        shaft%water(), "what condensed is there, has rained or has left")
    end do
    fluxes = shaft%fluxes()
    ! lapse times the rise 2 w T/pi, in the ten levels above cloud base.
    expected = 4.0e-6_wp*2.0_wp*1200.0_wp*2.0_wp/acos(-1.0_wp)*500.0_wp
    call check_below(abs(fluxes(1)/expected - 1.0_wp), formed, "condensed water")
    call check(fluxes(2) > 0.1_wp*expected, "it rained")
  end subroutine water_is_counted_to_the_bit

  !> Once the air rests nothing leaves through the top, and only rain falls.
  subroutine tallies_close_the_budget_of_rain()
    real(wp), parameter :: rounding = 1.0e-12_wp !! of sums over some thousand drops
    real(wp), parameter :: dz = 50.0_wp          !! of the shaft [m]
    type(droplet_shaft_t) :: shaft
    type(kernel_t) :: kernel
    type(random_lanes_t) :: stream
    real(wp) :: fluxes(4), made, merged, moments(4, n_levels), moments_after(4, n_levels)
    integer :: i

    call kernel%setup("long")
    call set_up(shaft, kernel, 16, 20.0_wp)
    call stream%seed(1, 1, 1)
    do i = 0, 2399
      if (modulo(i, 20) == 0) call shaft%form(kernel, real(i, wp), stream)
      call shaft%step(kernel, real(i, wp), 1.0_wp, 1, stream)
      if (i /= 1199) cycle
      moments = shaft%moments()
      fluxes = shaft%fluxes()
      shaft%tally = 0.0_wp
    end do
    moments_after = shaft%moments()
    fluxes = shaft%fluxes() - fluxes
    made = sum(moments_after(2, :) - moments(2, :)) + fluxes(2)/dz
    call check(fluxes(2) > 0.0_wp, "it rains after the updraft")
    call check_below(abs(sum(shaft%tally(1, :))/made - 1.0_wp), rounding, "rain made")
    call check_below(abs(shaft%tally(7, 1)/fluxes(2) - 1.0_wp), 0.2_wp, &
      "what falls out of the lowest level, on average")
    merged = sum(shaft%tally(3, :))
    call check(merged > 0.0_wp .and. all(shaft%tally(7, :) <= 9.65_wp*shaft%tally(5, :)), &
      "drops merge, and none falls faster than the fastest")
    call check_below(abs(sum(shaft%tally(4, :))/sum(moments(3, :) - moments_after(3, :)) &
      - 1.0_wp), rounding, "cloud drops lost")
  end subroutine tallies_close_the_budget_of_rain

  !> Cloud only, Golovin's kernel with b = 0: upwind transport, on average.
  subroutine without_collisions_the_moments_are_those_of_the_other_shaft()
    integer, parameter :: n_members = 24, n_steps = 600
    real(wp), parameter :: errors = 4.5_wp !! standard errors that chance may take
    type(droplet_shaft_t) :: shaft
    type(kernel_t) :: kernel
    type(random_lanes_t) :: stream
    real(wp) :: moments(4, n_levels), state(7, n_levels)
    real(wp) :: error(n_levels), mean(n_levels), profiles(n_levels, n_members)
    integer :: i, member

    call kernel%setup("golovin", golovin_b=0.0_wp)
    do member = 1, n_members
      call set_up(shaft, kernel, 2, 1.0_wp)
      call stream%seed(1, 1, member)
      do i = 0, n_steps - 1
        call shaft%form(kernel, real(i, wp), stream)
        call shaft%step(kernel, real(i, wp), 1.0_wp, 1, stream)
      end do
      moments = shaft%moments()
      profiles(:, member) = moments(1, :) + moments(2, :)
    end do
    mean = sum(profiles, 2)/n_members
    error = sqrt(sum((profiles - spread(mean, 2, n_members))**2, 2)/(n_members - 1) &
      /n_members)

    call shaft%forcing%setup([1.0_wp], state)
    do i = 0, n_steps - 1
      call shaft%forcing%force(real(i, wp), 1.0_wp, state)
    end do
    call check(all(state(1, :2) == 0.0_wp) .and. all(mean(:2) == 0.0_wp), "no cloud below")
    call check_below(maxval(abs(mean(3:) - state(1, 3:))/error(3:)), errors, &
      "cloud water of the two shafts, standard errors")
  end subroutine without_collisions_the_moments_are_those_of_the_other_shaft

  !> A small run, and one more line.
  subroutine write_namelist(line)
    character(len=*), intent(in) :: line !! e.g. "&droplets dt = 0 /"

    integer :: unit

    open (newunit=unit, file=namelist_path, status="replace", action="write")
    write (unit, "(a)") "&files output = '"//output_path//"' /"
    write (unit, "(a)") "&shaft levels = 12, columns = 2, cloud_base = 100, lapse = 6e-6 /"
    write (unit, "(a)") "&integration duration = 600, output_every = 300 /"
    write (unit, "(a)") "&droplets new_droplets = 4, members = 3 /"
    write (unit, "(a)") line
    close (unit)
  end subroutine write_namelist

  subroutine bits_do_not_depend_on_threads()
    type(shaft_config_t) :: config
    real(wp) :: lr(n_levels, 2, 3, 2)
    character(len=300) :: errmsg
    integer :: i, ncid, stat, var

    errmsg = ""
    call write_namelist("")
    call read_config(namelist_path, config, stat, errmsg)
    do i = 1, 2
      call omp_set_num_threads(merge(1, 3, i == 1))
      if (stat == 0) call run(config, stat, errmsg)
      call check(stat == 0, "the run ends well: "//trim(errmsg))
      stat = nf90_open(output_path, nf90_nowrite, ncid)
      if (stat == nf90_noerr) stat = nf90_inq_varid(ncid, "lr", var)
      if (stat == nf90_noerr) stat = nf90_get_var(ncid, var, lr(:, :, :, i))
      call check(stat == nf90_noerr, "rain water is in the file")
      stat = nf90_close(ncid)
    end do
    call check(maxval(lr) > 0.0_wp, "there is rain")
    call check(all(lr(:, :, :, 1) == lr(:, :, :, 2)), "one thread and three: the same bits")
  end subroutine bits_do_not_depend_on_threads

  subroutine mistakes_are_named()
    call refuse("&shaft levels = 0 /", "'levels' must be at least 1")
    call refuse("&shaft lapse = -1e-6 /", "'lapse' must be positive")
    call refuse("&clouds mean_radius = -1 /", "'mean_radius' must be positive")
    call refuse("&droplets new_droplets = 0 /", "'new_droplets' must be at least 2")
    call refuse("&droplets dt = nan /", "'dt' must be positive")
    call refuse("&droplets dt = 20 /", "'dt' is too long")
    call refuse("&droplets form_every = 0.5 /", "'form_every'")
    call refuse("&droplets kernel = 'lang' /", "'kernel' must be")
    call refuse("&droplets member = 2 /", "unknown key 'member'")
  end subroutine mistakes_are_named

  !> Whether reading or running says what is wrong.
  subroutine refuse(line, expected)
    character(len=*), intent(in) :: line
    character(len=*), intent(in) :: expected !! in the message

    type(shaft_config_t) :: config
    character(len=600) :: errmsg
    integer :: stat

    errmsg = ""
    call write_namelist(line)
    call read_config(namelist_path, config, stat, errmsg)
    if (stat == 0) call run(config, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, expected) > 0, line//" gave: "//trim(errmsg))
  end subroutine refuse

end program test_superdroplet_shaft
