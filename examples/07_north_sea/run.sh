#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The M2 tide of the North Sea: input, run, chart. With `.venv/bin` on PATH after
# `make install`; the Fortran programs lie in the installed package.
# Shorter, to see whether all is there: CYCLES=5 ./run.sh
set -euo pipefail
cd "$(dirname "$0")"
programs=$(python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/isthmus/bin
export PATH="$PATH:$programs"

# One thread takes 1.6 s on any machine; two take 1.3 s on a quiet one, minutes on a busy one.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
python model.py --cycles "${CYCLES:-10}"
isthmus-shallow-water m2.nml
python chart.py m2.nc --chart north_sea_m2.png --table gauges_model.csv
