! SPDX-License-Identifier: MIT
!> Module isthmus: each status provoked, a correct call after it; names, copies, lifetimes.
program test_isthmus
  use, intrinsic :: iso_c_binding, only: c_loc, c_null_ptr
  use, intrinsic :: iso_fortran_env, only: real32, real64
  use checks, only: check, expect, finish, network
  use isthmus, only: isthmus_err_argument, isthmus_err_contract, isthmus_err_device, &
    isthmus_err_file, isthmus_err_runtime, isthmus_err_shape, isthmus_float64, &
    isthmus_model_t, isthmus_ok, isthmus_status_name, isthmus_torch_version, isthmus_version
  implicit none

  integer, parameter :: wp = real64
  integer, parameter :: n_j = 4, n_i = 3
  real(wp), parameter :: tolerance = 1.0e-13_wp !! rounding of values up to 100

  type :: column_t
    integer :: id
    real(wp) :: pressure, temperature
  end type column_t

  real(wp), target :: x(n_j, n_i), y(n_j, n_i), s(n_i), scale
  integer :: stat
  character(len=400) :: errmsg

  call files_and_devices_are_checked()
  call every_engine_computes("weighted_float64.pt", "torchscript")
  call every_engine_computes("weighted_float64.pt2", "inductor")
  call bindings_are_checked()
  call failures_can_be_survived()
  call copies_share_one_network()
  call components_of_arrays_go_by_strides()
  call derivatives_are_computed()
  call check(isthmus_version() == "0.1.0", "version is told")
  call check(len(isthmus_torch_version()) > 0, "version of torch is told")
  call check(isthmus_status_name(isthmus_err_shape) == "ISTHMUS_ERR_SHAPE", &
    "status is named")
  call finish()

