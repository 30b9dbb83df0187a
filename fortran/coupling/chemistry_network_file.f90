! SPDX-License-Identifier: MIT
!> Weights of a network step of chemistry, read from netCDF and laid out for the lanes.
!>
!> The exporter has folded the standardization into the first layer and the scales into the
!> last, so that a file holds nothing but layers, limits, totals to keep and examples.
module chemistry_network_file
  use, intrinsic :: iso_fortran_env, only: real32
  use failures, only: err_file, fail, succeed
  use kinds, only: wp
  use netcdf_inputs, only: netcdf_input_t
  use network_lanes, only: outputs_together
  implicit none
  private
  public :: layer_t, member_t, network_weights_t, read_weights

  integer, parameter :: max_hidden = 9
  character(len=*), parameter :: only_activation = "hardswish"

  !> A dense layer, its outputs in groups; those that fill the last group are zero.
  type :: layer_t
    integer :: n_in = 0
    integer :: n_out = 0    !! with those that fill the last group
    integer :: n_groups = 0
    real(real32), allocatable :: w(:, :, :) !! (together, input, group)
    real(real32), allocatable :: b(:, :)    !! (together, group)
  end type layer_t

  !> A species of a conserved family.
  type :: member_t
    integer :: species = 0, family = 0
    real(wp) :: weight = 0.0_wp    !! atoms, in most cases
    logical :: is_shared = .false. !! it is in another family too
  end type member_t

  !> All that a file says.
  type :: network_weights_t
    character(len=:), allocatable :: mechanism !! name
    character(len=:), allocatable :: species   !! names, with blanks between
    real(wp) :: dt = 0.0_wp                    !! splitting step [mechanism's unit]
    integer :: n_light = 0, n_families = 0
    integer :: n_padded = 0                    !! species, filled to whole groups
    integer :: widest = 0                      !! hidden layer
    real(wp), allocatable :: floor(:)          !! (species)
    real(wp), allocatable :: typical(:)        !! concentrations: exp(mean log) (species)
    real(real32), allocatable :: log_low(:), log_high(:) !! of the inputs (species)
    real(wp), allocatable :: y_low(:), y_high(:)         !! of the training (species)
    type(layer_t), allocatable :: layers(:)
    real(real32), allocatable :: light_first(:, :, :) !! of the first layer (.., .., node)
    real(real32), allocatable :: light_last(:, :, :)  !! of the last one
    type(member_t), allocatable :: members(:)
    real(wp), allocatable :: example_y(:, :), example_next(:, :) !! (species, example)
    real(wp), allocatable :: example_light(:, :)                 !! (node, example)
  contains
    procedure, nopass :: lit
  end type network_weights_t

contains

  !> What the light adds to the biases of a layer.
  pure function lit(weights, light) result(sums)
    real(real32), intent(in) :: weights(:, :, :) !! (together, group, node)
    real(wp), intent(in) :: light(:)             !! (node)
    real(real32) :: sums(size(weights, 1), size(weights, 2))

    integer :: node

    sums = 0.0_real32
    do node = 1, size(weights, 3)
      sums = sums + weights(:, :, node)*real(light(node), real32)
    end do
  end function lit

  !> Read a file that `export_step` has written.
  subroutine read_weights(path, weights, stat, errmsg)
    character(len=*), intent(in) :: path            !! `.nc`
    type(network_weights_t), intent(out) :: weights !! what it says
    integer, intent(out), optional :: stat
    character(len=*), intent(inout), optional :: errmsg

    type(netcdf_input_t) :: input
    character(len=:), allocatable :: activation
    real(wp), allocatable :: values(:)

    call input%open(path)
    weights%mechanism = input%text_attribute("floor", "mechanism")
    weights%species = input%text_attribute("floor", "species_names")
    activation = input%text_attribute("floor", "activation")
    if (input%problem == "" .and. activation /= only_activation) input%problem = "'"//path &
      //"' is no network step of chemistry: 'floor' has activation '"//activation// &
      "', expected '"//only_activation//"'"
    call input%read("dt", values)
    if (input%problem == "") weights%dt = values(1)
    call input%read("floor", weights%floor)
    call input%read("typical", weights%typical)
    call read_limits(input, weights)
    if (input%problem == "") call read_layers(input, weights)
    if (input%problem == "") call read_families(input, weights)
    if (input%problem == "") call read_examples(input, weights)
    call input%close()
    if (input%problem /= "") then
      call fail(err_file, trim(input%problem), stat, errmsg)
    else
      call succeed(stat)
    end if
  end subroutine read_weights

  !> Of the logarithms, and of the concentrations that were trained.
  subroutine read_limits(input, weights)
    type(netcdf_input_t), intent(inout) :: input
    type(network_weights_t), intent(inout) :: weights

    real(wp), allocatable :: low(:), high(:)

    call input%read("log_low", low)
    call input%read("log_high", high)
    call input%read("y_low", weights%y_low)
    call input%read("y_high", weights%y_high)
    if (input%problem /= "") return
    weights%log_low = real(low, real32)
    weights%log_high = real(high, real32)
  end subroutine read_limits

  !> Hidden layers and the last one, which reads the inputs too.
  subroutine read_layers(input, weights)
    type(netcdf_input_t), intent(inout) :: input
    type(network_weights_t), intent(inout) :: weights

    character(len=8) :: before, hidden ! gfortran 12 packs deferred lengths wrong in lists
    character(len=1) :: number
    real(wp), allocatable :: w(:, :), skip(:, :), light(:, :), bias(:)
    integer :: k, n, n_hidden

    n = size(weights%floor)
    n_hidden = 0
    do k = 1, max_hidden
      write (number, "(i1)") k
      if (input%has("weight_"//number)) n_hidden = k
    end do
    if (n_hidden == 0) input%problem = "'"//input%path//"' has no variable 'weight_1'"
    allocate (weights%layers(n_hidden + 1))
    before = "species"
    do k = 1, n_hidden
      write (number, "(i1)") k
      hidden = "hidden_"//number
      call input%read("weight_"//number, [before, hidden], w)
      call input%read("bias_"//number, bias)
      if (input%problem /= "") return
      call set_layer(weights%layers(k), w, bias)
      weights%widest = max(weights%widest, weights%layers(k)%n_out)
      before = hidden
    end do
    call input%read("weight_last", [before, "species "], w)
    call input%read("weight_skip", [character(len=8) :: "source", "species"], skip)
    call input%read("bias_last", bias)
    if (input%problem /= "") return
    call set_last(weights%layers(n_hidden + 1), n, w, skip, bias)
    weights%n_padded = weights%layers(n_hidden + 1)%n_out
    weights%n_light = 0
    if (input%has("light_first")) then
      call input%read("light_first", [character(len=8) :: "node", "hidden_1"], light)
      if (input%problem == "") weights%n_light = size(light, 1)
      if (input%problem == "") call set_light(weights%layers(1), light, weights%light_first)
      call input%read("light_last", [character(len=8) :: "node", "species"], light)
      if (input%problem == "") call set_light(weights%layers(n_hidden + 1), light, &
        weights%light_last)
    else
      allocate (weights%light_first(outputs_together, weights%layers(1)%n_groups, 0))
      allocate (weights%light_last(outputs_together, &
        weights%layers(n_hidden + 1)%n_groups, 0))
    end if
  end subroutine read_layers

  !> Groups of outputs, filled up by zeros; inputs likewise, as the layer before has them.
  pure subroutine set_layer(layer, w, bias)
    type(layer_t), intent(out) :: layer
    real(wp), intent(in) :: w(:, :)  !! (input, output)
    real(wp), intent(in) :: bias(:)  !! (output)

    integer :: i, j

    layer%n_in = size(w, 1)
    layer%n_groups = (size(w, 2) + outputs_together - 1)/outputs_together
    layer%n_out = layer%n_groups*outputs_together
    allocate (layer%w(outputs_together, layer%n_in, layer%n_groups), source=0.0_real32)
    allocate (layer%b(outputs_together, layer%n_groups), source=0.0_real32)
    do j = 1, size(w, 2)
      associate (g => (j - 1)/outputs_together + 1, &
        k => modulo(j - 1, outputs_together) + 1)
        layer%b(k, g) = real(bias(j), real32)
        do i = 1, layer%n_in
          layer%w(k, i, g) = real(w(i, j), real32)
        end do
      end associate
    end do
  end subroutine set_layer

  !> The last layer reads the logarithms, then the last hidden layer.
  pure subroutine set_last(layer, n, w, skip, bias)
    type(layer_t), intent(out) :: layer
    integer, intent(in) :: n                   !! species
    real(wp), intent(in) :: w(:, :)            !! (hidden, species)
    real(wp), intent(in) :: skip(:, :)         !! (species, species)
    real(wp), intent(in) :: bias(:)            !! (species)

    real(wp) :: both(n + size(w, 1), n)

    both(:n, :) = skip
    both(n + 1:, :) = w
    call set_layer(layer, both, bias)
  end subroutine set_last

  !> Weights of the light in the layout of the biases.
  pure subroutine set_light(layer, light, packed)
    type(layer_t), intent(in) :: layer
    real(wp), intent(in) :: light(:, :)                     !! (node, output)
    real(real32), allocatable, intent(out) :: packed(:, :, :)

    integer :: j

    allocate (packed(outputs_together, layer%n_groups, size(light, 1)), source=0.0_real32)
    do j = 1, size(light, 2)
      packed(modulo(j - 1, outputs_together) + 1, (j - 1)/outputs_together + 1, :) = &
        real(light(:, j), real32)
    end do
  end subroutine set_light

  !> Conserved sums as a list of their members.
  subroutine read_families(input, weights)
    type(netcdf_input_t), intent(inout) :: input
    type(network_weights_t), intent(inout) :: weights

    real(wp), allocatable :: sums(:, :)
    integer :: f, s

    allocate (weights%members(0))
    if (.not. input%has("invariants")) return
    call input%read("invariants", [character(len=7) :: "species", "family"], sums)
    if (input%problem /= "") return
    weights%n_families = size(sums, 2)
    do f = 1, size(sums, 2)
      do s = 1, size(sums, 1)
        if (sums(s, f) > 0.0_wp) weights%members = [weights%members, &
          member_t(s, f, sums(s, f), count(sums(s, :) > 0.0_wp) > 1)]
      end do
    end do
  end subroutine read_families

  !> Steps that Python made.
  subroutine read_examples(input, weights)
    type(netcdf_input_t), intent(inout) :: input
    type(network_weights_t), intent(inout) :: weights

    character(len=*), parameter :: dims(2) = [character(len=7) :: "species", "example"]

    call input%read("example_y", dims, weights%example_y)
    call input%read("example_next", dims, weights%example_next)
    if (weights%n_light > 0) then
      call input%read("example_light", [character(len=7) :: "node", "example"], &
        weights%example_light)
    else if (input%problem == "") then
      allocate (weights%example_light(0, size(weights%example_y, 2)))
    end if
  end subroutine read_examples

end module chemistry_network_file
