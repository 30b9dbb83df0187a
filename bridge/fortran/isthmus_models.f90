! SPDX-License-Identifier: MIT
!> Networks exported from PyTorch, called on the model's own arrays.
!>
!> `load` a file, bind each input and output by name once, then `run` inside the time loop.
!> Arrays of any kind, rank and section are bound without a copy; they must stay allocated
!> and in place, and have the `target` attribute. A Fortran array `u(nx, ny)` is `[ny, nx]`
!> for the network, as it is in C, Python and netCDF. A component of an array of derived
!> type, `columns%t`, goes by `bind_input_pointer` with strides: gfortran passes its address
!> wrong, which is noticed and refused.
!>
!> Every procedure that can fail takes `stat` and `errmsg` as `allocate` does: without
!> `stat` a failure is printed and stops the program.
module isthmus_models
  use, intrinsic :: iso_c_binding, only: c_associated, c_bool, c_char, c_double, c_int, &
    c_int32_t, c_int64_t, c_loc, c_null_char, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, int8, real32, real64
  use isthmus_arrays, only: array_view_t, max_rank, describe, describe_pointer
  use isthmus_capi, only: c_binding_t, isthmus_model_bind_input_as, &
    isthmus_model_bind_output_as, isthmus_model_contract, isthmus_model_count, &
    isthmus_model_engine, isthmus_model_free, &
    isthmus_model_input_name, isthmus_model_load, &
    isthmus_model_output_name, isthmus_model_run_method, isthmus_model_time_step
  use isthmus_status, only: isthmus_bool, isthmus_err_shape, isthmus_float32, &
    isthmus_float64, isthmus_int16, isthmus_int32, isthmus_int64, isthmus_int8, isthmus_ok
  use isthmus_texts, only: c_method, c_text, f_text, last_message, report
  implicit none
  private
  public :: isthmus_model_t

  !> What all copies of one loaded network have in common.
  type :: shared_t
    type(c_ptr) :: handle = c_null_ptr !! the C model
    integer :: n_owners = 1            !! it is freed with the last one
    logical :: is_borrowed = .false.   !! it belongs to something else, which frees it
  end type shared_t

  !> A network and the arrays bound to it. One per thread. A copy by assignment is the same
  !> network with the same bindings; it is freed with its last copy.
  type :: isthmus_model_t
    private
    type(shared_t), pointer :: shared => null()
    type(c_ptr) :: owner = c_null_ptr !! address of this object, where it counts as owner
    integer :: anchor = 0             !! gives the object an address
  contains
    procedure, public :: load
    generic, public :: bind_input => bind_input_bool, bind_input_int8, bind_input_int16, &
      bind_input_int32, bind_input_int64, bind_input_real32, bind_input_real64
    generic, public :: bind_output => bind_output_bool, bind_output_int8, &
      bind_output_int16, bind_output_int32, bind_output_int64, &
      bind_output_real32, bind_output_real64
    procedure, public :: bind_input_pointer
    procedure, public :: bind_output_pointer
    procedure, public :: run
    procedure, public :: run_jvp
    procedure, public :: run_vjp
    procedure, public :: run_other
    procedure, public :: set_tile
    procedure, public :: set_chunk
    procedure, public :: use_loops
    procedure, public :: tuning
    procedure, public :: device
    generic, public :: set_stream => set_stream_pointer, set_stream_number
    procedure, private :: set_stream_pointer
    procedure, private :: set_stream_number
    procedure, public :: borrow
    procedure, public :: free
    procedure, public :: is_loaded
    procedure, public :: contract
    procedure, public :: engine
    procedure, public :: time_step
    procedure, public :: n_inputs
    procedure, public :: n_outputs
    procedure, public :: input_name
    procedure, public :: output_name
    procedure, public :: require_input
    procedure, public :: require_output
    procedure, public :: require_time_step
    procedure, public :: self_test
    procedure, public :: check_derivatives
    generic, public :: assignment(=) => assign
    procedure, private :: assign
    procedure, public :: handle
    procedure, private :: bind_input_bool
    procedure, private :: bind_input_int8
    procedure, private :: bind_input_int16
    procedure, private :: bind_input_int32
    procedure, private :: bind_input_int64
    procedure, private :: bind_input_real32
    procedure, private :: bind_input_real64
    procedure, private :: bind_output_bool
    procedure, private :: bind_output_int8
    procedure, private :: bind_output_int16
    procedure, private :: bind_output_int32
    procedure, private :: bind_output_int64
    procedure, private :: bind_output_real32
    procedure, private :: bind_output_real64
    final :: finalize
  end type isthmus_model_t

  ! isthmus_runs.f90
  interface
    !> Evaluate any method of the file, by name.
    module subroutine run_other(self, method, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(inout) :: self
      character(len=*), intent(in) :: method !! "forward", "jvp", "vjp" or another
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine run_other

    !> Evaluate the separable dimension in tiles of exactly `n_samples`, the last one filled
    !> up: a sample's bits then depend neither on the number of samples nor on their order.
    module subroutine set_tile(self, n_samples, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(inout) :: self
      integer, intent(in) :: n_samples !! a power of two, 0: off
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine set_tile

    !> Evaluate the separable dimension in even chunks, which stay in the cache.
    module subroutine set_chunk(self, n_samples, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(inout) :: self
      integer, intent(in) :: n_samples !! at most, 0: off
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine set_chunk

    !> Evaluate small chains of layers by own loops, for up to `n_samples` samples.
    module subroutine use_loops(self, n_samples, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(inout) :: self
      integer, intent(in) :: n_samples !! 0: never
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine use_loops

    !> Where the network is: "cpu", "cuda:0"; "" if nothing is loaded.
    module function device(self) result(text)
      implicit none
      class(isthmus_model_t), intent(in) :: self
      character(len=:), allocatable :: text
    end function device

    !> Queue the work on a stream of the host program. A run whose outputs are all on the
    !> device then returns before they are computed.
    module subroutine set_stream_pointer(self, stream, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(inout) :: self
      type(c_ptr), intent(in) :: stream !! cudaStream_t or hipStream_t; null: the default
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine set_stream_pointer

    !> The same by its number, as CUDA Fortran and `acc_get_cuda_stream` have it.
    module subroutine set_stream_number(self, stream, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(inout) :: self
      integer(int64), intent(in) :: stream
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine set_stream_number

    !> What became of the choice `isthmus tune` stored beside the file; "" if there is none.
    module function tuning(self) result(note)
      implicit none
      class(isthmus_model_t), intent(in) :: self
      character(len=:), allocatable :: note
    end function tuning
  end interface

  ! isthmus_requirements.f90
  interface
    !> Hold input `name` against what this program will pass; what is left out is not
    !> checked. Call it after `load`, before the time loop.
    module subroutine require_input(self, name, units, dims, shape, dtype, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(in) :: self
      character(len=*), intent(in) :: name              !! of the input
      character(len=*), intent(in), optional :: units   !! "K", letter by letter
      character(len=*), intent(in), optional :: dims(:) !! names, fastest first
      integer, intent(in), optional :: shape(:)         !! fastest first; -1: may vary
      integer, intent(in), optional :: dtype            !! isthmus_float64, ...
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine require_input

    !> Hold output `name` against what this program will take.
    module subroutine require_output(self, name, units, dims, shape, dtype, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(in) :: self
      character(len=*), intent(in) :: name              !! of the output
      character(len=*), intent(in), optional :: units   !! "K s-1", letter by letter
      character(len=*), intent(in), optional :: dims(:) !! names, fastest first
      integer, intent(in), optional :: shape(:)         !! fastest first; -1: may vary
      integer, intent(in), optional :: dtype            !! isthmus_float64, ...
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine require_output

    !> Refuse a network that was trained for another time step.
    module subroutine require_time_step(self, dt, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(in) :: self
      real(c_double), intent(in) :: dt !! in the unit of the training data
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine require_time_step

    !> Evaluate the test vectors in the file on this machine.
    module subroutine self_test(self, largest_error, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(inout) :: self
      real(c_double), intent(inout) :: largest_error !! relative [1]; untouched on failure
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine self_test

    !> Try `run_jvp` and `run_vjp` at the point bound for `run`, in random directions. What
    !> is bound stays bound and untouched.
    module subroutine check_derivatives(self, dot_error, taylor_error, seed, stat, errmsg)
      implicit none
      class(isthmus_model_t), intent(inout) :: self
      real(c_double), intent(inout) :: dot_error
        !! |<F x_tl, y_ad> - <x_tl, F^T y_ad>| relative to the norms: some roundings
      real(c_double), intent(inout) :: taylor_error
        !! |f(x + h x_tl) - f(x) - h F x_tl| relative to |h F x_tl|, at the best h
      integer, intent(in), optional :: seed !! of the directions, 1 by default
      integer, intent(out), optional :: stat
      character(len=*), intent(inout), optional :: errmsg
    end subroutine check_derivatives
  end interface

contains

  !> Load a network; one that was loaded before is freed.
  subroutine load(self, path, device, stat, errmsg)
    class(isthmus_model_t), intent(inout), target :: self
    character(len=*), intent(in) :: path             !! `.pt` or `.pt2`
    character(len=*), intent(in), optional :: device !! "cpu" (default), "cuda", ...
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(c_ptr) :: model
    integer(c_int) :: status
    character(len=:), allocatable :: place

    place = "cpu"
    if (present(device)) place = trim(device)
    model = c_null_ptr
    status = isthmus_model_load(c_text(path), c_text(place), model)
    if (status == isthmus_ok) then
      call self%free()
      allocate (self%shared)
      self%shared%handle = model
      self%owner = c_loc(self%anchor)
    end if
    call report(int(status), last_message(), stat, errmsg)
  end subroutine load

  ! bind_input, bind_output: one procedure for each kind, of any rank and section. The dummy
  ! is a pointer, so that the actual must be a target and is never a temporary copy.
  !
  ! `convert=.true.` lets another real kind be converted at every run; without it that is
  ! refused. `order(i)` is the array's dimension that is the network's i-th: absent, it is
  ! [rank, ..., 2, 1], one memory read two ways; [1, 2, ...] keeps the order of the indices.

  !> Let the network read input `name` straight from `array`.
  subroutine bind_input_bool(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    logical(c_bool), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_bool, .false., stat, errmsg, convert, order)
  end subroutine bind_input_bool

  !> Let the network read input `name` straight from `array`.
  subroutine bind_input_int8(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int8), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_int8, .false., stat, errmsg, convert, order)
  end subroutine bind_input_int8

  !> Let the network read input `name` straight from `array`.
  subroutine bind_input_int16(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int16), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_int16, .false., stat, errmsg, convert, order)
  end subroutine bind_input_int16

  !> Let the network read input `name` straight from `array`.
  subroutine bind_input_int32(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_int32, .false., stat, errmsg, convert, order)
  end subroutine bind_input_int32

  !> Let the network read input `name` straight from `array`.
  subroutine bind_input_int64(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_int64, .false., stat, errmsg, convert, order)
  end subroutine bind_input_int64

  !> Let the network read input `name` straight from `array`.
  subroutine bind_input_real32(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_float32, .false., stat, errmsg, convert, order)
  end subroutine bind_input_real32

  !> Let the network read input `name` straight from `array`.
  subroutine bind_input_real64(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_float64, .false., stat, errmsg, convert, order)
  end subroutine bind_input_real64

  !> Let the network write output `name` straight into `array`.
  subroutine bind_output_bool(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    logical(c_bool), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_bool, .true., stat, errmsg, convert, order)
  end subroutine bind_output_bool

  !> Let the network write output `name` straight into `array`.
  subroutine bind_output_int8(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int8), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_int8, .true., stat, errmsg, convert, order)
  end subroutine bind_output_int8

  !> Let the network write output `name` straight into `array`.
  subroutine bind_output_int16(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int16), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_int16, .true., stat, errmsg, convert, order)
  end subroutine bind_output_int16

  !> Let the network write output `name` straight into `array`.
  subroutine bind_output_int32(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_int32, .true., stat, errmsg, convert, order)
  end subroutine bind_output_int32

  !> Let the network write output `name` straight into `array`.
  subroutine bind_output_int64(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    integer(int64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_int64, .true., stat, errmsg, convert, order)
  end subroutine bind_output_int64

  !> Let the network write output `name` straight into `array`.
  subroutine bind_output_real32(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real32), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_float32, .true., stat, errmsg, convert, order)
  end subroutine bind_output_real32

  !> Let the network write output `name` straight into `array`.
  subroutine bind_output_real64(self, name, array, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    real(real64), dimension(..), pointer, intent(in) :: array
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    call bind_any(self, name, array, isthmus_float64, .true., stat, errmsg, convert, order)
  end subroutine bind_output_real64

  !> Bind memory by its address: components of arrays of derived type, memory of a device
  !> (`c_devloc` in CUDA Fortran, `c_loc` within OpenACC's `host_data`), and compilers
  !> without C descriptors.
  subroutine bind_input_pointer(self, name, address, dtype, shape, stat, errmsg, strides, &
    device)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name           !! of the input
    type(c_ptr), intent(in) :: address             !! c_loc of the first element
    integer, intent(in) :: dtype                   !! isthmus_float64, ...
    integer, intent(in) :: shape(:)                !! shape(array), fastest first
    integer, intent(in), optional :: strides(:)    !! bytes, fastest first; else contiguous
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=*), intent(in), optional :: device !! where it is: "cuda:0"; else the host

    call bind_pointer(self, name, address, dtype, shape, .false., stat, errmsg, &
      strides, device)
  end subroutine bind_input_pointer

  !> Bind memory by its address: components of arrays of derived type, and compilers
  !> without C descriptors.
  subroutine bind_output_pointer(self, name, address, dtype, shape, stat, errmsg, strides, &
    device)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name           !! of the output
    type(c_ptr), intent(in) :: address             !! c_loc of the first element
    integer, intent(in) :: dtype                   !! isthmus_float64, ...
    integer, intent(in) :: shape(:)                !! shape(array), fastest first
    integer, intent(in), optional :: strides(:)    !! bytes, fastest first; else contiguous
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    character(len=*), intent(in), optional :: device !! where it is: "cuda:0"; else the host

    call bind_pointer(self, name, address, dtype, shape, .true., stat, errmsg, &
      strides, device)
  end subroutine bind_output_pointer

  !> Evaluate the network on the arrays bound.
  subroutine run(self, stat, errmsg)
    class(isthmus_model_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call run_method(self, c_char_"forward"//c_null_char, stat, errmsg)
  end subroutine run

  !> Tangent-linear: reads `x`, `x_tl`, fills `y`, `y_tl`.
  subroutine run_jvp(self, stat, errmsg)
    class(isthmus_model_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call run_method(self, c_char_"jvp"//c_null_char, stat, errmsg)
  end subroutine run_jvp

  !> Adjoint: reads `x`, `y_ad`, fills `x_ad`.
  subroutine run_vjp(self, stat, errmsg)
    class(isthmus_model_t), intent(inout) :: self
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    call run_method(self, c_char_"vjp"//c_null_char, stat, errmsg)
  end subroutine run_vjp

  !> Look at a C model that belongs to something else, such as an emulator: to ask for its
  !> names and contract, to require, to test. It must not outlive its owner.
  subroutine borrow(self, model)
    class(isthmus_model_t), intent(inout), target :: self
    type(c_ptr), intent(in) :: model !! isthmus_model *

    call self%free()
    allocate (self%shared)
    self%shared%handle = model
    self%shared%is_borrowed = .true.
    self%owner = c_loc(self%anchor)
  end subroutine borrow

  !> Free the network, unless other copies of it are left.
  subroutine free(self)
    class(isthmus_model_t), intent(inout), target :: self

    ! What was copied bit by bit (allocate with source=) never counted as an owner.
    if (associated(self%shared) .and. c_associated(self%owner, c_loc(self%anchor))) then
      self%shared%n_owners = self%shared%n_owners - 1
      if (self%shared%n_owners == 0) then
        if (.not. self%shared%is_borrowed) call isthmus_model_free(self%shared%handle)
        deallocate (self%shared)
      end if
    end if
    self%shared => null()
    self%owner = c_null_ptr
  end subroutine free

  !> True between `load` and `free`.
  pure logical function is_loaded(self)
    class(isthmus_model_t), intent(in) :: self

    is_loaded = associated(self%shared)
  end function is_loaded

  !> The contract in the file as JSON text, "" if it has none.
  function contract(self) result(text)
    class(isthmus_model_t), intent(in) :: self
    character(len=:), allocatable :: text

    type(c_ptr) :: address

    address = c_null_ptr
    text = ""
    if (isthmus_model_contract(self%handle(), address) == isthmus_ok) text = f_text(address)
  end function contract

  !> "torchscript" or "inductor", "" if nothing is loaded.
  function engine(self) result(text)
    class(isthmus_model_t), intent(in) :: self
    character(len=:), allocatable :: text

    type(c_ptr) :: address

    address = c_null_ptr
    text = ""
    if (isthmus_model_engine(self%handle(), address) == isthmus_ok) text = f_text(address)
  end function engine

  !> Time step the network was trained for, 0 if its contract does not say.
  function time_step(self) result(dt)
    class(isthmus_model_t), intent(in) :: self
    real(c_double) :: dt

    dt = 0.0_c_double
    if (isthmus_model_time_step(self%handle(), dt) /= isthmus_ok) dt = 0.0_c_double
  end function time_step

  !> Number of inputs of a method ("forward" by default); 0 if there is no such method.
  integer function n_inputs(self, method)
    class(isthmus_model_t), intent(in) :: self
    character(len=*), intent(in), optional :: method

    integer :: ignored

    call count_names(self, method, n_inputs, ignored)
  end function n_inputs

  !> Number of outputs of a method ("forward" by default); 0 if there is no such method.
  integer function n_outputs(self, method)
    class(isthmus_model_t), intent(in) :: self
    character(len=*), intent(in), optional :: method

    integer :: ignored

    call count_names(self, method, ignored, n_outputs)
  end function n_outputs

  !> Name of input `index` (from 1), "" if there is none.
  function input_name(self, index, method) result(name)
    class(isthmus_model_t), intent(in) :: self
    integer, intent(in) :: index                     !! from 1
    character(len=*), intent(in), optional :: method !! "forward" by default
    character(len=:), allocatable :: name

    type(c_ptr) :: address

    address = c_null_ptr
    name = ""
    if (isthmus_model_input_name(self%handle(), c_method(method), &
      int(index - 1, c_int32_t), address) == isthmus_ok) name = f_text(address)
  end function input_name

  !> Name of output `index` (from 1), "" if there is none.
  function output_name(self, index, method) result(name)
    class(isthmus_model_t), intent(in) :: self
    integer, intent(in) :: index                     !! from 1
    character(len=*), intent(in), optional :: method !! "forward" by default
    character(len=:), allocatable :: name

    type(c_ptr) :: address

    address = c_null_ptr
    name = ""
    if (isthmus_model_output_name(self%handle(), c_method(method), &
      int(index - 1, c_int32_t), address) == isthmus_ok) name = f_text(address)
  end function output_name

  ! Ownership

  !> One more owner of the same network.
  impure elemental subroutine assign(self, other)
    class(isthmus_model_t), intent(inout), target :: self
    class(isthmus_model_t), intent(in) :: other

    if (associated(self%shared, other%shared)) return
    call self%free()
    if (.not. associated(other%shared)) return
    self%shared => other%shared
    self%shared%n_owners = self%shared%n_owners + 1
    self%owner = c_loc(self%anchor)
  end subroutine assign

  impure elemental subroutine finalize(self)
    type(isthmus_model_t), intent(inout), target :: self

    call self%free()
  end subroutine finalize

  !> The C model, for the other modules of the bridge; null if nothing is loaded.
  type(c_ptr) function handle(self)
    class(isthmus_model_t), intent(in) :: self

    handle = c_null_ptr
    if (associated(self%shared)) handle = self%shared%handle
  end function handle

  ! Helpers

  subroutine run_method(self, method, stat, errmsg)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: method !! ends with a null character
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    integer(c_int) :: status

    status = isthmus_model_run_method(self%handle(), method)
    if (status == isthmus_ok) then
      if (present(stat)) stat = isthmus_ok
    else
      call report(int(status), last_message(), stat, errmsg)
    end if
  end subroutine run_method

  !> `array` is forwarded without its type: then the compiler takes the size of an element
  !> from the descriptor, and a component of an array of derived type shows.
  subroutine bind_any(self, name, array, dtype, is_output, stat, errmsg, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    type(*), dimension(..), intent(in), target :: array
    integer, intent(in) :: dtype !! isthmus_float64, ...
    logical, intent(in) :: is_output
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    type(array_view_t), target :: view
    character(len=:), allocatable :: text
    integer :: status

    call describe(name, array, dtype, view, status, text)
    if (status == isthmus_ok) then
      call bind_view(self, name, view, is_output, status, text, convert, order)
    end if
    call report(status, text, stat, errmsg)
  end subroutine bind_any

  subroutine bind_pointer(self, name, address, dtype, shape, is_output, stat, errmsg, &
    strides, device)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    type(c_ptr), intent(in) :: address
    integer, intent(in) :: dtype, shape(:)
    logical, intent(in) :: is_output
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg
    integer, intent(in), optional :: strides(:)
    character(len=*), intent(in), optional :: device

    type(array_view_t), target :: view
    character(len=:), allocatable, target :: place
    character(len=:), allocatable :: text
    integer :: status

    call describe_pointer(name, address, dtype, shape, view, status, text, strides)
    if (present(device)) then
      place = c_text(device)
      view%c%device = c_loc(place)
    end if
    if (status == isthmus_ok) call bind_view(self, name, view, is_output, status, text)
    call report(status, text, stat, errmsg)
  end subroutine bind_pointer

  subroutine bind_view(self, name, view, is_output, status, text, convert, order)
    class(isthmus_model_t), intent(inout) :: self
    character(len=*), intent(in) :: name
    type(array_view_t), intent(in) :: view
    logical, intent(in) :: is_output
    integer, intent(out) :: status
    character(len=:), allocatable, intent(out) :: text
    logical, intent(in), optional :: convert
    integer, intent(in), optional :: order(:)

    type(c_binding_t) :: binding
    integer(c_int32_t), target :: of_network(max_rank) !! from 0, slowest first

    if (present(convert)) binding%convert = merge(1_c_int32_t, 0_c_int32_t, convert)
    if (present(order)) then
      if (size(order) /= view%c%rank) then
        status = isthmus_err_shape
        text = "'"//name//"' has an order of another rank than its own"
        return
      end if
      of_network(:size(order)) = int(size(order) - order, c_int32_t)
      binding%order = c_loc(of_network)
    end if
    if (is_output) then
      status = isthmus_model_bind_output_as(self%handle(), c_text(name), view%c, binding)
    else
      status = isthmus_model_bind_input_as(self%handle(), c_text(name), view%c, binding)
    end if
    text = view%explained(last_message(), status)
  end subroutine bind_view

  subroutine count_names(self, method, inputs, outputs)
    class(isthmus_model_t), intent(in) :: self
    character(len=*), intent(in), optional :: method
    integer, intent(out) :: inputs, outputs

    integer(c_int32_t) :: n_in, n_out

    n_in = 0
    n_out = 0
    if (isthmus_model_count(self%handle(), c_method(method), n_in, n_out) &
      /= isthmus_ok) then
      n_in = 0
      n_out = 0
    end if
    inputs = int(n_in)
    outputs = int(n_out)
  end subroutine count_names

end module isthmus_models
