"""The scripted annotator of tools/benchmarks/arena/annotation_loop.py."""
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.annotate.conftest import folder, project  # noqa: F401
from tests.annotate.fake_model import CELLS
from tests.annotate.test_models import fake, trained  # noqa: F401

SCRIPT = Path(__file__).parents[2] / (
    'tools/benchmarks/arena/annotation_loop.py')
LOOP = runpy.run_path(str(SCRIPT))


def scene():
    """The cells that the model finds, but for its last, and one more."""
    boxes = [box for box, _ in CELLS[:3]] + [(65, 5, 12, 12)]
    return LOOP['Scene'](dict(
        images=[dict(id=1, file_name='a.tif'), dict(id=2, file_name='b.tif')],
        annotations=[
            dict(image_id=1, bbox=[x, y, w, h], segmentation=[
                [x, y, x + w, y, x + w, y + h, x, y + h]])
            for x, y, w, h in boxes]), Path())


def annotator(project, wrong=0., overlooked=0.):  # noqa: F811
    return LOOP['Annotator'](project, scene(), SimpleNamespace(
        seed=0, wrong_answers=wrong, overlooked=overlooked))


def test_drawing_all(project):  # noqa: F811
    script = annotator(project)
    effort = script.annotate(project.images[1], False)
    assert effort.seconds == pytest.approx(4 * (7 + 4 * 0.9))
    assert (effort.drawn, effort.clicks) == (4, 4 * (2 + 4))
    boxes = project.contents(1)['boxes']
    assert [box['labels'] for box in boxes] == [[1] * 4] * 4
    assert project.contents(1)['complete'] is True


def test_wrong_answers(project):  # noqa: F811
    annotator(project, wrong=1.).annotate(project.images[1], False)
    assert [box['labels'] for box in project.contents(1)['boxes']] == [
        [0] * 4] * 4


def test_confirming(trained):  # noqa: F811
    """Two cells have boxes, one is proposed, and one is drawn."""
    script = annotator(trained)
    script.scene.cells['a.tif'] = script.scene.cells['a.tif'][2:]
    with pytest.raises(Exception, match='said'):
        script.annotate(trained.images[1], True)  # it is complete already
    assert script.effort.confirmed == 1 and script.effort.drawn == 1
    boxes = trained.contents(1)['boxes'][2:]
    assert [box['by'] for box in boxes] == ['model+Script', 'Script']
    # The corners that the model left out were answered.
    assert boxes[0]['labels'] == [1] * 4
    assert set(boxes[0]['answered_how']) <= {'asked', 'confirmed'}


@pytest.mark.parametrize(('one', 'other', 'expected'), [
    ((0, 0, 2, 2), (0, 0, 2, 2), 1), ((0, 0, 2, 2), (1, 0, 2, 2), 1 / 3),
    ((0, 0, 2, 2), (2, 2, 1, 1), 0), ((0, 0, 2, 2), (5, 5, 1, 1), 0)])
def test_iou(one, other, expected):
    assert LOOP['iou'](one, other) == pytest.approx(expected)
