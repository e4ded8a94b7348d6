"""What rounds are scored on, and which model is the best."""
import pytest

from pace_mmdet.annotate import changes, rounds, training

from .conftest import mark
from .fake_model import write_found, write_model
from .test_models import (annotate, fake, folder_of, state,  # noqa: F401
                          train, trained, wait)

ON_2, ON_3 = [[2, True]], [[3, True]]


def row(number, score=0.5, validation=ON_2, is_fair=True, **outcome):
    """A round that has ended."""
    outcome.setdefault('checkpoint', 'run/best.pth')
    if score is not None:
        outcome['score'] = score
    return dict(id=number, outcome=outcome, settings=dict(
        validation=validation, is_fair=is_fair, seen=[1]))


EARLIER = dict(id=1, outcome=dict(checkpoint='run/best.pth', score=0.99),
               settings=dict(iterations=300))


@pytest.mark.parametrize(('known', 'best', 'compared'), [
    ([], None, []),
    ([dict(id=1, outcome={}, settings={})], None, []),
    ([EARLIER], 1, []),
    ([row(1, 0.8), row(2, 0.7)], 1, [1, 2]),
    ([row(1, 0.7), row(2, 0.8)], 2, [1, 2]),
    ([row(1, 0.7), row(2, 0.7)], 2, [1, 2]),
    # Of other images, of a model that had seen them, or of nobody knows what.
    ([row(1, 0.9, ON_3), row(2, 0.5)], 2, [2]),
    ([row(1, 0.9, is_fair=False), row(2, 0.5)], 2, [2]),
    ([EARLIER, row(2, 0.5)], 2, [2]),
    ([row(1, 0.9), row(2, 0.5, is_fair=False)], 1, [1]),
    ([row(1, 0.9), EARLIER], 1, []),
    # Stopped before it was scored: the one that is known to be good.
    ([row(1, 0.4), row(2, None)], 1, [1]),
    ([row(1, None), row(2, None)], 2, []),
    # Without a checkpoint there is no model, whatever its score.
    ([row(1, 0.4), row(2, 0.9, checkpoint='')], 1, [1]),
    ([row(1, 0.9), row(2, 0.4, ON_3), row(3, 0.5), row(4, 0.6)], 1,
     [1, 3, 4]),
])
def test_which_model_is_the_best(known, best, compared):
    found = rounds.best_round(known)
    assert found is best or found['id'] == best
    assert [row['id'] for row in rounds.compared_rounds(known)] == compared


def settings(seen, validation=(), is_fair=True):
    return dict(settings=dict(seen=seen, validation=list(validation),
                              is_fair=is_fair))


PART = dict(id=1, complete=[[60, 0, 20, 60]])
REST = dict(id=1, complete=[[0, 0, 60, 60]])


@pytest.mark.parametrize(('train', 'val', 'start', 'seen', 'is_fair'), [
    ([dict(id=1)], dict(id=2), None, [1], True),
    ([dict(id=3)], dict(id=2), settings([1], ON_2), [1, 3], True),
    ([dict(id=3)], dict(id=2), settings([1, 2], ON_3), [1, 2, 3], False),
    # Whoever began with what had seen it has seen it.
    ([dict(id=3)], dict(id=2), settings([1, 2], ON_2, False), [1, 2, 3],
     False),
    # The other part of an image is not the same.
    ([REST], PART, None, [1], True),
    ([REST], PART, settings([1], [[1, PART['complete']]]), [1], True),
    ([REST], PART, settings([1], [[1, REST['complete']]]), [1], False),
    ([dict(id=1)], dict(id=2), dict(settings=dict(iterations=9)), None,
     False),
])
def test_what_a_score_is_of(train, val, start, seen, is_fair):
    found = rounds.validation_settings(train, [val], start)
    assert found == dict(validation=[[val['id'], val.get('complete', True)]],
                         seen=seen, is_fair=is_fair)


