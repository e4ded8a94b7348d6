"""Parts of the page's JavaScript, without a browser."""
import re
import subprocess
from pathlib import Path

import playwright
import pytest

UNITS = sorted((Path(__file__).parent / 'units').glob('*.test.mjs'))
DRIVER = Path(playwright.__file__).parent / 'driver'


@pytest.fixture(scope='module')
def node():
    """The Node that the playwright package brings."""
    for name in ('node', 'node.exe'):
        if (DRIVER / name).is_file():
            return DRIVER / name
    pytest.skip(f'this playwright package has no Node in {DRIVER}')


def test_there_are_some():
    assert {'grid.test.mjs', 'clock.test.mjs'} <= {
        path.name for path in UNITS}


@pytest.mark.parametrize('path', UNITS, ids=lambda path: path.name)
def test_unit(node, path):
    done = subprocess.run(
        [node, '--test', '--test-reporter=tap', path],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    # Without any test Node is content as well.
    counts = dict(re.findall(r'^# (\w+) (\d+)$', done.stdout, re.M))
    assert counts['pass'] == counts['tests'] > '0'
