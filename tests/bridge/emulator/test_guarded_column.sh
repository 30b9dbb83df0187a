#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The example as its README tells it: shadow, then blend; the heated column alone goes to
# the physics; a restart is no restart: test_guarded_column.sh PYTHON EXAMPLE PREFIX SCRATCH
set -euo pipefail
python=$1 example=$2 prefix=$3 scratch=$4
rm -rf "$scratch" && mkdir -p "$scratch" && cd "$scratch"
"$python" -W ignore "$example/train.py"
cmake -S "$example" -B build -DCMAKE_PREFIX_PATH="$prefix" > log
cmake --build build >> log
cp "$example"/*.nml .
build/guarded_column shadow.nml | tee shadow
build/guarded_column blend.nml | tee blend
for found in shadow blend; do
  grep -q '^step 30: 1 columns by the physics$' $found
  if grep '^step [12]\?[0-9]:' $found; then
    echo "$found: columns were flagged before the burst"
    exit 1
  fi
done
grep -q '^  dt network - physics: ' shadow
[ "$(wc -l < shadow.csv)" -eq 121 ] # a heading, 60 steps, 2 outputs
build/guarded_column first_half.nml > /dev/null
build/guarded_column second_half.nml > /dev/null
cmp whole.restart halves.restart
sed 's/mode = /moed = /' blend.nml > wrong.nml
if build/guarded_column wrong.nml 2> refused; then exit 1; fi
grep -q moed refused
