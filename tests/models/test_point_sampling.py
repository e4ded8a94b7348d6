import pytest
import torch

from pace_mmdet.models.point_sampling import box_coordinates, sample_logits


def test_box_coordinates():
    points = torch.tensor([[[10., 20.], [12., 24.], [14., 28.], [9.9, 20.],
                            [12., 28.1]]])
    coords, inside = box_coordinates(points, torch.tensor([[10., 20., 14.,
                                                            28.]]))
    assert inside.tolist() == [[True, True, True, False, False]]
    assert coords[0, :3].tolist() == [[0, 0], [0.5, 0.5], [1, 1]]
    assert coords[0, 3:].tolist() == [[0.5, 0.5]] * 2


@pytest.mark.parametrize('bbox', [
    [5., 5., 5., 9.],
    [5., 5., 9., 5.],
    [5., 5., 5., 5.],
    [9., 9., 5., 5.],
])
def test_no_point_lies_in_a_box_without_area(bbox):
    points = torch.tensor([[[5., 5.], [7., 7.], [4., 5.]]])
    coords, inside = box_coordinates(points, torch.tensor([bbox]))
    assert not inside.any() and torch.isfinite(coords).all()


def bilinear(grid, x, y):
    """Plain bilinear interpolation; cell (i, j) has its value at its centre
    and everything beyond the grid is 0."""
    height, width = len(grid), len(grid[0])

    def value(row, column):
        inside = 0 <= row < height and 0 <= column < width
        return grid[row][column] if inside else 0.

    column, row = x * width - 0.5, y * height - 0.5
    left, top = int(column // 1), int(row // 1)
    right_share, bottom_share = column - left, row - top
    return ((1 - bottom_share) * ((1 - right_share) * value(top, left) +
                                  right_share * value(top, left + 1)) +
            bottom_share * ((1 - right_share) * value(top + 1, left) +
                            right_share * value(top + 1, left + 1)))


@pytest.mark.parametrize('num_classes', [1, 3])
def test_bilinear_interpolation_against_a_plain_oracle(num_classes):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, num_classes, 7, 5, generator=generator)
    points = torch.rand(4, 9, 2, generator=generator)
    points[0, :4] = torch.tensor([[0., 0.], [1., 1.], [0., 1.], [0.5, 0.5]])
    labels = torch.tensor([0, 2, 1, 2])
    sampled = sample_logits(logits, points, labels)
    assert sampled.shape == (4, 9)
    for roi in range(4):
        grid = logits[roi, labels[roi] if num_classes > 1 else 0].tolist()
        expected = [bilinear(grid, x, y) for x, y in points[roi].tolist()]
        assert sampled[roi].tolist() == pytest.approx(expected, abs=1e-5)


def test_float32_whatever_comes():
    logits = torch.randn(2, 1, 28, 28).bfloat16()
    points = torch.rand(2, 3, 2).bfloat16()
    assert sample_logits(logits, points,
                         torch.zeros(2).long()).dtype == torch.float32
