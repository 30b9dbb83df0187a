#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Emulators compared, symmetries, patches, pictures: two hours of one core, all tables in tables/.
# To see whether all runs through (some minutes): SHORT=1 ./run.sh
set -euo pipefail
cd "$(dirname "$0")"
export OMP_NUM_THREADS=1

if [ -n "${SHORT:-}" ]; then
  compare=(--dt 1500 --minutes 0.02 --trials 1 1 --sizes 32)
  symmetry=(--runs 1 --updates 16 --nets p1 p4m)
  local=(--sizes 8 --halos 2 --cells 1024 --epochs 2)
  pictures=$(mktemp -d)
else
  compare=(--seeds 3 --minutes 1.5)
  symmetry=()
  local=(--large 512)
  pictures=../../docs/figures
fi

mkdir -p tables
python compare.py "${compare[@]}" | tee tables/compare.md
python symmetry.py "${symmetry[@]}" --output "$pictures/swe_symmetries.png" | tee tables/symmetry.md
python local.py "${local[@]}" | tee tables/local.md
python figures.py --output "$pictures"
