#!/usr/bin/env bash
# Segment images with N processes, one a GPU, or on a CPU where there is no
# GPU; they share out the files:
#   tools/dist_predict.sh N [arguments of tools/predict.py]
# Several machines: as for tools/dist_train.sh.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 N [arguments of tools/predict.py]" >&2
    exit 2
fi
GPUS=$1
shift
TOOLS=$(cd "$(dirname "$0")" && pwd)
source "$TOOLS/launch.sh"
launch "$GPUS" "$TOOLS/predict.py" "$@" --launcher pytorch
