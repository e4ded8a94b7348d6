"""Fig. 1 of any data with masks."""
import json
import runpy
import sys

import numpy as np
import pytest
import tifffile

from .conftest import CONFIG, ROOT

TOOL = str(ROOT / 'tools/analysis_tools/supervision.py')


@pytest.fixture
def run_here(hela_folder, monkeypatch, capsys):
    """The tool in this process: exit code and output."""

    def run(*arguments):
        monkeypatch.chdir(hela_folder)
        monkeypatch.setattr(sys, 'argv', [TOOL, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(TOOL, run_name='__main__')
        return ended.value.code, ''.join(capsys.readouterr())

    return run


def test_a_part_of_an_image(hela_folder, run_here):
    code, text = run_here(CONFIG, 'all.png', '--split', 'val')
    assert code == 0, text
    count = int(text.split(' cells of ')[0].split()[-1])
    code, text = run_here(CONFIG, 'part.png', '--split', 'val', '--num-points',
                          2, '--window', 0, 0, 60, 60)
    assert code == 0, text
    assert 0 < int(text.split(' cells of ')[0].split()[-1]) < count
    for name in ('all.png', 'part.png'):
        assert (hela_folder / name).stat().st_size > 5000


def test_an_image_annotated_in_part_and_a_plane(tmp_path, run_here):
    planes = np.zeros((2, 50, 60), np.uint8)
    tifffile.imwrite(tmp_path / 'a.tif', planes, photometric='minisblack')
    (tmp_path / 'part.json').write_text(json.dumps(dict(
        images=[dict(id=1, file_name='a.tif', height=50, width=60,
                     complete=[[0, 0, 40, 40]])],
        categories=[dict(id=1, name='cell')],
        annotations=[dict(id=1, image_id=1, category_id=1, iscrowd=0,
                          area=400, bbox=[5, 5, 20, 20], segmentation=[
                              [5, 5, 25, 5, 25, 25, 5, 25]])])))
    (tmp_path / 'c.py').write_text(
        "test_dataloader = dict(dataset=dict(type='CellMaskDataset', "
        "ann_file='part.json', test_mode=True, pipeline=[dict("
        f"type='LoadMicroscopyImage', page=1)], data_root='{tmp_path}'))")
    code, text = run_here(tmp_path / 'c.py', tmp_path / 'a.png')
    assert code == 0 and '1 cells of a.tif' in text


@pytest.mark.parametrize('arguments, message', [
    (('--split', 'train'), 'its train set has no masks'),
    (('--split', 'val', '--image', 'no.tif'), 'has no image no.tif'),
])
def test_what_is_not_there(run_here, arguments, message):
    code, text = run_here(CONFIG, 'x.png', *arguments)
    assert code == 2 and message in text
