"""The page: which images are complete."""
import pytest

from pace_mmdet.annotate import Project, changes

from .browser import draw, new_page
from .conftest import serving
from .test_upgrading import make


def state(page, image=1):
    page.saved()
    contents = page.project.contents(image)
    return contents['complete'], contents['complete_by']


def test_an_image_is_complete_when_its_annotator_says_so(page):
    draw(page, (10, 10, 30, 30))
    page.press('e')
    page.see('#export-lines', '0 images, 0 boxes\n  not marked as complete')
    assert page.page.locator('#export-link').is_hidden()
    page.press('Escape', 'd')
    page.see('#message', 'Complete; 1 boxes still have open points')
    assert state(page) == (True, 'Anna')
    page.see('#images li:first-child .count', '0 of 1 boxes finished · compl')
    page.see('#images li:first-child .sign', '✓')
    page.see('#overall', '1 / 2 complete')
    page.see('#complete-state', 'complete · Anna')
    page.press('e')
    page.see('#export-lines', '1 images, 1 boxes\n  4 points of 1 boxes have')
    page.press('Escape')
    page.page.locator('#complete').click()
    page.see('#message', 'left out of export and training')
    assert state(page) == (False, 'Anna')
    page.see('#overall', '0 / 2 complete')
    # No cells here, which is something to say too.
    page.press('PageDown', 'd')
    page.see('#message', 'no cells here')
    page.see('#images li:last-child .count', 'complete: no cells')
    assert state(page, 2) == (True, 'Anna')


def test_parts_of_an_image_are_complete(page):
    page.page.keyboard.down('Shift')
    page.drag(5, 5, 35, 45)
    page.page.keyboard.up('Shift')
    page.see('#message', 'This part is complete')
    assert state(page)[0] == [pytest.approx([5, 5, 30, 40], abs=0.2)]
    assert page.boxes() == []
    page.press('Shift+D')
    page.see('#message', 'Zoom in first')
    page.press('+', '+', 'Shift+D')
    parts, _ = state(page)
    assert len(parts) == 2 and 30 < parts[1][2] < 80
    page.see('#complete-state', 'complete in 2 parts')
    page.press('0')
    page.page.keyboard.down('Shift')
    page.click(7, 7)
    page.page.keyboard.up('Shift')
    assert len(state(page)[0]) == 1
    page.press('d')
    assert state(page)[0] is True
    page.press('d')
    assert state(page)[0] is False


def test_an_export_is_counted_while_it_is_looked_at(page):
    draw(page, (10, 10, 30, 30))
    page.press('d', 'e')
    page.see('#export-lines', '1 images, 1 boxes')
    page.project.change(changes.CreateBox('r', 'k', 1, 1, [5, 5, 30, 30]),
                        'Ben').result()
    page.see('#export-lines', '1 images, 2 boxes')
    page.project.change(changes.CreateBox('s', 'l', 1, 2, [5, 5, 30, 30]),
                        'Ben').result()
    page.page.locator('#export-all').click()
    page.see('#export-lines', '2 images, 3 boxes')
    with page.page.expect_download() as download:
        page.page.locator('#export-link').click()
    assert '"complete":false' in open(download.value.path()).read()


def test_two_say_different_things(page):
    page.project.change(changes.MarkImage('m', 1, 1, -1, [[1, 1, 9, 9]]),
                        'Ben').result()
    page.press('d')
    page.see('#message', 'Not done: Ben has said meanwhile')
    page.see('#complete-state', 'complete in a part · Ben')


def test_what_version_1_took_for_complete_is_shown(
        browser, folder, tmp_path):
    (folder / 'c.tif').write_bytes((folder / 'a.tif').read_bytes())
    make(tmp_path / 'p.db')
    with Project(folder, tmp_path / 'p.db') as project, serving(
            project) as port, new_page(browser, project) as page:
        page.open(f'http://127.0.0.1:{port}/#2')
        page.see('#complete-state', '✓? complete as in version 1, unconfirm')
        page.press('e')
        page.see('#export-lines', 'nobody has said so yet: b.tif')
        page.press('Escape', 'd')
        page.see('#complete-state', '✓ complete · Anna')
