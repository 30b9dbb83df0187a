#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fine columns, training, the same coarse columns by physics and by networks, table. Needs
# the programs of the package on PATH, e.g. .venv/lib/python3.11/site-packages/isthmus/bin.
# Smaller, to see whether all is there: FACTOR=0.05 DAYS=2 ./run.sh
set -euo pipefail
cd "$(dirname "$0")"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

# A namelist with as many days as were asked for.
days() { sed "s/duration = [0-9]*/duration = $((86400 * ${DAYS:-$2}))/" "$1.nml" > "build/$1.nml"; }

mkdir -p build
for name in truth coarse; do days $name 10; done
for name in unseen_truth unseen_physics unseen_one_step unseen_rollouts; do days $name 30; done
cp train.py compare.py build && cd build
for name in truth coarse unseen_truth unseen_physics; do isthmus-ocean-column $name.nml; done
python train.py truth.nc coarse.nc one_step.pt --stages 1 --factor "${FACTOR:-1}"
python train.py truth.nc coarse.nc rollouts.pt --factor "${FACTOR:-1}"
for name in unseen_one_step unseen_rollouts; do isthmus-ocean-column-coupled $name.nml; done
python compare.py unseen_truth.nc unseen_{physics,one_step,rollouts}.nc --figure column.png
