"""The scripted annotator of tools/benchmarks/arena/annotation_loop.py."""
import json
import runpy
import sys
from pathlib import Path

import pytest

from pace_mmdet.reporting.annotation_loop import loop_table
from pace_mmdet.reporting.arena import NO_RUNS
from tests.annotate.conftest import folder, project  # noqa: F401
from tests.annotate.fake_model import CELLS
from tests.annotate.test_models import fake, trained  # noqa: F401

ROOT = Path(__file__).parents[2]
ARENA = ROOT / 'tools/benchmarks/arena'
SCRIPT = runpy.run_path(str(ARENA / 'scripted.py'))
Protocol = SCRIPT['Protocol']
CAREFUL = Protocol(wrong=0, overlooked=0)
PROPOSED = [dict(box=list(box), score=score, is_free=True)
            for box, score in CELLS]


@pytest.fixture
def loop(monkeypatch):
    monkeypatch.syspath_prepend(str(ARENA))
    return runpy.run_path(str(ARENA / 'annotation_loop.py'))


def scene(*boxes):
    """Cells that fill their boxes."""
    return SCRIPT['Scene'](dict(
        images=[dict(id=1, file_name='a.tif'), dict(id=2, file_name='b.tif')],
        annotations=[
            dict(image_id=1, bbox=[x, y, w, h], segmentation=[
                [x, y, x + w, y, x + w, y + h, x, y + h]])
            for x, y, w, h in boxes]))


def annotator(project, boxes, protocol=CAREFUL):  # noqa: F811
    return SCRIPT['Annotator'](project, scene(*boxes), protocol, name='q')


FOUR = [box for box, _ in CELLS[:3]] + [(65, 5, 12, 12)]


def test_drawing_all(project):  # noqa: F811
    effort = annotator(project, FOUR).annotate(project.images[1])
    assert effort.seconds == pytest.approx(4 * (7 + 4 * 0.9))
    assert (effort.drawn, effort.clicks) == (4, 4 * (2 + 4))
    boxes = project.contents(1)['boxes']
    assert [box['labels'] for box in boxes] == [[1] * 4] * 4
    assert project.contents(1)['complete'] is True


def test_wrong_answers(project):  # noqa: F811
    annotator(project, FOUR, Protocol(wrong=1)).annotate(project.images[1])
    assert [box['labels'] for box in project.contents(1)['boxes']] == [
        [0] * 4] * 4


@pytest.mark.parametrize(('cell', 'expected', 'seconds', 'place'), [
    # What is right is confirmed, and what is off adjusted to the true box.
    ((5, 5, 20, 20), dict(confirmed=1), 2 * 1.2, (5, 5, 20, 20)),
    ((5, 5, 18, 20), dict(confirmed=1), 2 * 1.2, (5, 5, 20, 20)),
    ((5, 5, 16, 20), dict(adjusted=1), 3.5 + 2 * 1.2, (5, 5, 16, 20)),
    # What is far off is rejected, and drawn.
    ((5, 5, 9, 20), dict(rejected=1, drawn=1), 1.2 + 7 + 4 * 0.9,
     (5, 5, 9, 20)),
    (None, dict(rejected=1), 1.2, None)])
def test_a_proposal(project, cell, expected, seconds, place):  # noqa: F811
    """On a model that has no opinion about points."""
    script = annotator(project, [cell] if cell else [])
    effort = script.annotate(project.images[1], PROPOSED[:1])
    accepted = 'drawn' not in expected and cell is not None
    assert {name: count for name, count in vars(effort).items()
            if count and name not in ('seconds', 'clicks')} == expected
    assert effort.seconds == pytest.approx(seconds + accepted * 4 * 0.9)
    boxes = project.contents(1)['boxes']
    assert [tuple(box['box']) for box in boxes] == [place] * len(boxes)
    assert [box['by'].startswith('model+') for box in boxes] == (
        [accepted] if cell else [])
    assert [box['labels'] for box in boxes] == [[1] * 4] * len(boxes)


def test_proposals_below_the_score_or_not_free_are_not_shown(
        project):  # noqa: F811
    hidden = [dict(PROPOSED[0], is_free=False), PROPOSED[3]]
    effort = annotator(project, []).annotate(project.images[1], hidden)
    assert effort == SCRIPT['Effort']()


@pytest.mark.parametrize('overlooked', [0, 1])
def test_what_a_model_thinks_of_points(trained, overlooked):  # noqa: F811
    """It leaves out the corners of a cell that fills its box."""
    script = annotator(trained, [CELLS[2][0]], Protocol(
        wrong=1, overlooked=overlooked))
    cells = trained.models.proposals(1)['cells']
    assert [cell['is_free'] for cell in cells] == [False, False, True, True]
    with pytest.raises(Exception, match='said'):
        script.annotate(trained.images[1], cells)  # it is complete already
    box = trained.contents(1)['boxes'][-1]
    assert box['by'] == 'model+Script'
    thoughts, = trained.models.probabilities(1, [box])
    shown = [int(thought >= 0.5) for thought in thoughts]
    assert shown != [1] * 4
    assert box['labels'] == (shown if overlooked else [1] * 4)
    flipped = 0 if overlooked else shown.count(0)
    assert script.effort.seconds == pytest.approx(2 * 1.2 + flipped * 0.9)
    assert box['answered_how'] == [
        'asked' if flipped and not thought else 'confirmed'
        for thought in shown]


