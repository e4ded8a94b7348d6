"""Stands for training, proposing and segmenting: quick, and as told.

``python -m tests.annotate.fake_model train CONFIG --work-dir ...`` logs a
line of losses and one of scores, then waits for a file ``go`` beside the
config. ``propose`` finds the cells of ``CELLS`` on every image.
"""
import json
import signal
import sys
import time
from pathlib import Path

import cv2
import numpy as np

# x, y, width, height and score on images of 80 x 60 pixels.
CELLS = [((5, 5, 20, 20), 0.9), ((40, 10, 20, 20), 0.6),
         ((10, 35, 16, 16), 0.4), ((50, 38, 14, 14), 0.1)]
TRAIN = ('tests.annotate.fake_model', 'train')
PROPOSE = ('tests.annotate.fake_model', 'propose')
PREDICT = ('tests.annotate.fake_model', 'predict')


def option(name):
    return sys.argv[sys.argv.index(name) + 1]


def train():
    config = Path(sys.argv[2])
    run = Path(option('--work-dir'))
    step = 60 if '--resume' in sys.argv else 30
    log = run / f'run-{step}/vis_data/scalars.json'
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(f'{{"loss": {100 / step}, "time": 0.5, "step": {step}}}\n'
                   f'{{"livecell/bbox_AP": 0.{step}, '
                   f'"livecell/bbox_APs": NaN, "step": {step}}}\n'
                   '{"los')
    print('training', *sys.argv[2:], flush=True)
    if (config.parent / 'fail').exists():
        print('error: no such luck', flush=True)
        return 2
    try:
        while not (config.parent / 'go').exists():
            time.sleep(0.02)
    except KeyboardInterrupt:
        return 130
    write_model(run)
    return 0


def write_model(run):
    run.mkdir(parents=True, exist_ok=True)
    (run / 'best_x_iter_30.pth').write_bytes(b'model')


def propose():
    images = json.loads(Path(sys.argv[2]).read_text())
    write_found(Path(option('--out-dir')), [image['id'] for image in images])
    return 0


def write_found(out, image_ids):
    out.mkdir(parents=True, exist_ok=True)
    for image in image_ids:
        labels = np.zeros((60, 80), np.uint16)
        for number, ((x, y, width, height), _) in enumerate(CELLS, 1):
            cv2.ellipse(labels, (x + width // 2, y + height // 2),
                        (width // 2 - 1, height // 2 - 1), 0, 0, 360, number,
                        -1)
        foreground = np.where(labels > 0, 242, 13).astype(np.uint8)
        cv2.imwrite(str(out / f'{image}_labels.png'), labels)
        cv2.imwrite(str(out / f'{image}_foreground.png'), foreground)
        cells = [dict(box=box, score=score, outline=[
            [box[0], box[1]], [box[0] + box[2], box[1]],
            [box[0] + box[2] / 2, box[1] + box[3]]]) for box, score in CELLS]
        (out / f'{image}.json').write_text(json.dumps(dict(
            cells=cells, error='')))


def predict():
    out = Path(option('--out-dir'))
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(sys.argv[2]).iterdir()):
        (out / f'{path.stem}_labels.tif').write_bytes(b'labels')
    return 0


if __name__ == '__main__':
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(dict(train=train, propose=propose, predict=predict)[
        sys.argv[1]]())
