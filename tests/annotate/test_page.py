"""The page: boxes, points, review, and what happens without a server."""
import json

import numpy as np
import pytest

from pace_mmdet.annotate import Project, changes
from pace_mmdet.datasets.cell_masks import CellMaskDataset
from pace_mmdet.datasets.transforms import RandomPointLabel
from pace_mmdet.points import label_points
from pace_mmdet.testing import write_synthetic_coco
from tests.engine.processes import ROOT, start_tool_forked, wait_for

from .browser import draw, new_page
from .conftest import serving

KEYS = {1: 'j', 0: 'f', -1: 's'}


def test_thirty_boxes_by_mouse_and_keys_are_training_data(
        browser, tmp_path):
    """From images to a trained model; answers as known masks say."""
    masks = write_synthetic_coco(tmp_path / 'own', 1, 30, 200, 260)
    truth = json.loads(masks.read_text())['annotations']
    with Project(masks.parent / 'images', tmp_path / 'p.db') as project, \
            serving(project) as port, new_page(browser, project) as page:
        page.open(f'http://127.0.0.1:{port}/')
        for cell in truth:
            x, y, width, height = cell['bbox']
            page.drag(x, y, x + width, y + height)
        boxes = page.boxes()
        assert len(boxes) == 30
        # The mouse moves in whole pixels of the screen; a box is stored
        # where it was drawn, between the image's pixels.
        drawn = np.array([box['box'] for box in boxes])
        known = np.array([cell['bbox'] for cell in truth])
        assert np.abs(drawn - known).max() < 1
        assert (drawn != drawn.round()).any()

        points = np.array([box['points'] for box in boxes])
        labels = label_points(points, [c['segmentation'] for c in truth], 200,
                              260)
        number = {box['id']: index for index, box in enumerate(boxes)}
        page.press('2')
        for _ in range(120):
            page.see('#question .ask', 'box')
            box, point = page.question()
            page.press(KEYS[labels[number[box], point]])
        page.see('#finished', 'All points of all 30 boxes are answered')
        page.saved()

        page.see('#finished', 'Has every cell a box? Then D')
        page.press('d', 'e')
        page.see('#export-lines', '1 images, 30 boxes')
        with page.page.expect_download() as download:
            page.page.locator('#export-link').click()
        exported = tmp_path / 'own/annotations/train.json'
        exported.parent.mkdir()
        download.value.save_as(exported)

    coco = json.loads(exported.read_text())
    with_masks = dict(coco, annotations=[
        dict(ann, segmentation=truth[number[ann['id']]]['segmentation'])
        for ann in coco['annotations']])
    masks.write_text(json.dumps(with_masks))
    info = CellMaskDataset(
        ann_file=str(masks), test_mode=True,
        data_prefix=dict(img=str(tmp_path / 'own/images'))).get_data_info(0)
    info.update(ori_shape=(200, 260), img_shape=(200, 260),
                gt_bboxes=[i['bbox'] for i in info['instances']])
    expected = RandomPointLabel(4)(info)['gt_masks']
    for field, wanted in (('point_coords', expected.coords - 0.5),
                          ('point_labels', expected.labels)):
        assert np.array_equal([ann[field] for ann in coco['annotations']],
                              wanted)

    (exported.parent / 'val.json').write_text(exported.read_text())
    code = wait_for(start_tool_forked(
        'train', ROOT / 'configs/own_data/own_points.py', '--work-dir',
        tmp_path / 'run', '--cfg-options', 'train_cfg.max_iters=1',
        'train_cfg.val_interval=1', 'train_dataloader.num_workers=0',
        'val_dataloader.num_workers=0',
        'train_dataloader.persistent_workers=False',
        'val_dataloader.persistent_workers=False',
        env=dict(PACE_OWN_DATA=f'{tmp_path / "own"}/')))
    assert code == 0
    assert (tmp_path / 'run/iter_1.pth').is_file()


def test_moving_a_box_discards_its_answers_and_undo_restores_them(page):
    draw(page, (10, 10, 30, 30))
    page.press('2')
    page.see('#question .ask', 'Point 1 of 4')
    page.press('j', 'f')
    page.press('1')
    page.click(20, 20)
    page.drag(20, 20, 40, 25)  # inside the selected box: moves it
    page.see('#message', '2 answers are outside the box now and discarded. '
             'Ctrl+Z brings them')
    box, = page.boxes()
    assert box['labels'] == [None] * 4
    assert np.allclose(box['box'][:2], [30, 15], atol=0.5)
    page.press('Control+z')
    page.see('#message', 'the box has its answers again')
    box, = page.boxes()
    assert box['labels'] == [1, 0, None, None]
    assert np.allclose(box['box'][:2], [10, 10], atol=0.5)
    page.press('Control+Shift+z')
    assert page.boxes()[0]['labels'] == [None] * 4
    # Undone to the very beginning, and redone.
    page.press('u', 'u')
    assert page.boxes() == []
    page.press('u')
    page.see('#message', 'Nothing to undo')
    page.press('Control+y')
    assert page.boxes()[0]['labels'] == [1, 0, None, None]


