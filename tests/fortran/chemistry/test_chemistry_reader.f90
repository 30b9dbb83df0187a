! SPDX-License-Identifier: MIT
!> Mechanism files: what is read, and what is said of mistakes.
program test_chemistry_reader
  use chemistry_mechanism, only: mechanism_t
  use chemistry_problems, only: open_mechanism
  use chemistry_rates, only: light_at, thermal_rate
  use chemistry_reader, only: read_mechanism
  use chemistry_tables, only: build_tables, tables_t
  use failures, only: err_file
  use kinds, only: wp
  use testing, only: check, check_below, finish
  implicit none

  character(len=*), parameter :: scratch = "test_chemistry_reader.txt"
  character(len=*), parameter :: head = "mechanism X|elements N|species|A N 1 = 2|B N 1|"
  real(wp), parameter :: rounding = 1.0e-14_wp !! of a formula with a few operations

  call check_pollu()
  call check_rates()
  call check_light()
  call check_mistakes()
  call finish()

contains

  !> The air pollution model as published.
  subroutine check_pollu()
    type(mechanism_t) :: mechanism
    type(tables_t) :: tables
    integer, parameter :: published_entries = 95 !! of the factors found by KPP

    call open_mechanism("pollu", mechanism)
    call check(size(mechanism%species) == 20 .and. size(mechanism%reactions) == 25, &
      "POLLU has 20 species and 25 reactions")
    call check(mechanism%is_autonomous(), "POLLU has constant rates")
    call check_below(abs(mechanism%element_total("N", mechanism%initial) - 0.2_wp), &
      rounding, "nitrogen of POLLU is 0.2 ppm")
    call build_tables(mechanism, tables)
    call check(tables%n_jacobian == 86, "the Jacobian of POLLU has 86 entries")
    call check(tables%n_entries <= published_entries, &
      "the factors of POLLU fill in no more than published")
  end subroutine check_pollu

  !> Rate forms against their formulas.
  subroutine check_rates()
    type(mechanism_t) :: mechanism
    real(wp), parameter :: t = 250.0_wp
    real(wp) :: k, x

    call write_file(head//"fixed|  M = 1e19|reactions|A -> B ; arrhenius 3e-12 2 -1500|"// &
      "A + M -> B ; falloff 1e-30 -3 2e-11 -1 0.6|A + 2 B -> 3 A ; 7")
    call read_mechanism(scratch, mechanism)
    k = thermal_rate(mechanism%reactions(1), t)
    call check_below(abs(k/(3.0e-12_wp*(t/300)**2*exp(-1500/t)) - 1), rounding, "Arrhenius")
    k = 1.0e-11_wp*(t/300)**(-3)
    x = k/(2.0e-11_wp*(t/300)**(-1))
    k = k/(1 + x)*0.6_wp**(1/(1 + log10(x)**2))
    k = thermal_rate(mechanism%reactions(2), t)/k
    call check_below(abs(k - 1), rounding, "falloff")
    call check(mechanism%reactions(3)%order == 3, "three reactants make third order")
    call check_below(maxval(abs(mechanism%reactions(3)%change - [2.0_wp, -2.0_wp])), &
      rounding, "net stoichiometry")
  end subroutine check_rates

  !> The light's derivative in time is that of the light.
  subroutine check_light()
    type(mechanism_t) :: mechanism
    character(len=12), parameter :: names(2) = [character(len=12) :: "small_strato", &
      "superfast"]
    real(wp), parameter :: delta = 1.0_wp         !! [s]
    real(wp), parameter :: curvature = 1.0e-8_wp  !! centred difference over a second
    real(wp) :: change, light(2), t, worst, ignored
    integer :: i, n

    do n = 1, size(names)
      call open_mechanism(trim(names(n)), mechanism)
      worst = 0.0_wp
      do i = 1, 47
        t = 1800.0_wp*i + 7.0_wp
        call light_at(mechanism%sun, t, light(1), change)
        call light_at(mechanism%sun, t - delta, light(1), ignored)
        call light_at(mechanism%sun, t + delta, light(2), ignored)
        worst = max(worst, abs((light(2) - light(1))/(2*delta) - change))
      end do
      call check_below(worst*3600, curvature, "light changes as it says")
      call light_at(mechanism%sun, 0.0_wp, light(1), change)
      call check(light(1) == 0.0_wp .and. change == 0.0_wp, "midnight is dark")
    end do
  end subroutine check_light

  !> Each mistake is refused, with its line and the word.
  subroutine check_mistakes()
    call refuse("mechanizm X", ":1: unknown keyword 'mechanizm'")
    call refuse(head//"reactions|A -> C ; 1", ":7: unknown species 'C' in 'A -> C'")
    call refuse(head//"reactions|Q -> B ; 1", ":7: unknown species 'Q' in 'Q -> B'")
    call refuse(head//"  C S 1|reactions|A -> B ; 1", ":6: unknown element 'S' of 'C'")
    call refuse(head//"  A|reactions|A -> B ; 1", ":6: species 'A' is declared twice")
    call refuse(head//"reactions|A -> 2 B ; 1", ":7: 'A -> 2 B' gains 1.00000 atoms of 'N'")
    call refuse(head//"reactions|A -> B ; fast", ":7: 'fast' is not a number")
    call refuse(head//"reactions|A -> B ; 1 2", ":7: '2' behind the rate of 'A -> B'")
    call refuse(head//"reactions|A -> B", ":7: a reaction needs 'LEFT -> RIGHT ; RATE'")
    call refuse(head//"reactions|A -> B ;", ":7: 'A -> B' has no rate")
    call refuse(head//"reactions|A B -> 2 B ; 1", ":7: 'B' in 'A B -> 2 B': expected '+'")
    call refuse(head//"reactions|A + -> B ; 1", ":7: 'A + -> B' lacks a species")
    call refuse(head//"reactions|4 A -> 4 B ; 1", ":7: '4 A -> 4 B' has more than three")
    call refuse(head//"reactions|0.5 A -> B ; 1", ":7: '0.5 A -> B': a coefficient on the")
    call refuse(head//"reactions|A -> B ; arrhenius 1 2", "needs 3 constants, found 2")
    call refuse(head//"reactions|A -> B ; falloff 1 2 3 4 5", "needs a third body")
    call refuse(head//"reactions|A -> B ; photolysis 1 1", "a line 'sun ...' is missing")
    call refuse(head, "no reactions")
    call refuse("mechanism X", "no species")
    call refuse("units ppm years|"//head, ":1: unknown unit of time 'years'")
    call refuse("temperature 0|"//head, ":1: 'temperature' must be above 0 K")
  end subroutine check_mistakes

  !> A text must be refused with a message that holds some words.
  subroutine refuse(text, words)
    character(len=*), intent(in) :: text  !! lines, separated by "|"
    character(len=*), intent(in) :: words !! expected

    type(mechanism_t) :: mechanism
    character(len=512) :: errmsg
    integer :: stat

    call write_file(text)
    errmsg = ""
    call read_mechanism(scratch, mechanism, stat, errmsg)
    call check(stat == err_file .and. index(errmsg, words) > 0 .and. &
      index(errmsg, scratch) == 1, "'"//words//"' expected, found: "//trim(errmsg))
  end subroutine refuse

  !> Write lines that are separated by "|".
  subroutine write_file(text)
    character(len=*), intent(in) :: text

    integer :: first, length, unit

    open (newunit=unit, file=scratch, status="replace", action="write")
    first = 1
    do while (first <= len(text))
      length = scan(text(first:)//"|", "|") - 1
      write (unit, "(a)") text(first:first + length - 1)
      first = first + length + 1
    end do
    close (unit)
  end subroutine write_file

end program test_chemistry_reader
