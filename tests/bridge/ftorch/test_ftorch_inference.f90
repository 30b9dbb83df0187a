! SPDX-License-Identifier: MIT
!> Module ftorch as programs for FTorch use it: tensors from arrays, networks, layouts.
! allow(C121)
program test_ftorch_inference
  use, intrinsic :: iso_c_binding, only: c_bool, c_int64_t, c_loc
  use, intrinsic :: iso_fortran_env, only: int16, int32, int64, int8, real32, real64
  use checks, only: check, finish, network
  use ftorch
  implicit none

  type :: column_t
    real(real32), pointer :: t(:) => null()
    real(real32), allocatable :: q(:)
  end type column_t

  call network_doubles_an_array()
  call indices_keep_their_order()
  call layout_transposes_arrays_that_are_not_square()
  call layouts_of_three_dimensions()
  call address_with_layout()
  call two_inputs_and_two_outputs()
  call nested_results_come_depth_first()
  call every_kind_has_its_type()
  call every_rank_is_taken()
  call usual_dummies_and_sections_are_viewed(reshape(real([1, 2, 3, 4, 5, 6]), [3, 2]))
  call components_are_viewed()
  call results_are_widened_never_narrowed()
  call single_numbers_fit_arrays_of_one_element()
  call modes_of_a_network()
  call copies_of_networks_are_safe()
  call failures_can_be_caught()
  call deletion_can_be_repeated()
  call finish()

