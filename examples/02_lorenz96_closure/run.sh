#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Truth, training through the Fortran model, coupled run, verdict. Needs `isthmus` on PATH.
# Smaller, to see whether all is there: EPOCHS=1 STEPS=200 MEMBERS=4 ./run.sh
set -euo pipefail
cd "$(dirname "$0")"

isthmus simulate two_level.nml
isthmus train closure two_level.nc closure.pt --method fortran --epochs "${EPOCHS:-10}"
isthmus couple coupled.nml
# Exit status 3 says that the network did not pass; so short a run cannot be decided.
isthmus stability closure.pt --steps "${STEPS:-5000}" --members "${MEMBERS:-60}" --directory stability || [ $? -eq 3 ]
