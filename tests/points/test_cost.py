import pytest

from pace_mmdet.points import AnnotationCost


@pytest.mark.parametrize('num_points, fraction, speedup', [
    (1, 0.1717, 5.82),
    (4, 0.2304, 4.34),
    (8, 0.3087, 3.24),
])
def test_the_papers_figures(num_points, fraction, speedup):
    cost = AnnotationCost()
    assert cost.fraction(num_points) == pytest.approx(fraction, abs=5e-5)
    assert cost.speedup(num_points) == pytest.approx(speedup, abs=5e-3)


def test_own_times():
    cost = AnnotationCost(
        seconds_per_box=2, seconds_per_point=1, seconds_per_mask=20)
    assert cost.seconds(0) == 2 and cost.seconds(3) == 5
    assert cost.speedup(3) == 4


@pytest.mark.parametrize('times', [
    dict(seconds_per_box=-1),
    dict(seconds_per_point=float('nan')),
    dict(seconds_per_mask=0),
])
def test_bad_times(times):
    with pytest.raises(ValueError, match=next(iter(times))):
        AnnotationCost(**times)
