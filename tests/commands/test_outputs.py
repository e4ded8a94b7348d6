"""Outputs that are inputs, or that cannot be written: said, nothing lost."""
import json

import numpy as np
import pytest
import tifffile

from pace_mmdet.annotate import Project
from pace_mmdet.commands.running import run_command
from pace_mmdet.testing import write_synthetic_coco

CONFIG = '''
model = dict(type='x')
test_evaluator = dict(type='LIVECellMetric', ann_file='masks.json')
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Small inputs of all commands, in the current folder."""
    write_synthetic_coco(tmp_path, 1, 3, 40, 60).rename(
        tmp_path / 'masks.json')
    (tmp_path / 'found.json').write_text('[]')
    for name in ('img', 'lab'):
        (tmp_path / name).mkdir()
        tifffile.imwrite(tmp_path / name / 'a.tif', np.ones((40, 60), 'u1'))
    Project(tmp_path / 'img', tmp_path / 'p.db').close()
    for name in ('x.pth', 'x.npz'):
        (tmp_path / name).write_bytes(b'x')
    (tmp_path / 'x.py').write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob('*')
            if path.is_file()}


@pytest.mark.parametrize('line', [
    'data_points masks.json masks.json',
    'data_points masks.json img/../masks.json',
    'data_import img found.json --out found.json',
    'data_labels img lab --out img/a.tif',
    'data_labels img lab --out lab/a.tif',
    'score masks.json found.json --out masks.json',
    'score masks.json found.json --out found.json',
    'test x.py x.pth --out masks.json',
    'quality x.py x.pth --out x.pth',
    'quality x.py x.pth --against x.npz --out x.npz',
    'convert x.pth x.pth --config x.py',
    'annotate img --db p.db --export p.db',
    'annotate img --db p.db --boxes masks.json --export masks.json',
    'annotate img --db p.db --boxes val.json --export x.json --val 1',
    'compare masks.json images found.json --out-dir images --overwrite',
])
def test_an_input_is_not_replaced(folder, capsys, line):
    (folder / 'val.json').write_text('{}')
    if line.startswith('compare'):
        # A picture is named after its image.
        text = (folder / 'masks.json').read_text()
        coco = json.loads(text)
        image = folder / 'images' / coco['images'][0]['file_name']
        coco['images'][0]['file_name'] = f'{image.stem}.png'
        (folder / 'masks.json').write_text(json.dumps(coco))
        image.rename(image.with_suffix('.png'))
    before = contents(folder)
    command, *args = line.split()
    assert run_command(f'pace_mmdet.commands.{command}', args) == 2
    assert 'is an input (' in capsys.readouterr().err
    assert contents(folder) == before


@pytest.mark.parametrize('out', ['img', 300 * 'n' + '.json', 'x.py/x.json'])
@pytest.mark.parametrize('line', ['data_points masks.json', 'score masks.json '
                                  'found.json --out'])
def test_what_cannot_be_written_to(folder, capsys, line, out):
    before = contents(folder)
    command, *args = [*line.split(), out]
    assert run_command(f'pace_mmdet.commands.{command}', args) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith('error: ') and out.split('/')[0] in said
    assert '.tmp' not in said
    assert contents(folder) == before