contains

  subroutine network_doubles_an_array()
    type(torch_model) :: model
    type(torch_tensor), dimension(1) :: inputs, outputs
    real(real32), dimension(5), target :: x, y
    integer :: i

    x = [0.0, 1.0, 2.0, 3.0, 4.0]
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_model_load(model, network("doubling.pt"), torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all(y == 2*x), "the network fills the array behind the output tensor")
    do i = 1, 3
      x = x + 1
      call torch_model_forward(model, inputs, outputs)
      call check(all(y == 2*x), "a tensor made once follows its array")
    end do
    ! Tensors in a list on the spot are common too.
    x = -x
    call torch_model_forward(model, [inputs(1)], [outputs(1)])
    call check(all(y == 2*x), "tensors listed in the call")
    call model%print_parameters()
    call torch_delete(model)
    call torch_delete(inputs)
    call torch_delete(outputs)
  end subroutine network_doubles_an_array

  subroutine indices_keep_their_order()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)
    real(real32), target :: x(2, 3), y(2, 3)
    integer :: i, j

    x = 0
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call check(all(inputs(1)%get_shape() == [2, 3]), "torch sees the shape of the array")
    call check(all(inputs(1)%get_stride() == [1, 2]), "and steps through it in its order")
    call torch_model_load(model, network("indexing.pt"), torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all(y == reshape([((10*i + j, i=1, 2), j=1, 3)], [2, 3])), &
      "element (i, j) of the array is element (i, j) of the network")
  end subroutine indices_keep_their_order

  subroutine layout_transposes_arrays_that_are_not_square()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)
    real(real32), target :: x(2, 3), y(3, 2), z(2, 3)
    integer :: i, j

    x = reshape([((100*i + 1000*j, i=1, 2), j=1, 3)], [2, 3])
    call torch_tensor_from_array(inputs(1), x, [2, 1], torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call check(all(inputs(1)%get_shape() == [3, 2]), "the tensor is the transpose")
    call torch_model_load(model, network("indexing.pt"), torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all(y - transpose(x) == reshape([((10*i + j, i=1, 3), j=1, 2)], [3, 2])), &
      "each element is where the transpose has it")
    call torch_tensor_from_array(outputs(1), z, torch_kCPU, permute_dims=[2, 1])
    call torch_model_forward(model, inputs, outputs)
    call check(all(z == transpose(y)), "a transposed output array is filled in its order")
  end subroutine layout_transposes_arrays_that_are_not_square

  subroutine layouts_of_three_dimensions()
    type(torch_tensor) :: by_layout, by_dims
    real(real64), target :: x(2, 3, 4)

    x = 0
    call torch_tensor_from_array(by_layout, x, [2, 3, 1], torch_kCPU)
    call check(all(by_layout%get_shape() == [4, 2, 3]), "array dimension i is layout(i)")
    call check(all(by_layout%get_stride() == [6, 1, 2]), "its step in memory goes along")
    call torch_tensor_from_array(by_dims, x, torch_kCPU, permute_dims=[2, 3, 1])
    call check(all(by_dims%get_shape() == [3, 4, 2]), "tensor dimension i is dims(i)")
  end subroutine layouts_of_three_dimensions

  subroutine address_with_layout()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)
    real(real32), target :: x(6), y(2, 3)

    x = [100, 200, 300, 400, 500, 600]
    call torch_tensor_from_blob(inputs(1), c_loc(x), 2, [2_c_int64_t, 3_c_int64_t], &
      [2, 1], torch_kFloat32, torch_kCPU)
    call check(all(inputs(1)%get_stride() == [3, 1]), "row after row")
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_model_load(model, network("indexing.pt"), torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all(y(1, :) == [111, 212, 313]) .and. all(y(2, :) == [421, 522, 623]), &
      "rows of the tensor lie one after the other in memory")
  end subroutine address_with_layout

  subroutine two_inputs_and_two_outputs()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(2), outputs(2)
    real(real64), target, save :: a(3) = [1, 2, 3], b(3) = [4, 5, 6]
    real(real64), target :: total(3), product_of(3)

    call torch_tensor_from_array(inputs(1), a, torch_kCPU)
    call torch_tensor_from_array(inputs(2), b, torch_kCPU)
    call torch_tensor_from_array(outputs(1), total, torch_kCPU)
    call torch_tensor_from_array(outputs(2), product_of, torch_kCPU)
    call torch_model_load(model, network("pair.pt"), torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all(total == a + b), "first output")
    call check(all(product_of == a*b), "second output")
  end subroutine two_inputs_and_two_outputs

  subroutine nested_results_come_depth_first()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(3)
    real(real64), target :: x(2), y(2, 3)
    integer :: i

    x = [1, 2]
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    do i = 1, 3
      call torch_tensor_from_array(outputs(i), y(:, i), torch_kCPU)
    end do
    call torch_model_load(model, network("nesting.pt"), torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all([(all(y(:, i) == i*x), i=1, 3)]), "x, then the pair inside")
  end subroutine nested_results_come_depth_first

  subroutine every_kind_has_its_type()
    type(torch_tensor) :: t
    integer(int8), target, save :: i1(2) = 1_int8
    integer(int16), target, save :: i2(2) = 1_int16
    integer(int32), target, save :: i4(2) = 1
    integer(int64), target, save :: i8(2) = 1_int64
    real(real32), target, save :: r4(2) = 1.0
    real(real64), target, save :: r8(2) = 1.0_real64
    logical(c_bool), target, save :: l1(2) = .true._c_bool

    call torch_tensor_from_array(t, i1, torch_kCPU)
    call check(t%get_dtype() == torch_kInt8, "int8")
    call torch_tensor_from_array(t, i2, torch_kCPU)
    call check(t%get_dtype() == torch_kInt16, "int16")
    call torch_tensor_from_array(t, i4, torch_kCPU)
    call check(t%get_dtype() == torch_kInt32, "int32")
    call torch_tensor_from_array(t, i8, torch_kCPU)
    call check(t%get_dtype() == torch_kInt64, "int64")
    call torch_tensor_from_array(t, r4, torch_kCPU)
    call check(t%get_dtype() == torch_kFloat32, "real32")
    call torch_tensor_from_array(t, l1, torch_kCPU)
    call check(t%get_dtype() == torch_kBool, "logical(c_bool)")
    call torch_tensor_from_array(t, r8, [1], torch_kCPU)
    call check(t%get_dtype() == torch_kFloat64, "real64")
    call check(t%get_device_type() == torch_kCPU, "on the host")
    call check(t%get_device_index() == -1, "which has no index")
    call t%zero()
    call check(all(r8 == 0), "zero reaches the array")
    ! An enquiry within a print must not hang.
    print *, t%get_rank(), t%get_shape()
  end subroutine every_kind_has_its_type

  subroutine every_rank_is_taken()
    type(torch_tensor) :: t
    real(real32), target :: a0, a5(1, 2, 1, 2, 1), a7(1, 2, 1, 2, 1, 2, 1)

    a0 = 1
    a5 = 1
    a7 = 1
    call torch_tensor_from_array(t, a0, torch_kCPU)
    call check(t%get_rank() == 0, "a single number")
    call torch_tensor_from_array(t, a5, torch_kCPU)
    call check(t%get_rank() == 5 .and. all(t%get_shape() == shape(a5)), "rank 5")
    call torch_tensor_from_array(t, a7, torch_kCPU)
    call check(t%get_rank() == 7 .and. all(t%get_shape() == shape(a7)), "rank 7")
  end subroutine every_rank_is_taken

  !> The usual dummy of a physics routine, which needs no `contiguous`.
  subroutine usual_dummies_and_sections_are_viewed(x)
    real(real32), target, intent(in) :: x(:, :)

    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)
    real(real32), target :: y(3, 2), wide(9, 4)

    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_model_load(model, network("indexing.pt"), torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all(y(:, 1) == x(:, 1) + [11, 21, 31]), "an assumed-shape dummy")
    wide = -1
    wide(1:9:3, 2:4:2) = x
    call torch_tensor_from_array(inputs(1), wide(1:9:3, 2:4:2), torch_kCPU)
    y = 0
    call torch_model_forward(model, inputs, outputs)
    call check(all(y(:, 2) == x(:, 2) + [12, 22, 32]), "a strided section as input")
    call torch_tensor_from_array(outputs(1), wide(2:9:3, 1:3:2), torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all(wide(2:9:3, 1:3:2) == y), "a strided section as output")
    call check(count(wide < 0) == 36 - 12, "what lies between stays untouched")
  end subroutine usual_dummies_and_sections_are_viewed

  subroutine components_are_viewed()
    type(column_t), target :: column
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)

    allocate (column%t(5), column%q(5))
    column%t = [1.0, 2.0, 3.0, 4.0, 5.0]
    call torch_tensor_from_array(inputs(1), column%t, torch_kCPU)
    call torch_tensor_from_array(outputs(1), column%q, torch_kCPU)
    call torch_model_load(model, network("doubling.pt"), torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all(column%q == 2*column%t), "pointer and allocatable components")
    deallocate (column%t)
  end subroutine components_are_viewed

  subroutine results_are_widened_never_narrowed()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)
    real(real32), target, save :: x(5) = [1.0, 2.0, 3.0, 4.0, 5.0]
    real(real64), target :: wide(5)
    real(real32), target, save :: single(3), values(3) = [0.5, 1.25, -2.0]
    integer(int32), target :: whole(5)
    character(len=300) :: errmsg
    integer :: stat

    call torch_model_load(model, network("doubling.pt"), torch_kCPU)
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), wide, torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all(wide == 2*real(x, real64)), "a real32 result in a real64 array")
    whole = 7
    call torch_tensor_from_array(outputs(1), whole, torch_kCPU)
    call torch_model_forward(model, inputs, outputs, stat=stat, errmsg=errmsg)
    call check(stat /= 0 .and. index(errmsg, "output_tensors(1)") > 0, &
      "a real result in an integer array is refused: "//trim(errmsg))
    call check(all(whole == 7), "and the array untouched")
    call torch_model_load(model, network("halving.pt"), torch_kCPU)
    call torch_tensor_from_array(inputs(1), values, torch_kCPU)
    call torch_tensor_from_array(outputs(1), single, torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(all(single == values), "a half-precision result in a real32 array")
  end subroutine results_are_widened_never_narrowed

  subroutine single_numbers_fit_arrays_of_one_element()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)
    real(real32), target, save :: x(4) = [1.0, 2.0, 3.0, 4.0]
    real(real32), target :: y(1), rows(4, 5), all_rows(4, 5)
    character(len=300) :: errmsg
    integer :: stat

    call torch_model_load(model, network("total.pt"), torch_kCPU)
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_model_forward(model, inputs, outputs)
    call check(y(1) == sum(x), "a tensor of rank 0 in an array of one element")
    rows = 1
    all_rows = -1
    call torch_model_load(model, network("single.pt"), torch_kCPU)
    call torch_tensor_from_array(inputs(1), rows, torch_kCPU)
    call torch_tensor_from_array(outputs(1), all_rows, torch_kCPU)
    call torch_model_forward(model, inputs, outputs, stat=stat, errmsg=errmsg)
    call check(stat /= 0 .and. index(errmsg, "same shape") > 0, &
      "one row does not fill four: "//trim(errmsg))
    call check(all(all_rows < 0), "and the array is untouched")
  end subroutine single_numbers_fit_arrays_of_one_element

  subroutine modes_of_a_network()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(1), outputs(1)
    real(real32), target, save :: x(3) = [1.0, 2.0, 3.0], y(3)

    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_model_load(model, network("dropping.pt"), torch_kCPU)
    call check(.not. model%is_training(), "evaluation mode by default")
    call torch_model_forward(model, inputs, outputs)
    call check(all(y == x), "nothing is dropped then")
    call torch_model_load(model, network("dropping.pt"), torch_kCPU, is_training=.true.)
    call check(torch_model_is_training(model), "training mode when asked")
    call torch_model_forward(model, inputs, outputs)
    call check(all(y == 0), "everything is dropped then")
  end subroutine modes_of_a_network

  subroutine copies_of_networks_are_safe()
    type(torch_model) :: first, second, several(2)
    type(torch_tensor) :: inputs(1), outputs(1)
    real(real32), target, save :: x(5) = [1.0, 2.0, 3.0, 4.0, 5.0], y(5)

    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_model_load(first, network("doubling.pt"), torch_kCPU)
    second = first
    several = first
    call torch_delete(first)
    call torch_delete(several)
    call torch_model_forward(second, inputs, outputs)
    call check(all(y == 2*x), "a copy outlives the original")
  end subroutine copies_of_networks_are_safe

  subroutine failures_can_be_caught()
    type(torch_model) :: model
    type(torch_tensor) :: inputs(2), outputs(1)
    real(real32), target, save :: x(5) = 1.0, y(5) = -1.0, z(4) = 1.0
    character(len=500) :: errmsg
    integer :: stat

    call torch_model_load(model, "no_such_file.pt", torch_kCPU, stat=stat, errmsg=errmsg)
    call check(stat /= 0 .and. index(errmsg, "no_such_file.pt") > 0, "no file: "//errmsg)
    call torch_tensor_from_array(inputs(1), x, torch_kCPU)
    call torch_tensor_from_array(inputs(2), z, torch_kCPU)
    call torch_tensor_from_array(outputs(1), y, torch_kCPU)
    call torch_model_forward(model, inputs(:1), outputs, stat=stat, errmsg=errmsg)
    call check(stat /= 0, "a network that was never loaded: "//errmsg)
    call torch_model_load(model, network("pair.pt"), torch_kCPU)
    call torch_model_forward(model, inputs, outputs, stat=stat, errmsg=errmsg)
    call check(stat /= 0, "shapes that do not fit: "//errmsg)
    call torch_model_forward(model, [inputs(1), inputs(1)], outputs, stat=stat, &
      errmsg=errmsg)
    call check(stat /= 0 .and. index(errmsg, "room for 1") > 0, &
      "more results than outputs: "//errmsg)
    call torch_model_load(model, network("doubling.pt"), torch_kCPU)
    call torch_model_forward(model, inputs(:1), [outputs(1), outputs(1)], stat=stat, &
      errmsg=errmsg)
    call check(stat /= 0 .and. index(errmsg, "fewer") > 0, &
      "fewer results than outputs: "//errmsg)
    call check(all(y == -1), "no failure touched the array")
    call torch_model_forward(model, inputs(:1), outputs)
    call check(all(y == 2), "and a right call follows")
  end subroutine failures_can_be_caught

  subroutine deletion_can_be_repeated()
    type(torch_model) :: model
    type(torch_tensor) :: t

    call torch_delete(t)
    call torch_tensor_ones(t, 2, [2_c_int64_t, 3_c_int64_t], torch_kFloat32, torch_kCPU)
    call check(all(t%get_stride() == [3, 1]), "torch's own tensors are row after row")
    call check(all(t%stride() == t%get_stride()) .and. all(t%shape() == t%get_shape()), &
      "the shorter names of later versions")
    call torch_delete(t)
    call torch_tensor_delete(t)
    call torch_model_load(model, network("pair.pt"), torch_kCPU)
    call torch_delete(model)
    call torch_model_delete(model)
    call check(.true., "nothing happens the second time")
  end subroutine deletion_can_be_repeated

end program test_ftorch_inference
