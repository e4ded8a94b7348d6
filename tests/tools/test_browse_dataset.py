"""tools/analysis_tools/browse_dataset.py on point and mask data sets."""
import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

import pace_mmdet  # noqa: F401
from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.testing import write_synthetic_coco

TOOL = Path(__file__).parents[2] / 'tools/analysis_tools/browse_dataset.py'
CONFIG = '''
default_scope = 'mmdet'
load_image = dict(type='LoadMicroscopyImage', normalize='percentile')
points = [load_image, dict(type='LoadPointAnnotations')]
masks = [load_image,
         dict(type='LoadAnnotations', with_bbox=True, with_mask=True)]
crop = dict(type='RandomCrop', crop_size=(40, 30))
resize = dict(type='Resize', scale=(40, 30), keep_ratio=True)
pack = dict(type='PackDetInputs', meta_keys=('img_path', 'ori_shape',
                                             'img_shape'))


def loader(pipeline, type='CellMaskDataset', file='annotations.json',
           **kwargs):
    return dict(dataset=dict(
        type=type, data_root=r'{root}', ann_file=file,
        data_prefix=dict(img='images'), pipeline=pipeline, **kwargs))


train_dataloader = loader(points + [crop, pack], 'CellPointDataset',
                          'points.json', num_points=4)
val_dataloader = loader([load_image, resize, pack], test_mode=True)
test_dataloader = None
wrapped = dict(dataset=dict(type='RepeatDataset', times=2,
                            dataset=train_dataloader['dataset']))
on_the_fly = loader(masks + [dict(type='RandomPointLabel', num_points=2),
                             resize, pack])
dropping = loader(masks + [dict(type='FilterAnnotations',
                                min_gt_bbox_wh=(900, 900)), pack])
'''


def load_tool():
    spec = importlib.util.spec_from_file_location('browse_dataset', TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def config(tmp_path):
    root = tmp_path / 'data'
    masks = write_synthetic_coco(root, 3, 12, 60, 80)
    masks_to_points(masks, root / 'points.json', max_points=4)
    path = tmp_path / 'config.py'
    path.write_text(CONFIG.replace('{root}', str(root)))
    return path


@pytest.fixture
def browse(tmp_path, config, capsys):
    """Run the tool; exit code, the pictures by name and what it said."""

    def _browse(*args, loader=None):
        if loader:
            config.write_text(config.read_text() +
                              f'train_dataloader = {loader}\n')
        out_dir = tmp_path / 'pictures'
        try:
            code = load_tool().main(
                [str(config), '--out-dir',
                 str(out_dir), *map(str, args)])
        except SystemExit as error:  # of argparse
            code = error.code
        pictures = {
            path.name: cv2.imread(str(path))
            for path in sorted(out_dir.glob('*'))
        }
        return code, pictures, capsys.readouterr()

    return _browse


def colourful(picture):
    """Share of pixels that are not grey."""
    return (np.ptp(picture.astype(int), axis=2) > 40).mean()


@pytest.mark.parametrize('split, phase, shape', [
    ('train', 'transformed', (240, 320, 3)),
    ('train', 'original', (480, 640, 3)),
    ('train', 'pipeline', None),
    ('val', 'transformed', (480, 640, 3)),
    ('val', 'original', (480, 640, 3)),
    ('val', 'pipeline', None),
])
def test_splits_and_phases(browse, split, phase, shape):
    num = 2 if shape else 1  # figures of steps take their time
    code, pictures, said = browse('--split', split, '--phase', phase, '--num',
                                  num)
    assert code == 0 and f'{num} pictures in' in said.out
    assert list(pictures) == [
        '00000_A172_Phase_A7_1_00.png', '00001_A172_Phase_A7_1_01.png'
    ][:num]
    for picture in pictures.values():
        assert shape in (None, picture.shape)
        assert colourful(picture) > 0.005


@pytest.mark.parametrize('loader', ['on_the_fly', 'wrapped'])
def test_other_data_sets(browse, loader):
    code, pictures, _ = browse('--num', 1, loader=loader)
    assert code == 0
    assert [colourful(picture) > 0.005
            for picture in pictures.values()] == [True]


def test_augmentation_is_the_same_for_the_same_seed(browse):
    pictures = [
        browse('--num', 1, '--overwrite', '--seed', seed)[1]
        for seed in (0, 0, 1)
    ]
    first, same, other = (next(iter(found.values())) for found in pictures)
    assert (first == same).all() and (first != other).any()


def test_nothing_is_overwritten_unless_asked(browse):
    _, before, _ = browse('--num', 1)
    code, after, said = browse('--num', 3, '--phase', 'original')
    assert code == 2
    assert '1 of 3 pictures exist already' in said.err
    assert '--overwrite' in said.err
    assert list(after) == list(before)
    code, after, _ = browse('--num', 9, '--phase', 'original', '--overwrite')
    assert code == 0 and len(after) == 3  # all that there are


def test_dropped_images_are_named(browse):
    code, pictures, said = browse('--num', 1, loader='dropping')
    assert (code, pictures) == (0, {})
    assert '00000_A172_Phase_A7_1_00: dropped by the pipeline' in said.err
    assert '0 pictures in' in said.out


def test_default_folder_is_in_the_work_dir(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_tool().main([str(config), '--num', '1']) == 0
    folder = tmp_path / 'work_dirs/config/browse/train_transformed'
    assert len(list(folder.iterdir())) == 1


def test_microscope_images_are_not_black(browse, tmp_path):
    for path in (tmp_path / 'data/images').iterdir():
        tifffile.imwrite(path, tifffile.imread(path).astype(np.uint16))
    _, pictures, _ = browse('--num', 1, '--phase', 'original')
    assert next(iter(pictures.values())).max() == 255


@pytest.mark.parametrize('args, message', [
    (['--split', 'test'], 'has no test_dataloader'),
    (['--num', 0], "at least 1, got '0'"),
    (['--num', -1], "at least 1, got '-1'"),
    (['--cfg-options', 'train_dataloader.dataset.num_point=3'], 'num_point'),
    (['--cfg-options', 'train_dataloader.dataset.ann_file=none.json'
      ], 'none.json'),
    (['--cfg-options', 'train_dataloader.dataset.num_points=9'], 'num_points'),
])
def test_errors_of_the_user(browse, args, message):
    code, pictures, said = browse(*args)
    assert (code, pictures) == (2, {})
    assert 'error: ' in said.err and message in said.err


def test_wrappers_have_no_pipeline(browse):
    code, pictures, said = browse('--phase', 'pipeline', loader='wrapped')
    assert (code, pictures) == (2, {})
    assert 'RepeatDataset' in said.err and "'transformed'" in said.err


def test_missing_config(tmp_path, capsys):
    assert load_tool().main([str(tmp_path / 'none.py')]) == 2
    assert 'none.py: no such config file' in capsys.readouterr().err


def test_a_broken_image_is_an_error_and_leaves_no_picture(browse, tmp_path):
    next((tmp_path / 'data/images').glob('*_00.tif')).write_bytes(b'II*')
    code, pictures, said = browse('--num', 1)
    assert (code, pictures) == (2, {})
    assert '_00.tif' in said.err
