#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The example as its README tells it: find_package(FTorch) and ftorch.pc serve a program for
# FTorch; all time loops agree: test_from_ftorch.sh PYTHON EXAMPLE BRIDGE_BUILD SCRATCH
set -euo pipefail
python=$1 example=$2 build=$3 scratch=$4
rm -rf "$scratch" && mkdir -p "$scratch" && cd "$scratch"
cmake --install "$build" --prefix "$scratch/prefix" > log
cmake --install "$build" --prefix "$scratch/prefix" --component ftorch_package >> log
"$python" -W ignore "$example/export.py"
cmake -S "$example" -B build -DCMAKE_PREFIX_PATH="$scratch/prefix" >> log
cmake --build build >> log
build/from_ftorch > found
# Four digits: libraries of other versions may round the last ones differently.
digits() { grep -E '^(column 1|misfit|gradient):' "$1" | sed -E 's/([0-9]{4})[0-9]{2}/\1/g'; }
diff <(digits "$example/README.md") <(digits found)

pc=$(dirname "$(find "$scratch/prefix" -name ftorch.pc)")
PKG_CONFIG_PATH=$pc gfortran "$example/from_ftorch.f90" \
  $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs ftorch) -J "$scratch" -o by_pkg_config
env -u LD_LIBRARY_PATH ./by_pkg_config | cmp - found

OMP_NUM_THREADS=1 build/time_loop | tee times
# By far: loading takes milliseconds, a step microseconds.
awk '{ micros[NR] = $NF } END { exit !(micros[1] > 5 * micros[3]) }' times
