#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Truth by bins and super-droplets, training, table, columns with the network inside. Needs
# the programs of the package on PATH, e.g. .venv/lib/python3.11/site-packages/isthmus/bin.
# Smaller, to see whether all is there: FACTOR=0.1 ./run.sh
set -euo pipefail
cd "$(dirname "$0")"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}

[ -e rain_long.nc ] || isthmus-rain long.nml
[ -e rain_bins.nc ] || isthmus-rain-bins bins.nml
for form in correction free; do
  python train.py rain_long.nc "one_step_$form.pt" --bins rain_bins.nc --form "$form" \
    --stages 1 --factor "${FACTOR:-1}"
done
python train.py rain_long.nc short.pt --bins rain_bins.nc --stages 4 --factor "${FACTOR:-1}"
# The whole hour, from the first state: short and steep.
python train.py rain_long.nc rain.pt --bins rain_bins.nc --start short.checkpoint --thin 2 \
  --lengths 180 180 --epochs 15 15 --rates 1.33 1
python table.py rain_long.nc one_step_free.pt one_step_correction.pt short.pt rain.pt
isthmus-rain-bulk-coupled shaft.nml
python columns.py shaft.nc
