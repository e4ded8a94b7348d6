"""Which pixels are asked, and which answers outlive a change of the box."""
import json

import numpy as np
import pytest

from pace_mmdet.annotate import Project, changes
from pace_mmdet.annotate.pixels import points_of_boxes, touches
from pace_mmdet.errors import AnnotationError
from pace_mmdet.points import draw_points

from .conftest import mark
from .test_files import cell, write

PLACE = [10.25, 5.5, 30.125, 40.0]


def drawn(box, box_id=1, count=4):
    """The random points of a box on an image of 80 x 60 pixels."""
    corners = np.array([[*box[:2], box[0] + box[2], box[1] + box[3]]])
    return draw_points(corners, [box_id], count, 60, 80, 0)[0].tolist()


class Box:
    """A box of a project, with short ways to change it."""

    def __init__(self, project, place=PLACE, key='k'):
        self.project, self.key, self.number = project, key, 0
        self.do(changes.CreateBox, image=1, box=place)

    def do(self, kind, **kwargs):
        self.number += 1
        reply = self.project.change(kind(
            request=f'{self.key}-{self.number}', key=self.key, seconds=1,
            **kwargs), 'Anna').result()
        return self.project.with_points(reply)

    def state(self):
        box, = [box for box in self.project.contents(1)['boxes']
                if box['key'] == self.key]
        return box

    def answer(self, *labels):
        for point, label in enumerate(labels):
            if label is not None:
                self.do(changes.Answer, revision=self.state()['revision'],
                        point=point, label=label)

    def edit(self, place):
        return self.do(changes.EditBox, base=self.state()['revision'],
                       box=place)

    def set(self, revision, deleted=False):
        return self.do(changes.SetBox, base=self.state()['revision'],
                       revision=revision, deleted=deleted)


