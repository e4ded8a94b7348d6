"""Prediction from several views."""
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from pace_mmdet.models import CenterFlowDetector
from pace_mmdet.models.center_flow import FLOW_LENGTH
from pace_mmdet.models.center_flow_detector import VIEWS, flip_back

from .conftest import build
from .test_center_flow_head import MODEL


def detector(views):
    torch.manual_seed(0)
    return build(dict(MODEL, test_cfg=dict(views=views))).eval()


@pytest.mark.parametrize('axes', VIEWS)
def test_flip_back(axes):
    """Maps that are right for any image are the same from all sides."""
    image = torch.arange(24.0).view(4, 6)

    def maps(image):
        x = torch.arange(image.shape[-1]).expand(image.shape)
        y = torch.arange(image.shape[-2])[:, None].expand(image.shape)
        # To the brightest pixel.
        top = image.argmax()
        to_x, to_y = top % image.shape[-1], top // image.shape[-1]
        return image, torch.stack([to_x - x, to_y - y]).float()

    logits, flow = flip_back(*maps(image.flip(axes)), axes)
    assert torch.equal(logits, image)
    assert torch.equal(flow, maps(image)[1])


@pytest.mark.parametrize('views', [1, 2, 4])
@torch.no_grad()
def test_maps_are_means_over_views(views):
    model, images = detector(views), torch.randn(2, 3, 64, 96)
    each = []
    for axes in VIEWS[:views]:
        (logits, ), (flow, ) = model.bbox_head(
            model.extract_feat(images.flip(axes)))
        each.append(flip_back(logits, flow, axes))
    for (found, ), maps in zip(model(images), zip(*each)):
        assert torch.allclose(found, torch.stack(maps).mean(0), atol=1e-5)
    if views > 1:
        assert not torch.allclose(each[0][0], each[1][0], atol=0.01)


@torch.no_grad()
def test_a_flipped_image_has_the_flipped_maps():
    model, image = detector(4), torch.randn(1, 3, 64, 64)
    (logits, ), (flow, ) = model(image)
    flipped = [maps[0] for maps in model(image.flip(-1))]
    other_logits, other_flow = flip_back(*flipped, (-1, ))
    assert torch.allclose(logits, other_logits, atol=1e-4)
    assert torch.allclose(flow, other_flow, atol=1e-4 * FLOW_LENGTH)


@torch.no_grad()
def test_cells_are_found_in_the_means(monkeypatch):
    model, image = detector(2), torch.randn(1, 3, 64, 64)
    seen = []
    monkeypatch.setattr(
        model.bbox_head, 'predict_by_feat',
        lambda *maps, **options: seen.append(maps) or [InstanceData()])
    model.predict(image, [DetDataSample(metainfo={})])
    for (found, ), (expected, ) in zip(seen[0], model(image)):
        assert torch.equal(found, expected)


def test_other_numbers_of_views():
    assert isinstance(detector(1), CenterFlowDetector)
    with pytest.raises(ValueError, match='views must be 1, 2 or 4, got 3'):
        detector(3)
