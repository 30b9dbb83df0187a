! SPDX-License-Identifier: MIT
!> The faults of docs/faults.md from Fortran: each gives `stat` and `errmsg`, and a correct
!> call follows on both engines. Compiled with -fcheck=all.
program test_faults
  use, intrinsic :: iso_c_binding, only: c_loc, c_null_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use checks, only: check, expect, finish, network
  use isthmus, only: isthmus_err_argument, isthmus_err_contract, isthmus_err_device, &
    isthmus_err_file, isthmus_err_runtime, isthmus_err_shape, isthmus_float64, &
    isthmus_model_t, isthmus_ok
  implicit none

  integer, parameter :: wp = real64
  integer, parameter :: n_j = 4, n_i = 3
  real(wp), parameter :: rounding = 1.0e-13_wp !! of values up to 100

  type :: column_t
    integer :: id
    real(wp) :: pressure, temperature
  end type column_t

  type(isthmus_model_t) :: script, package
  real(wp), target :: x(n_j, n_i), y(n_j, n_i), s(n_i), scale
  integer :: stat
  character(len=500) :: errmsg

  call script%load(network("weighted_float64.pt"))
  call package%load(network("weighted_float64.pt2"))
  call files()
  call arrays(script)
  call arrays(package)
  call networks()
  call lifetimes()
  call messages()
  call finish()