def test_boxes_by_keyboard_alone(page):
    page.press('n', 'ArrowRight', 'ArrowRight', 'Shift+ArrowDown',
               'Control+ArrowRight', 'Escape')
    first, = page.boxes()
    page.press('n', 'Escape')
    second = page.boxes()[1]
    assert first['box'][0] == pytest.approx(second['box'][0] + 2, abs=1)
    assert first['box'][2] - first['box'][3] == pytest.approx(1)
    # Reading order: the upper one, the lower one, and around.
    page.press('Tab', 'Tab', 'Delete')
    assert [box['id'] for box in page.boxes()] == [second['id']]
    page.press('Tab', 'x')
    assert page.boxes() == []
    page.press('u', 'u')
    assert len(page.boxes()) == 2


def test_odd_drags(page):
    for place in ((40, 30, 40.4, 50), (-1, 10, -0.2, 20)):
        page.drag(*place)
        page.see('#message', 'Too small for a box')
    assert page.boxes() == []
    # Beyond the image: the box ends where it does.
    box, = draw(page, (60, 40, 100, 90))
    x, y, width, height = box['box']
    assert (x + width, y + height) == pytest.approx((80, 60))
    # A side that is not dragged stays exactly where it is.
    page.click(70, 50)
    page.drag(60, 50, 30, 52)
    after, = page.boxes()
    assert after['box'][1] == y and after['box'][3] == height
    assert after['box'][0] + after['box'][2] == pytest.approx(80)
    assert after['box'][0] == pytest.approx(30, abs=0.5)


def test_one_box_at_a_time_with_back_and_skip(page):
    draw(page, (10, 10, 30, 30), (45, 10, 65, 30))
    page.press('2')
    page.see('#question .ask', 'box 1')
    page.press('j', 'f', 's')
    page.press('Backspace', 'Backspace')
    assert page.question() == (1, 1)
    assert page.page.locator('#question button[aria-pressed=true]').count()
    page.press('ArrowRight', 'ArrowDown', 'ArrowLeft')
    page.see('#question .ask', 'box 2')
    for name in ('on', 'off', 'skip'):
        page.page.locator(f'#question .{name}').click()
    page.press('y')
    page.see('#finished', 'All points of all 2 boxes are answered')
    assert [box['labels'] for box in page.boxes()] == [[1, 1, -1, 0],
                                                       [1, 0, -1, 1]]
    page.press('PageDown')
    page.see('#finished', 'This image has no boxes yet')


def test_a_held_key_is_one_answer_and_b_corrects_the_box(page):
    draw(page, (10, 10, 30, 30))
    page.press('2')
    page.see('#question .ask', 'Point 1')
    for _ in range(5):
        page.page.keyboard.down('j')
    page.page.keyboard.up('j')
    assert page.boxes()[0]['labels'] == [1, None, None, None]
    page.press('b', 'ArrowRight', '2')
    # Its answer lies in the box all the same.
    page.see('#question .ask', 'Point 2')
    box, = page.boxes()
    assert box['revision'] == 1 and box['labels'] == [1, None, None, None]


def test_review_flips_by_a_click(page):
    draw(page, (10, 10, 50, 50))
    page.press('2')
    page.see('#question .ask', 'Point 1')
    page.press('j', 'j', 's', 'f', '3')
    x, y = page.boxes()[0]['points'][0]
    page.click(x + 0.5, y + 0.5)
    assert page.boxes()[0]['labels'] == [0, 1, -1, 0]
    page.click(x + 0.5, y + 0.5)
    assert page.boxes()[0]['labels'] == [1, 1, -1, 0]
    # By keys: the second one, then the third.
    page.press('Escape', 'Tab', 'Tab', 's', 'Tab', 'Enter')
    assert page.boxes()[0]['labels'] == [1, -1, 1, 0]


def test_without_a_connection_nothing_is_lost(page):
    draw(page, (10, 10, 30, 30))
    page.press('2')
    page.see('#question .ask', 'Point 1')
    page.page.context.set_offline(True)
    page.press('j', 'f', 's')
    page.see('#saved', 'Not saved: 3 changes kept here')
    assert page.project.contents(1)['boxes'][0]['labels'] == [None] * 4
    page.page.context.set_offline(False)
    assert page.boxes()[0]['labels'] == [1, 0, -1, None]


