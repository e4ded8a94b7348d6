import pytest
from mmengine.config import Config

from pace_mmdet.engine.data_check import check_data, missing_data
from pace_mmdet.errors import UserError


def _config(root, **extra):
    dataset = dict(
        data_root=str(root), ann_file='a.json', data_prefix=dict(img='images'))
    return Config(
        dict(
            train_dataloader=dict(
                dataset=dict(type='RepeatDataset', dataset=dataset)),
            val_dataloader=dict(dataset=dict(datasets=[dataset, dataset])),
            val_evaluator=dict(type='X', ann_file=str(root / 'b.json')),
            test_dataloader=dict(
                dataset=dict(
                    ann_file='s3://bucket/a.json', data_prefix=dict(img=''))),
            test_evaluator=[dict(type='X')],
            **extra))


def test_all_that_is_missing_once(tmp_path):
    paths = missing_data(_config(tmp_path), ('train', 'val'))
    assert paths == [str(tmp_path / n) for n in ('a.json', 'images', 'b.json')]


def test_what_is_there_or_elsewhere(tmp_path):
    for name in ('a.json', 'b.json'):
        (tmp_path / name).touch()
    (tmp_path / 'images').mkdir()
    check_data(_config(tmp_path), ('train', 'val', 'test'))


def test_no_such_split():
    assert missing_data(Config({}), ('train', 'val', 'test')) == []


@pytest.mark.parametrize('extra, advice', [
    (dict(data_command='python get.py'), 'python get.py'),
    ({}, 'data/README.md'),
])
def test_the_error_says_how_to_get_it(tmp_path, extra, advice):
    with pytest.raises(UserError) as caught:
        check_data(_config(tmp_path, **extra), ('train', ))
    assert 'a.json' in str(caught.value) and advice in str(caught.value)
