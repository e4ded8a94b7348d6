"""The page: keys, pointers and windows of every kind."""
import threading

import cv2
import numpy as np
import pytest

from pace_mmdet.annotate import tiles

from .browser import draw, new_page
from .conftest import serving

TOKEN = 'a-token-of-enough-characters'


def answer_all(page, boxes, keys='jfjf'):
    page.press('2')
    for _ in range(boxes):
        for key in keys:
            page.see('#question .ask', 'Point')
            page.press(key)
    page.see('#finished', 'All points')


def test_selecting_everything_does_not_stop_drawing(page):
    page.press('Control+a')
    assert page.page.evaluate('getSelection().toString()') == ''
    assert len(draw(page, (10, 10, 30, 30), (40, 10, 60, 30))) == 2


def test_space_pans_after_a_slider_or_a_tick(page):
    for control in ('#white', '#invert'):
        page.page.locator(control).click()
        page.page.keyboard.down(' ')
        page.drag(40, 30, 45, 33)
        page.page.keyboard.up(' ')
        page.press('0')
    assert page.boxes() == []
    assert page.page.locator('#invert').is_checked()


def test_two_fingers_zoom_and_draw_nothing(
        browser, project, server):
    with new_page(browser, project, has_touch=True) as page:
        page.open(server)
        touch = page.page.context.new_cdp_session(page.page)
        x, y = page.on_screen(40, 30)

        def send(kind, *places):
            touch.send('Input.dispatchTouchEvent', dict(
                type=kind, touchPoints=[
                    dict(x=px, y=py, id=number)
                    for number, (px, py) in enumerate(places)]))

        send('touchStart', (x - 40, y))
        send('touchMove', (x - 44, y))
        send('touchStart', (x - 44, y), (x + 44, y))
        for step in range(1, 5):
            send('touchMove', (x - 44 - 11 * step, y), (x + 44 + 11 * step, y))
        send('touchEnd', (x - 88, y))
        send('touchMove', (x - 60, y + 30))
        send('touchEnd')
        page.settle()
        assert page.boxes() == []
        zoom = int(page.page.locator('#zoom').text_content().split()[0])
        page.press('0')
        page.settle()
        fitted = int(page.page.locator('#zoom').text_content().split()[0])
        assert zoom / fitted == pytest.approx(2, abs=0.05)
        # One finger draws.
        send('touchStart', (x, y))
        send('touchMove', (x + 60, y + 60))
        send('touchEnd')
        assert len(page.boxes()) == 1


def test_tab_goes_on_after_delete(page):
    places = [(5 + 15 * n, 10, 15 + 15 * n, 20) for n in range(4)]
    draw(page, *places)
    page.press('Tab', 'Tab', 'Delete', 'Tab', 'Delete')
    assert [box['id'] for box in page.boxes()] == [1, 4]
    page.press('Shift+Tab', 'Delete')
    assert [box['id'] for box in page.boxes()] == [4]


def test_the_keys_of_review_are_those_of_points(page):
    draw(page, (10, 10, 50, 50))
    answer_all(page, 1, 'jjsf')
    page.press('3', 'Tab', 'f')
    page.see('#message', 'on the cell → off the cell. Ctrl+Z takes it back')
    page.press('f')  # it is off: nothing to flip
    page.press('Tab', 's', 'Tab', 'j')
    assert page.boxes()[0]['labels'] == [0, -1, 1, 0]
    page.press('Control+z', 'u', 'u')
    assert page.boxes()[0]['labels'] == [1, 1, -1, 0]
    page.press('u')
    page.see('#message', 'Nothing to undo')
    x, y = page.boxes()[0]['points'][3]
    page.click(x + 0.5, y + 0.5)
    page.press('u')
    assert page.boxes()[0]['labels'] == [1, 1, -1, 0]


def test_undoing_a_box_with_answers_is_said(page):
    draw(page, (10, 10, 30, 30))
    answer_all(page, 1)
    page.press('1', 'Control+z')
    page.see('#message', 'the box is gone with its 4 answers. Ctrl+Y brings')
    assert page.boxes() == []
    page.press('Control+y')
    page.see('#message', 'Redone; the box has its answers again')
    assert page.boxes()[0]['labels'] == [1, 0, 1, 0]


