#!/bin/sh
exec "$(dirname "$0")/../play" tool kafka-topics "$@"
