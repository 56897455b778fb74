#!/bin/sh
# Runs any command with REDIS_URL set to a throw-away Redis, which is gone afterwards:
#   scripts/with-redis.sh npm start
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
if [ "$#" -eq 0 ]; then
  echo "usage: scripts/with-redis.sh command [arguments]" >&2
  exit 64
fi
exec node --import "$root/node_modules/tsx/dist/loader.mjs" "$root/scripts/redis.ts" "$@"
