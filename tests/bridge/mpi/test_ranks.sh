#!/bin/sh
# SPDX-License-Identifier: MIT
# test_ranks on 1, 2 and 3 ranks, which may be more than there are cores: the bits must be
# the same; a rank that fails can go on or end the job, and nothing hangs.
# Usage: test_ranks.sh MPIRUN PROGRAM NETWORKS
mpirun=$1 program=$2 networks=$3
export OMP_NUM_THREADS=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

run() { # RANKS MODE
  timeout 60 "$mpirun" --oversubscribe --bind-to none -n "$1" "$program" "$networks" "$2"
}

one=$(run 1 bits) || { echo "$one"; echo "one rank fails"; exit 1; }
echo "$one"
for n in 2 3; do
  several=$(run $n bits) || { echo "$several"; echo "$n ranks fail"; exit 1; }
  [ "$several" = "$one" ] || { echo "$several"; echo "other bits on $n ranks"; exit 1; }
done
run 3 fail || { echo "a failing rank took the others with it"; exit 1; }
printed=$(run 3 abort 2>&1)
status=$?
[ $status -eq 2 ] || { echo "$printed"; echo "MPI_Abort(2) gave status $status"; exit 1; }
case "$printed" in
*"rank 2: '"*"absent.pt' cannot be read: No such file"*) ;;
*) echo "$printed"; echo "the reason was not printed"; exit 1 ;;
esac
echo "the same bits on 1, 2 and 3 ranks; a failing rank goes on or ends the job"
