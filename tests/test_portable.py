"""What runs on Linux runs on Windows and macOS, as far as text shows it.

Nothing outside the benchmarks is there for POSIX systems alone, and text
files name their encoding, which is not UTF-8 everywhere.
"""
import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path for folder in ('pace_mmdet', 'configs', 'tools')
    for path in (ROOT / folder).rglob('*.py')
    if 'benchmarks' not in path.parts and path.stem != 'benchmarking')
MODULES = {'fcntl', 'grp', 'posix', 'pty', 'pwd', 'resource', 'syslog',
           'termios', 'tty'}
# Of os and signal.
NAMES = {'fork', 'forkpty', 'geteuid', 'getpgid', 'getuid', 'killpg', 'mkfifo',
         'nice', 'setsid', 'sysconf', 'uname', 'wait', 'waitpid', 'SIGALRM',
         'SIGHUP', 'SIGKILL', 'SIGPIPE', 'SIGUSR1', 'SIGUSR2', 'alarm'}
TEXT = re.compile(r'(/proc|/dev|/tmp|/usr|/etc|/bin)(/|$)|\.venv/|^fork$')
# There beside the one of other systems.
ALLOWED = [('configs/_base_/runtime.py', 'fork')]


def posix_only(tree):
    """Names and texts of a module that Windows has not, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = MODULES.intersection(
                alias.name.split('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found = MODULES.intersection([(node.module or '').split('.')[0]])
            if node.module in ('os', 'signal'):
                found |= NAMES.intersection(a.name for a in node.names)
        elif isinstance(node, ast.Attribute):
            of = getattr(node.value, 'id', None)
            found = {node.attr} & NAMES if of in ('os', 'signal') else ()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = [node.value] if TEXT.search(node.value) else ()
        else:
            continue
        for name in found:
            yield name, node.lineno


def test_what_is_looked_for():
    code = ('import os, fcntl\nfrom os import fork, path\nos.getuid()\n'
            'open("/proc/meminfo")\nstart = "fork"\n"a/.venv/bin"\n'
            'os.path.join("fork is fine", "/developers")\n')
    found = sorted(line for _, line in posix_only(ast.parse(code)))
    assert found == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize('path', FILES, ids=str)
def test_no_parts_of_posix_systems_alone(path):
    name = path.relative_to(ROOT).as_posix()
    found = [(part, line)
             for part, line in posix_only(ast.parse(path.read_text('utf-8')))
             if (name, part) not in ALLOWED]
    assert not found


def without_encoding(tree):
    """Lines of a module where text is read or written as the system likes."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, 'attr', getattr(node.func, 'id', None))
        mode = node.args[1] if len(node.args) > 1 else ast.Constant('r')
        named = any(key.arg == 'encoding' for key in node.keywords)
        if not named and (
                name == 'read_text' and not node.args
                or name == 'write_text' and len(node.args) < 2
                or isinstance(node.func, ast.Name) and name == 'open'
                and 'b' not in getattr(mode, 'value', '')):
            yield node.lineno


def test_what_is_text():
    code = ('open(p)\nopen(p, "w")\np.read_text()\np.write_text(x)\n'
            'open(p, "rb")\nopen(p, encoding="utf-8")\n'
            'p.read_text("utf-8")\np.write_text(x, encoding="utf-8")\n')
    assert list(without_encoding(ast.parse(code))) == [1, 2, 3, 4]


@pytest.mark.parametrize('path', FILES, ids=str)
def test_text_names_its_encoding(path):
    assert not list(without_encoding(ast.parse(path.read_text('utf-8'))))
