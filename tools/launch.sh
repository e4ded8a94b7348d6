# Sourced by dist_*.sh and slurm_train.sh.

# The interpreter: $PYTHON, else of the active environment, else of the
# project's .venv.
if [ -z "${PYTHON:-}" ]; then
    if [ -z "${VIRTUAL_ENV:-}${CONDA_PREFIX:-}" ] \
            && [ -x "$TOOLS/../.venv/bin/python" ]; then
        PYTHON=$TOOLS/../.venv/bin/python
    else
        PYTHON=python
    fi
fi
export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"

# launch N SCRIPT [arguments]: N processes on this machine by torchrun.
launch() {
    local processes=$1
    shift
    # On a CPU the processes share the cores; torchrun's default is 1 thread.
    if [ -z "${OMP_NUM_THREADS:-}" ] \
            && ! command -v nvidia-smi >/dev/null; then
        local threads=$(( $(getconf _NPROCESSORS_ONLN) / processes ))
        export OMP_NUM_THREADS=$(( threads > 0 ? threads : 1 ))
    fi
    exec "$PYTHON" -m torch.distributed.run \
        --nnodes="${NNODES:-1}" \
        --node_rank="${NODE_RANK:-0}" \
        --master_addr="${MASTER_ADDR:-127.0.0.1}" \
        --master_port="${PORT:-29500}" \
        --nproc_per_node="$processes" \
        "$@"
}
