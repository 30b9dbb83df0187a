! SPDX-License-Identifier: MIT
!> One rank's failure is that of all.
!>
!> Every rank reads the files, so one alone may fail: a disk that is not there, a file that
!> another process changes. If it left by itself, the others would wait for it in the next
!> exchange. So ranks agree after what may fail, before they next need each other.
module swe_agreement
  use, intrinsic :: iso_fortran_env, only: error_unit
  use failures, only: err_file
  use swe_blocks, only: block_t, ranks_t
  use swe_exchange, only: global_maximum
  use swe_kinds, only: wp
  implicit none
  private
  public :: agree, agree_on_problem, everyone

  integer, parameter :: max_rank = 10000000 !! exact in real32

contains

  !> All ranks, before they have blocks of a grid: enough for `agree`.
  pure function everyone(ranks) result(block)
    type(ranks_t), intent(in) :: ranks
    type(block_t) :: block

    block%n_ranks_x = ranks%count
    block%rank = ranks%rank
    block%communicator = ranks%communicator
  end function everyone

  !> Agree on the worst status; rank 0 gets a message.
  subroutine agree(block, stat, errmsg)
    type(block_t), intent(in) :: block         !! of this rank
    integer, intent(inout) :: stat             !! becomes the largest of all ranks
    character(len=*), intent(inout) :: errmsg  !! set if it was another's that failed

    integer :: first, worst

    worst = nint(global_maximum(block, real(stat, wp)))
    if (worst == 0) return
    ! Rank 0 speaks for all; if it has nothing to say, the first that has does.
    first = -nint(global_maximum(block, real(merge(-block%rank, -max_rank, stat /= 0), wp)))
    if (first > 0 .and. block%rank == first) write (error_unit, "(a, i0, 2a)") "rank ", &
      first, ": ", trim(errmsg)
    if (stat == 0) write (errmsg, "(a, i0)") "stopped with rank ", first
    stat = worst
  end subroutine agree

  !> The same where a sentence says that there is a problem.
  subroutine agree_on_problem(block, problem)
    type(block_t), intent(in) :: block         !! of this rank
    character(len=*), intent(inout) :: problem !! set if there is one on any rank

    integer :: stat

    stat = merge(err_file, 0, problem /= "")
    call agree(block, stat, problem)
  end subroutine agree_on_problem

end module swe_agreement
