"""The config that a checkpoint carries, read without running anything.

mmengine stores the resolved config as Python source, and reading it back as
such would run whatever a file from elsewhere holds. Here only what a resolved
config consists of is understood: names set to literals and ``dict(...)``. Of
these, the model is built; a registry takes any class, imports what it does
not know by name, and changes to the scope of any package. So only the classes
of :data:`~.stored_types.STORED_TYPES` pass, each in its place, in
MMDetection's scope; nothing else that the config says is imported.
"""
import ast
import re
from pathlib import Path
from typing import Any, Union

from mmengine.config import Config

from pace_mmdet.errors import Faults, UserError

from .stored_types import STORED_TYPES

SCOPE = 'mmdet'
# How a model is initialised before its weights are loaded: by files.
_LEFT_OUT = ('init_cfg', 'pretrained')
# Options such as 'caffe'; neither a path nor an address.
_OPTION = re.compile(r'[\w -]*')
_ADVICE = ('give the config as a file that you trust (--config FILE), or, if '
           'you trust the checkpoint, --trust-checkpoint')


def stored_config(checkpoint: dict,
                  path: Union[str, Path],
                  trust: bool = False) -> Config:
    """The config of the run that a checkpoint is from.

    Args:
        checkpoint (dict): What the file holds.
        path (str or Path): The file, for messages.
        trust (bool): Whether to run whatever code the config holds.

    Returns:
        Config: Its ``custom_imports`` are not followed: what it may name is
        registered by ``pace_mmdet.register``.

    Raises:
        UserError: There is none, or ``trust`` is False and it holds more
            than data or has more built than is on the list.
    """
    text = (checkpoint.get('meta') or {}).get('cfg')
    if not isinstance(text, str):
        raise UserError(f'{path}: carries no config of its own; give the '
                        'config that it was trained with: --config FILE')
    if trust:
        return Config.fromstring(text, '.py')
    try:
        content = read_literals(text)
    # MemoryError is the parser's word for too many brackets.
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(f'{path}: the config in it is not read: '
                        f'{error or type(error).__name__}; {_ADVICE}') \
            from None
    try:
        return Config(checked(content, path))
    # Names that mmengine keeps for itself.
    except KeyError as error:
        raise UserError(f'{path}: the config in it is not read: {error}; '
                        f'{_ADVICE}') from None


def checked(content: dict, path: Union[str, Path]) -> dict:
    """A stored config of which nothing but known classes is built.

    Args:
        content (dict): What it says. Not changed.
        path (str or Path): The checkpoint, for messages.

    Returns:
        dict: The same, without what initialises the model, and without
        scopes inside it.

    Raises:
        UserError: Names all that is not on the list.
    """
    faults = Faults(f'{path}: the config in it', UserError)
    scope = content.get('default_scope', SCOPE)
    if scope not in (SCOPE, None):
        faults.add(f'default_scope = {scope!r}, expected {SCOPE!r}')
    model = content.get('model') or {}
    if isinstance(model, dict):
        model = _checked_part(model, 'model', 'model', faults)
    else:
        faults.add(f'model is a {type(model).__name__}, expected a dict')
    faults.raise_if_any(
        'Without your word for it, only detectors of kinds that are known '
        f'here are built from a checkpoint; {_ADVICE}')
    return {**content, 'default_scope': SCOPE, 'model': model}


def _checked_part(value: Any, place: str, where: str, faults: Faults) -> Any:
    """A copy of a part of the model; ``place`` is the nearest key above."""
    if isinstance(value, (list, tuple)):
        return type(value)(
            _checked_part(item, place, f'{where}[{k}]', faults)
            for k, item in enumerate(value))
    if isinstance(value, str) and not _OPTION.fullmatch(value):
        faults.add(f'{where} = {value[:80]!r}, expected no path')
    if not isinstance(value, dict):
        return value
    if value.get('_scope_', SCOPE) != SCOPE:
        faults.add(f'{where}._scope_ = {value["_scope_"]!r}, expected '
                   f'{SCOPE!r}')
    copy = {
        key: _checked_part(item, key, f'{where}.{key}', faults)
        for key, item in value.items()
        if key not in (*_LEFT_OUT, '_scope_', 'type')
    }
    if 'type' in value:
        name = value['type']
        if isinstance(name, str):
            name = name.removeprefix(f'{SCOPE}.')
        # A list would compare, too, but is no name.
        if not (isinstance(name, str) and name in STORED_TYPES.get(place, ())):
            faults.add(f'{where}.type = {str(value["type"])[:80]!r}, expected '
                       + (f'one of {", ".join(STORED_TYPES[place])}' if place
                          in STORED_TYPES else 'nothing to be built there'))
        copy['type'] = name
    return copy


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
