! SPDX-License-Identifier: MIT
!> What is kept of a run that ended early: its files under names that say why.
module early_ends
  use failures, only: err_interrupted
  use files, only: with_suffix
  use trajectories, only: trajectory_t
  implicit none
  private
  public :: add_kept, early_name, keep_trajectory

  integer, parameter :: max_problem = 1024 !! characters

contains

  !> A path with the reason in it: run.nc is run.failed.nc or run.interrupted.nc.
  pure function early_name(path, stat) result(name)
    character(len=*), intent(in) :: path !! name had all been well
    integer, intent(in) :: stat          !! why the run ended
    character(len=:), allocatable :: name

    if (stat == err_interrupted) then
      name = with_suffix(trim(path), "interrupted")
    else
      name = with_suffix(trim(path), "failed")
    end if
  end function early_name

  !> Finish a file under its early name, if it was begun.
  subroutine keep_trajectory(trajectory, path, stat, what, errmsg)
    type(trajectory_t), intent(inout) :: trajectory
    character(len=*), intent(in) :: path      !! its name had all been well
    integer, intent(in) :: stat               !! why the run ended
    character(len=*), intent(in) :: what      !! is in it, for the message
    character(len=*), intent(inout) :: errmsg !! extended by the name

    character(len=max_problem) :: problem
    integer :: status

    if (.not. trajectory%is_open()) return
    problem = ""
    call trajectory%finish(as=early_name(path, stat), stat=status, errmsg=problem)
    call add_kept(what//" so far", early_name(path, stat), status, problem, errmsg)
  end subroutine keep_trajectory

  !> Extend a message by where something is kept, or why it is not.
  subroutine add_kept(what, path, status, problem, errmsg)
    character(len=*), intent(in) :: what      !! was to be kept
    character(len=*), intent(in) :: path      !! where
    integer, intent(in) :: status             !! 0 if it is there
    character(len=*), intent(in) :: problem   !! why it is not
    character(len=*), intent(inout) :: errmsg !! extended

    if (status == 0) then
      errmsg = trim(errmsg)//"; "//what//": '"//path//"'"
    else
      errmsg = trim(errmsg)//"; "//trim(problem)
    end if
  end subroutine add_kept

end module early_ends
