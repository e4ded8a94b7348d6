#!/usr/bin/env bash
# Evaluate with N processes, one a GPU, or on a CPU where there is no GPU:
#   tools/dist_test.sh CONFIG CHECKPOINT N [arguments of tools/test.py]
# Several machines: as for tools/dist_train.sh.
set -euo pipefail
if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT N [arguments of tools/test.py]" >&2
    exit 2
fi
CONFIG=$1
CHECKPOINT=$2
GPUS=$3
shift 3
TOOLS=$(cd "$(dirname "$0")" && pwd)
source "$TOOLS/launch.sh"
launch "$GPUS" "$TOOLS/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "$@"
