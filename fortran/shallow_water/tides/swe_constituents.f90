! SPDX-License-Identifier: MIT
!> Tidal constituents: speed, equilibrium argument and nodal correction.
!>
!> A constituent of amplitude a and Greenwich phase lag g raises the sea by
!>
!>     f*a*cos(w*t + V0 + u - g)
!>
!> with t the time since the epoch. The argument is V = n*T + a*s + b*h + c*p + d*p' + k,
!> linear in the mean longitudes of the moon (s), the sun (h), the lunar perigee (p) and the
!> perihelion (p'); T is 15 degrees an hour of universal time since midnight. Longitudes
!> after Meeus (1998): Astronomical Algorithms, chapters 25 and 47, referred to J2000. The
!> slow swing of the moon's orbit with its ascending node N (18.6 years) makes f and u,
!> after Doodson and Warburg (1941): Admiralty Manual of Tides; compound tides inherit them.
module swe_constituents
  use, intrinsic :: iso_fortran_env, only: dp => real64
  use failures, only: err_argument, fail, succeed
  implicit none
  private
  public :: constituent_t, days_since_j2000, degree, known_constituents, set_constituents

  real(dp), parameter :: degree = acos(-1.0_dp)/180.0_dp !! [rad]
  real(dp), parameter :: days_per_century = 36525.0_dp
  integer, parameter :: name_length = 4

  !> A constituent, referred to the epoch of a run.
  type :: constituent_t
    character(len=name_length) :: name = ""
    real(dp) :: speed = 0.0_dp    !! w [rad s-1]
    real(dp) :: argument = 0.0_dp !! V0 + u at the epoch [rad]
    real(dp) :: factor = 1.0_dp   !! nodal factor f [1]
  end type constituent_t

  !> Ancestors of a compound tide: how often each of them enters it, by absolute value for
  !> f, by sign for u.
  type :: entry_t
    character(len=name_length) :: name
    integer :: hours, moon, sun, perigee, perihelion !! n, a, b, c, d
    integer :: quarter !! k in right angles
    integer :: m2, k1, o1, k2, mm, mf !! powers of the nodal corrections it has
  end type entry_t

  type(entry_t), parameter :: table(18) = [ &
    !         name    T  s   h   p  p'  k  m2 k1 o1 k2 mm mf
    entry_t("Mm  ", 0, 1, 0, -1, 0, 0, 0, 0, 0, 0, 1, 0), &
    entry_t("Mf  ", 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), &
    entry_t("Q1  ", 1, -3, 1, 1, 0, -1, 0, 0, 1, 0, 0, 0), &
    entry_t("O1  ", 1, -2, 1, 0, 0, -1, 0, 0, 1, 0, 0, 0), &
    entry_t("P1  ", 1, 0, -1, 0, 0, -1, 0, 0, 0, 0, 0, 0), &
    entry_t("K1  ", 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0), &
    entry_t("2N2 ", 2, -4, 2, 2, 0, 0, 1, 0, 0, 0, 0, 0), &
    entry_t("mu2 ", 2, -4, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0), &
    entry_t("N2  ", 2, -3, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0), &
    entry_t("nu2 ", 2, -3, 4, -1, 0, 0, 1, 0, 0, 0, 0, 0), &
    entry_t("M2  ", 2, -2, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0), &
    entry_t("T2  ", 2, 0, -1, 0, 1, 0, 0, 0, 0, 0, 0, 0), &
    entry_t("S2  ", 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), &
    entry_t("K2  ", 2, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0, 0), &
    entry_t("MN4 ", 4, -5, 4, 1, 0, 0, 2, 0, 0, 0, 0, 0), &
    entry_t("M4  ", 4, -4, 4, 0, 0, 0, 2, 0, 0, 0, 0, 0), &
    entry_t("MS4 ", 4, -2, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0), &
    entry_t("M6  ", 6, -6, 6, 0, 0, 0, 3, 0, 0, 0, 0, 0)]

  !> f = f0 + sum f(m)*cos(m N), u = sum u(m)*sin(m N), m = 1, 2, 3; u in degrees.
  type :: nodal_t
    real(dp) :: f0, f(3), u(3)
  end type nodal_t

  type(nodal_t), parameter :: nodal(6) = [ & !! of m2, k1, o1, k2, mm, mf
    nodal_t(1.0004_dp, [-0.0373_dp, 0.0002_dp, 0.0_dp], [-2.14_dp, 0.0_dp, 0.0_dp]), &
    nodal_t(1.0060_dp, [0.1150_dp, -0.0088_dp, 0.0006_dp], &
    [-8.86_dp, 0.68_dp, -0.07_dp]), &
    nodal_t(1.0089_dp, [0.1871_dp, -0.0147_dp, 0.0014_dp], &
    [10.80_dp, -1.34_dp, 0.19_dp]), &
    nodal_t(1.0241_dp, [0.2863_dp, 0.0083_dp, -0.0015_dp], &
    [-17.74_dp, 0.68_dp, -0.04_dp]), &
    nodal_t(1.0000_dp, [-0.1300_dp, 0.0013_dp, 0.0_dp], [0.0_dp, 0.0_dp, 0.0_dp]), &
    nodal_t(1.0429_dp, [0.4135_dp, -0.0040_dp, 0.0_dp], [-23.74_dp, 2.68_dp, -0.38_dp])]

contains

  !> Constituents by name. Without an epoch their arguments are zero: phases then refer to
  !> the start of the run. With nodal corrections, f and u are those of the epoch: set the
  !> constituents anew about once a month in runs of many months.
  subroutine set_constituents(constituents, names, epoch, has_nodal, stat, errmsg)
    type(constituent_t), allocatable, intent(out) :: constituents(:) !! in the names' order
    character(len=*), intent(in) :: names(:) !! as in `known_constituents`, in any case
    character(len=*), intent(in), optional :: epoch
      !! universal time of t = 0, "2026-01-31" or "2026-01-31T12:00:00"; blank: none
    logical, intent(in), optional :: has_nodal !! f and u are applied; else 1 and 0
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    real(dp) :: days
    integer :: i, k
    logical :: has_epoch, is_date

    call succeed(stat)
    has_epoch = .false.
    if (present(epoch)) has_epoch = len_trim(epoch) > 0
    days = 0.0_dp
    if (has_epoch) then
      call days_since_j2000(epoch, days, is_date)
      if (.not. is_date) then
        call fail(err_argument, "tidal epoch '"//trim(epoch)//"' is no date: expected " &
          //"YYYY-MM-DD or YYYY-MM-DDThh:mm:ss", stat, errmsg)
        return
      end if
    end if
    allocate (constituents(size(names)))
    do i = 1, size(names)
      k = place(names(i))
      if (k == 0) then
        call fail(err_argument, "tidal constituent '"//trim(names(i))//"' is not known: " &
          //"choose from "//known_constituents(), stat, errmsg)
        return
      end if
      constituents(i)%name = table(k)%name
      constituents(i)%speed = dot_product(multipliers(table(k)), rates())
      if (.not. has_epoch) cycle
      constituents(i)%argument = modulo(dot_product(multipliers(table(k)), &
        longitudes(days)) + 90.0_dp*table(k)%quarter, 360.0_dp)*degree
      if (present(has_nodal)) then
        if (has_nodal) call correct(constituents(i), table(k), node(days))
      end if
    end do
  end subroutine set_constituents

  !> Names of all constituents, parted by blanks.
  pure function known_constituents() result(names)
    character(len=:), allocatable :: names

    integer :: k

    names = ""
    do k = 1, size(table)
      names = names//trim(table(k)%name)//" "
    end do
    names = trim(names)
  end function known_constituents

  !> Days from 2000-01-01 12:00 to a date "YYYY-MM-DD", with a time "hh:mm" or "hh:mm:ss"
  !> behind a T or a blank if there is one.
  pure subroutine days_since_j2000(date, days, is_date)
    character(len=*), intent(in) :: date
    real(dp), intent(out) :: days
    logical, intent(out) :: is_date

    integer, parameter :: month_days(12) = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    integer :: day, hour, minute, month, second, status, year
    character(len=:), allocatable :: text

    text = trim(adjustl(date))
    if (len(text) > 0) then
      if (text(len(text):) == "Z") text = text(:len(text) - 1)
    end if
    hour = 0
    minute = 0
    second = 0
    days = 0.0_dp
    is_date = .false.
    if (len(text) /= 10 .and. len(text) /= 16 .and. len(text) /= 19) return
    if (text(5:5)//text(8:8) /= "--") return
    read (text(:10), "(i4, 1x, i2, 1x, i2)", iostat=status) year, month, day
    if (status /= 0) return
    if (len(text) > 10) then
      if (scan(text(11:11), "T ") == 0) return
      read (text(12:16), "(i2, 1x, i2)", iostat=status) hour, minute
      if (status == 0 .and. len(text) == 19) read (text(18:), "(i2)", iostat=status) second
      if (status /= 0) return
    end if
    if (month < 1 .or. month > 12) return
    if (day < 1 .or. day > month_days(month)) return
    if (hour < 0 .or. hour > 24 .or. minute < 0 .or. minute > 59) return
    if (second < 0 .or. second > 60) return
    is_date = .true.
    days = day_number(year, month, day) - day_number(2000, 1, 1) - 0.5_dp &
      + (hour + (minute + second/60.0_dp)/60.0_dp)/24.0_dp
  end subroutine days_since_j2000

  !> Day of the Gregorian calendar, counted from some day; years begin in March here.
  pure integer function day_number(year, month, day)
    integer, intent(in) :: year, month, day

    integer :: m, y

    m = modulo(month - 3, 12)
    y = year + (month - 3 - m)/12
    day_number = 365*y + floor(y/4.0) - floor(y/100.0) + floor(y/400.0) &
      + (153*m + 2)/5 + day
  end function day_number

  !> Index of a name in the table, 0 if it is not there.
  pure integer function place(name)
    character(len=*), intent(in) :: name

    do place = size(table), 1, -1
      if (lower(table(place)%name) == lower(name)) exit
    end do
  end function place

  !> In small letters.
  pure function lower(text)
    character(len=*), intent(in) :: text
    character(len=len(text)) :: lower

    integer :: code, i

    lower = text
    do i = 1, len(text)
      code = iachar(text(i:i))
      if (code >= iachar("A") .and. code <= iachar("Z")) lower(i:i) = achar(code + 32)
    end do
  end function lower

  !> How often T, s, h, p and p' enter the argument.
  pure function multipliers(entry) result(numbers)
    type(entry_t), intent(in) :: entry
    real(dp) :: numbers(5)

    numbers = real([entry%hours, entry%moon, entry%sun, entry%perigee, &
      entry%perihelion], dp)
  end function multipliers

  !> T, s, h, p, p' [degrees].
  pure function longitudes(days) result(angles)
    real(dp), intent(in) :: days !! since J2000
    real(dp) :: angles(5)

    real(dp) :: t

    t = days/days_per_century
    angles = [360.0_dp*modulo(days + 0.5_dp, 1.0_dp), &
      218.3164477_dp + 481267.88123421_dp*t, 280.46646_dp + 36000.76983_dp*t, &
      83.3532465_dp + 4069.0137287_dp*t, 282.93735_dp + 1.71946_dp*t]
    angles = modulo(angles, 360.0_dp)
  end function longitudes

  !> Their rates [rad s-1].
  pure function rates()
    real(dp) :: rates(5)

    rates = [360.0_dp*days_per_century, 481267.88123421_dp, 36000.76983_dp, &
      4069.0137287_dp, 1.71946_dp]*degree/(days_per_century*86400.0_dp)
  end function rates

  !> Longitude of the moon's ascending node [rad].
  pure real(dp) function node(days)
    real(dp), intent(in) :: days !! since J2000

    node = modulo(125.04452_dp - 1934.136261_dp*days/days_per_century, 360.0_dp)*degree
  end function node

  !> Apply the nodal corrections.
  pure subroutine correct(constituent, entry, node)
    type(constituent_t), intent(inout) :: constituent
    type(entry_t), intent(in) :: entry
    real(dp), intent(in) :: node !! N [rad]

    real(dp), parameter :: harmonics(3) = [1.0_dp, 2.0_dp, 3.0_dp]
    integer :: k, powers(6)

    powers = [entry%m2, entry%k1, entry%o1, entry%k2, entry%mm, entry%mf]
    do k = 1, size(powers)
      constituent%factor = constituent%factor*(nodal(k)%f0 &
        + dot_product(nodal(k)%f, cos(harmonics*node)))**powers(k)
      constituent%argument = constituent%argument &
        + powers(k)*dot_product(nodal(k)%u, sin(harmonics*node))*degree
    end do
  end subroutine correct

end module swe_constituents
