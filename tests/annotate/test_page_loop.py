"""The page: train, confirm what is proposed, answer again, segment."""
import pytest

from pace_mmdet.annotate import Project

from .browser import new_page
from .conftest import serving
from .fake_model import CELLS
from .test_models import (annotate, fake, folder_of, state,  # noqa: F401
                          train, trained, wait)


def test_train_stop_and_go_on(project, fake, page):  # noqa: F811
    page.press('5')
    page.see('#train-on', 'No image is complete yet')
    assert page.page.locator('#train-start').is_disabled()
    annotate(project, 1)
    page.see('#train-on', '1 complete image with 2 boxes. A quarter of it')
    page.press('t')
    page.see('#train-state', 'Round 1: 30 of 300 steps, 2 min left', 20000)
    page.see('#modes', 'Train 10 %')
    page.see('#train-rounds', 'Anna')
    page.press('s')
    page.see('#train-state', 'Round 1: 30 of 300 steps, stopped', 20000)
    page.page.locator('#train-resume').click()
    page.see('#train-state', 'Round 1: 60 of 300 steps', 20000)
    # Another page sees it as well, and the end of it.
    page.page.reload()
    page.see('#modes', 'Train 20 %')
    (folder_of(project) / 'go').touch()
    page.press('5')
    page.see('#train-state', 'done', 20000)
    page.see('#train-next', 'Round 1 has looked at 2 of 2 images', 20000)


def test_confirm_by_keys_and_undo(trained, page):  # noqa: F811
    zoom = page.page.locator('#zoom').text_content()
    page.press('6')
    # One scores less than the page asks for, two are boxes already.
    page.see('#confirm .ask', 'Is this a cell? Score 0.40 · 1 left')
    page.press('ArrowRight', 'Shift+ArrowDown', 'Control+ArrowRight',
               'Enter')  # not beyond the image
    page.see('#confirm .ask', 'Are its points right?')
    box = page.boxes()[-1]
    x, y, width, height = CELLS[2][0]
    assert box['box'] == [x + 1, 60 - height, width + 1, height]
    assert box['by'] == 'model+Anna' and box['labels'] == [None] * 4
    page.press('Control+z')
    page.see('#confirm .ask', 'Is this a cell?')
    assert len(page.boxes()) == 2
    page.press('Enter')
    page.see('#confirm .ask', 'Are its points right?')
    page.settle()
    page.press('Enter')
    page.see('#confirm .ask', 'Nothing left above this score')
    page.press('1')  # the panel is gone
    page.see('#zoom', zoom)
    page.press('6')
    page.see('#confirm .ask', 'Nothing left above this score')
    box = page.boxes()[-1]
    assert box['labels'] == [int(thought > 0.5) for thought in thoughts_of(
        trained, box)]
    assert box['answered_how'] == ['confirmed'] * 4
    # A rejected place stays free.
    page.page.locator('#confirm-score').fill('0.05')
    page.see('#confirm .ask', 'Score 0.10 · 1 left')
    page.press('x')
    page.see('#confirm .ask', 'Nothing left')
    page.press('u')
    page.see('#confirm .ask', 'Score 0.10 · 1 left')
    page.press('x', '1', '6')
    page.see('#confirm .ask', 'Nothing left')
    page.saved()
    assert not trained.models.proposals(1)['cells'][3]['is_free']


def thoughts_of(project, box):
    return project.models.probabilities(1, [box])[0].tolist()


@pytest.mark.parametrize('size', [(1280, 720), (640, 360)])
def test_what_is_asked_covers_no_cell(trained, page, size):  # noqa: F811
    page.page.set_viewport_size(dict(width=size[0], height=size[1]))
    page.settle()
    modes = page.page.locator('#modes')
    right = modes.bounding_box()['x'] + modes.bounding_box()['width']
    for button in modes.locator('button').all():
        box = button.bounding_box()
        assert box['x'] + box['width'] <= right <= size[0]
    for key, name in (('6', '#confirm'), ('7', '#again')):
        page.press(key)
        page.see(f'{name} .ask', 'left')
        page.settle()
        stage, panel = (page.page.locator(selector).bounding_box()
                        for selector in ('#stage', name))
        assert stage['height'] > 90
        assert stage['y'] + stage['height'] <= panel['y'] + 0.5
    # Looking closely ends with the mode. (The strip of first steps has its
    # height once the page knows of the model, as it does by now.)
    page.press('8')
    page.settle()
    before = page.page.locator('#zoom').text_content()
    page.press('6')
    page.see('#confirm .ask', 'Is this a cell?')
    page.press('+', '+', '8')
    page.see('#zoom', before)


