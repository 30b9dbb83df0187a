! SPDX-License-Identifier: MIT
!> Rosenbrock methods as tables of coefficients.
!>
!> One step from y_n by h, with J = df/dy(t_n, y_n) and s stages:
!>
!>     Y_i = y_n + sum_j<i a_ij K_j
!>     (I/(h gamma) - J) K_i = f(t_n + alpha_i h, Y_i) + sum_j<i c_ij K_j / h
!>                             + h gamma_i df/dt(t_n, y_n)
!>     y_n+1 = y_n + sum_i m_i K_i,   error = sum_i e_i K_i
!>
!> This is the form without products with J (Hairer & Wanner, Solving ODEs II, IV.7). The
!> term with df/dt is what makes a rate that depends on time lose no order.
!>
!> ROS2: Verwer, Spee, Blom & Hundsdorfer (1999), SIAM J. Sci. Comput. 20, 1456.
!> ROS3, RODAS3: Sandu et al. (1997), Atmos. Environ. 31, 3459. ROS4 (L-stable), RODAS4:
!> Hairer & Wanner (1996), IV.7 and their codes ros4 and rodas.
module chemistry_tableaux
  use failures, only: err_argument, fail, succeed
  use kinds, only: wp
  implicit none
  private
  public :: find_tableau, tableau_t

  integer, parameter, public :: max_stages = 6

  !> A method.
  type :: tableau_t
    character(len=8) :: name = ""
    integer :: n_stages = 0
    integer :: order = 0          !! of the solution
    integer :: error_order = 0    !! the estimate is of order h to this power
    real(wp) :: gamma = 0.0_wp
    real(wp) :: a(max_stages, max_stages) = 0.0_wp !! (i, j)
    real(wp) :: c(max_stages, max_stages) = 0.0_wp !! (i, j)
    real(wp) :: m(max_stages) = 0.0_wp
    real(wp) :: e(max_stages) = 0.0_wp
    real(wp) :: alpha(max_stages) = 0.0_wp
    real(wp) :: gamma_i(max_stages) = 0.0_wp
    logical :: is_new(max_stages) = .true. !! false: f of the stage before is used again
  end type tableau_t

