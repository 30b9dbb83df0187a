! SPDX-License-Identifier: MIT
!> The program's run: what it writes, how it goes on, what it refuses.
program test_rain_run
  use files, only: delete_file
  use kinds, only: wp
  use netcdf, only: nf90_close, nf90_get_var, nf90_inq_varid, nf90_noerr, nf90_nowrite, &
    nf90_open
  use rain_config, only: rain_config_t
  use rain_kernels, only: kernel_t
  use rain_output, only: rain_output_t
  use rain_run, only: run
  use superdroplet_ensemble, only: run_ensemble
  use superdroplet_sampling, only: proposal_t
  use testing, only: check, check_below, finish
  implicit none

  character(len=*), parameter :: namelist_path = "test_rain_run.nml"
  character(len=*), parameter :: output_path = "test_rain_run.nc"
  integer, parameter :: n_records = 4, n_cases = 4

  call delete_file(output_path)
  call delete_file(output_path//".part")
  call the_published_design_is_the_default()
  call a_stopped_run_goes_on_to_the_same_bits()
  call bins_fill_the_same_file()
  call mistakes_are_named()
  call delete_file(namelist_path)
  call delete_file(output_path)
  call delete_file(output_path//".part")
  call finish()

contains

  !> Write a namelist with a small run, and one more line.
  subroutine write_namelist(line)
    character(len=*), intent(in) :: line !! e.g. "&box droplets = 0 /"

    integer :: unit

    open (newunit=unit, file=namelist_path, status="replace", action="write")
    write (unit, "(a)") "&files output = '"//output_path//"' /"
    write (unit, "(a)") "&clouds liquid_water = 1e-3, 2e-3 mean_radius = 12e-6, 15e-6"
    write (unit, "(a)") "  shape = 0 /"
    write (unit, "(a)") "&box droplets = 256, volume = 1 /"
    write (unit, "(a)") "&integration members = 3, duration = 60 /"
    write (unit, "(a)") line
    close (unit)
  end subroutine write_namelist

  subroutine the_published_design_is_the_default()
    real(wp), parameter :: decimal = 1.0e-15_wp !! 2e-4 is 2 times 1e-4 up to rounding
    type(rain_config_t) :: config
    integer :: unit

    open (newunit=unit, file=namelist_path, status="replace", action="write")
    write (unit, "(a)") "&files output = 'x.nc' /"
    close (unit)
    call config%read(namelist_path)
    call check(config%n_cases() == 819, "819 clouds")
    associate (first => config%cloud(1), last => config%cloud(819), next => config%cloud(2))
      call check(abs(first%liquid_water/2.0e-4_wp - 1) < decimal .and. &
        abs(last%liquid_water/2.0e-3_wp - 1) < decimal .and. &
        abs(last%mean_radius/15.0e-6_wp - 1) < decimal .and. last%shape == 4.0_wp, &
        "first and last")
      call check(next%shape == 0.5_wp .and. next%mean_radius == first%mean_radius, &
        "the shape runs fastest")
    end associate
    associate (ensemble => config%ensemble())
      call check(ensemble%n_records == 181 .and. ensemble%steps_per_record == 20, &
        "records every 20 s")
    end associate
  end subroutine the_published_design_is_the_default

  !> Read a variable of the output.
  function values_of(name) result(values)
    character(len=*), intent(in) :: name
    real(wp) :: values(n_records, n_cases)

    integer :: ncid, status, var

    status = nf90_open(output_path, nf90_nowrite, ncid)
    if (status == nf90_noerr) status = nf90_inq_varid(ncid, name, var)
    if (status == nf90_noerr) status = nf90_get_var(ncid, var, values)
    call check(status == nf90_noerr, "'"//name//"' is in the file")
    status = nf90_close(ncid)
  end function values_of

  !> Write one case as a run does that is stopped after it; go on; compare.
  subroutine a_stopped_run_goes_on_to_the_same_bits()
    real(wp), parameter :: rounding = 1.0e-8_wp !! of 256 masses to quanta
    type(kernel_t) :: kernel
    type(proposal_t) :: proposal
    type(rain_config_t) :: config
    type(rain_output_t) :: output
    real(wp) :: errors(4, n_records), lost, lr(n_records, n_cases), means(4, n_records)
    character(len=400) :: errmsg
    integer :: stat

    call write_namelist("")
    call config%read(namelist_path)
    call run(config)
    lr = values_of("lr")
    call check(maxval(lr) > 0.0_wp, "there is rain")
    call check_below(maxval(abs(values_of("lc") + lr - spread([1, 1, 2, 2]*1.0e-3_wp, 1, &
      n_records)))/1.0e-3_wp, rounding, "cloud and rain are all water")

    call delete_file(output_path)
    call kernel%setup(trim(config%kernel))
    call proposal%setup(config%cloud(2), config%volume, config%droplets, "tail")
    call output%open(config)
    call run_ensemble(config%ensemble(), kernel, proposal, 2, means, errors, lost)
    call output%write_case(2, means, errors, lost)
    call output%close()

    config%seed = 2
    call run(config, stat=stat, errmsg=errmsg)
    call check(stat /= 0 .and. index(errmsg, "other settings") > 0 .and. &
      index(errmsg, "seed") > 0, "not continued with another seed: "//trim(errmsg))
    config%seed = 1
    call run(config)
    call check(all(values_of("lr") == lr), "continued to the same bits")
  end subroutine a_stopped_run_goes_on_to_the_same_bits

  !> Bins in place of droplets: no errors, all water, and rain like that of the droplets.
  subroutine bins_fill_the_same_file()
    real(wp), parameter :: rounding = 1.0e-12_wp
    type(rain_config_t) :: config
    real(wp) :: lc(n_records, n_cases), lr(n_records, n_cases)

    call write_namelist("&box method = 'bins', per_doubling = 4 /")
    call config%read(namelist_path)
    config%dt = 10.0_wp
    call run(config)
    lc = values_of("lc")
    lr = values_of("lr")
    call check_below(maxval(abs(lc + lr - spread([1, 1, 2, 2]*1.0e-3_wp, 1, n_records))), &
      rounding, "bins: cloud and rain are all water")
    call check(all(lr(2:, :) > lr(:n_records - 1, :)), "bins: rain grows")
    call check(all(values_of("lr_se") == 0.0_wp), "bins know no chance")
  end subroutine bins_fill_the_same_file

  subroutine mistakes_are_named()
    call refuse("&clouds liquid_water = -1e-3 /", "'liquid_water' must be positive")
    call refuse("&clouds liquid_water = nan /", "'liquid_water' must be positive")
    call refuse("&clouds mean_radius = 0 /", "'mean_radius' must be positive")
    call refuse("&clouds shape = -1 /", "'shape'")
    call refuse("&box droplets = 0 /", "'droplets' must be at least 2")
    call refuse("&box kernel = 'lang' /", "'kernel' must be golovin")
    call refuse("&box kernal = 'long' /", "unknown key 'kernal'")
    call refuse("&box sampling = 'all' /", "'sampling'")
    call refuse("&box method = 'guess' /", "'method' must be droplets")
    call refuse("&box per_doubling = 0 /", "'per_doubling'")
    call refuse("&box method = 'bins' / &integration dt = 300, output_every = 300"// &
      " duration = 600 /", "is too long")
    call refuse("&box volume = nan /", "'volume' must be positive")
    call refuse("&integration dt = 0 /", "'dt' must be positive")
    call refuse("&integration dt = 7 /", "'output_every' must be a multiple of 'dt'")
    call refuse("&integration members = 0 /", "'members'")
    call refuse("&integration members = 1.5 /", "'members'")
    call refuse("&boxes volume = 1 /", "unknown group")
    call refuse("&files output = '' /", "'output'")
    call refuse("&files output = 'no/such/folder/x.nc' /", "no/such/folder")
  end subroutine mistakes_are_named

  !> Whether reading or running says what is wrong.
  subroutine refuse(line, expected)
    character(len=*), intent(in) :: line
    character(len=*), intent(in) :: expected !! in the message

    type(rain_config_t) :: config
    character(len=600) :: errmsg
    integer :: stat

    errmsg = ""
    call write_namelist(line)
    call config%read(namelist_path, stat=stat, errmsg=errmsg)
    if (stat == 0) call run(config, stat, errmsg)
    call check(stat /= 0 .and. index(errmsg, expected) > 0, line//" gave: "//trim(errmsg))
  end subroutine refuse

end program test_rain_run
