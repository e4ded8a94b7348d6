"""The config that a checkpoint carries, read without running anything.

mmengine stores the resolved config as Python source, and reading it back as
such would run whatever a file from elsewhere holds. Here only what a resolved
config consists of is understood: names set to literals and ``dict(...)``. A
registry also takes the path of any function for a class (``type=
'os.system'``), and ``custom_imports`` imports any module: both must name what
belongs to the project.
"""
import ast
import importlib
import re
from pathlib import Path
from typing import Any, Iterator, Union

from mmengine.config import Config

from pace_mmdet.errors import UserError

_MODULES = ('pace_mmdet', 'mmdet', 'mmcv', 'mmengine', 'mmpretrain')
# A registered name, alone or behind a scope. Those of mmcv and mmengine are
# left out: their packages have functions that read pickles.
_REGISTERED = re.compile(r'((mmdet|mmpretrain)\.)?\w+')


def stored_config(checkpoint: dict,
                  path: Union[str, Path],
                  trust: bool = False) -> Config:
    """The config of the run that a checkpoint is from.

    Args:
        checkpoint (dict): What the file holds.
        path (str or Path): The file, for messages.
        trust (bool): Whether to run whatever code the config holds.

    Returns:
        Config: With the modules of its ``custom_imports`` imported.

    Raises:
        UserError: There is none, or it holds more than data and ``trust`` is
            False.
    """
    text = (checkpoint.get('meta') or {}).get('cfg')
    if not isinstance(text, str):
        raise UserError(f'{path}: carries no config of its own; give the '
                        'config that it was trained with: --config FILE')
    if trust:
        return Config.fromstring(text, '.py')
    advice = ('give the config as a file that you trust (--config FILE), or '
              'if you trust the checkpoint, --trust-checkpoint')
    try:
        content = read_literals(text)
    except (SyntaxError, ValueError) as error:
        raise UserError(f'{path}: the config in it is not read: {error}; '
                        f'{advice}') from None
    foreign = sorted(set(foreign_names(content)))
    if foreign:
        raise UserError(f'{path}: the config in it names code from outside '
                        f'the project: {", ".join(foreign)}; {advice}')
    for module in _imports(content):
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise UserError(f'{path}: its config needs {module}, which '
                            f'cannot be imported: {error}') from None
    return Config(content)


def read_literals(text: str) -> dict:
    """Read assignments of literals and ``dict(...)`` from Python source.

    Args:
        text (str): The source, for example ``a = dict(b=[1, 2])``.

    Returns:
        dict: By name.

    Raises:
        SyntaxError: If it is no Python source.
        ValueError: If it holds anything else; the message says where.
    """
    content = {}
    for node in ast.parse(text).body:
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)):
            raise ValueError(f'line {node.lineno} is no assignment to a name')
        content[node.targets[0].id] = _value(node.value)
    return content


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        named = [keyword for keyword in node.keywords if keyword.arg]
        if (isinstance(node.func, ast.Name) and node.func.id == 'dict'
                and not node.args and len(named) == len(node.keywords)):
            return {item.arg: _value(item.value) for item in named}
        raise ValueError(f'line {node.lineno} holds a call: '
                         f'{ast.unparse(node)[:60]}')
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {
            ast.literal_eval(key): _value(value)
            for key, value in zip(node.keys, node.values)
        }
    if isinstance(node, (ast.List, ast.Tuple)):
        values = [_value(item) for item in node.elts]
        return values if isinstance(node, ast.List) else tuple(values)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError(f'line {node.lineno} holds more than data: '
                         f'{ast.unparse(node)[:60]}') from None


def foreign_names(content: dict) -> Iterator[str]:
    """What a config names that is no class of the project's packages."""
    for module in _imports(content):
        if str(module).partition('.')[0] not in _MODULES:
            yield f'custom_imports {module}'
    # Nothing else of a stored config is built.
    yield from _foreign_types(content.get('model'))


def _imports(content: dict) -> list:
    imports = (content.get('custom_imports') or {}).get('imports') or []
    return [imports] if isinstance(imports, str) else list(imports)


def _foreign_types(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        name = value.get('type')
        if name is not None and not (isinstance(name, str)
                                     and _REGISTERED.fullmatch(name)):
            yield f'type={name!r}'
        children = value.values()
    elif isinstance(value, (list, tuple)):
        children = value
    else:
        return
    for child in children:
        yield from _foreign_types(child)
