"""Set-up shared by all tests."""
import pytest
from mmengine.registry import init_default_scope

import pace_mmdet.structures  # noqa: F401


@pytest.fixture(autouse=True)
def _mmdet_scope():
    """What every config of ours says: names mean MMDetection's classes."""
    init_default_scope('mmdet')
