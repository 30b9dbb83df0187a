#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The first example as its README tells it: C and Fortran print the same numbers, and those
# of the README: test_first_call.sh PYTHON EXAMPLE PREFIX SCRATCH
set -euo pipefail
python=$1 example=$2 prefix=$3 scratch=$4
rm -rf "$scratch" && mkdir -p "$scratch"
(cd "$scratch" && "$python" -W ignore "$example/export.py")
cmake -S "$example" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$prefix" > "$scratch/log"
cmake --build "$scratch/build" >> "$scratch/log"
"$scratch/build/first_call_c" "$scratch/network.pt" > "$scratch/c"
"$scratch/build/first_call_fortran" "$scratch/network.pt" > "$scratch/fortran"
cmp "$scratch/c" "$scratch/fortran"
# Twelve digits: libraries of other versions may round the last ones differently.
cut -c1-14,19-32 "$scratch/c" > "$scratch/found"
grep -E '^ -0\.[0-9]{14}' "$example/README.md" | cut -c1-14,19-32 | diff - "$scratch/found"
cat "$scratch/c"
