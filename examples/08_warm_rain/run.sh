#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Truth by super-droplets, training, table of errors, columns with the network inside.
# Needs `isthmus-rain` and `isthmus-rain-bulk-coupled` on PATH. KERNEL=long for the other truth.
# Smaller, to see whether all is there: FACTOR=0.1 ./run.sh
set -euo pipefail
cd "$(dirname "$0")"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
kernel=${KERNEL:-hall}

[ -e "rain_$kernel.nc" ] || isthmus-rain "$kernel.nml"
python train.py "rain_$kernel.nc" one_step.pt --stages 1 --factor "${FACTOR:-1}"
python train.py "rain_$kernel.nc" rain.pt --factor "${FACTOR:-1}"
python table.py "rain_$kernel.nc" one_step.pt rain.pt
isthmus-rain-bulk-coupled shaft.nml
python columns.py shaft.nc
