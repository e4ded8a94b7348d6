"""From a published checkpoint to scores and training, as a user does it."""
import json
import runpy
import sys
from pathlib import Path

import pytest
import torch

from pace_mmdet.engine import load_checkpoint_file
from pace_mmdet.testing import write_synthetic_coco
from tests.converters.conftest import SMALL, small_config
from tests.converters.published import (cell_anchors, published_shapes,
                                        seeded_weights)
from tests.engine.processes import ROOT, run_tool_forked

TOOL = ROOT / 'tools/model_converters/detectron2_resnest.py'


def convert(monkeypatch, *args):
    """Run the tool; gives its exit code."""
    monkeypatch.setattr(sys, 'argv', [TOOL.name, *map(str, args)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(TOOL), run_name='__main__')
    return ended.value.code or 0


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A small published model, its config, and two data sets beside it."""
    folder = tmp_path_factory.mktemp('published')
    torch.save(
        dict(model={
            **seeded_weights(published_shapes(**SMALL)),
            **cell_anchors()
        }), folder / 'published.pth')
    write_synthetic_coco(folder, 2, 5, 52, 70)
    coco = json.loads((folder / 'annotations.json').read_text())
    coco['images'] = coco['images'][:1]
    coco['annotations'] = [
        ann for ann in coco['annotations'] if ann['image_id'] == 1
    ]
    (folder / 'a172.json').write_text(json.dumps(coco))
    cfg = small_config()
    for phase in ('train', 'val', 'test'):
        loader = cfg[f'{phase}_dataloader']
        loader.update(num_workers=0, persistent_workers=False)
        loader.dataset.update(
            data_root=str(folder),
            ann_file='annotations.json',
            data_prefix=dict(img='images/'))
        for step in loader.dataset.pipeline:
            if step.type == 'Resize':
                step.scale = (133, 80)
            elif step.type == 'RandomChoiceResize':
                step.scales = [(133, 64)]
    for phase in ('val', 'test'):
        cfg[f'{phase}_evaluator'].ann_file = str(folder / 'annotations.json')
    cfg.train_cfg.max_iters = 1
    cfg.model.train_cfg.rpn_proposal.max_per_img = 40
    cfg.model.test_cfg.rpn.max_per_img = 40
    cfg.work_dir = str(folder / 'run')
    cfg.dump(folder / 'small.py')
    return folder


def test_convert_score_and_fine_tune(folder, monkeypatch, capfd):
    config, out = folder / 'small.py', folder / 'ours.pth'
    code = convert(monkeypatch, folder / 'published.pth', out, '--config',
                   config)
    said = capfd.readouterr()
    assert code == 0, said.err
    assert f'{out}: for {config}\n  used ' in said.out

    predictions = folder / 'predictions.json'
    code = run_tool_forked('test', config, out, '--out', predictions)
    said = capfd.readouterr()
    assert code == 0, said.err
    assert 'livecell/segm_AP' in said.out
    assert {p['image_id'] for p in json.loads(predictions.read_text())
            } == {1, 2}

    # Another annotation file, by one key.
    code = run_tool_forked(
        'test', config, out, '--cfg-options',
        'test_dataloader.dataset.ann_file=a172.json', '--out', predictions)
    said = capfd.readouterr()
    assert code == 0, said.err
    assert {p['image_id'] for p in json.loads(predictions.read_text())} == {1}

    code = run_tool_forked('train', config, '--load-from', out)
    said = capfd.readouterr()
    assert code == 0, said.err
    trained = load_checkpoint_file(folder / 'run/iter_1.pth')['state_dict']
    assert set(trained) == set(load_checkpoint_file(out)['state_dict'])


@pytest.mark.parametrize('args, expected', [
    (['none.pth', 'out.pth'], 'error: none.pth: no such checkpoint file'),
    (['a.pth', 'out.pth', '--config', 'none.py'],
     'error: none.py: no such config file'),
    (['text.pth', 'out.pth'], 'error: text.pth: not a checkpoint, or damaged'),
    (['a.pth', 'out.pth'], 'error: a.pth: is not the model of '),
])
def test_errors_are_no_traceback(tmp_path, monkeypatch, capsys, args,
                                 expected):
    monkeypatch.chdir(tmp_path)
    torch.save(dict(model={'a': torch.zeros(1)}), 'a.pth')
    Path('text.pth').write_text('hello')
    assert convert(monkeypatch, *args) == 2
    error = capsys.readouterr().err
    assert error.startswith(expected) and 'Traceback' not in error
    assert not Path('out.pth').exists()