def test_unsent_answers_survive_the_page(page, server):
    draw(page, (10, 10, 30, 30))
    page.press('2')
    page.see('#question .ask', 'Point 1')
    page.page.route('**/api/changes', lambda route: route.abort())
    page.press('f', 'j')
    page.see('#saved', 'Not saved')
    page.page.unroute('**/api/changes')
    page.open(server, name=None)
    assert page.boxes()[0]['labels'] == [0, 1, None, None]


def test_an_answer_whose_reply_is_lost_is_stored_once(page):
    lost, is_cut = [], False

    def reach_the_server_only(route):
        if not is_cut:
            route.continue_()
            return
        lost.append(route.fetch())
        route.abort()

    # From the beginning: a request right after the call may slip through.
    page.page.route('**/api/changes', reach_the_server_only)
    draw(page, (10, 10, 30, 30))
    page.press('2')
    page.see('#question .ask', 'Point 1')
    is_cut = True
    page.press('f')
    page.see('#saved', 'Not saved')
    page.page.unroute('**/api/changes')
    assert page.boxes()[0]['labels'][0] == 0
    assert lost and len(page.project.efforts()) == 1
    assert page.project.efforts()[0].points == 1


def test_two_annotators_work_on_different_boxes(
        browser, project, server):
    with new_page(browser, project) as anna, new_page(browser, project) as ben:
        anna.open(server)
        draw(anna, *((2 + 15 * n, 10, 14 + 15 * n, 22) for n in range(5)),
             *((2 + 15 * n, 40, 14 + 15 * n, 52) for n in range(5)))
        ben.open(server, 'Ben')
        for page in (anna, ben):
            page.press('2')
            page.see('#question .ask', 'Point 1')
        # Eight are Anna's, two are left.
        for _ in range(8):
            ben.see('#question .ask', 'Point')
            ben.press('f')
        ben.see('#finished', 'the points of 8 boxes are with somebody else')
        ben.press('1')
        for _ in range(32):
            anna.see('#question .ask', 'Point')
            anna.press('j')
        # What others do appears within ten seconds.
        anna.see('#finished', 'All points of all 10 boxes', timeout=15000)
        by = [box['answered_by'] for box in anna.boxes()]
    assert by.count(['Anna'] * 4) == 8 and by.count(['Ben'] * 4) == 2
    assert project.export(take_all=True).info['answers'] == {
        'Anna': 32, 'Ben': 8}


def test_what_others_do_appears(page):
    draw(page, (10, 10, 30, 30))
    key = page.project.contents(1)['boxes'][0]['key']
    page.project.change(changes.EditBox('r', key, 1, 0, [5, 5, 30, 30]),
                        'Ben').result()
    # As it does every ten seconds.
    with page.page.expect_request_finished(
            lambda request: request.url.endswith('/api/images/1')):
        page.page.evaluate(
            "document.dispatchEvent(new Event('visibilitychange'))")
    page.page.wait_for_timeout(300)  # what arrived is taken over
    page.press('Tab', 'ArrowRight', 'Escape')
    assert page.boxes()[0]['box'] == [6, 5, 30, 30]


def test_a_refused_change_is_said_and_undone(page):
    draw(page, (10, 10, 30, 30))
    # Somebody else changes it, which this page does not know yet.
    key = page.project.contents(1)['boxes'][0]['key']
    page.project.change(changes.EditBox('r', key, 1, 0, [5, 5, 30, 30]),
                        'Ben').result()
    page.press('Tab', 'ArrowRight')
    page.see('#message', 'Not done: box 1 was changed by somebody else')
    assert page.boxes()[0]['box'] == [5, 5, 30, 30]
    page.press('2')
    page.see('#question .ask', 'Point 1 of 4')


def test_time_and_keys(page):
    draw(page, (10, 10, 30, 30))
    page.press('2')
    page.see('#question .ask', 'Point 1')
    page.press('j', '4')
    page.see('#cost-table', 'a.tif')
    page.see('#cost-table', '7.00 s')
    page.page.locator('#cost-figure').wait_for()
    page.press('1', '?')
    page.see('#help-dialog', 'on the cell of this box')


def test_images_that_cannot_be_used_are_shown(
        browser, folder, tmp_path):
    (folder / 'broken.tif').write_bytes(b'no image')
    with Project(folder, tmp_path / 'p.db') as project, serving(
            project) as port, new_page(browser, project) as page:
        page.open(f'http://127.0.0.1:{port}/')
        page.see('#images', 'cannot be read as an image')
        page.page.locator('#images li', has_text='broken').click()
        page.press('PageDown', 'PageDown')
        page.see('#message', 'This is the last image')
