"""Fig. 1 of any data with masks."""
import runpy
import sys

import pytest

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


@pytest.mark.parametrize('arguments, message', [
    (('--split', 'train'), 'its train set has no masks'),
    (('--split', 'val', '--image', 'no.tif'), 'has no image no.tif'),
])
def test_what_is_not_there(run_here, arguments, message):
    code, text = run_here(CONFIG, 'x.png', *arguments)
    assert code == 2 and message in text
