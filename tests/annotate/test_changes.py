"""What annotators do to boxes and answers, alone and in each other's way."""
import itertools

import pytest

from pace_mmdet.annotate import changes, holding, queries, schema
from pace_mmdet.annotate.errors import ChangeRefused, NotFound

NUMBERS = itertools.count()
PLACE = [10.25, 5.5, 20.125, 30.0]


class Desk:
    """A project's file with two images, and short ways to change it."""

    def __init__(self, path):
        self.connection = schema.open_project(path)
        self.now = 1000.0
        self.connection.executemany(
            'INSERT INTO images VALUES (?, ?, 80, 60, 1, 1)',
            [(1, 'a.tif'), (2, 'b.tif')])

    def do(self, change, annotator='Anna'):
        with self.connection:
            self.connection.execute('BEGIN')
            return changes.apply_change(self.connection, change, annotator, 4,
                                        self.now)

    def create(self, key='k', box=PLACE, annotator='Anna', image=1):
        return self.do(changes.CreateBox(name(), key, 1.5, image, box),
                       annotator)['box']

    def edit(self, base, box, key='k', annotator='Anna'):
        return self.do(changes.EditBox(name(), key, 1, base, box), annotator)

    def set(self, base, revision, deleted=False, key='k', annotator='Anna'):
        return self.do(
            changes.SetBox(name(), key, 1, base, revision, deleted), annotator)

    def answer(self, point, label, revision=0, key='k', annotator='Anna',
               request=None):
        return self.do(
            changes.Answer(request or name(), key, 0.5, revision, point,
                           label), annotator)['box']

    def take(self, annotator='Anna', count=2, keep=(), image=1):
        with self.connection:
            self.connection.execute('BEGIN')
            boxes = holding.take_boxes(self.connection, image, annotator,
                                       count, keep, 4, self.now)
        return [box['key'] for box in boxes]

    def boxes(self, image=1):
        return queries.boxes_of_image(self.connection, image, 4)


def name():
    return f'request-{next(NUMBERS)}'


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path / 'p.db')
    yield desk
    desk.connection.close()


def test_a_box_is_stored_as_drawn(desk):
    odd = [0.1 + 0.2, 1 / 3, 17.000000000000004, 20.5]
    desk.create(box=odd)
    box, = desk.boxes()
    assert box['box'] == odd
    assert (box['id'], box['by'], box['revision']) == (1, 'Anna', 0)
    assert box['labels'] == [None] * 4


@pytest.mark.parametrize(('box', 'message'), [
    ([10, 10, 0, 5], 'at least 1 pixel wide and high, got 0 x 5'),
    ([10, 10, 5, 0.99], 'at least 1 pixel'),
    ([10, 10, -5, 5], 'at least 1 pixel'),
    ([80, 10, 5, 5], 'outside the image of 80 x 60 pixels'),
    ([10, 60, 5, 5], 'outside'),
    ([-5, 10, 5, 5], 'outside'),
    ([10, -7, 5, 5], 'outside'),
    ([10, 10, 1e300, 5], 'reaches out of the image of 80 x 60 pixels by'),
    ([-1e300, 10, 1.7e308, 5], 'outside|reaches out'),
    ([10, 10, 5, 651], 'reaches out'),
    ([-801, 10, 805, 5], 'reaches out'),
    ([float('nan'), 0, 5, 5], 'finite'),
    ([0, 0, float('inf'), 5], 'finite'),
])
def test_what_is_no_box(desk, box, message):
    with pytest.raises(ChangeRefused, match=message):
        desk.create(box=box)
    assert desk.boxes() == []
    desk.create()
    with pytest.raises(ChangeRefused, match=message):
        desk.edit(0, box)
    assert desk.boxes()[0]['box'] == PLACE


@pytest.mark.parametrize('box', [[-4.5, 3, 10, 5], [75, 50, 30, 30],
                                 [-9, -9, 200, 200], [79, 59, 1, 1]])
def test_a_box_may_reach_out_of_the_image(desk, box):
    assert desk.create(box=box)['box'] == box


def test_moving_away_discards_answers_and_undo_brings_them_back(desk):
    desk.create()
    desk.answer(0, 1)
    desk.answer(2, -1)
    moved = desk.edit(0, [41, 5, 20, 30])
    assert moved['discarded'] == 2
    assert moved['box']['labels'] == [None] * 4
    assert moved['box']['revision'] == 1
    undone = desk.set(base=1, revision=0)['box']
    assert undone['box'] == PLACE
    assert undone['labels'] == [1, None, -1, None]
    redone = desk.set(base=0, revision=1)
    assert redone['discarded'] == 2
    assert redone['box']['box'] == [41, 5, 20, 30]
    # After an undo, the next change is a revision of its own.
    desk.set(base=1, revision=0)
    again = desk.edit(0, [12, 5, 20, 30])['box']
    assert (again['revision'], again['last']) == (2, 2)


def test_deleting_and_undoing(desk):
    desk.create()
    desk.answer(1, 0)
    assert desk.set(0, 0, deleted=True)['discarded'] == 1
    assert desk.boxes() == []
    for change in (lambda: desk.edit(0, [1, 1, 5, 5]),
                   lambda: desk.answer(0, 1)):
        with pytest.raises(ChangeRefused, match='box 1 was'):
            change()
    assert desk.set(0, 0)['box']['labels'] == [None, 0, None, None]
    # An id is never used again: its points belong to it.
    desk.set(0, 0, deleted=True)
    assert desk.create('other')['id'] == 2