def test_accept_all_above_the_score(trained, page):  # noqa: F811
    page.page.evaluate("() => localStorage.clear()")
    page.press('6')
    page.page.locator('#confirm-score').fill('0.08')
    page.see('#confirm-all', 'accept all 2')
    page.press('Shift+Enter')
    page.see('#message', '2 proposals accepted')
    assert [box['by'] for box in page.boxes()[2:]] == ['model+Anna'] * 2
    page.see('#confirm .ask', 'Are its points right?')
    # Not answered, they are asked like any others.
    page.press('2')
    page.see('#question .ask', 'Point 1 of 4')
    page.press('6', 'Control+z')
    assert len(page.boxes()) == 2
    page.see('#confirm-all', 'accept all 2')


def test_a_box_drawn_meanwhile_hides_the_proposal(trained, page):  # noqa: F811
    page.press('6')
    page.see('#confirm .ask', '1 left')
    page.press('1', '0')
    x, y, width, height = CELLS[2][0]
    page.drag(x, y, x + width, y + height)
    page.press('Escape', '6')
    page.see('#confirm .ask', 'Nothing left')


def test_answer_again(trained, page):  # noqa: F811
    box = trained.contents(1)['boxes'][0]
    points = [point for point, thought in enumerate(thoughts_of(trained, box))
              if thought < 0.2]
    assert points  # Anna said "on" to all
    page.press('7')
    page.see('#again .ask', 'You said on the cell; the model gives it 5 %')
    before = [box['labels'] for image in (1, 2)
              for box in page.boxes(image)]
    count = int(page.page.locator('#again .ask').text_content().split()[-2])
    for number in range(count):
        page.see('#again .ask', f'{count - number} left')
        page.press('f' if number == 0 else 'k')
    page.see('#again .ask', 'contradicts none of your answers')
    after = [box['labels'] for image in (1, 2) for box in page.boxes(image)]
    assert sum(row.count(0) for row in before) == 0
    assert sum(row.count(0) for row in after) == 1
    page.press('1', '7')
    page.see('#again .ask', 'contradicts none of your answers')


def test_segment_and_download(trained, page):  # noqa: F811
    page.press('8')
    page.see('#segment-cells', '3 cells on this image, 2 of them with a box '
             'of yours')
    # One of them scores less, and is a cell all the same.
    page.page.locator('#segment-score').fill('0.7')
    page.see('#segment-cells', '2 cells on this image')
    # What is rejected is left out at once.
    page.page.locator('#segment-score').fill('0.25')
    page.press('6')
    page.see('#confirm .ask', 'Is this a cell?')
    page.press('x', '8')
    page.see('#segment-cells', '2 cells on this image, 2 of them with a box '
             'of yours; 1 left out')
    page.page.locator('#segment-start').click()
    page.see('#segment-state', 'Done: 2 files in', 20000)
    with page.page.expect_download() as download:
        page.page.locator('#segment-download').click()
    assert download.value.suggested_filename == 'segmented.zip'
    page.page.locator('#segment-folder').fill('/no/such/folder')
    page.page.locator('#segment-start').click()
    page.see('#message', 'no such folder')


def test_without_a_model(page):
    for key, selector in (('6', '#confirm .ask'), ('8', '#segment-cells')):
        page.press(key)
        page.see(selector, 'There is no model yet: train one (key 5)')
    page.press('Enter', 'x', 'Shift+Enter', 'u', 'Tab')
    page.press('7')
    page.see('#again .ask', 'contradicts none')
    page.press('k', 'f', 'Tab')
    assert page.boxes() == []


def test_training_goes_on_without_page_and_server(
        folder, tmp_path, browser, fake):  # noqa: F811
    with Project(folder, tmp_path / 'p.db') as project:
        annotate(project, 1)
        train(project)
    with Project(folder, tmp_path / 'p.db') as project, \
            serving(project) as port, new_page(browser, project) as page:
        page.open(f'http://127.0.0.1:{port}/')
        page.press('t')
        page.see('#train-state', 'Round 1: 30 of 300 steps', 20000)
        project.models.stop()
        wait(lambda: state(project) == 'stopped')
