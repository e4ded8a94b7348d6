import json

import pytest

from pace_mmdet.errors import UserError
from pace_mmdet.testing import synthetic_coco, write_synthetic_coco
from pace_mmdet.visualization.comparing import Comparison


@pytest.fixture
def files(tmp_path):
    """Three images; one model finds all, the other not all on the second."""
    ann_file = write_synthetic_coco(tmp_path, 3, 6, 40, 50, rle=True)
    _, coco = synthetic_coco(3, 6, 40, 50, rle=True)
    results = [dict(ann, score=0.8 - 0.1 * ann['image_id'])
               for ann in coco['annotations']]
    worse = [r for r in results if r['image_id'] != 2 or r['id'] % 2]
    for name, content in (('good', results), ('bad', worse)):
        (tmp_path / f'{name}.json').write_text(json.dumps(content))
    return tmp_path, ann_file


@pytest.fixture
def comparison(files):
    folder, ann_file = files
    return Comparison(
        ann_file, {name: folder / f'{name}.json' for name in ('good', 'bad')},
        folder / 'images')


def test_images_that_tell_models_apart_come_first(comparison):
    assert comparison.most_different(1) == [2]
    assert sorted(comparison.most_different(9)) == [1, 2, 3]
    scores = comparison.ap50(2)
    assert scores['good'] == pytest.approx(1) and scores['bad'] < 0.7


def test_with_one_model_the_worst_come_first(files):
    folder, ann_file = files
    alone = Comparison(ann_file, dict(bad=folder / 'bad.json'),
                       folder / 'images')
    assert alone.most_different(1) == [2]


def test_titles_say_what_the_image_scores(comparison):
    figure = comparison.figure(2, num_zooms=2)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles[0] == 'good   AP50 100.0' and titles[1:3] == ['a', 'b']
    assert titles[3].startswith('bad   AP50 5')


def test_cells_below_the_threshold_are_not_drawn(comparison):
    counts = []
    for score_thr in (0.5, 0.9):
        figure = comparison.figure(1, score_thr, num_zooms=0)
        counts.append([len(c.get_paths())
                       for c in figure.axes[0].collections])
    assert counts == [[6, 6], [6, 0]]


def test_names(comparison):
    names = [image.file_name for image in comparison.truth.images.values()]
    assert comparison.image_ids(names[::-1]) == [3, 2, 1]
    with pytest.raises(UserError, match='has no image none.tif; the first'):
        comparison.image_ids(['none.tif'])


def test_an_image_without_cells_has_no_score(files):
    folder, ann_file = files
    content = json.loads(ann_file.read_text())
    content['annotations'] = [ann for ann in content['annotations']
                              if ann['image_id'] != 1]
    ann_file.write_text(json.dumps(content))
    comparison = Comparison(ann_file, dict(good=folder / 'good.json'),
                            folder / 'images')
    assert comparison.most_different(3)[-1] == 1
    figure = comparison.figure(1, num_zooms=0)
    assert figure.axes[0].get_title() == 'good'
