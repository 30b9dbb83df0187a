! SPDX-License-Identifier: MIT
!> A linear network as the preconditioner of conjugate gradients.
!>
!>     s = D**(-1/2) N D**(-1/2) r,   D the diagonal of the matrix
!>
!> With a symmetric positive definite N, e.g. L^T L + eps, it is symmetric positive definite
!> for every matrix. The exporter checks N; if it is none, the solver does not converge and
!> the run says so. One process: a network sees no neighbours' blocks.
module network_preconditioner
  use, intrinsic :: iso_fortran_env, only: int64
  use isthmus, only: isthmus_float64, isthmus_model_t
  use swe_blocks, only: halo, lead
  use swe_five_point, only: five_point_t
  use swe_kinds, only: wp
  use swe_preconditioner, only: preconditioner_t
  implicit none
  private
  public :: network_preconditioner_t

  !> The arrays of a network, which it is bound to: copies of it share them.
  type :: work_t
    real(wp), allocatable :: root(:, :) !! D**(-1/2) [m-1] (nx, ny)
    real(wp), allocatable :: r(:, :)    !! input `r` (nx, ny)
    real(wp), allocatable :: s(:, :)    !! output `s` (nx, ny)
    integer(int64) :: n_calls = 0
    integer(int64) :: n_failed = 0      !! of them answered by the diagonal
    character(len=256) :: problem = ""  !! of the last that failed
  end type work_t

  !> The network and its work space.
  type, extends(preconditioner_t) :: network_preconditioner_t
    type(isthmus_model_t), private :: network
    type(work_t), pointer :: work => null()
  contains
    procedure :: load
    procedure :: prepare
    procedure :: apply
  end type network_preconditioner_t

contains

  !> Load the network.
  subroutine load(self, path, device, stat, errmsg)
    class(network_preconditioner_t), intent(inout) :: self
    character(len=*), intent(in) :: path   !! `.pt` or `.pt2`
    character(len=*), intent(in) :: device !! "cpu", "cuda", ...
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer :: status

    if (.not. associated(self%work)) allocate (self%work)
    call self%network%load(path, device, status, errmsg)
    if (status == 0) call self%network%require_input("r", dtype=isthmus_float64, &
      stat=status, errmsg=errmsg)
    if (status == 0) call self%network%require_output("s", dtype=isthmus_float64, &
      stat=status, errmsg=errmsg)
    if (present(stat)) stat = status
  end subroutine load

  !> Take the diagonal; bind the arrays at the first call.
  subroutine prepare(self, matrix)
    class(network_preconditioner_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix

    integer :: i, j

    associate (nx => matrix%block%nx, ny => matrix%block%ny)
      if (.not. allocated(self%work%root)) call bind(self, nx, ny)
      do j = 1, ny
        do i = 1, nx
          self%work%root(i, j) = 1.0_wp/sqrt(matrix%diagonal(i, j))
        end do
      end do
    end associate
  end subroutine prepare

  !> Allocate and bind. What cannot be bound is told by `apply`.
  subroutine bind(self, nx, ny)
    class(network_preconditioner_t), intent(inout) :: self
    integer, intent(in) :: nx, ny !! cells

    real(wp), pointer :: view(:, :)
    integer :: status

    associate (work => self%work)
      allocate (work%root(nx, ny), work%r(nx, ny), work%s(nx, ny))
      view => self%work%r
      call self%network%bind_input("r", view, stat=status, errmsg=work%problem)
      view => self%work%s
      if (status == 0) call self%network%bind_output("s", view, stat=status, &
        errmsg=work%problem)
    end associate
  end subroutine bind

  !> See `apply_interface`. A network that fails answers by the diagonal.
  subroutine apply(self, matrix, r, s, products)
    class(network_preconditioner_t), intent(inout) :: self
    type(five_point_t), intent(in) :: matrix
    real(wp), intent(inout), contiguous :: r(1 - lead:, 1 - halo:)
    real(wp), intent(inout), contiguous :: s(1 - lead:, 1 - halo:)
    real(wp), intent(inout) :: products(:)

    integer :: i, j, status

    associate (work => self%work, nx => matrix%block%nx, ny => matrix%block%ny)
      do j = 1, ny
        do i = 1, nx
          work%r(i, j) = work%root(i, j)*r(i, j)
        end do
      end do
      call self%network%run(status, work%problem)
      work%n_calls = work%n_calls + 1
      if (status /= 0) work%n_failed = work%n_failed + 1
      if (status /= 0) work%s = work%r
      do j = 1, ny
        products(j) = 0.0_wp
        do i = 1, nx
          s(i, j) = work%root(i, j)*work%s(i, j)
          products(j) = products(j) + r(i, j)*s(i, j)
        end do
      end do
    end associate
  end subroutine apply

end module network_preconditioner