@pytest.mark.parametrize(('one', 'other', 'expected'), [
    ((0, 0, 2, 2), (0, 0, 2, 2), 1), ((0, 0, 2, 2), (1, 0, 2, 2), 1 / 3),
    ((0, 0, 2, 2), (2, 2, 1, 1), 0), ((0, 0, 2, 2), (5, 5, 1, 1), 0)])
def test_iou(one, other, expected):
    assert SCRIPT['iou'](one, other) == pytest.approx(expected)


def test_arms_begin_with_the_same_images(loop):
    class Who:
        order = list('abcde')

        def new_project(self, place):
            place.mkdir()

        def work_on(self, place, numbers, arm, *rest):
            file = place / 'done'
            before = file.read_text() if file.exists() else ''
            now = before + ''.join(self.order[i] for i in numbers)
            file.write_text(now)
            return arm, now

    assert list(loop['compare'](Who(), 2, 1, CAREFUL)) == [
        ('first half', 'ab'),
        ('with proposals', 'abcd'), ('with proposals', 'abcde'),
        ('by hand', 'abcd'), ('by hand', 'abcde')]


def test_what_is_recorded_is_not_run_again(loop, monkeypatch, tmp_path):
    runs = []

    def compare(who, *rest):
        runs.append(who.seed)
        yield dict(arm='by hand', images=4)

    space = loop['main'].__globals__
    monkeypatch.setitem(space, 'compare', compare)
    monkeypatch.setitem(space, 'Contestant', lambda name, root, count, seed:
                        type('Who', (), dict(seed=seed)))
    records = tmp_path / 'records.json'
    for seeds in (['0'], ['0', '1']):
        monkeypatch.setattr(sys, 'argv', [
            'loop', '--hela', 'x', '--records', str(records), '--seeds',
            *seeds])
        loop['main']()
    assert runs == [0, 1]
    assert [row['seed'] for row in json.loads(records.read_text())] == [0, 1]


def record_of(arm, images, seed=0, data='hela', **values):
    return dict(dict(
        data=data, seed=seed, arm=arm, total=4, part=2, iterations=200,
        images=images, cells=50, seconds=600.0, clicks=300, drawn=50,
        confirmed=0, adjusted=0, rejected=0, cpu_seconds=90, AP=60.0,
        AP75=50.0, assumed=dict(box=7.0, adjustment=3.5),
        **{'F1@0.5': 90.0}), **values)


def comparison(seed=0, seconds=240.0, AP=62.0, **values):
    return [record_of('first half', 2, seed, **values),
            record_of('with proposals', 4, seed, seconds=seconds, drawn=5,
                      confirmed=40, adjusted=5, rejected=1, AP=AP, **values),
            record_of('by hand', 4, seed, AP=61.0, **values)]


def write_records(root, records):
    (root / 'docs').mkdir(exist_ok=True)
    (root / 'docs/annotation_loop.json').write_text(json.dumps(records))
    return loop_table(root)


def test_table(tmp_path):
    assert loop_table(tmp_path) == NO_RUNS
    # A comparison without its last arm is none.
    assert write_records(tmp_path, comparison()[:2]) == NO_RUNS
    one = write_records(tmp_path, comparison())
    assert one.startswith('**HeLa nuclei**')
    assert ('| 2 more images with proposals | 50 | 4.0 | 4.8 | 300 | '
            '5 / 40 / 5 / 1 | 62.0 | 50.0 | 90.0 | 90 |') in one
    assert ('took 40.0 % of its time by hand (aim: at most 40 %), and mask AP '
            'differed by +1.0 (aim: no loss). Were an adjustment as long as '
            'drawing a box, the share would be 42.9 %. Seed 0; 200 steps a '
            'round.') in one
    two = write_records(tmp_path, comparison() + comparison(1, 300.0, 57.0)
                        + comparison(data='livecell'))
    assert 'took 45.0 (40.0, 50.0) % of its time' in two
    assert 'by -1.5 (+1.0, -4.0) (aim: no loss)' in two
    assert 'Seeds 0, 1; 200 steps' in two
    assert '**LIVECell sample**' in two


def test_rounds_in_between_are_summed(tmp_path):
    table = write_records(tmp_path, [
        record_of('first half', 2, part=1)] + [
            record_of(arm, images, part=1, seconds=60. * images, AP=images)
            for arm in ('by hand', 'with proposals') for images in (3, 4)])
    assert ('| 2 more images by hand | 100 | 7.0 | 4.2 | 600 | '
            '100 / 0 / 0 / 0 | 4.0 |') in table
    assert 'a round after every 1 of the second half' in table


@pytest.mark.parametrize('records', [
    [], comparison(), comparison() + comparison(1) + comparison(
        data='livecell')])
def test_curves(loop, tmp_path, records):
    loop['write_figure'](records, tmp_path / 'a.png')
    assert (tmp_path / 'a.png').stat().st_size > 1000


def test_curves_begin_with_nothing_and_share_the_first_half(loop):
    ax, = loop['write_figure'].__globals__['loop_figure'](
        comparison() + comparison(1, 480.0, 64.0)).axes
    means = {line.get_label(): line.get_xydata().tolist()
             for line in ax.get_lines() if line.get_marker() == 'o'}
    assert means == {
        'the second half by hand': [[0, 0], [10, 60], [20, 61]],
        'the second half with proposals': [[0, 0], [10, 60], [16, 63]]}