@pytest.mark.parametrize(('ids', 'earlier', 'aside'), [
    ([1, 2, 3], [], 3), ([1, 2, 3], [ON_2], 2), ([1, 2, 3], [ON_3, ON_2], 3),
    ([1, 2], [ON_3, ON_2], 2), ([4, 1], [ON_3, ON_2], 1),
    # A part serves as long as there is nothing else.
    ([1, 2], [[[1, [[60, 0, 20, 60]]]]], 2),
])
def test_an_image_stays_set_aside(ids, earlier, aside):
    assert training.image_aside(ids, earlier) == aside


def test_it_is_set_aside_from_the_export(project):
    annotate(project, 1, 2)
    for earlier, aside in (([], 2), ([[[1, True]]], 1)):
        train, val = training.set_aside(project.export(), earlier)
        assert [entry['id'] for entry in val.images] == [aside]
        assert {ann['image_id'] for ann in val.annotations} == {aside}
        assert [entry['id'] for entry in train.images] == [3 - aside]


def test_the_same_part_of_a_single_image(project):
    annotate(project, 1)
    part = [[1, [[60, 0, 20, 60]]]]
    assert training.set_aside(project.export())[1].images[0]['complete'] == (
        part[0][1])
    # A box is drawn across the cut, which would move it.
    project.change(changes.CreateBox('c', 'across', 1, 1, [58, 40, 8, 15]),
                   'Anna').result()
    moved = training.set_aside(project.export())[1].images[0]['complete']
    assert moved != part[0][1]
    kept = training.set_aside(project.export(), [part])
    assert [half.images[0]['complete'] for half in kept] == [
        [[0, 0, 60, 60]], [[60, 0, 20, 60]]]
    # What is complete has changed: it no longer fits.
    mark(project, 1, [[0, 0, 50, 60]])
    fresh, again = (training.set_aside(project.export(), earlier)
                    for earlier in ([], [part]))
    assert [half.images for half in fresh] == [half.images for half in again]


def end_round(project, request, score, **changed):
    """A round that has ended, with a model that has looked at all images."""
    known = dict(iterations=300, start=None, images=2, boxes=4, seen=[1],
                 validation=ON_2, is_fair=True)
    number = project.write(rounds.enter_round, request, 'Anna',
                           dict(known, **changed))['id']
    folder = folder_of(project, number)
    write_model(folder / 'run')
    write_found(folder / 'proposals', [1, 2])
    (folder / 'proposals/ended.json').write_text('{"code": 0}')
    project.write(rounds.set_round, number, 'done', dict(
        checkpoint='run/best_x_iter_30.pth', score=score))
    return number


def test_a_worse_round_does_not_propose(project, fake):  # noqa: F811
    annotate(project, 1, 2)
    end_round(project, 'a', 0.5)  # the next one reaches 0.3
    train(project)
    (folder_of(project, 2) / 'go').touch()
    wait(lambda: state(project) == 'done')
    status = project.models.status()
    assert status['rounds'][1]['outcome']['score'] == 0.3
    assert status['rounds'][1]['settings']['validation'] == ON_2
    assert status['model'] == 1 and status['compared'] == [1, 2]
    assert project.models.proposals(1)['round'] == 1
    assert not (folder_of(project, 2) / 'proposals').exists()
    assert project.models.checkpoint().parts[-3] == 'round-1'


def test_the_page_says_which_and_why(project, fake, page):  # noqa: F811
    annotate(project, 1, 2)
    end_round(project, 'a', 0.81)
    page.press('5')
    page.see('#train-on', 'b.tif is set aside')
    page.see('#train-next', 'Round 1 has looked at 2 of 2')
    end_round(project, 'b', 0.78)
    page.see('#train-next', 'Round 1 proposes, the best on b.tif: 81 % '
             '(round 2: 78 %). Round 1 has looked')
    page.see('#train-from', 'the best model so far, round 1')
    end_round(project, 'c', 0.4, validation=[[1, True]])
    page.see('#train-next', 'Round 3 proposes, the latest: its score cannot '
             'be compared with those of the earlier ones')
    page.see('#train-from', 'the best model so far, round 3')
    page.see('#train-rounds', 'a.tif')