def cut(points):
    """PLACE with its left side moved so that half of the points are out."""
    x = sorted(x for x, _ in points)[len(points) // 2]
    return [x + 0.5, PLACE[1], PLACE[0] + PLACE[2] - x - 0.5, PLACE[3]]


@pytest.mark.parametrize(('pixel', 'expected'), [
    ((10, 5), True), ((40, 45), True), ((20, 20), True), ((9, 20), False),
    ((41, 20), False), ((20, 4), False), ((20, 46), False)])
def test_what_touches_a_box(pixel, expected):
    assert touches(pixel, PLACE) == expected


def test_every_random_point_touches_its_box():
    random = np.random.default_rng(0)
    boxes = random.uniform(1, 40, (200, 4))
    states = [dict(id=number, box=box) for number, box in enumerate(boxes)]
    for box, points in zip(boxes, points_of_boxes(states, 9, 80, 80, 5)):
        assert all(touches(pixel, box) for pixel in points)


def test_answers_that_lie_in_the_box_stay(project):
    box = Box(project)
    before = drawn(PLACE)
    assert box.state()['points'] == before
    box.answer(1, 0, -1, 1)
    place = cut(before)
    reply = box.edit(place)
    inside = [touches(pixel, place) for pixel in before]
    assert sorted(inside) == [False] * 2 + [True] * 2  # or tests nothing
    after, new = box.state(), drawn(place)
    assert reply['box'] == after and reply['discarded'] == 2
    # Kept where they were; the others are the new random ones, to be asked.
    assert after['points'] == [old if stays else other for old, other, stays
                               in zip(before, new, inside)]
    assert after['labels'] == [label if stays else None for label, stays in
                               zip((1, 0, -1, 1), inside)]
    assert after['points_chosen'] == ['kept' if stays else None
                                      for stays in inside]
    assert after['answered_by'] == ['Anna' if stays else None
                                    for stays in inside]
    # The answers are of the new place: one that is flipped stays where it is.
    point = inside.index(True)
    box.do(changes.Answer, revision=1, point=point, label=0, how='again')
    assert box.state()['points'][point] == before[point]
    assert box.state()['answered_how'][point] == 'again'
    # And undo and redo bring back what each place had.
    box.set(0)
    assert box.state()['labels'] == [1, 0, -1, 1]
    assert box.state()['points'] == before
    box.set(1)
    assert box.state()['labels'][point] == 0
    assert project.summary()['images'][0]['answers'] == 2


def test_a_box_that_grows_keeps_all(project):
    box = Box(project)
    box.answer(1, None, 0)
    for place in ([10, 5, 31, 41], [8.5, 5, 40, 50]):
        assert box.edit(place)['discarded'] == 0
        after = box.state()
        old = drawn(PLACE)
        assert after['labels'] == [1, None, 0, None]
        assert after['points'] == [old[0], drawn(place)[1], old[2],
                                   drawn(place)[3]]


def test_a_box_that_moves_away_keeps_none(project):
    box = Box(project)
    box.answer(1, 0, 1, 0)
    far = [50, 5, 25, 40]
    assert box.edit(far)['discarded'] == 4
    assert box.state()['labels'] == [None] * 4
    assert box.state()['points_chosen'] == [None] * 4
    assert box.state()['points'] == drawn(far)
    # Back by hand is another place: only undo restores.
    box.edit(PLACE)
    assert box.state()['labels'] == [None] * 4
    box.set(0)
    assert box.state()['labels'] == [1, 0, 1, 0]


def test_answers_beyond_the_points_that_are_asked_stay_too(folder, tmp_path):
    with Project(folder, tmp_path / 'p.db', 6) as project:
        Box(project).answer(1, 0, 1, 0, 1, 0)
    with Project(folder, tmp_path / 'p.db', 2) as project:
        project.change(changes.EditBox('e', 'k', 1, 0, [9, 4, 33, 43]),
                       'Anna').result()
    with Project(folder, tmp_path / 'p.db', 6) as project:
        box, = project.contents(1)['boxes']
        assert box['labels'] == [1, 0, 1, 0, 1, 0]
        assert box['points'] == drawn(PLACE, count=6)


def test_kept_points_are_exported_and_imported_back(project, tmp_path):
    box = Box(project)
    box.answer(1, 0, -1, 1)
    Box(project, [50, 5, 20, 20], 'untouched').answer(1)
    box.edit(cut(drawn(PLACE)))
    mark(project)
    export = project.export()
    edited, other = export.annotations
    state = box.state()
    assert edited['point_coords'] == state['points']
    assert edited['point_labels'] == [-1 if label is None else label
                                      for label in state['labels']]
    assert edited['points_chosen'] == state['points_chosen']
    assert 'points_chosen' not in other
    export.write(tmp_path / 'points.json')
    with Project(project.folder, tmp_path / 'again.db') as again:
        again.import_boxes(tmp_path / 'points.json')
        assert again.export().annotations == export.annotations


@pytest.mark.parametrize(('chosen', 'pixel', 'message'), [
    ('kept', [12, 6], ''), ('kept', [60, 6], 'is no pixel of the box'),
    ('uncertain', [12.5, 6], r'\[12.5, 6.0\] is no pixel'),
    (None, [12, 6], 'not those that the project draws'),
    ('other', [12, 6], "invalid enum value 'other'"),
])
def test_points_of_files_that_are_not_random(project, tmp_path, chosen,
                                             pixel, message):
    ann = cell(point_coords=[pixel], point_labels=[1],
               points_chosen=[chosen])
    path = write(tmp_path / 'f.json', ann)
    if not message:
        project.import_boxes(path)
        box, = project.contents(1)['boxes']
        assert box['points'][0] == pixel
        return
    with pytest.raises(AnnotationError, match=message):
        project.import_boxes(path)
    assert project.contents(1)['boxes'] == []


def test_a_reply_of_an_earlier_version_is_completed(project):
    """It was stored without what a later version knows of points."""
    box = Box(project)
    reply, = project.read(lambda connection: [
        json.loads(row['reply']) for row in connection.execute(
            'SELECT reply FROM changes')])
    del reply['box']['points'], reply['box']['points_chosen']
    assert project.with_points(reply)['box']['points'] == (
        box.state()['points'])