def test_the_list_by_keyboard(page):
    page.press('o', 'ArrowDown', 'ArrowUp', 'End', 'Enter')
    page.see('#images li[aria-current=true]', 'b.tif')
    page.press('o', 'Home', 'Escape', 'n')
    assert len(page.boxes(2)) == 1
    page.press('d')
    page.saved()
    assert page.project.contents(2)['complete'] is True


@pytest.mark.parametrize('size', [(1280, 720), (640, 360)])
def test_small_windows(browser, project, server, size):
    """1280 x 720 at 200 % is 640 x 360: all is visible and in reach."""
    with new_page(browser, project, viewport=dict(zip(
            ('width', 'height'), size))) as page:
        page.open(server)
        draw(page, *((5 + 25 * n, 10, 22 + 25 * n, 40) for n in range(2)))
        page.press('2')
        for _ in range(8):
            page.see('#question .ask', 'Point')
            page.settle()
            assert page.page.evaluate(
                '([x, y]) => document.elementFromPoint(x, y).id',
                page.asked_on_screen()) == 'overlay'
            page.press('j')
        page.press('Backspace')
        for button in ('#help', '#export', '#question .off', '#question .on',
                       '#question .back', '#complete'):
            found = page.page.locator(button)
            found.scroll_into_view_if_needed()
            box = found.bounding_box()
            assert box['x'] >= 0 and box['y'] >= 0
            assert box['x'] + box['width'] <= size[0]
            assert box['y'] + box['height'] <= size[1]
        page.page.locator('#help').click()
        page.see('#help-dialog', 'on the cell of this box')


def test_the_same_name_in_two_tabs(browser, project, server):
    with new_page(browser, project) as one, new_page(browser, project) as two:
        one.open(server)
        draw(one, *((2 + 15 * n, 10 + 25 * row, 14 + 15 * n, 22 + 25 * row)
                    for n in range(5) for row in range(2)))
        two.open(server, 'Anna')
        for page in (one, two):
            page.press('2')
            page.see('#question .ask', 'Point 1')
        assert one.question()[0] != two.question()[0]
        answered = set()
        for _ in range(2):
            box, _ = two.question()
            answered.add(box)
            for _ in range(4):
                two.see('#question .ask', f'box {box}')
                two.press('f')
        two.see('#finished', 'the points of 8 boxes are')
        # What is closed keeps nothing from the others.
        one.page.reload()
        one.page.locator('#images li[aria-current=true]').wait_for()
        one.press('2')
        one.see('#question .ask', 'Point 1')
        assert one.question()[0] not in answered


def test_a_large_image_does_not_hold_up_the_next(
        browser, project, server, monkeypatch, folder):
    gate = threading.Event()
    read = project._read_image

    def wait_for_a(key):
        assert key[0] != 1 or gate.wait(20)
        return read(key)

    monkeypatch.setattr(project._pyramids, '_read', wait_for_a)
    monkeypatch.setattr(tiles, '_LARGE', 4000)
    project.images[2].width = 60  # a small one
    cv2.imwrite(str(folder / 'b.tif'), np.zeros((60, 60), np.uint8))
    with new_page(browser, project) as page:
        page.open(server)
        page.see('#loading', 'Loading the image')
        with page.page.expect_response('**/tiles/0/0/0.png*') as tile:
            page.press('PageDown')
        assert tile.value.ok and '/images/2/' in tile.value.url
        page.see('#images li[aria-current=true]', 'b.tif')
        page.page.wait_for_timeout(400)
        assert page.page.locator('#loading').is_hidden()
        gate.set()


def test_the_printed_address_has_the_token(browser, project):
    with serving(project, token=TOKEN) as port, new_page(
            browser, project) as page:
        url = f'http://127.0.0.1:{port}/'
        page.page.goto(url)
        assert 'it ends with the token' in page.page.content()
        page.open(f'{url}?token={TOKEN}')
        assert TOKEN not in page.page.url
        assert len(draw(page, (10, 10, 30, 30))) == 1
