"""The page: what is shown of images, and which come next."""
import numpy as np
import pytest
import tifffile
from playwright.sync_api import expect

from pace_mmdet.annotate import Project
from pace_mmdet.annotate.errors import ChangeRefused

from .browser import draw, new_page
from .conftest import serving


@pytest.fixture
def dim(tmp_path):
    """Two images: dim cells left, some a hundred times as bright right."""
    folder = tmp_path / 'dim'
    folder.mkdir()
    image = np.full((60, 80), 100, np.uint16)
    image[20:30, 10:20] = 130
    image[20:30, 60:70] = 20000
    for name in ('a.tif', 'b.tif'):
        tifffile.imwrite(folder / name, image)
    with Project(folder, tmp_path / 'dim.db') as project, serving(
            project) as port:
        yield project, f'http://127.0.0.1:{port}/'


def grey(page, x, y):
    """What is on screen at a place of the image, 0 to 255."""
    page.settle()
    return page.page.evaluate('''([x, y]) => {
      const canvas = document.querySelector('#image-layer');
      const { left, top } = canvas.getBoundingClientRect();
      return canvas.getContext('2d').getImageData(
        x - left, y - top, 1, 1).data[0];
    }''', page.on_screen(x, y))


def wait_for_grey(page, x, y, wanted):
    for _ in range(50):
        if abs(grey(page, x, y) - wanted) <= 3:
            return
        page.page.wait_for_timeout(100)
    raise AssertionError(f'{grey(page, x, y)}, expected {wanted}')


def test_contrast_in_the_images_own_bits(browser, dim):
    project, url = dim
    with new_page(browser, project) as page:
        page.open(url)
        page.see('#white-value', '20000')
        wait_for_grey(page, 65, 25, 255)
        assert grey(page, 15, 25) < 3  # not to be seen
        # What is in view is stretched: zoom to the dim cell first.
        page.page.mouse.move(*page.on_screen(0, 25))
        for _ in range(6):
            page.page.mouse.wheel(0, -200)
        page.settle()
        page.press('v')
        page.see('#white-value', '130')
        page.see('#black-value', '100')
        page.press('0')
        wait_for_grey(page, 15, 25, 255)
        assert grey(page, 40, 40) < 3
        page.see('#display-state', 'set for all images')
        # So it is for the other images, and when the project is opened again.
        page.press('PageDown')
        page.see('#images li[aria-current=true]', 'b.tif')
        wait_for_grey(page, 15, 25, 255)
        page.open(url, name=None)
        page.see('#white-value', '130')
        wait_for_grey(page, 15, 25, 255)
        page.press('Shift+C', 'Shift+L', 'i')
        page.see('#white-value', '137')
        page.see('#black-value', '98')
        wait_for_grey(page, 40, 40, round(255 * 2.2 / 39.7))
        style = page.page.locator('#image-layer').get_attribute('style')
        assert 'invert(1)' in style
        page.press('r')
        page.see('#display-state', 'automatic')
        page.see('#white-value', '20000')
        wait_for_grey(page, 15, 25, 0)
        page.page.locator('#white').focus()
        page.press('Home')
        page.see('#white-value', '100')


def test_points_begin_with_what_is_in_view(page):
    """And the zoom that somebody chose stays."""
    draw(page, (2, 2, 12, 12), (62, 42, 74, 54))
    page.page.mouse.move(*page.on_screen(79, 59))
    for _ in range(4):
        page.page.mouse.wheel(0, -150)
    page.press('2')
    page.see('#question .ask', 'box 2')

    def zoom():
        page.settle()
        return page.page.locator('#zoom').text_content()

    framed = zoom()
    page.page.mouse.move(*page.on_screen(40, 30))
    page.page.mouse.wheel(0, 400)
    expect(page.page.locator('#zoom')).not_to_have_text(framed)
    chosen = zoom()
    page.press('j', 'j', 'j', 'j')
    page.see('#question .ask', 'box 1')
    assert zoom() == chosen


@pytest.fixture
def many(tmp_path):
    folder = tmp_path / 'many'
    folder.mkdir()
    for number in range(12):
        tifffile.imwrite(folder / f'{"even" if number % 2 == 0 else "odd"}'
                         f'{number}.tif', np.zeros((60, 80), np.uint8))
    with Project(folder, tmp_path / 'many.db') as project, serving(
            project) as port:
        yield project, f'http://127.0.0.1:{port}/'