contains

  !> A method by its name.
  subroutine find_tableau(name, tableau, stat, errmsg)
    character(len=*), intent(in) :: name        !! ros2, ros3, ros4, rodas3 or rodas4
    type(tableau_t), intent(out) :: tableau
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    select case (name)
    case ("ros2")
      tableau = ros2()
    case ("ros3")
      tableau = ros3()
    case ("ros4")
      tableau = ros4()
    case ("rodas3")
      tableau = rodas3()
    case ("rodas4")
      tableau = rodas4()
    case default
      call fail(err_argument, "unknown Rosenbrock method '"//trim(name)//"': expected "// &
        "ros2, ros3, ros4, rodas3 or rodas4", stat, errmsg)
      return
    end select
    call succeed(stat)
  end subroutine find_tableau

  pure type(tableau_t) function ros2() result(t)
    real(wp), parameter :: g = 1.0_wp + 1.0_wp/sqrt(2.0_wp)

    t = tableau_t(name="ros2", n_stages=2, order=2, error_order=2, gamma=g)
    t%a(2, 1) = 1/g
    t%c(2, 1) = -2/g
    t%m(:2) = [3/(2*g), 1/(2*g)]
    t%e(:2) = [1/(2*g), 1/(2*g)]
    t%alpha(2) = 1.0_wp
    t%gamma_i(:2) = [g, -g]
  end function ros2

  pure type(tableau_t) function ros3() result(t)
    t = tableau_t(name="ros3", n_stages=3, order=3, error_order=3, &
      gamma=0.43586652150845899941601945119356_wp)
    t%a(2, 1) = 1.0_wp
    t%a(3, 1) = 1.0_wp
    t%is_new(3) = .false.
    t%c(2, 1) = -1.0156171083877702091975600115545_wp
    t%c(3, 1:2) = [4.0759956452537699824805835358067_wp, &
      9.2076794298330791242156818474003_wp]
    t%m(:3) = [1.0_wp, 6.1697947043828245592553615689730_wp, &
      -0.42772256543218573326238373806514_wp]
    t%e(:3) = [0.5_wp, -2.9079558716805469821718236208017_wp, &
      0.22354069897811569627360909276199_wp]
    t%alpha(2:3) = t%gamma
    t%gamma_i(:3) = [t%gamma, 0.24291996454816804366592249683314_wp, &
      2.1851380027664058511513169485832_wp]
  end function ros3

  pure type(tableau_t) function ros4() result(t)
    t = tableau_t(name="ros4", n_stages=4, order=4, error_order=4, gamma=0.57282_wp)
    t%a(2, 1) = 2.0_wp
    t%a(3, 1:2) = [1.867943637803922_wp, 0.2344449711399156_wp]
    t%a(4, 1:2) = t%a(3, 1:2)
    t%is_new(4) = .false.
    t%c(2, 1) = -7.137615036412310_wp
    t%c(3, 1:2) = [2.580708087951457_wp, 0.6515950076447975_wp]
    t%c(4, 1:3) = [-2.137148994382534_wp, -0.3214669691237626_wp, -0.6949742501781779_wp]
    t%m(:4) = [2.255570073418735_wp, 0.2870493262186792_wp, 0.4353179431840180_wp, &
      1.093502252409163_wp]
    t%e(:4) = [-0.2815431932141155_wp, -0.07276199124934920_wp, -0.1082196201495311_wp, &
      -1.093502252409163_wp]
    t%alpha(2:4) = [1.14564_wp, 0.65521686381559_wp, 0.65521686381559_wp]
    t%gamma_i(:4) = [t%gamma, -1.769193891319233_wp, 0.7592633437920482_wp, &
      -0.1049021087100450_wp]
  end function ros4

  pure type(tableau_t) function rodas3() result(t)
    t = tableau_t(name="rodas3", n_stages=4, order=3, error_order=3, gamma=0.5_wp)
    t%is_new(2) = .false.
    t%a(3, 1) = 2.0_wp
    t%a(4, 1:3) = [2.0_wp, 0.0_wp, 1.0_wp]
    t%c(2, 1) = 4.0_wp
    t%c(3, 1:2) = [1.0_wp, -1.0_wp]
    t%c(4, 1:3) = [1.0_wp, -1.0_wp, -8.0_wp/3.0_wp]
    t%m(:4) = [2.0_wp, 0.0_wp, 1.0_wp, 1.0_wp]
    t%e(4) = 1.0_wp
    t%alpha(3:4) = 1.0_wp
    t%gamma_i(:2) = [0.5_wp, 1.5_wp]
  end function rodas3

  pure type(tableau_t) function rodas4() result(t)
    t = tableau_t(name="rodas4", n_stages=6, order=4, error_order=4, gamma=0.25_wp)
    t%a(2, 1) = 1.544_wp
    t%a(3, 1:2) = [0.9466785280815826_wp, 0.2557011698983284_wp]
    t%a(4, 1:3) = [3.314825187068521_wp, 2.896124015972201_wp, 0.9986419139977817_wp]
    t%a(5, 1:4) = [1.221224509226641_wp, 6.019134481288629_wp, 12.53708332932087_wp, &
      -0.6878860361058950_wp]
    t%a(6, 1:5) = [t%a(5, 1:4), 1.0_wp]
    t%c(2, 1) = -5.6688_wp
    t%c(3, 1:2) = [-2.430093356833875_wp, -0.2063599157091915_wp]
    t%c(4, 1:3) = [-0.1073529058151375_wp, -9.594562251023355_wp, -20.47028614809616_wp]
    t%c(5, 1:4) = [7.496443313967647_wp, -10.24680431464352_wp, -33.99990352819905_wp, &
      11.70890893206160_wp]
    t%c(6, 1:5) = [8.083246795921522_wp, -7.981132988064893_wp, -31.52159432874371_wp, &
      16.31930543123136_wp, -6.058818238834054_wp]
    t%m = [t%a(6, 1:5), 1.0_wp]
    t%e(6) = 1.0_wp
    t%alpha(2:6) = [0.386_wp, 0.21_wp, 0.63_wp, 1.0_wp, 1.0_wp]
    t%gamma_i(:4) = [0.25_wp, -0.1043_wp, 0.1035_wp, -0.0362_wp]
  end function rodas4

end module chemistry_tableaux