contains

  subroutine files_and_devices_are_checked()
    type(isthmus_model_t) :: model

    stat = -1
    call model%load(network("absent.pt"), stat=stat, errmsg=errmsg)
    call expect(isthmus_err_file, "No such file", stat, errmsg, "absent file")
    call model%load(network("truncated.pt"), "cpu", stat, errmsg)
    call expect(isthmus_err_file, "damaged", stat, errmsg, "truncated file")
    call model%load(network("flipped_code.pt"), "cpu", stat, errmsg)
    call expect(isthmus_err_contract, "was changed", stat, errmsg, "flipped bit")
    call model%load(network("other_isa.pt2"), "cpu", stat, errmsg)
    call expect(isthmus_err_contract, "avx1024", stat, errmsg, "instruction set")
    call model%load(network("plain.pt2"), "cuda:77", stat, errmsg)
    call expect(isthmus_err_device, "'cuda:77'", stat, errmsg, "device")
    call check(.not. model%is_loaded(), "a failed load leaves nothing")
    call model%run(stat, errmsg)
    call expect(isthmus_err_argument, "no network is loaded", stat, errmsg, "run unloaded")
    call model%bind_input("x", x, stat, errmsg)
    call expect(isthmus_err_argument, "no network is loaded", stat, errmsg, "bind unloaded")
    call check(model%engine() == "", "an unloaded model has no engine")
    call check(model%n_inputs() == 0, "an unloaded model has no inputs")
    errmsg = "untouched"
    call model%load(network("weighted_float64.pt "), stat=stat, errmsg=errmsg)
    call expect(isthmus_ok, "", stat, errmsg, "load after failures")
    call check(errmsg == "untouched", "success leaves errmsg alone")
  end subroutine files_and_devices_are_checked

  subroutine bind_all(model)
    type(isthmus_model_t), intent(inout) :: model

    integer :: i

    x = reshape([(0.25_wp*i - 1.0_wp, i=1, size(x))], shape(x))
    y = -1.0_wp
    scale = 0.5_wp
    call model%bind_input("x", x)
    call model%bind_input("scale", scale)
    call model%bind_output("y", y)
    call model%bind_output("s", s)
  end subroutine bind_all

  !> y[i, j] of the network is y(j, i) here.
  pure function expected() result(values)
    real(wp) :: values(n_j, n_i)

    integer :: i, j

    do i = 1, n_i
      do j = 1, n_j
        values(j, i) = (10*(i - 1) + j)*x(j, i) + scale*sin(x(j, i))
      end do
    end do
  end function expected

  subroutine every_engine_computes(file, engine)
    character(len=*), intent(in) :: file, engine

    type(isthmus_model_t) :: model

    call model%load(network(file), device="cpu")
    call check(model%engine() == engine, "engine is "//engine)
    call check(model%n_inputs() == 2, "inputs are counted")
    call check(model%n_outputs("jvp") == 4, "outputs of jvp are counted")
    call check(model%input_name(2) == "scale", "second input is scale")
    call check(model%output_name(3, "jvp") == "y_tl", "third output of jvp is y_tl")
    call check(model%input_name(3) == "", "there is no third input")
    call check(index(model%contract(), "weighted") > 0, "contract is told")
    call check(abs(model%time_step() - 0.25_wp) < tolerance, "time step is told")
    call bind_all(model)
    call model%run()
    call check(all(abs(y - expected()) < tolerance), "y is as in C order, "//engine)
    call check(all(abs(s - sum(y, 1)) < tolerance), "s sums over j, "//engine)
  end subroutine every_engine_computes

  subroutine bindings_are_checked()
    type(isthmus_model_t) :: model
    real(real32), target :: single(n_j, n_i)
    real(wp), target :: wide(n_j + 1, n_i)
    real(wp), allocatable, target :: unallocated(:, :)
    real(wp), pointer :: null_pointer(:, :)

    null_pointer => null()
    call model%load(network("weighted_float64.pt2"))
    call model%run(stat, errmsg)
    call expect(isthmus_err_argument, "input 'x' is not bound", stat, errmsg, "run unbound")
    call model%bind_input("z", x, stat, errmsg)
    call expect(isthmus_err_argument, "no input 'z'", stat, errmsg, "unknown name")
    call model%bind_input("x", single, stat, errmsg)
    call expect(isthmus_err_shape, "float32", stat, errmsg, "wrong kind")
    call model%bind_input("x", wide, stat, errmsg)
    call expect(isthmus_err_shape, "Fortran's extents", stat, errmsg, "wrong shape")
    call model%bind_input("x", x(:, 1), stat, errmsg)
    call expect(isthmus_err_shape, "[4]", stat, errmsg, "wrong rank")
    call model%bind_input("x", x(n_j:1:-1, :), stat, errmsg)
    call expect(isthmus_err_shape, "byte stride -8", stat, errmsg, "reversed section")
    call model%bind_input("x", unallocated, stat, errmsg)
    call expect(isthmus_err_argument, "not allocated", stat, errmsg, "unallocated array")
    call model%bind_output("y", null_pointer, stat, errmsg)
    call expect(isthmus_err_argument, "not associated", stat, errmsg, "null pointer")
    call model%bind_input_pointer("x", c_null_ptr, isthmus_float64, shape(x), stat, errmsg)
    call expect(isthmus_err_argument, "address is null", stat, errmsg, "null address")
    call model%bind_input_pointer("x", c_loc(x), 77, [n_j, n_i], stat, errmsg)
    call expect(isthmus_err_shape, "element type 77", stat, errmsg, "unknown dtype")
    call model%bind_input_pointer("x", c_loc(x), isthmus_float64, shape(x), stat, &
      errmsg, strides=[8])
    call expect(isthmus_err_shape, "another rank", stat, errmsg, "strides of another rank")
    call bind_all(model)
    call model%bind_output("s", x(1, :), stat, errmsg)
    call model%bind_output("y", x, stat, errmsg)
    call model%run(stat, errmsg)
    call expect(isthmus_err_argument, "overlap", stat, errmsg, "overlapping outputs")
    call bind_all(model)
    call model%bind_output_pointer("y", c_loc(y), isthmus_float64, shape(y))
    call model%run()
    call check(all(abs(y - expected()) < tolerance), "a good call follows the bad ones")
  end subroutine bindings_are_checked

  subroutine failures_can_be_survived()
    type(isthmus_model_t) :: model
    real(real32), target :: a(5), b(5)

    call model%load(network("failing.pt"))
    a = 101.0
    call model%bind_input("x", a)
    call model%bind_output("output_0", b)
    call model%run(stat, errmsg)
    call expect(isthmus_err_runtime, "x is above 100", stat, errmsg, "failing network")
    a = 1.0
    call model%run(stat, errmsg)
    call check(stat == isthmus_ok .and. all(abs(b - 2.0) < tiny(b)), "the model goes on")
    call model%run_jvp(stat, errmsg)
    call expect(isthmus_err_argument, "'x_tl' is not bound", stat, errmsg, "jvp unbound")
  end subroutine failures_can_be_survived

  subroutine copies_share_one_network()
    type(isthmus_model_t) :: first, second, several(3)
    type(isthmus_model_t), allocatable :: sourced

    call first%load(network("weighted_float64.pt"))
    call bind_all(first)
    second = first
    several = second
    allocate (sourced, source=first)
    deallocate (sourced) ! was never an owner: must free nothing
    call first%free()
    call check(.not. first%is_loaded(), "free forgets")
    second = second
    call second%free()
    y = 0.0_wp
    call several(3)%run()
    call check(all(abs(y - expected()) < tolerance), "the last copies keep it alive")
    several(1) = first
    call check(.not. several(1)%is_loaded(), "a copy of nothing is nothing")
    call several(2)%load(network("plain.pt2"))
    call several(3)%run(stat)
    call check(stat == isthmus_ok, "loading into one copy leaves the others")
  end subroutine copies_share_one_network

  !> gfortran hands over `columns%temperature` with a wrong address: it is refused.
  subroutine components_of_arrays_go_by_strides()
    type(isthmus_model_t) :: model
    type(column_t), target :: columns(n_j, n_i)
    type(column_t), allocatable, target :: more(:, :)
    integer :: bytes

    allocate (more(n_j, n_i))
    bytes = storage_size(columns)/8
    call model%load(network("weighted_float64.pt"))
    call bind_all(model)
    columns%pressure = 1.0e5_wp
    columns%temperature = x
    call model%bind_input("x", columns%temperature, stat, errmsg)
    call expect(isthmus_err_shape, "component of an array", stat, errmsg, "component")
    call model%bind_output("y", more%temperature, stat, errmsg)
    call expect(isthmus_err_shape, "component of an array", stat, errmsg, "component")
    call model%bind_input_pointer("x", c_loc(columns(1, 1)%temperature), isthmus_float64, &
      shape(columns), strides=[bytes, bytes*n_j])
    more%id = 7
    call model%bind_output_pointer("y", c_loc(more(1, 1)%temperature), isthmus_float64, &
      shape(more), strides=[bytes, bytes*n_j])
    call model%run()
    call check(all(abs(more%temperature - expected()) < tolerance), "components by strides")
    call check(all(more%id == 7), "their neighbours are untouched")
  end subroutine components_of_arrays_go_by_strides

  subroutine derivatives_are_computed()
    character(len=20), parameter :: files(2) = [character(len=20) :: &
      "weighted_float64.pt", "weighted_float64.pt2"]
    type(isthmus_model_t) :: model
    real(wp), target :: x_tl(n_j, n_i), x_ad(n_j, n_i), y_tl(n_j, n_i), y_ad(n_j, n_i)
    real(wp), target :: s_tl(n_i), s_ad(n_i), scale_tl, scale_ad
    real(wp) :: dot_error, taylor_error
    integer :: i

    do i = 1, size(files)
      call model%load(network(trim(files(i))))
      call bind_all(model)
      call random_number(x_tl)
      call random_number(y_ad)
      call random_number(s_ad)
      scale_tl = -0.7_wp
      call model%bind_input("x_tl", x_tl)
      call model%bind_input("scale_tl", scale_tl)
      call model%bind_output("y_tl", y_tl)
      call model%bind_output("s_tl", s_tl)
      call model%bind_input("y_ad", y_ad)
      call model%bind_input("s_ad", s_ad)
      call model%bind_output("x_ad", x_ad)
      call model%bind_output("scale_ad", scale_ad)
      call model%run_jvp()
      call model%run_vjp()
      call check(abs(sum(y_ad*y_tl) + sum(s_ad*s_tl) - sum(x_ad*x_tl) - scale_ad*scale_tl) &
        < 100*tolerance, "adjoint is transpose of tangent-linear, "//trim(files(i)))
      call model%check_derivatives(dot_error, taylor_error)
      call check(dot_error < 1.0e-13_wp, "own dot-product test, "//trim(files(i)))
      call check(taylor_error < 1.0e-6_wp, "own Taylor test, "//trim(files(i)))
    end do
  end subroutine derivatives_are_computed

end program test_isthmus
