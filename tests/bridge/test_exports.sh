#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# libisthmus exports what its headers declare, and nothing else:
#   test_exports.sh LIBRARY INCLUDE_FOLDER
set -euo pipefail
exported=$(nm -D --defined-only "$1" | awk '{print $3}' | sed 's/@.*//' | sort)
declared=$(cat "$2"/isthmus/*.h | tr '\n' ' ' |
  grep -oE 'ISTHMUS_API [^;(]*\(' | sed 's/.*[ *]\(isthmus_[a-z0-9_]*\)($/\1/' |
  grep '^isthmus_' | sort -u)
if [ "$exported" != "$declared" ]; then
  diff <(echo "$declared") <(echo "$exported") || true
  echo "exported (>) and declared (<) functions differ"
  exit 1
fi
echo "$(echo "$exported" | wc -l) functions exported, all declared"
readelf -d "$1" | grep -q 'SONAME.*libisthmus.so.0' || { echo "SONAME is not libisthmus.so.0"; exit 1; }
