import pytest
from mmengine.config import Config

from pace_mmdet.engine import merge_options
from pace_mmdet.errors import UserError

TEXT = dict(
    data_root='data/x/',
    model=dict(
        type='M',
        backbone=dict(type='ResNet', depth=50),
        heads=[dict(channels=8), dict(channels=8)]),
    train_dataloader=dict(batch_size=2, dataset=dict(data_root='data/x/')),
    train_cfg=dict(max_iters=100, val_interval=10),
    load_from=None)


def _config():
    return Config(TEXT)


@pytest.mark.parametrize('key, value, read', [
    ('model.backbone.depth', 101, lambda c: c.model.backbone.depth),
    ('model.heads.1.channels', 4, lambda c: c.model.heads[1].channels),
    ('train_cfg', dict(max_iters=3), lambda c: c.train_cfg.max_iters),
    ('load_from', 'x.pth', lambda c: c.load_from),
    ('randomness.seed', 3, lambda c: c.randomness.seed),
    ('find_unused_parameters', True, lambda c: c.find_unused_parameters),
])
def test_keys_that_exist_or_that_a_runner_reads(key, value, read):
    cfg = _config()
    merge_options(cfg, {key: value})
    assert read(cfg) == (3 if key == 'train_cfg' else value)


@pytest.mark.parametrize('key, expected', [
    ('model.backbone.dept', 'model.backbone.depth'),
    ('modl.backbone.depth', 'model.backbone.depth'),
    ('max_iters', 'train_cfg.max_iters'),
    ('train_config.max_iters', 'train_cfg.max_iters'),
    ('model.heads.2.channels', 'model.heads.1.channels'),
    ('data_root', 'train_dataloader.dataset.data_root'),
])
def test_keys_without_effect_are_errors(key, expected):
    cfg = _config()
    with pytest.raises(UserError) as caught:
        merge_options(cfg, {key: 1})
    assert repr(key) in str(caught.value)
    assert expected in str(caught.value)
    assert cfg.to_dict() == Config(TEXT).to_dict()


def test_all_faults_at_once():
    with pytest.raises(UserError, match='(?s)dpth.*iterz'):
        merge_options(_config(), {'model.dpth': 1, 'train_cfg.iterz': 2})


def test_new_keys_on_demand():
    cfg = _config()
    merge_options(cfg, {'model.backbone.with_cp': True}, allow_new=True)
    assert cfg.model.backbone.with_cp is True


def test_a_path_through_a_number():
    with pytest.raises(UserError, match='--cfg-options'):
        merge_options(_config(), {'train_cfg.max_iters.x': 1}, allow_new=True)


@pytest.mark.parametrize('evaluator, key, expected', [
    (dict(ann_file='data/x/all.json'), 'test_dataloader.dataset.ann_file',
     'data/x/new'),
    # The same file, written differently.
    (dict(ann_file='data/./x//all.json'), 'test_dataloader.dataset.ann_file',
     'data/x/new'),
    ([dict(ann_file='data/x/all.json')], 'test_dataloader.dataset.ann_file',
     'data/x/new'),
    (dict(ann_file='data/x/all.json'), 'test_dataloader.dataset.data_root',
     'new/all.json'),
    # It reads another file on purpose, or is given one.
    (dict(ann_file='data/x/truth.json'), 'test_dataloader.dataset.ann_file',
     'data/x/truth.json'),
    (dict(ann_file='data/x/all.json'), 'test_evaluator.ann_file', 'new'),
    (dict(type='Other'), 'test_dataloader.dataset.ann_file', None),
])
def test_an_evaluator_follows_its_loader(evaluator, key, expected):
    cfg = Config(
        dict(
            test_dataloader=dict(
                dataset=dict(data_root='data/x/', ann_file='all.json')),
            test_evaluator=evaluator))
    merge_options(cfg, {key: 'new'})
    found = cfg.test_evaluator
    found = found[0] if isinstance(found, list) else found
    assert found.get('ann_file') == expected


@pytest.mark.parametrize('options, ends', [
    ({'train_cfg.max_iters': 300}, [20, 300]),
    ({'train_cfg.max_iters': 300, 'param_scheduler.1.end': 200}, [20, 200]),
    ({'train_cfg.max_iters': 500}, [20, 500]),
    # Also where it is said to be what it was.
    ({'train_cfg.max_iters': 900, 'param_scheduler.1.end': 500}, [20, 500]),
    ({'train_cfg.max_iters': 900, 'param_scheduler.1': dict(end=500)},
     [20, 500]),
    ({'train_cfg.max_iters': 900, 'param_scheduler.0.end': 9}, [9, 900]),
    ({'train_cfg': dict(_delete_=True, max_epochs=3)}, [20, 500]),
    ({'train_cfg.max_iters': 3}, [20, 21]),
    ({'train_cfg.val_interval': 7}, [20, 500]),
])
def test_the_learning_rate_falls_until_the_run_ends(options, ends):
    cfg = Config(dict(
        train_cfg=dict(max_iters=500, val_interval=500),
        param_scheduler=[dict(type='LinearLR', end=20),
                         dict(type='CosineAnnealingLR', begin=20, end=500)]))
    merge_options(cfg, options)
    assert [part.end for part in cfg.param_scheduler] == ends


@pytest.mark.parametrize('options, message', [
    ({'train_cfg.max_iters': 'many'}, "max_iters: expected .* got 'many'"),
    ({'train_cfg.max_iters': None}, 'max_iters: expected .* got None'),
    ({'train_cfg.max_iters': 0}, 'max_iters: expected .* got 0'),
    ({'train_cfg': 5}, 'train_cfg: expected settings .* got 5'),
])
def test_lengths_that_are_none(options, message):
    with pytest.raises(UserError, match=message):
        merge_options(_config(), options)
