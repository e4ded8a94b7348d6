"""The page: what a drag or a click does to boxes."""
import numpy as np
import pytest

from .browser import draw


def nearest_first(places):
    """Each followed by the one whose middle is nearest."""
    left = [np.array(place, float) for place in places]
    order = [left.pop(0)]
    while left:
        gaps = [np.abs(place - order[-1]).sum() for place in left]
        order.append(left.pop(int(np.argmin(gaps))))
    return order


def test_drawing_nearest_first_loses_no_box(page):
    """Neighbours touch and overlap, so every drag begins in or at a box."""
    random = np.random.default_rng(3)
    places = [(2 + 11 * column, 2 + 9.5 * row, 14 + 11 * column,
               12 + 9.5 * row) for row in range(5) for column in range(6)]
    places = nearest_first(places + random.uniform(-0.7, 0.7, (30, 4)))
    for x1, y1, x2, y2 in places:
        # From whichever corner.
        if random.random() < 0.5:
            x1, x2 = x2, x1
        page.drag(x1, y1, x2, y2)
    found = np.array([box['box'] for box in page.boxes()])
    drawn = np.array([[*place[:2], *(place[2:] - place[:2])]
                      for place in places])
    assert len(found) == 30
    assert np.abs(found - drawn).max() < 0.3


def test_only_a_clicked_box_is_dragged(page):
    draw(page, (10, 10, 40, 40))
    for choose in ([], ['Tab']):
        page.press(*choose)
        page.drag(12, 12, 25, 25)
        assert page.boxes()[0]['box'][:2] == pytest.approx([10, 10], abs=.1)
        assert len(page.boxes()) == 2
        page.press('u', 'Escape')
        assert len(page.boxes()) == 1
    page.click(25, 25)
    page.drag(15, 15, 20, 22)
    box, = page.boxes()
    assert box['box'][:2] == pytest.approx([15, 17], abs=.2)
    page.drag(45, 47, 50, 50)  # its corner
    box, = page.boxes()
    assert box['box'] == pytest.approx([15, 17, 35, 33], abs=.3)
    page.press('Escape')
    page.drag(20, 22, 30, 35)
    assert len(page.boxes()) == 2


def test_a_box_on_top_of_another_is_asked_for(page):
    draw(page, (10, 10, 40, 40))
    page.drag(11, 11, 41, 39)
    page.see('#message', 'This is nearly where box 1 is. Another one?')
    page.press('Escape')
    page.see('#message', 'left out')
    assert len(page.boxes()) == 1
    page.drag(11, 11, 41, 39)
    page.press('Enter')
    assert len(page.boxes()) == 2
    page.press('u')
    page.drag(11, 11, 41, 39)
    page.page.get_by_text('draw it').click()
    assert len(page.boxes()) == 2
    # Whoever goes on drawing did not mean it.
    page.drag(9, 10, 40, 41)
    page.drag(50, 10, 60, 20)
    boxes = page.boxes()
    assert len(boxes) == 3
    assert boxes[2]['box'] == pytest.approx([50, 10, 10, 10], abs=.2)
    # Beside it nothing is asked.
    draw(page, (15, 10, 47, 40))
    assert len(page.boxes()) == 4


def test_an_unsteady_click_draws_and_moves_nothing(page):
    box, = draw(page, (10, 10, 40, 40))
    page.press('2')
    for _ in range(4):
        page.see('#question .ask', 'Point')
        page.press('j')
    page.see('#finished', 'All points')
    page.press('1')
    x, y = page.on_screen(25, 25)
    # 4 pixels of the screen select; of a finished box, 10 do not move.
    for slip in (4, 10):
        page.page.mouse.move(x, y)
        page.page.mouse.down()
        page.page.mouse.move(x + slip, y)
        page.page.mouse.up()
    after, = page.boxes()
    assert after['box'] == box['box']
    assert after['labels'] == [1] * 4


def test_answers_inside_a_box_that_is_changed_stay(page):
    draw(page, (20, 10, 60, 50))
    page.press('2')
    page.see('#question .ask', 'Point 1 of 4')
    page.press(*'jfsj')
    page.see('#finished', 'All points')
    page.press('1')
    before, = page.boxes()
    xs = sorted(x for x, _ in before['points'])
    page.click(40, 30)
    page.drag(20, 30, (xs[0] + xs[1] + 1) / 2, 30)  # its left side
    page.see('#message', '1 answer is outside the box now and discarded, 3 '
             'stay. Ctrl+Z brings it back')
    after, = page.boxes()
    lost = [x for x, _ in before['points']].index(xs[0])
    for point in range(4):
        stays = point != lost
        assert (after['labels'][point] == before['labels'][point]) == stays
        assert (after['points'][point] == before['points'][point]) == stays
    # Only that one is asked anew.
    page.press('2')
    page.see('#question .ask', f'Point {lost + 1} of 4')
    page.press('f')
    page.see('#finished', 'All points')
    page.press('1', 'Control+z')
    page.see('#message', 'Undone; the box has its answers again')
    assert page.boxes()[0]['labels'] == before['labels']
    page.press('Control+y')
    assert page.boxes()[0]['labels'][lost] == 0
    page.press('Shift+ArrowUp', 'Control+ArrowDown')
    page.see('#message', 'all stay')
