#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The example as its README tells it: the closure is learned, and a resumed training ends as
# one that was not cut: test_train_in_fortran.sh PYTHON EXAMPLE PREFIX SCRATCH
set -euo pipefail
python=$1 example=$2 prefix=$3 scratch=$4
rm -rf "$scratch" && mkdir -p "$scratch" && cd "$scratch"
"$python" -W ignore "$example/make_network.py"
cmake -S "$example" -B build -DCMAKE_PREFIX_PATH="$prefix" > log
cmake --build build >> log
build/train_in_fortran whole | tee whole
build/train_in_fortran resumed | tee resumed
cmp <(tail -n 202 whole.csv) <(tail -n +2 resumed.csv) # 200 steps, 2 validations
# The rest is what no function of the slow variables can tell: measured a quarter.
awk '/without/ { before = $NF } !/without/ && $NF > 0.35 * before { exit 1 }' whole
[ "$(wc -l < whole.csv)" -eq 404 ] # a heading, 400 steps, 3 validations
[ -s trained.pt ]
