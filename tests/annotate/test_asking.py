"""Which points are asked: random ones, or those a model is least certain of.
"""
import json

import cv2
import numpy as np
import pytest

from pace_mmdet.annotate import Project, asking, changes
from pace_mmdet.annotate.errors import ChangeRefused
from pace_mmdet.annotate.pixels import touches
from pace_mmdet.annotate.proposals import Opinion, read_opinion
from pace_mmdet.masks.found_cells import FoundCell, FoundCells

from .test_models import fake, folder_of, trained  # noqa: F401
from .test_pixels import Box, drawn

# The third of the fake model's cells, which nobody has drawn.
PLACE = [10, 35, 16, 16]


@pytest.fixture
def doubtful(trained):  # noqa: F811
    """The model doubts one column of its third cell, the more the lower."""
    path = folder_of(trained) / 'proposals/1_foreground.png'
    foreground = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    foreground[36:50, 20] = 165 - np.arange(14)
    cv2.imwrite(str(path), foreground)
    # Or what was read of the file before would be taken for it.
    labels = path.with_name('1_labels.png')
    labels.write_bytes(labels.read_bytes())
    return trained


def take(project, count=9):
    boxes = project.take(1, 'Anna', count, []).result()
    return {box['key']: box for box in boxes}


def opinion_of(foreground, labels, *boxes):
    return Opinion(FoundCells([FoundCell(box, 0.9, []) for box in boxes]),
                   np.array(labels), np.array(foreground, np.uint8))


def test_what_a_model_thinks_of_pixels():
    """Of its own pixels the foreground, at another cell's what is left."""
    opinion = opinion_of([[255, 204, 51, 255]], [[1, 1, 0, 2]],
                         (0, 0, 3, 1), (3, 0, 1, 1))
    columns, rows = np.arange(4), np.zeros(4, int)
    assert np.allclose(opinion.at([0, 0, 3, 1], columns, rows),
                       [1, 0.8, 0.2, 0])
    assert np.allclose(opinion.at([3, 0, 1, 1], columns, rows),
                       [0, 0.2, 0.2, 1])
    assert np.isnan(opinion.at([0, 5, 3, 3], columns, rows)).all()


@pytest.mark.parametrize(('count', 'settled', 'expected'), [
    (1, [], [[4, 0]]), (2, [], [[4, 0], [1, 0]]), (0, [], []),
    # Not beside what was answered, and no more than there is room for.
    (3, [[4, 0]], [[1, 0], [7, 0]]), (9, [], [[4, 0], [1, 0], [7, 0]])])
def test_the_least_certain_are_apart(count, settled, expected):
    opinion = opinion_of([[0, 76, 25, 76, 120, 76, 25, 25, 0]], [[1] * 9],
                         (0, 0, 9, 1))
    assert asking.uncertain_pixels(opinion, [0, 0, 9, 1], settled,
                                   count) == expected


def test_random_is_the_default(doubtful):
    Box(doubtful, PLACE)
    assert doubtful.summary()['asked'] == 'random'
    assert take(doubtful)['k']['points_chosen'] == [None] * 4
    assert 'asked' not in doubtful.export().info


def test_the_least_certain_points_are_asked(doubtful):
    box = Box(doubtful, PLACE)
    box.answer(1)  # at its random place
    doubtful.ask('uncertain').result()
    random = box.state()['points']
    asked = take(doubtful)['k']
    assert asked['points_chosen'] == [None] + ['uncertain'] * 3
    assert asked['points'][0] == random[0]
    # The first of them is where the model is nearest to one half.
    x, y = asked['points'][1]
    assert x == 20 and y == 49
    assert all(touches(pixel, PLACE) for pixel in asked['points'])
    # What was chosen stays so, for whoever looks.
    assert box.state()['points'] == asked['points']
    assert take(doubtful)['k']['points'] == asked['points']
    box.answer(None, 0)
    # They are labels like others, and say in the export how they came.
    ann, = [ann for ann in doubtful.export(True).annotations
            if ann['id'] == asked['id']]
    assert ann['point_coords'] == asked['points']
    assert ann['point_labels'] == [1, 0, -1, -1]
    assert ann['points_chosen'] == asked['points_chosen']
    assert doubtful.export().info['asked'] == 'uncertain'
    # Random again: what has its answer stays.
    doubtful.ask('random').result()
    after = box.state()
    assert after['points_chosen'] == [None, 'uncertain', None, None]
    assert after['points'] == [random[0], asked['points'][1], *random[2:]]
    # An edit keeps it as what it is.
    box.edit([9, 34, 18, 18])
    assert box.state()['points_chosen'][:2] == ['kept', 'uncertain']


