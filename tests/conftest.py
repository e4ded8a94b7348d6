"""Set-up and synthetic data shared by all tests."""
import json
import os
import shutil

import pytest
from mmengine.registry import init_default_scope

import pace_mmdet.structures  # noqa: F401
from pace_mmdet.coco.converting import masks_to_points
from pace_mmdet.testing import write_synthetic_coco

from .cases import case  # noqa: F401

HOW = ('no Chromium on this system; the tests of the page need it: '
       'apt-get install chromium')


def pytest_runtest_setup(item):
    if os.name != 'posix' and item.get_closest_marker('posix'):
        pytest.skip('needs forks, signals or shell scripts')


def _mmdet_scope():
    """What every config of ours says: names mean MMDetection's classes."""
    init_default_scope('mmdet')


# For each test, and before the fixtures that whole modules share.
_for_tests = pytest.fixture(autouse=True)(_mmdet_scope)
_for_modules = pytest.fixture(autouse=True, scope='module')(_mmdet_scope)


@pytest.fixture(autouse=True)
def _switches_of_pytorch(monkeypatch):
    """Commands set them for their process, which here is that of all tests."""
    for name in ('WEIGHTS_ONLY', 'NO_WEIGHTS_ONLY'):
        monkeypatch.setenv(f'TORCH_FORCE_{name}_LOAD', '')
        monkeypatch.delenv(f'TORCH_FORCE_{name}_LOAD')


@pytest.fixture
def mask_file(tmp_path):
    """3 images of 96 x 128 pixels with 12 cells each."""
    return write_synthetic_coco(tmp_path / 'data', 3, 12, 96, 128)


@pytest.fixture
def point_file(mask_file):
    """The same with 10 points per cell instead of masks."""
    path = mask_file.with_name('points.json')
    masks_to_points(mask_file, path)
    return path


@pytest.fixture
def edit():
    """Gives a function that changes a JSON file through a callback."""

    def change(path, callback):
        document = json.loads(path.read_text())
        callback(document)
        path.write_text(json.dumps(document))
        return path

    return change


@pytest.fixture(scope='session')
def browser():
    """The system's Chromium, without a window."""
    path = shutil.which('chromium') or shutil.which('chromium-browser')
    if path is None:
        pytest.skip(HOW)
    # Tests of an installed package do without it.
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        # Its sandbox does not run as root, which is what CI is.
        browser = playwright.chromium.launch(
            executable_path=path, args=['--no-sandbox'])
        yield browser
        browser.close()
