"""Parts of the page's JavaScript, without a browser."""
import re
import subprocess
from pathlib import Path

import playwright
import pytest

HERE = Path(__file__).parent
STATIC = HERE.parents[1] / 'pace_mmdet/annotate/static'
UNITS = sorted((HERE / 'units').glob('*.test.mjs'))
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


@pytest.fixture(scope='module')
def check_types(node):
    """Runs the compiler of TypeScript, which only checks here."""
    compiler = HERE / 'node_modules/typescript/bin/tsc'
    if not compiler.is_file():
        pytest.skip('the types of the page are checked with a package of npm: '
                    'npm ci --prefix tests/annotate')

    def run(*args):
        return subprocess.run([node, compiler, *args], capture_output=True,
                              text=True, timeout=120)

    return run


def test_types(check_types):
    done = check_types('-p', HERE, '--listFiles')
    assert done.returncode == 0, done.stdout
    checked = {Path(line).name for line in done.stdout.splitlines()}
    assert {path.name for path in STATIC.glob('*.js')} <= checked


def test_modes_that_are_none(check_types, tmp_path):
    path = tmp_path / 'bad.js'
    interface = f"{STATIC.as_posix()}/mode.js"
    path.write_text(
        f"import {{ IdleMode }} from '{interface}';\n"
        'class Odd extends IdleMode { key() { return 3; } }\n'
        f"/** @type {{import('{interface}').Mode[]}} */\n"
        'export const modes = [new Odd(null), { hints: [] }];\n')
    done = check_types('--noEmit', '--allowJs', '--checkJs', '--target',
                       'es2022', '--module', 'es2022', path)
    assert done.returncode
    for fault in ("'number' is not assignable to type 'boolean'",
                  'missing the following properties'):
        assert fault in done.stdout
