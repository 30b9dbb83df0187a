#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# libisthmus exports what isthmus.h declares, and nothing else: test_exports.sh LIBRARY HEADER
set -euo pipefail
exported=$(nm -D --defined-only "$1" | awk '{print $3}' | sed 's/@.*//' | sort)
declared=$(sed -n 's/.*\(isthmus_[a-z_]*\)(.*/\1/p' "$2" | grep -v '()$' | sort -u |
  grep -E '^isthmus_(error_message|status_name|version|torch_version|model_[a-z_]+)$')
if [ "$exported" != "$declared" ]; then
  diff <(echo "$declared") <(echo "$exported") || true
  echo "exported (>) and declared (<) functions differ"
  exit 1
fi
echo "$(echo "$exported" | wc -l) functions exported, all declared"
readelf -d "$1" | grep -q 'SONAME.*libisthmus.so.0' || { echo "SONAME is not libisthmus.so.0"; exit 1; }
