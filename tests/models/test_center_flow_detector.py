"""Prediction from several views."""
import pytest
import torch
from mmdet.structures import DetDataSample

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
def test_maps_are_means_over_views(views, monkeypatch):
    model, seen = detector(views), []
    monkeypatch.setattr(
        model.bbox_head, 'predict_by_feat',
        lambda *maps, **options: seen.append(maps) or [])
    monkeypatch.setattr(model, 'add_pred_to_datasample',
                        lambda samples, found: samples)
    images = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        model.predict(images, [DetDataSample(metainfo={})] * 2)
        each = [flip_back(*(maps[0] for maps in model(images.flip(axes))),
                          axes) for axes in VIEWS[:views]]
    for k in range(2):
        mean = torch.stack([maps[k] for maps in each]).mean(0)
        assert torch.allclose(seen[0][k][0], mean, atol=1e-5)
    if views > 1:
        assert not torch.allclose(each[0][0], each[1][0], atol=0.01)


def test_a_flipped_image_has_the_flipped_maps(monkeypatch):
    model, seen = detector(4), []
    monkeypatch.setattr(
        model.bbox_head, 'predict_by_feat',
        lambda *maps, **options: seen.append(maps) or [])
    monkeypatch.setattr(model, 'add_pred_to_datasample',
                        lambda samples, found: samples)
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        for picture in (image, image.flip(-1)):
            model.predict(picture, [DetDataSample(metainfo={})])
    (logits, flow), flipped = (
        (maps[0][0], maps[1][0]) for maps in seen)
    other_logits, other_flow = flip_back(*flipped, (-1, ))
    assert torch.allclose(logits, other_logits, atol=1e-4)
    assert torch.allclose(flow, other_flow, atol=1e-4 * FLOW_LENGTH)


def test_other_numbers_of_views():
    assert isinstance(detector(1), CenterFlowDetector)
    with pytest.raises(ValueError, match='views must be 1, 2 or 4, got 3'):
        detector(3)
