#!/usr/bin/env bash
# Everything worth measuring on one GPU, most important first, in a quarter of
# an hour: each step has its own limit and leaves its result at once, so that
# whatever the time allows is kept.
#
#     OUT=results bash tools/benchmarks/gpu.sh
#
# PYTHON   interpreter (default: python3)
# WHEELS   folder of wheels to install first, beside what is there, without a
#          network
# LIVECELL annotated images in LIVECell's layout (default: data/livecell); made
#          into a folder of its own with point labels, which may be read-only
# TINY=1   on a CPU, with the smallest sizes: only to see that it all works
set -u
cd "$(dirname "$0")/../.."
out=${OUT:-gpu_results}
mkdir -p "$out"
out=$(cd "$out" && pwd)
python=${PYTHON:-python3}
config=configs/pace/pace_r200_dcn_4pt.py
steps='--steps 10 --warmup 5'
curve=200
device=cuda
table=(--configs livecell_r200 --points full 4 1)
compiled=(ours bfloat16+compiled)
if [ "${TINY:-}" ]; then
    config=configs/hela/pace_r18_hela_4pt.py
    steps='--steps 1 --warmup 1 --height 64 --width 64 --cells 4'
    curve=2
    device=cpu
    table=(--configs livecell_small --points full --methods PACE
           --cfg-options train_cfg.max_iters=2 train_cfg.val_interval=2
           train_dataloader.batch_size=1)
    compiled=(ours)
fi

step() {  # NAME SECONDS COMMAND...
    local name=$1 limit=$2 start=$SECONDS
    shift 2
    echo "== $name (at most $limit s): $*" | tee "$out/$name.txt"
    timeout --signal=INT --kill-after=20 "$limit" "$@" >>"$out/$name.txt" 2>&1
    local code=$?
    echo "$name: exit $code after $((SECONDS - start)) s" |
        tee -a "$out/summary.txt"
}

if [ "${WHEELS:-}" ]; then
    site=$(mktemp -d)
    step install 120 "$python" -m pip install -q --no-index --no-deps \
        --no-compile --no-cache-dir --upgrade --target "$site" \
        "$WHEELS"/*.whl
    export PYTHONPATH=$site:$PWD
else
    export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
fi
nvidia-smi >"$out/machine.txt" 2>&1
"$python" -c 'import torch; print(torch.__version__, torch.version.cuda)' \
    >>"$out/machine.txt" 2>&1

step tests 150 "$python" -m pytest -q tests/models/test_cuda.py
for batch in 2 8; do
    step "train_step_batch$batch" 200 "$python" tools/benchmarks/train_step.py \
        "$config" --device $device --batch-size $batch $steps \
        --variants ours MMDetection bfloat16 bfloat16+channels_last \
        --json "$out/train_step_batch$batch.json"
done
step losses 150 "$python" tools/benchmarks/train_step.py "$config" \
    --device $device --loss-curve $curve --variants ours bfloat16 \
    --out "$out/bfloat16_losses.png"
# ResNeSt-200 on real cells: from one model trained on boxes alone, with full
# masks, 4 points and 1 point.
data=$out/livecell
source=${LIVECELL:-data/livecell}
if [ -d "$source/annotations" ]; then
    source=$(cd "$source" && pwd)
    mkdir -p "$data/annotations"
    ln -sfn "$source/images" "$data/images"
    cp -f "$source"/annotations/*.json "$data/annotations/"
    export PACE_LIVECELL=$data
    step points 60 "$python" tools/dataset_converters/livecell.py points \
        --root "$data"
    name=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null ||
           echo CPU)
    step supervision 600 "$python" tools/analysis_tools/table1.py --run \
        --start boxes --record "$name" --work-dirs "$out/runs" "${table[@]}"
    cp -f "configs/${table[1]}/metafile.yml" "$out/"
    rm -rf "$data"
else
    echo "supervision: no annotated images in $source" |
        tee -a "$out/summary.txt"
fi
# Compiling takes minutes by itself.
step compiled 240 "$python" tools/benchmarks/train_step.py "$config" \
    --device $device --batch-size 8 $steps --variants "${compiled[@]}" \
    --json "$out/compiled.json"
# Weights are large; scores and logs stay.
find "$out/runs" -name '*.pth' -delete 2>/dev/null
cat "$out/summary.txt"
