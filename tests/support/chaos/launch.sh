#!/bin/sh
# launch.sh NAME COMMAND...: becomes the command, with a wall clock and a log that a test may turn.
# $TURNED/NAME.clock holds what the clock is wrong by (see wall_clock.c), $TURNED/NAME.log the file
# that the process writes its log to, or "-" for the supervisor's.
name=$1
shift
read -r log < "$TURNED/$name.log"
[ "$log" = - ] || exec >> "$log" 2>&1
export LD_PRELOAD="$TURNED/wall_clock.so" WALL_CLOCK="$TURNED/$name.clock"
exec "$@"
