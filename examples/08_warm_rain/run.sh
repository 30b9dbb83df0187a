#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Truth by bins and super-droplets, training, tables, columns with the network inside. Needs
# the programs of the package on PATH, e.g. .venv/lib/python3.11/site-packages/isthmus/bin.
# Smaller, to see whether all is there: FACTOR=0.1 ./run.sh
set -euo pipefail
cd "$(dirname "$0")"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}

for truth in long long_constant; do
  [ -e "rain_$truth.nc" ] || isthmus-rain "$truth.nml"
done
for bins in bins bins_heavy; do
  [ -e "rain_$bins.nc" ] || isthmus-rain-bins "$bins.nml"
done

train() { python train.py "$@" --factor "${FACTOR:-1}"; }
bins=(--bins rain_bins.nc rain_bins_heavy.nc)
# One step, then rollouts of up to twenty minutes: on bins, which have no noise.
train rain_long.nc one_step_free.pt "${bins[@]}" --form free --stages 1
train rain_long.nc one_step.pt "${bins[@]}" --stages 1
train rain_long.nc bins_20min.pt "${bins[@]}" --stages 4
# The whole hour from the first state, which is exact: here noisy ensembles do no harm.
# Errors to 1000 s shall weigh as much as those of the hour: they grow by 1.0094 a step.
for truth in long long_constant; do
  train "rain_$truth.nc" "rain_$truth.pt" --start bins_20min.checkpoint \
    --lengths 180 --epochs 24 --rates 1 --batch 128 --growth 1.0094
done
networks=(one_step_free.pt one_step.pt bins_20min.pt rain_long.pt rain_long_constant.pt)
for truth in long long_constant; do
  python table.py "rain_$truth.nc" "${networks[@]}" "${bins[@]}"
done

isthmus stability rain=rain_long.pt one_step=one_step.pt --system rain || [ $? -eq 3 ]
runs=stability/twins
python columns.py $runs/{super-droplets,Seifert-Beheng,rain,one_step}/x_*.nc
# Ten thousand columns, by the scheme and by the network.
sed '/coupling/d; s/columns.nc/columns_sb.nc/' columns.nml >columns_sb.nml
isthmus-rain-bulk columns_sb.nml
isthmus-rain-bulk-coupled columns.nml
python columns.py columns_sb.nc columns.nc
