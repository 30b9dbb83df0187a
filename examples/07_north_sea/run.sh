#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The M2 tide of the North Sea: input, run, chart. With `.venv/bin` on PATH after
# `make install`; the Fortran programs lie in the installed package.
# Shorter, to see whether all is there: CYCLES=5 ./run.sh
set -euo pipefail
cd "$(dirname "$0")"
programs=$(python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/isthmus/bin
export PATH="$PATH:$programs"

# Threads that wait sleep: on a machine with other work, spinning costs ten times the run.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"
python model.py --cycles "${CYCLES:-10}"
isthmus-shallow-water m2.nml
python chart.py m2.nc --chart north_sea_m2.png --table gauges_model.csv
