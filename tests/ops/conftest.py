"""Shared by the tests of operators."""
import json
from pathlib import Path

import pytest

from pace_mmdet.ops.kernels import torchvision_works

needs_torchvision = pytest.mark.skipif(
    not torchvision_works('CPU'),
    reason='torchvision is not installed, or not for this torch')


@pytest.fixture(scope='session')
def recorded():
    """What a compiled MMCV gave, as record.py wrote it."""
    return json.loads(
        Path(__file__).with_name('mmcv_numbers.json').read_text())