contains

  subroutine files()
    call refused("F01", "absent.pt", isthmus_err_file, "No such file")
    call refused("F02", ".", isthmus_err_file, "no regular file")
    call refused("F03", repeat("x", 300), isthmus_err_file, "too long")
    call refused("F05", "empty.pt", isthmus_err_file, "is empty")
    call refused("F06", "random.pt", isthmus_err_file, "no model file")
    call refused("F07", "state_dict.pt", isthmus_err_file, "torch.save")
    call refused("F08", "truncated.pt", isthmus_err_file, "damaged")
    call refused("F08", "truncated.pt2", isthmus_err_file, "damaged")
    call refused("F09", "flipped_code.pt", isthmus_err_contract, "was changed")
    call refused("F09", "flipped_kernel.pt2", isthmus_err_contract, ".so' was changed")
    call refused("F09", "flipped_seal.pt", isthmus_err_contract, "seal")
    call refused("F10", "flipped_contract.pt", isthmus_err_contract, "contract was changed")
    call refused("F11", "unlisted.pt", isthmus_err_contract, "surprise.txt' is not listed")
    call refused("F11", "missing.pt", isthmus_err_contract, "is missing")
    call refused("F12", "version_2.pt", isthmus_err_contract, "format version 2")
    call refused("F13", "faults/no_json.pt", isthmus_err_contract, "no JSON")
    call refused("F13", "faults/deep_contract.pt", isthmus_err_contract, "deep_contract")
    call refused("F14", "faults/dtype.pt", isthmus_err_contract, "'float63'")
    call refused("F15", "lying_names.pt", isthmus_err_contract, "names 2 and 2")
    call refused("F16", "other_isa.pt2", isthmus_err_contract, "'avx1024'")
    call refused("F17", "faults/cuda.pt2", isthmus_err_device, "for device 'cuda'")
    call refused("F18", "faults/bomb.pt", isthmus_err_file, "system")
    call refused("F19", "faults/bad_code.pt", isthmus_err_file, "expected ident")
    call refused("F20", "faults/no_elf.pt2", isthmus_err_file, "library is damaged")
    call devices()
  end subroutine files

  !> A load must fail so, and leave nothing loaded.
  subroutine refused(number, file, status, fragment)
    character(len=*), intent(in) :: number, file, fragment
    integer, intent(in) :: status

    type(isthmus_model_t) :: model

    stat = -1
    call model%load(network(file), stat=stat, errmsg=errmsg)
    call expect(status, fragment, stat, errmsg, number//" "//file(:min(len(file), 40)))
    call check(.not. model%is_loaded(), number//": nothing is loaded")
    call goes_on(number)
  end subroutine refused

  subroutine devices()
    type(isthmus_model_t) :: model
    character(len=8), parameter :: names(3) = [character(len=8) :: "gpu", "cuda:77", ""]
    integer :: i

    do i = 1, size(names)
      call model%load(network("plain.pt2"), trim(names(i)), stat, errmsg)
      call expect(isthmus_err_device, "device '"//trim(names(i)), stat, errmsg, "F22")
    end do
    call goes_on("F22")
  end subroutine devices

  !> Correct calls of both engines, the values checked.
  subroutine goes_on(after)
    character(len=*), intent(in) :: after !! number of the fault

    call computes(script, after)
    call computes(package, after)
  end subroutine goes_on

  subroutine bind_all(model)
    type(isthmus_model_t), intent(inout) :: model

    call model%bind_input("x", x)
    call model%bind_input("scale", scale)
    call model%bind_output("y", y)
    call model%bind_output("s", s)
  end subroutine bind_all

  subroutine computes(model, after)
    type(isthmus_model_t), intent(inout) :: model
    character(len=*), intent(in) :: after

    integer :: i, j
    real(wp) :: expected(n_j, n_i)

    x = reshape([(0.25_wp*i - 1.0_wp, i=1, size(x))], shape(x))
    y = -1.0_wp
    scale = 0.5_wp
    call bind_all(model)
    call model%run(stat, errmsg)
    call expect(isthmus_ok, "", stat, errmsg, "correct call after "//after)
    do i = 1, n_i
      do j = 1, n_j
        expected(j, i) = (10*(i - 1) + j)*x(j, i) + scale*sin(x(j, i))
      end do
    end do
    call check(all(abs(y - expected) < rounding), "right values after "//after)
  end subroutine computes

  subroutine arrays(model)
    type(isthmus_model_t), intent(inout) :: model

    call bind_all(model)
    call shapes(model)
    call kinds_and_strides(model)
    call memory(model)
    call names(model)
    call calls_out_of_order(model)
  end subroutine arrays

  subroutine shapes(model)
    type(isthmus_model_t), intent(inout) :: model

    real(wp), target :: wide(n_j + 1, n_i), two(2)
    integer :: i

    call model%bind_input("x", x(:, 1), stat, errmsg)
    call expect(isthmus_err_shape, "[4], the network expects [row, 4]", stat, errmsg, "A02")
    call model%bind_input_pointer("x", c_loc(x), isthmus_float64, [(1, i=1, 16)], stat, &
      errmsg)
    call expect(isthmus_err_shape, "0 to 15", stat, errmsg, "A03")
    call model%bind_input("x", wide, stat, errmsg)
    call expect(isthmus_err_shape, "[3, 5], the network expects [row, 4]", stat, errmsg, &
      "A04")
    call check(index(errmsg, "Fortran's extents") > 0, "A04: the order is explained")
    call model%bind_input_pointer("x", c_loc(x), isthmus_float64, [4, -3], stat, errmsg)
    call expect(isthmus_err_shape, "extent -3", stat, errmsg, "A04 negative")
    call model%bind_input_pointer("x", c_loc(x), isthmus_float64, &
      [huge(1), huge(1), huge(1), huge(1)], stat, errmsg)
    call expect(isthmus_err_shape, "more elements than memory", stat, errmsg, "A05")
    call model%bind_output("s", two)
    call model%run(stat, errmsg)
    call expect(isthmus_err_shape, "'s' has 'row' = 2, but 'x' has 3", stat, errmsg, "A12")
    call goes_on("A02 to A05, A12")
  end subroutine shapes

  subroutine kinds_and_strides(model)
    type(isthmus_model_t), intent(inout) :: model

    real(real32), target :: single(n_j, n_i)
    integer(int64), target :: whole(n_i)

    call model%bind_input("x", single, stat, errmsg)
    call expect(isthmus_err_shape, "'x' is float32, the network expects float64", stat, &
      errmsg, "A06")
    call model%bind_output("s", whole, stat, errmsg)
    call expect(isthmus_err_shape, "'s' is int64", stat, errmsg, "A06 integer")
    call model%bind_input_pointer("x", c_loc(x), 77, [n_j, n_i], stat, errmsg)
    call expect(isthmus_err_shape, "element type 77", stat, errmsg, "A06 unknown")
    call model%bind_input("x", x(n_j:1:-1, :), stat, errmsg)
    call expect(isthmus_err_shape, "byte stride -8 in dimension 1", stat, errmsg, "A07")
    call model%bind_input_pointer("x", c_loc(x), isthmus_float64, shape(x), stat, errmsg, &
      strides=[12, 32])
    call expect(isthmus_err_shape, "byte stride 12", stat, errmsg, "A08")
    call model%bind_output_pointer("y", c_loc(y), isthmus_float64, shape(y), stat, errmsg, &
      strides=[8, 0])
    call expect(isthmus_err_shape, "byte stride 0", stat, errmsg, "A09")
    call model%bind_output_pointer("y", c_loc(y), isthmus_float64, shape(y), stat, errmsg, &
      strides=[8, 8])
    call expect(isthmus_err_shape, "overlaps itself", stat, errmsg, "A09 sliding")
    call model%bind_input_pointer("x", c_loc(x), isthmus_float64, shape(x), stat, errmsg, &
      strides=[8])
    call expect(isthmus_err_shape, "another rank", stat, errmsg, "A21")
    call goes_on("A06 to A09, A21")
  end subroutine kinds_and_strides

  subroutine memory(model)
    type(isthmus_model_t), intent(inout) :: model

    real(wp), allocatable, target :: unallocated(:, :)
    real(wp), pointer :: nowhere(:, :)
    type(column_t), target :: columns(n_i)

    nowhere => null()
    call model%bind_input_pointer("x", c_null_ptr, isthmus_float64, shape(x), stat, errmsg)
    call expect(isthmus_err_argument, "'x' has no memory", stat, errmsg, "A01")
    call model%bind_output("s", y(1, :))
    call model%run(stat, errmsg)
    call expect(isthmus_err_argument, "outputs 'y' and 's' overlap", stat, errmsg, "A10")
    call model%bind_input("x", unallocated, stat, errmsg)
    call expect(isthmus_err_argument, "'x' has no memory: it is not allocated", stat, &
      errmsg, "A22")
    call model%bind_output("y", nowhere, stat, errmsg)
    call expect(isthmus_err_argument, "not associated", stat, errmsg, "A23")
    columns%temperature = 1.0_wp
    call model%bind_output("s", columns%temperature, stat, errmsg)
    call expect(isthmus_err_shape, "component of an array of derived type", stat, errmsg, &
      "A24")
    call goes_on("A01, A10, A22 to A24")
  end subroutine memory

  subroutine names(model)
    type(isthmus_model_t), intent(inout) :: model

    call model%bind_input("z", x, stat, errmsg)
    call expect(isthmus_err_argument, "no input 'z': the network has 'x', 'scale'", stat, &
      errmsg, "A14")
    call model%bind_output("x", y, stat, errmsg)
    call expect(isthmus_err_argument, "no output 'x'", stat, errmsg, "A14 output")
    call model%bind_input("", x, stat, errmsg)
    call expect(isthmus_err_argument, "no input ''", stat, errmsg, "A15 empty")
    call model%bind_input(repeat("a", 100000), x, stat, errmsg)
    call expect(isthmus_err_argument, "no input 'aaa", stat, errmsg, "A15 endless")
    call model%bind_input("it's ""%s%n""", x, stat, errmsg)
    call expect(isthmus_err_argument, "no input 'it's ""%s%n""'", stat, errmsg, "A15")
    call check(model%input_name(3) == "" .and. model%input_name(0) == "", "A18")
    call check(model%n_inputs("none") == 0, "A17: no inputs of an unknown method")
    call goes_on("A14, A15, A17, A18")
  end subroutine names

  subroutine calls_out_of_order(model)
    type(isthmus_model_t), intent(inout) :: model

    type(isthmus_model_t) :: unloaded, fresh
    real(wp), target :: x_tl(n_j, 2), scale_tl

    call unloaded%run(stat, errmsg)
    call expect(isthmus_err_argument, "no network is loaded", stat, errmsg, "A19")
    call unloaded%bind_input("x", x, stat, errmsg)
    call expect(isthmus_err_argument, "no network is loaded", stat, errmsg, "A19 bind")
    call check(unloaded%engine() == "" .and. unloaded%contract() == "", "A19 questions")
    call fresh%load(network("weighted_float64.pt2"))
    call fresh%run(stat, errmsg)
    call expect(isthmus_err_argument, "input 'x' is not bound", stat, errmsg, "A16")
    x_tl = 0.0_wp
    scale_tl = 0.0_wp
    call model%bind_input("x_tl", x_tl)
    call model%bind_input("scale_tl", scale_tl)
    call model%run_jvp(stat, errmsg)
    call expect(isthmus_err_shape, "'x_tl' is float64 of shape [2, 4], but 'x'", stat, &
      errmsg, "A20")
    call goes_on("A16, A19, A20")
  end subroutine calls_out_of_order

  subroutine networks()
    call fails_then_doubles("N01", "failing.pt", "x is above 100")
    call fails_then_doubles("N02", "faults/hungry.pt", "allocate memory")
    call fails_then_doubles("N03", "faults/pointing.pt", "out of bounds")
    call refused("N05", "faults/silent.pt", isthmus_err_file, "NoneType")
    call wrong_result("N07", "faults/choosing.pt", "of shape [7], the array")
    call wrong_result("N08", "wider.pt", "of shape [2, 5], the array")
    call wrong_result("N09", "half.pt", "float16 of shape [2, 4], the array")
    call another_width()
  end subroutine networks

  !> A network that fails for 101 and doubles what is small.
  subroutine fails_then_doubles(number, file, fragment)
    character(len=*), intent(in) :: number, file, fragment

    type(isthmus_model_t) :: model
    real(wp), target :: a(4, 2), b(4, 2)

    call model%load(network(file))
    call model%bind_input("x", a)
    call model%bind_output("output_0", b)
    a = 3.0_wp
    b = -1.0_wp
    a(2, 2) = 101.0_wp
    call model%run(stat, errmsg)
    call expect(isthmus_err_runtime, fragment, stat, errmsg, number)
    call check(all(abs(b + 1.0_wp) < rounding), number//": nothing was written")
    a(2, 2) = 3.0_wp
    call model%run(stat, errmsg)
    call expect(isthmus_ok, "", stat, errmsg, number//", again")
    call check(all(abs(b - 6.0_wp) < rounding), number//": right afterwards")
    call goes_on(number)
  end subroutine fails_then_doubles

  subroutine wrong_result(number, file, fragment)
    character(len=*), intent(in) :: number, file, fragment

    type(isthmus_model_t) :: model
    real(wp), target :: a(4, 2), b(4, 2)

    call model%load(network(file))
    call model%bind_input("x", a)
    call model%bind_output("output_0", b)
    a = 3.0_wp
    a(1, 1) = 0.0_wp
    b = -1.0_wp
    call model%run(stat, errmsg)
    call expect(isthmus_err_shape, fragment, stat, errmsg, number)
    call check(all(abs(b + 1.0_wp) < rounding), number//": nothing was written")
    call goes_on(number)
  end subroutine wrong_result

  subroutine another_width()
    type(isthmus_model_t) :: model
    real(wp), target :: a(2, 4), b(4, 2)

    call model%load(network("faults/multiplying.pt"))
    call model%bind_input("x", a)
    call model%bind_output("output_0", b)
    a = 3.0_wp
    call model%run(stat, errmsg)
    call expect(isthmus_err_runtime, "cannot be multiplied (4x2 and 4x4)", stat, errmsg, &
      "N11")
    call goes_on("N11")
  end subroutine another_width

  subroutine lifetimes()
    type(isthmus_model_t) :: model, copy

    call model%load(network("weighted_float64.pt"))
    copy = model
    call model%free()
    call model%free()
    call model%run(stat, errmsg)
    call expect(isthmus_err_argument, "no network is loaded", stat, errmsg, "A25 freed")
    call computes(copy, "A25: the copy lives on")
    call copy%free()
    call copy%bind_input("x", x, stat, errmsg)
    call expect(isthmus_err_argument, "no network is loaded", stat, errmsg, "A25 copy")
    call model%load(network("weighted_float64.pt2"))
    call computes(model, "A25: loaded again")
    call model%load(network("absent.pt"), stat=stat, errmsg=errmsg)
    call expect(isthmus_err_file, "No such file", stat, errmsg, "A26 failed reload")
    call computes(model, "A26: what was loaded before still is")
  end subroutine lifetimes

  !> `errmsg` of any length, or none.
  subroutine messages()
    type(isthmus_model_t) :: model
    character(len=7) :: short
    character(len=0) :: nothing

    call model%load("absent.pt", stat=stat, errmsg=short)
    call check(stat == isthmus_err_file .and. short == "'absent", "P16 short errmsg")
    call model%load("absent.pt", stat=stat, errmsg=nothing)
    call check(stat == isthmus_err_file, "P16 empty errmsg")
    call model%load("absent.pt", stat=stat)
    call check(stat == isthmus_err_file, "P16 no errmsg")
    errmsg = "untouched"
    call model%load(network("weighted_float64.pt"), stat=stat, errmsg=errmsg)
    call check(stat == isthmus_ok .and. errmsg == "untouched", "P16 success")
    call goes_on("P16")
  end subroutine messages

end program test_faults