def test_a_long_list_is_filtered_and_walked(browser, many):
    project, url = many
    with new_page(browser, project) as page:
        page.open(url)
        current = '#images li[aria-current=true]'
        page.see(current, 'even0.tif')
        page.press('d', '/')
        page.page.keyboard.type('odd')
        assert page.page.locator('#images li:visible').count() == 6
        page.press('ArrowDown', 'ArrowDown', 'Enter')
        page.see(current, 'odd3.tif')
        page.press('PageDown')
        page.see(current, 'odd5.tif')
        page.press('/')
        page.press('Escape')
        assert page.page.locator('#images li:visible').count() == 12
        page.page.locator('#only-open').check()
        assert page.page.locator('#images li:visible').count() == 11
        page.page.locator('#only-open').uncheck()
        # The next that is not complete, around the end of the list.
        page.press('o', 'End', 'Enter')
        page.see(current, 'odd11.tif')
        page.press('g')
        page.see(current, 'even2.tif')


def test_after_the_last_answer_the_whole_image_is_shown(page):
    zoom = page.page.locator('#zoom').text_content()
    draw(page, (10, 10, 30, 30))
    page.press('2')
    for _ in range(4):
        page.see('#question .ask', 'Point')
        page.press('j')
    page.see('#finished', 'Has every cell a box?')
    page.see('#zoom', zoom)


def test_the_first_steps(page, server):
    page.see('#steps [aria-current=step]', 'Box every cell')
    page.see('#step-next', 'Drag from corner to corner')
    draw(page, (10, 10, 30, 30))
    page.see('#step-next', 'then D: complete')
    page.press('2')
    page.see('#steps [aria-current=step]', 'Answer 0 of 4')
    page.see('#step-next', 'J yes, F no')
    for _ in range(4):
        page.see('#question .ask', 'Point')
        page.press('j')
    page.see('#step-next', 'then D: complete')
    page.press('d')
    page.see('#steps [aria-current=step]', 'Train 1 complete')
    page.see('#step-next', 'T: train')
    page.page.locator('#steps-close').click()
    page.open(server, name=None)
    assert page.page.locator('#steps').is_hidden()


@pytest.fixture
def stacks(tmp_path):
    """Two files of two channels with three planes, the project without."""
    folder = tmp_path / 'stacks'
    folder.mkdir()
    stack = np.zeros((3, 2, 60, 80), np.uint16)
    stack[:, :, 0, 0] = 1000
    for page in range(3):
        stack[page, 1, 20:40, 20:60] = 300 * page
    for name in ('a.ome.tif', 'b.ome.tif'):
        tifffile.imwrite(folder / name, stack, ome=True,
                         metadata=dict(axes='ZCYX'))
    with Project(folder, tmp_path / 'stacks.db') as project, serving(
            project) as port:
        yield project, f'http://127.0.0.1:{port}/'


def test_plane_and_channel_are_chosen_in_the_page(browser, stacks):
    project, url = stacks
    with new_page(browser, project) as page:
        page.page.goto(url)
        page.page.locator('#name').fill('Anna')
        page.press('Enter')
        page.see('#choose-what', 'a.ome.tif holds 3 planes in 2 channels')
        page.page.locator('#choose-page').fill('2')
        page.page.locator('#choose-channel').select_option('1')
        page.page.locator('#choose-ok').click()
        page.see('#images li[aria-current=true]', 'a.ome.tif')
        page.see('#plane-value', '2 of 0 … 2')
        wait_for_grey(page, 40, 30, 255)
        # Others are looked at; what is annotated stays.
        page.press(',', ',', ',')
        page.see('#plane-value', '0 of 0 … 2')
        page.see('#plane-note', 'Looking only')
        wait_for_grey(page, 40, 30, 0)
        page.press('.', '.')
        wait_for_grey(page, 40, 30, 255)
        page.press('k')
        wait_for_grey(page, 40, 30, 0)
        page.press('k')
        wait_for_grey(page, 40, 30, 255)
        assert page.page.locator('#plane-note').text_content() == ''
        draw(page, (10, 10, 30, 30))
        assert (project.meta['page'], project.meta['channel']) == (2, 1)
        page.press('d')
        page.saved()
    assert project.export().info['page'] == 2
    with pytest.raises(ChangeRefused, match='there are boxes already'):
        project.choose_plane(0, 0).result()