def test_the_same_request_happens_once(desk):
    change = changes.CreateBox('once', 'k', 1, 1, PLACE)
    assert desk.do(change) == desk.do(change)
    assert len(desk.boxes()) == 1
    first = desk.answer(0, 1, request='answer')
    desk.answer(0, 0)
    assert desk.answer(0, 1, request='answer') == first
    assert desk.boxes()[0]['labels'][0] == 0


def test_answers_can_be_changed_by_who_gave_them(desk):
    desk.create()
    assert desk.answer(0, 1)['labels'][0] == 1
    assert desk.answer(0, 0)['labels'][0] == 0
    with pytest.raises(ChangeRefused, match='answered by Anna, who alone'):
        desk.answer(0, 1, annotator='Ben')
    assert desk.boxes()[0]['answered_by'][0] == 'Anna'


def test_boxes_with_anothers_answers_stay(desk):
    desk.create()
    desk.answer(0, 1)
    desk.now += 2 * holding.HOLD_SECONDS
    for change in (lambda: desk.edit(0, [1, 1, 5, 5], annotator='Ben'),
                   lambda: desk.set(0, 0, True, annotator='Ben')):
        with pytest.raises(ChangeRefused, match='has answers by Anna'):
            change()
    desk.create('unanswered')
    desk.edit(0, [1, 1, 5, 5], 'unanswered', annotator='Ben')


def test_outdated_changes_are_refused(desk):
    desk.create()
    desk.edit(0, [1, 1, 5, 5], annotator='Ben')
    with pytest.raises(ChangeRefused, match='changed by somebody else'):
        desk.edit(0, [2, 2, 5, 5])
    with pytest.raises(ChangeRefused, match='changed meanwhile, and its poi'):
        desk.answer(0, 1, revision=0)
    assert desk.boxes()[0]['box'] == [1, 1, 5, 5]


@pytest.mark.parametrize('change', [
    lambda desk: desk.edit(0, PLACE, 'nobody'),
    lambda desk: desk.create('new', image=9),
    lambda desk: desk.set(0, 7),
    lambda desk: desk.answer(4, 1),
])
def test_what_is_not_there(desk, change):
    desk.create()
    with pytest.raises(NotFound):
        change(desk)


def test_a_key_is_used_once(desk):
    desk.create()
    with pytest.raises(ChangeRefused, match='already'):
        desk.create()


def test_annotators_get_different_boxes(desk):
    for index in range(5):
        desk.create(f'k{index}', [1 + 12 * index, 5, 10, 10])
    assert desk.take('Anna') == ['k0', 'k1']
    assert desk.take('Ben') == ['k2', 'k3']
    # More for Anna, who still has the first two.
    assert desk.take('Anna', keep=['k0', 'k1']) == ['k4']
    with pytest.raises(ChangeRefused, match='being answered by Anna'):
        desk.answer(0, 1, key='k0', annotator='Ben')
    with pytest.raises(ChangeRefused, match='being answered by Anna'):
        desk.edit(0, [1, 1, 5, 5], 'k4', annotator='Ben')
    # Ben stops: his are free.
    assert desk.take('Ben', count=0) == []
    assert desk.take('Anna', count=9, keep=['k0', 'k1', 'k4']) == ['k2', 'k3']


def test_a_box_is_free_again_when_its_holder_is_gone(desk):
    desk.create()
    assert desk.take('Anna') == ['k']
    desk.now += holding.HOLD_SECONDS - 1
    desk.answer(0, 1)  # a sign of life
    desk.now += holding.HOLD_SECONDS - 1
    assert desk.take('Ben') == []
    desk.now += 2
    assert desk.take('Ben') == ['k']
    desk.answer(1, 0, annotator='Ben')
    assert desk.boxes()[0]['answered_by'] == ['Anna', 'Ben', None, None]


def test_finished_boxes_are_not_given(desk):
    desk.create('done')
    desk.create('open', [50, 5, 20, 20])
    for point in range(4):
        desk.answer(point, -1, key='done')
    assert desk.take() == ['open']


def test_the_next_box_is_near(desk):
    """Bands of twice the median height, to and fro."""
    places = {'a': (0, 0), 'b': (40, 1), 'c': (70, 3), 'f': (0, 22),
              'e': (30, 20), 'd': (60, 21), 'g': (5, 45)}
    for key, (x, y) in sorted(places.items(), reverse=True):
        desk.create(key, [x, y, 10, 10])
    assert ''.join(desk.take(count=9)) == 'abcdefg'
    assert desk.take(image=2) == []


def test_progress(desk):
    for key in 'abc':
        desk.create(key)
    for point in range(4):
        desk.answer(point, 1, key='a')
    desk.answer(0, 1, key='b')
    desk.set(0, 0, True, key='c')
    desk.create('d', image=2)
    desk.set(0, 0, True, key='d')
    assert queries.progress(desk.connection, 4) == {
        1: dict(boxes=2, finished=1, answers=5, changes=9),
        2: dict(boxes=0, finished=0, answers=0, changes=2)}
    assert queries.progress(desk.connection, 1)[1]['finished'] == 2
