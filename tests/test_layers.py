"""Imports run one way: down the order of layers of CONTRIBUTING.md."""
import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / 'pace_mmdet'
# Each may import what stands before it.
ORDER = [
    'import_hooks', 'errors', 'files', 'config_files', 'images', 'masks',
    'points', 'coco', 'sources', 'ops', 'structures', 'datasets', 'models',
    'evaluation', 'engine', 'converters', 'visualization', 'inference',
    'register', 'reporting', 'testing', 'annotate', 'napari', 'recipes',
    'commands', '__main__'
]
# Siblings that must not know of each other.
APART = [('images', 'masks'), ('datasets', 'models'), ('ops', 'structures')]
ANNOTATE = {'errors', 'files', 'images', 'masks', 'points', 'coco'}
# What the rooms before ``ops`` and the annotation page do without.
HEAVY = {'torch', 'mmdet', 'mmcv', 'mmengine'}


def modules():
    paths = sorted(PACKAGE.rglob('*.py'))
    assert paths
    return paths


def room_of(path):
    parts = path.relative_to(PACKAGE).with_suffix('').parts
    return parts[0]


def imported(path):
    """Absolute names of what a module imports, with line numbers."""
    package = ('pace_mmdet', *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            kept = len(package) - node.level + 1
            base = package[:kept] if node.level else ()
            name = '.'.join([*base, *filter(None, [node.module])])
            if name == 'pace_mmdet':
                yield from ((f'{name}.{alias.name}', node.lineno)
                            for alias in node.names)
            else:
                yield name, node.lineno


def rooms_used(path):
    for name, line in imported(path):
        top, _, rest = name.partition('.')
        if top == 'pace_mmdet' and rest:
            yield rest.split('.')[0], line


def test_every_room_has_its_place():
    rooms = {room_of(path) for path in modules()} - {'__init__'}
    assert rooms <= set(ORDER)


@pytest.mark.parametrize('path', modules(), ids=str)
def test_imports_run_down(path):
    room = room_of(path)
    if room == '__init__':
        return
    wrong = []
    for other, line in rooms_used(path):
        if other == room:
            continue
        up = ORDER.index(other) > ORDER.index(room)
        apart = any({room, other} == set(pair) for pair in APART)
        beside = room == 'annotate' and other not in ANNOTATE
        if up or apart or beside:
            wrong.append(f'{path.name}:{line} imports {other}')
    if room == 'annotate' or ORDER.index(room) < ORDER.index('ops'):
        wrong += [f'{path.name}:{line} imports {name}'
                  for name, line in imported(path)
                  if name.split('.')[0] in HEAVY]
    assert not wrong
