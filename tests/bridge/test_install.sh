#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The bridge alone, built and installed without models and Python, serves other projects by
# find_package and by pkg-config: test_install.sh BRIDGE_BUILD CONSUMER NETWORK SCRATCH
set -euo pipefail
build=$1 consumer=$2 network=$3 scratch=$4
rm -rf "$scratch" && mkdir -p "$scratch"
cmake --install "$build" --prefix "$scratch/prefix" > "$scratch/install.log"

cmake -S "$consumer" -B "$scratch/cmake" -DCMAKE_PREFIX_PATH="$scratch/prefix" > "$scratch/cmake.log"
cmake --build "$scratch/cmake" >> "$scratch/cmake.log"
"$scratch/cmake/from_c" "$network"
"$scratch/cmake/from_fortran" "$network"

pc=$(dirname "$(find "$scratch/prefix" -name isthmus.pc)")
export PKG_CONFIG_PATH=$pc
gcc "$consumer/main.c" $(pkg-config --cflags --libs isthmus) -o "$scratch/pc_c"
gfortran "$consumer/main.f90" $(pkg-config --cflags --libs isthmus-fortran) \
  -J "$scratch" -o "$scratch/pc_fortran"
env -u LD_LIBRARY_PATH "$scratch/pc_c" "$network"
env -u LD_LIBRARY_PATH "$scratch/pc_fortran" "$network"
