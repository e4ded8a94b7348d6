"""Set-up shared by all tests."""
import pytest
from mmengine.registry import init_default_scope

import pace_mmdet.structures  # noqa: F401


def _mmdet_scope():
    """What every config of ours says: names mean MMDetection's classes."""
    init_default_scope('mmdet')


# For each test, and before the fixtures that whole modules share.
_for_tests = pytest.fixture(autouse=True)(_mmdet_scope)
_for_modules = pytest.fixture(autouse=True, scope='module')(_mmdet_scope)
