! SPDX-License-Identifier: MIT
!> Namelist files cut into assignments, and mistakes reported where they stand.
program test_namelists
  use failures, only: err_file
  use files, only: delete_file
  use kinds, only: wp
  use lorenz96_config, only: lorenz96_config_t
  use namelists, only: assignment_t, read_assignments
  use testing, only: check, finish
  implicit none

  character(len=*), parameter :: path = "test_namelists.nml"

  call every_way_to_write_a_namelist_is_read()
  call settings_are_those_of_the_file()
  call a_foreign_group_is_skipped_only_if_allowed()
  call mistakes_are_reported_with_their_line()
  call delete_file(path)
  call finish()

contains

  !> Write a file of some lines.
  subroutine write_lines(lines)
    character(len=*), intent(in) :: lines(:)

    integer :: i, unit

    open (newunit=unit, file=path, status="replace", action="write")
    do i = 1, size(lines)
      write (unit, "(a)") trim(lines(i))
    end do
    close (unit)
  end subroutine write_lines

  !> Comments, quotes, arrays over lines, several in a line, upper case.
  subroutine every_way_to_write_a_namelist_is_read()
    type(assignment_t), allocatable :: items(:)

    call write_lines([character(len=60) :: "! a comment with a = 1", &
      "&MODEL N_Sites = 8, h=1", &
      "  output = 'a/b!c=d.nc' ! another", " coefficients = 1.0,", "    2.0", "/", &
      "&other /"])
    call read_assignments(path, items)
    call check(size(items) == 6, "two groups and four assignments")
    call check(items(1)%group == "model" .and. items(1)%key == "", "a group's start")
    call check(items(2)%key == "n_sites" .and. items(2)%line == 2, "a key in lower case")
    call check(items(3)%text == "h=1", "the second of a line")
    call check(items(4)%text == "output = 'a/b!c=d.nc'", "marks inside quotes are text")
    call check(items(5)%text == "coefficients = 1.0, 2.0" .and. items(5)%line == 4, &
      "values over two lines")
    call check(items(6)%group == "other", "an empty group")
  end subroutine every_way_to_write_a_namelist_is_read

  !> Values arrive; what is not said keeps its default.
  subroutine settings_are_those_of_the_file()
    type(lorenz96_config_t) :: config

    call write_lines([character(len=60) :: "&model", "n_sites = 12", "forcing = 6.5d0", &
      "/", "&closure kind = 'polynomial', coefficients = 0.1, -0.3,", "  0.02 /"])
    call config%read(path)
    call check(config%n_sites == 12, "an integer")
    call check(abs(config%forcing - 6.5_wp) <= 0.0_wp, "a real number")
    call check(config%levels == 1 .and. config%scheme == "rk4", "defaults stay")
    call check(size(config%coefficients) == 3, "as many coefficients as given")
    call check(abs(config%coefficients(2) + 0.3_wp) < 1.0e-15_wp, "in their order")
  end subroutine settings_are_those_of_the_file

  !> `&coupling` belongs to the coupled program.
  subroutine a_foreign_group_is_skipped_only_if_allowed()
    type(lorenz96_config_t) :: config
    character(len=256) :: errmsg
    integer :: stat

    call write_lines([character(len=60) :: "&model n_sites = 12 /", "&coupling", &
      " network = 'a.pt'", "/"])
    call config%read(path, others=["coupling"], stat=stat, errmsg=errmsg)
    call check(stat == 0, "a foreign group that was announced is skipped")
    call config%read(path, stat=stat, errmsg=errmsg)
    call check(stat == err_file .and. index(errmsg, ":2: &coupling: unknown group") > 0, &
      "a foreign group is refused with its line")
  end subroutine a_foreign_group_is_skipped_only_if_allowed

  !> File, line, key and reason.
  subroutine mistakes_are_reported_with_their_line()
    call expect([character(len=40) :: "&model", "n_sitez = 4", "/"], &
      ":2: 'n_sitez = 4' in &model: unknown key 'n_sitez', expected one of levels n_sites")
    call expect([character(len=40) :: "&model", "h = 1.0", "n_sites = 4.5", "/"], &
      ":3: 'n_sites = 4.5' in &model: 'n_sites' must be an integer")
    call expect([character(len=40) :: "&integration", "dt = 'fast'", "/"], &
      ":2: 'dt = 'fast'' in &integration: 'dt' must be a number")
    call expect([character(len=40) :: "&model", "n_sites = 4"], "group '&model' has no end")
    call expect([character(len=40) :: "n_sites = 4"], "stands outside every group")
    call expect([character(len=40) :: "&files", "output = 'a.nc", "/"], "is not closed")
    call expect([character(len=40) :: "&model n_sites = 3 /"], &
      "'n_sites' must be at least 4, found 3")
    call expect([character(len=40) :: "&model levels = 3 /"], &
      "'levels' must be 1 or 2, found 3")
    call expect([character(len=40) :: "&model wrap = 'torus' /"], &
      "'wrap' must be ring or sites, found 'torus'")
    call expect([character(len=40) :: "&integration dt = -0.1 /"], "'dt' must be positive")
    call expect([character(len=40) :: "&closure kind = 'linear' /"], &
      "needs 2 'coefficients'")
    call expect([character(len=60) :: "&files initial='a' restart_in='b' /"], &
      "'initial' and 'restart_in' exclude each other")
  end subroutine mistakes_are_reported_with_their_line

  !> Reading these lines must fail with this text.
  subroutine expect(lines, text)
    character(len=*), intent(in) :: lines(:), text

    type(lorenz96_config_t) :: config
    character(len=512) :: errmsg
    integer :: stat

    call write_lines(lines)
    errmsg = ""
    call config%read(path, stat=stat, errmsg=errmsg)
    call check(stat /= 0 .and. index(errmsg, text) > 0, &
      "expected '"//text//"', found '"//trim(errmsg)//"'")
    call check(index(errmsg, path) == 1, "the message begins with the file")
  end subroutine expect

end program test_namelists
