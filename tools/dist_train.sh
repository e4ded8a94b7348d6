#!/usr/bin/env bash
# Train with N processes, one a GPU, or on a CPU where there is no GPU:
#   tools/dist_train.sh CONFIG N [arguments of tools/train.py]
# Several machines, on each of them:
#   NNODES=2 NODE_RANK=0 MASTER_ADDR=host PORT=29500 tools/dist_train.sh ...
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG N [arguments of tools/train.py]" >&2
    exit 2
fi
CONFIG=$1
GPUS=$2
shift 2
TOOLS=$(cd "$(dirname "$0")" && pwd)
source "$TOOLS/launch.sh"
launch "$GPUS" "$TOOLS/train.py" "$CONFIG" --launcher pytorch "$@"
