#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A wheel, laid beside torch in a folder that is then moved, still finds torch's libraries
# and runs a network and a Fortran program: test_wheel.sh PYTHON FOLDER_OF_WHEEL NETWORK
set -euo pipefail
python=$(realpath -s "$1") network=$(realpath "$3")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

mkdir "$place/before"
"$python" -m zipfile -e "$2"/isthmus-*.whl "$place/before"
chmod +x "$place"/before/isthmus/bin/*
packages=$("$python" -c 'import pathlib, torch; print(pathlib.Path(torch.__file__).parents[1])')
ln -s "$packages/torch" "$place/before/torch"
mv "$place/before" "$place/after"

# -S: without the site hooks, of which an editable isthmus may be one.
PYTHONPATH=$place/after:$packages "$python" -S - "$network" "$place/after" <<'END'
import sys

import isthmus
from isthmus.bridge import Model, torch_version

network, place = sys.argv[1:]
assert isthmus.__file__.startswith(place), isthmus.__file__
print(Model(network), "with libtorch", torch_version())
END
"$place/after/isthmus/bin/isthmus-lorenz96-coupled" --help > /dev/null
echo "the wheel runs where it was moved"
