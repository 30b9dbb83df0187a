#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Each case ends by `error stop`, by no signal and in no more than some seconds, with a
# message that holds the words given: test_stops.sh PROGRAM NETWORKS
set -uo pipefail
program=$1 networks=$2 failures=0 n=0

stops() {
  local case=$1 words=$2 out rc
  out=$(timeout 20 "$program" "$networks" "$case" 2>&1)
  rc=$?
  n=$((n + 1))
  if [ $rc -eq 0 ] || [ $rc -ge 124 ] || [[ $out == *"went on"* ]] ||
    ! grep -q -- "$words" <<< "$out"; then
    echo "$case: status $rc, expected a stop that says '$words':"
    head -3 <<< "$out"
    failures=$((failures + 1))
  fi
}

stops shapes 'right-hand side.*\[5\].*\[4\]'
stops types 'right-hand side.*float32.*float64'
stops nested 'right-hand side.*\[5\].*\[4\]'
stops assign_shape 'assignment(=).*same shape'
stops assign_type 'assignment(=).*float64.*float32'
stops assign_leaf 'requires_grad=.true.'
stops copy_shape 'torch_tensor_to.*same shape'
stops unset_rank 'torch_tensor_get_rank: the tensor was never set'
stops unset_print 'torch_tensor_print: the tensor was never set'
stops unset_input 'input_tensors(1): the tensor was never set'
stops unset_output 'output_tensors(1): the tensor was never set'
stops freed 'the tensor was'
stops no_model 'torch_model_forward: .*network'
stops no_file 'no_such_file.pt'
stops no_cuda 'torch_tensor_ones.*cuda'
stops model_on_cuda 'torch_model_load.*cuda'
stops layout "'layout' must hold each dimension"
stops input_shape 'torch_model_forward'
stops output_type 'output_tensors(1).*float32.*int32'
stops output_shape 'output_tensors(1).*\[1, 5\].*\[4, 5\]'
stops too_many_results 'returned 2 tensors'
stops too_few_results 'fewer tensors'
stops parameters 'has 1 parameters.*room for 2'
stops backward_shape 'torch_tensor_backward'
stops no_gradient 'torch_tensor_get_gradient'
stops no_optimizer 'never made'
stops overwritten 'torch_tensor_backward.*modified'
echo "$n cases, $failures failures"
exit $((failures > 0))
