#!/bin/sh
# SPDX-License-Identifier: MIT
# A failure without `stat`: its text on stderr, another exit status than zero, no signal.
# Usage: test_stopping.sh PROGRAM NETWORK
program=$1 network=$2 failures=0

stops() {
  printed=$("$program" "$1" "$network" 2>&1)
  status=$?
  case "$status:$printed" in
  0:* | *"went on"*) echo "$1: did not stop"; failures=1 ;;
  1[3-9][0-9]:*) echo "$1: died of a signal: $status"; failures=1 ;;
  *"isthmus: "*"$2"*) echo "$1: stopped with status $status and its reason" ;;
  *) echo "$1: no '$2' in: $printed"; failures=1 ;;
  esac
}

stops load "'absent.pt' cannot be read: No such file"
stops errmsg "'absent.pt' cannot be read: No such file"
stops bind "'x' is float32, the network expects float64"
stops run "input 'x' is not bound"
stops unloaded "no network is loaded"
exit $failures
