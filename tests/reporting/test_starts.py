"""Starts of weights: read from the command line, told apart."""
from pathlib import Path

import pytest
import torch

from pace_mmdet.errors import UserError
from pace_mmdet.reporting.starts import (FINE_TUNING, Start, boxes_config,
                                         parse_start, weights_digest)

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
SMALL = CONFIGS / 'hela/pace_r18_hela_4pt.py'
LARGE = CONFIGS / 'pace/pace_r200_dcn_4pt.py'


def save(path, **others):
    torch.save(dict(state_dict=dict(a=torch.ones(2, 3), b=torch.tensor(4)),
                    **others), path)
    return path


def test_a_digest_is_of_the_weights_alone(tmp_path):
    first = weights_digest(save(tmp_path / 'a.pth', meta=dict(time='noon')))
    assert first == weights_digest(save(tmp_path / 'b.pth', iter=7))
    assert len(first) == 12
    for name, weights in (('c.pth', dict(a=torch.ones(3, 2),
                                         b=torch.tensor(4))),
                          ('d.pth', dict(a=torch.ones(2, 3),
                                         b=torch.tensor(5)))):
        torch.save(dict(state_dict=weights), tmp_path / name)
        assert weights_digest(tmp_path / name) != first


@pytest.mark.parametrize('text, config, kind, options', [
    (None, SMALL, 'scratch', {}),
    (None, LARGE, 'imagenet', {}),
    ('scratch', SMALL, 'scratch', {}),
    ('scratch', LARGE, 'scratch', {'model.backbone.init_cfg': None}),
    ('imagenet', LARGE, 'imagenet', {}),
    ('boxes', SMALL, 'boxes', FINE_TUNING),
])
def test_starts_without_a_file(text, config, kind, options):
    start = parse_start(text, config)
    assert (start.kind, start.digest, start.file) == (kind, '', None)
    assert start.options(config) == options


def test_a_file_for_each_folder(tmp_path):
    file = save(tmp_path / 'coco_pace.pth')
    start = parse_start(f'coco:{tmp_path}/coco_{{folder}}.pth', LARGE)
    assert start == Start('coco', weights_digest(file), file)
    assert str(start) == f'coco {start.digest}'
    assert start.options(LARGE) == {'model.backbone.init_cfg': None}


@pytest.mark.parametrize('text', ['coco', 'coco:', 'boxes:a.pth', 'other'])
def test_what_is_no_start(text):
    with pytest.raises(UserError, match='expected scratch, imagenet, boxes'):
        parse_start(text, SMALL)


def test_a_missing_file_is_told_with_the_command_that_makes_it():
    with pytest.raises(UserError) as error:
        parse_start('coco:no.pth', LARGE)
    assert ('detectron2_resnest.py mask_cascade_rcnn_ResNeSt_200_FPN_dcn_'
            'syncBN_all_tricks_3x-e1901134.pth no.pth --config '
            'configs/pace/pace_r200_dcn_4pt.py') in str(error.value)


def test_small_models_have_no_imagenet_weights():
    with pytest.raises(UserError, match='no ImageNet weights'):
        parse_start('imagenet', SMALL).options(SMALL)


def test_only_some_rows_have_a_boxes_config():
    assert boxes_config(SMALL).name == 'pace_r18_hela_boxes.py'
    with pytest.raises(UserError, match='no pace_r200_dcn_boxes.py'):
        boxes_config(LARGE)


@pytest.mark.parametrize('first, second, agree', [
    (Start('boxes', 'a'), Start('boxes', 'a'), True),
    (Start('boxes', 'a'), Start('boxes', 'b'), False),
    (Start('boxes', 'a'), Start('boxes'), True),
    (Start('weights', 'a'), Start('coco', 'a'), True),
    (Start('scratch'), Start('imagenet'), False),
])
def test_agreement(first, second, agree):
    assert first.agrees(second) == second.agrees(first) == agree
