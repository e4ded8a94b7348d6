"""``import pace_mmdet`` loads nothing, and yet registers everything."""
import subprocess
import sys
from pathlib import Path

import pytest

from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.testing import write_synthetic_coco

ROOT = Path(__file__).parents[1]
PREVIOUS = ROOT / 'tests/previous_version'
# What is heavy, and what the light rooms need themselves.
HEAVY = {'torch', 'mmengine', 'mmcv', 'mmdet', 'matplotlib'}
# Boxes (x1, y1, x2, y2) and scores that the previous version found.
FOUND = """
[[36.688, 3.383, 56.322, 37.778], [69.464, 5.339, 88.764, 35.863],
 [6.634, 9.091, 31.688, 46.155], [102.414, 12.659, 126.511, 44.719],
 [4.253, 56.563, 28.359, 93.567], [64.831, 56.629, 89.457, 89.799],
 [96.163, 58.000, 120.942, 91.751], [32.851, 59.486, 57.507, 89.602]]
"""
SCORES = '[.9984, .9986, 1., .9996, 1., .9992, .9992, .9974]'


def run_python(folder, code, *args):
    """Run code in a process of its own; returns what it printed."""
    done = subprocess.run([sys.executable, '-c', code, *map(str, args)],
                          cwd=folder, capture_output=True, text=True,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded_by(folder, line):
    code = f'import sys\n{line}\nprint(*sys.modules)'
    return {name.split('.')[0] for name in run_python(folder, code).split()}


def test_nothing_heavy_is_loaded(tmp_path):
    loaded = loaded_by(tmp_path, 'import pace_mmdet')
    assert 'pace_mmdet' in loaded
    assert not loaded & (HEAVY | {'numpy'})


@pytest.mark.parametrize('room', ['images.intensities', 'masks.codes',
                                  'points', 'coco.points', 'sources.archives',
                                  'annotate.app'])
def test_light_rooms(tmp_path, room):
    assert not loaded_by(tmp_path, f'import pace_mmdet.{room}') & HEAVY


@pytest.mark.parametrize('line', ['import mmdet, pace_mmdet',
                                  'import pace_mmdet, mmdet'])
def test_a_notebook(tmp_path, line):
    print(run_python(tmp_path, f"""{line}
from mmdet.registry import DATASETS, MODELS, TRANSFORMS
assert 'pace_mmdet.register' not in __import__('sys').modules
for registry, name in [(MODELS, 'PointMaskHead'),
                       (DATASETS, 'LIVECellPointDataset'),
                       (TRANSFORMS, 'RandomPointLabel')]:
    assert registry.get(name).__module__.startswith('pace_mmdet.'), name
"""))


def test_a_notebook_that_has_looked_things_up_before(tmp_path):
    run_python(tmp_path, """
from mmdet.registry import MODELS, TRANSFORMS
assert 'PackDetInputs' in TRANSFORMS
import pace_mmdet
assert 'PointMaskHead' in MODELS and 'RandomPointLabel' in TRANSFORMS
""")


def test_a_stock_config(tmp_path):
    masks = write_synthetic_coco(tmp_path / 'data', 2, 12, 96, 128)
    masks_to_points(masks, masks.with_name('points.json'))
    said = run_python(tmp_path, """
import sys
from mmengine.config import Config
from mmengine.runner import Runner
cfg = Config.fromfile(sys.argv[1])
assert 'pace_mmdet' in sys.modules
cfg.work_dir = 'run'
runner = Runner.from_cfg(cfg)
val = runner.build_dataloader(cfg.val_dataloader)
train = runner.build_dataloader(cfg.train_dataloader)
model = runner.model
batch = model.data_preprocessor(next(iter(train)), training=True)
print(sorted(model(**batch, mode='loss')), type(val.dataset).__name__,
      type(model.roi_head.mask_head).__name__,
      train.dataset.pipeline.transforms[2])
""", PREVIOUS / 'stock_style.py')
    for name in ('loss_mask', 'LIVECellPointDataset', 'PointMaskHead',
                 'RandomPointLabel'):
        assert name in said


def test_a_checkpoint(tmp_path):
    run_python(tmp_path, f"""
import sys
import numpy as np
from pace_mmdet.inference import load_segmenter, read_image
cells = load_segmenter(sys.argv[1], device='cpu')(read_image(sys.argv[2]))
np.testing.assert_allclose(cells.bboxes, {FOUND}, atol=0.05)
np.testing.assert_allclose(cells.scores, {SCORES}, atol=1e-3)
assert 300 < min(np.bincount(cells.label_image().ravel())[1:]) < 1000
""", PREVIOUS / 'pace_0.1.0.pth', PREVIOUS / 'cells.tif')


def test_operators_of_mmcv(tmp_path):
    """Ours stand where MMCV's are missing, and only there."""
    run_python(tmp_path, """
import sys
from importlib.machinery import PathFinder
import pace_mmdet
import mmcv.ops
compiled = PathFinder.find_spec('mmcv._ext', mmcv.__path__)
loaded = sys.modules['mmcv._ext'].__file__
assert loaded.endswith('mmcv_ext.py') == (compiled is None)
""")
