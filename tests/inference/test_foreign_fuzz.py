"""Every registered class, everywhere in a stored config: none is built."""
import copy
import random

import pytest
import torch
from mmdet.registry import MODELS, TASK_UTILS
from mmengine import registry as root
from mmengine.registry import Registry

from pace_mmdet.engine.stored_config import checked, read_literals
from pace_mmdet.engine.stored_types import STORED_TYPES
from pace_mmdet.errors import UserError
from pace_mmdet.inference.detector import load_detector

from .test_foreign_checkpoints import EARLIER

LISTED = {name for names in STORED_TYPES.values() for name in names}


def registered():
    """Names in all registries that a model is built from, ours included."""
    MODELS.import_from_location()
    TASK_UTILS.import_from_location()
    found = set()
    for registry in (MODELS, TASK_UTILS, root.MODELS, root.TASK_UTILS,
                     root.FUNCTIONS, root.HOOKS, root.DATASETS,
                     root.TRANSFORMS, root.RUNNERS, root.WEIGHT_INITIALIZERS):
        found.update(registry.module_dict)
    return sorted(found)


NAMES = registered()


def test_there_is_something_to_try():
    assert len(NAMES) > 400
    assert {'CameraMotionCompensation', 'SingleStageDetector',
            'KnowledgeDistillationSingleStageDetector'} <= set(NAMES)


@pytest.mark.parametrize('place', [*STORED_TYPES, 'plugins', 'other'])
def test_each_class_in_each_place(place):
    for name in NAMES:
        for spelt in (name, f'mmdet.{name}', f'mmengine.{name}',
                      f'mmcv.{name}', f'mmpretrain.{name}'):
            part = dict(type=spelt)
            content = dict(model=part if place == 'model' else {
                'type': 'MaskRCNN', 'deeper': [{place: [part]}]})
            known = (name in STORED_TYPES.get(place, ())
                     and spelt in (name, f'mmdet.{name}'))
            try:
                checked(content, 'x.pth')
            except UserError:
                assert not known, spelt
            else:
                assert known, spelt


def nodes(value, found=None):
    """All dicts of a config."""
    found = [] if found is None else found
    if isinstance(value, dict):
        found.append(value)
    for child in value.values() if isinstance(value, dict) else (
            value if isinstance(value, (list, tuple)) else ()):
        nodes(child, found)
    return found


def mutate(content, chance):
    """Put classes, scopes, paths and nonsense anywhere."""
    content = copy.deepcopy(content)
    for _ in range(chance.randint(1, 2)):
        node = chance.choice(nodes(content['model']))
        values = [
            dict(type=chance.choice(NAMES), file='beside.pkl'),
            [dict(type=chance.choice(NAMES))], chance.choice(NAMES),
            'beside.py', 'beside', None, -1, 10**30, 0.5, [], {},
            (), True, dict(_scope_='beside', type='ResNet'),
        ]
        keys = [*node, *STORED_TYPES, 'type', '_scope_', 'init_cfg', 'name']
        node[chance.choice(keys)] = chance.choice(values)
    return content


@pytest.fixture
def asked(monkeypatch):
    """What any registry is asked for."""
    names = set()
    get = Registry.get

    def note(self, key):
        names.add(key)
        return get(self, key)

    monkeypatch.setattr(Registry, 'get', note)
    return names


@pytest.mark.parametrize('path', EARLIER, ids=lambda path: path.name)
def test_random_configs_build_nothing_else(tmp_path, monkeypatch, asked,
                                           path):
    (tmp_path / 'beside.py').write_text("open('bad', 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    checkpoint = torch.load(path, weights_only=True)
    content = read_literals(checkpoint['meta']['cfg'])
    load_detector(path, device='cpu')
    # What the classes on the list build of their own accord.
    allowed = LISTED | {name for name in asked}
    chance = random.Random(path.name)
    outcomes = {True: 0, False: 0}
    for _ in range(30):
        mutated = mutate(content, chance)
        checkpoint['meta']['cfg'] = '\n'.join(
            f'{name} = {value!r}' for name, value in mutated.items())
        torch.save(checkpoint, tmp_path / 'x.pth')
        try:
            load_detector(tmp_path / 'x.pth', device='cpu')
        except UserError:
            outcomes[False] += 1
        else:
            outcomes[True] += 1
        assert asked <= allowed
    assert not (tmp_path / 'bad').exists()
    # The fuzz has hit both what is refused and what is harmless.
    assert min(outcomes.values()) > 3