def test_they_are_random_where_the_model_knows_nothing(doubtful):
    for key, place in (('elsewhere', [60, 2, 9, 9]), ('loose', [2, 30, 40,
                                                                30])):
        Box(doubtful, place, key)
    doubtful.ask('uncertain').result()
    for box in take(doubtful).values():
        assert box['points_chosen'] == [None] * 4
        assert box['points'] == drawn(box['box'], box['id'])


def test_without_a_model_they_are_random(project):
    Box(project, PLACE)
    project.ask('uncertain').result()
    assert take(project)['k']['points'] == drawn(PLACE)


def test_an_accepted_proposal_is_asked_the_same_way(doubtful):
    doubtful.ask('uncertain').result()
    accept = changes.AcceptProposal('y', 'new', 1.2, 1, PLACE)
    for _ in range(2):  # sent again, the answer is the same
        box = doubtful.with_points(doubtful.change(accept, 'Ben').result())[
            'box']
        assert box['points_chosen'] == ['uncertain'] * 4
        assert box['points'][0] == [20, 49]
        # One half is not enough to know.
        assert abs(box['thoughts'][0] - 0.5) < 0.11
    assert doubtful.contents(1)['boxes'][-1]['points'] == box['points']


def test_an_answer_is_of_the_pixel_that_was_shown(doubtful):
    box = Box(doubtful, PLACE)
    shown = box.state()['points'][1]
    doubtful.ask('uncertain').result()
    take(doubtful)
    with pytest.raises(ChangeRefused, match='point 2 of box 5 is another '
                                            'pixel by now'):
        box.do(changes.Answer, revision=0, point=1, label=1, pixel=shown)
    assert box.state()['labels'] == [None] * 4
    box.do(changes.Answer, revision=0, point=1, label=1,
           pixel=box.state()['points'][1])
    assert box.state()['labels'] == [None, 1, None, None]


def test_the_setting_outlives_a_restart(folder, tmp_path):
    with Project(folder, tmp_path / 'p.db') as project:
        project.ask('uncertain').result()
    with Project(folder, tmp_path / 'p.db') as project:
        assert project.summary()['asked'] == 'uncertain'


def test_the_setting_by_the_route(client):
    assert client.get('/api/project')[1]['asked'] == 'random'
    code, summary = client.post('/api/asking', dict(which='uncertain'))
    assert code == 200 and summary['asked'] == 'uncertain'
    assert client.post('/api/asking', dict(which='best'))[0] == 400


def test_no_opinion(doubtful):
    folder = folder_of(doubtful) / 'proposals'
    assert read_opinion(folder, 1).shape == (60, 80)
    assert read_opinion(folder, 9) is None
    (folder / '2_foreground.png').unlink()  # a model that cannot tell
    assert read_opinion(folder, 2) is None
    content = json.loads((folder / '1.json').read_text())
    (folder / '1.json').write_text(json.dumps(dict(content, cells=[])))
    assert read_opinion(folder, 1) is None


def test_in_the_page(doubtful, page):
    page.press('1', '0')
    page.drag(10, 35, 26, 51)
    page.press('5')
    page.page.locator('#asked').select_option('uncertain')
    page.see('#asked-note', 'Random where it knows no cell')
    page.press('2')
    page.see('#question .ask', 'least certain')
    page.press('j')
    box = page.boxes()[-1]
    assert box['labels'] == [1, None, None, None]
    assert box['points_chosen'] == ['uncertain'] * 4


def test_in_the_page_without_a_model(project, page):
    Box(project, PLACE)
    page.press('5')
    page.page.locator('#asked').select_option('uncertain')
    page.see('#asked-note', 'There is no model yet')
    page.open(page.page.url, name=None)
    page.press('2')
    page.see('#question .ask', 'random: there is no model yet')
