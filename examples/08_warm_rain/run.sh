#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Truth by bins and super-droplets, training, tables, columns with the network inside. Needs
# the programs of the package on PATH, e.g. .venv/lib/python3.11/site-packages/isthmus/bin.
# SHORT=1 ./run.sh goes through all of it with few droplets and epochs, in the folder `short`:
# it shows that all is there, its numbers say nothing.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
factor=1 extent=() stages=4 epochs=24 joint=(--epochs 45 --compiled)

if [ -n "${SHORT:-}" ]; then
  mkdir -p short
  for settings in *.nml; do
    sed 's/", droplets = [0-9]*/", droplets = 64/; s/members = [0-9]*/members = 1/
      s/dt = 1.0/dt = 5.0/; s/columns = [0-9]*/columns = 4/; s/new_drop.* = 8/new_droplets = 4/
      s/liquid_water = 2e-4.*1.5e-3/liquid_water = 1e-3, mean_radius = 13e-6/
      s/liquid_water = 1.6e-3, 2e-3/liquid_water = 1.6e-3, mean_radius = 13e-6/
      s/duration = 7200.0/duration = 3600.0/' "$settings" >"short/$settings"
  done
  # A few clouds instead of all, enough to set a hundred aside.
  for truth in long long_constant; do
    echo "&clouds liquid_water = 1e-3, 1.6e-3, mean_radius = 11e-6, 12e-6, 13e-6, 14e-6, 15e-6
      shape = $(seq -s ', ' 0 0.25 4.25) /" >>"short/$truth.nml"
  done
  cd short
  factor=0.01 stages=2 epochs=1 joint=(--epochs 1) extent=(--members 2 --crowd 2 --steps 90)
fi

for truth in long long_constant; do
  [ -e "rain_$truth.nc" ] || isthmus-rain "$truth.nml"
done
for bins in bins bins_heavy; do
  [ -e "rain_$bins.nc" ] || isthmus-rain-bins "$bins.nml"
done

train() { python "$here/train.py" "$@" --factor "$factor"; }
bins=(--bins rain_bins.nc rain_bins_heavy.nc)
# One step, then rollouts of up to twenty minutes: on bins, which have no noise.
train rain_long.nc one_step_free.pt "${bins[@]}" --form free --stages 1
train rain_long.nc one_step.pt "${bins[@]}" --stages 1
train rain_long.nc bins_20min.pt "${bins[@]}" --stages "$stages"
# The whole hour from the first state, which is exact: here noisy ensembles do no harm.
# Errors to 1000 s shall weigh as much as those of the hour: they grow by 1.0094 a step.
for truth in long long_constant; do
  train "rain_$truth.nc" "rain_$truth.pt" --start bins_20min.checkpoint \
    --lengths 180 --epochs "$epochs" --rates 1 --batch 128 --growth 1.0094
done
networks=(one_step_free.pt one_step.pt bins_20min.pt rain_long.pt rain_long_constant.pt)
for truth in long long_constant; do
  python "$here/table.py" "rain_$truth.nc" "${networks[@]}" "${bins[@]}"
done

# Why columns are not boxes: rates and speeds of droplets in place of a scheme's own.
for shafts in shafts shafts_train; do
  [ -e "$shafts.nc" ] || isthmus-rain-shaft "$shafts.nml"
done
python "$here/causes.py" shafts.nml --networks rain_long.pt \
  --boxes rain_bins.nc rain_bins_heavy.nc
python "$here/train_columns.py" shafts_train.nml shafts.nml column.pt
# Columns and boxes at once: first as the network of boxes where boxes are, as tuned
# elsewhere, then hours of both.
for shafts in shafts32_train shafts32_valid; do
  [ -e "$shafts.nc" ] || isthmus-rain-shaft "$shafts.nml"
done
python "$here/train_jointly.py" shafts32_train.nml shafts32_valid.nml rain_long.nc joint.pt \
  --teacher rain_long.checkpoint "${joint[@]}"

isthmus stability joint=joint.pt column=column.pt rain=rain_long.pt --system rain "${extent[@]}" ||
  [ $? -eq 3 ]
runs=stability/twins
python "$here/columns.py" $runs/{super-droplets,Seifert-Beheng,rain,column,joint}/x_*.nc
# Ten thousand columns, by the scheme and by the network.
sed '/coupling/d; s/columns.nc/columns_sb.nc/' columns.nml >columns_sb.nml
isthmus-rain-bulk columns_sb.nml
isthmus-rain-bulk-coupled columns.nml
python "$here/columns.py" columns_sb.nc columns.nc
