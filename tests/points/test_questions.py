"""Answers worth asking again, and points worth asking about."""
import numpy as np
import pytest

from pace_mmdet.points.questions import (contradicted_answers,
                                         least_certain_pixels)

NAN = float('nan')


@pytest.mark.parametrize('probs, labels, expected', [
    (np.zeros((0, 4)), np.zeros((0, 4)), []),
    (np.zeros((3, 0)), np.zeros((3, 0)), []),
    ([[0.9, 0.1]], [[1, 0]], []),
    # Either way, the worst first.
    ([[0.1, 0.95]], [[1, 0]], [(0, 1), (0, 0)]),
    ([[0.9], [0.01], [0.19]], [[0], [1], [1]], [(1, 0), (0, 0), (2, 0)]),
    # As bad as each other: in their order.
    ([[0.0, 1.0], [1.0, 0.0]], [[1, 0], [0, 1]],
     [(0, 0), (0, 1), (1, 0), (1, 1)]),
    # Not sure enough, no answer, no opinion.
    ([[0.21, 0.79]], [[1, 0]], []),
    ([[0.0, 1.0]], [[-1, -1]], []),
    ([[NAN, NAN]], [[1, 0]], []),
])
def test_contradicted_answers(probs, labels, expected):
    found = contradicted_answers(probs, labels)
    assert found.shape == (len(expected), 2) and found.dtype == np.int64
    assert [tuple(pair) for pair in found] == expected


def test_contradicted_answers_of_many_cells():
    rng = np.random.default_rng(0)
    probs, labels = rng.random((300, 5)), rng.integers(-1, 2, (300, 5))
    found = contradicted_answers(probs, labels, 0.6)
    plain = [(-abs(labels[n, p] - probs[n, p]), n, p)
             for n in range(300) for p in range(5)
             if labels[n, p] >= 0 and abs(labels[n, p] - probs[n, p]) >= 0.6]
    assert len(plain) > 100
    assert found.tolist() == [[n, p] for _, n, p in sorted(plain)]


@pytest.mark.parametrize('probs, labels, doubt, message', [
    ([[0.5]], [[1, 0]], 0.8, 'one shape'),
    ([0.5], [1], 0.8, 'one shape'),
    ([[1.5]], [[1]], 0.8, r'probability must be in \[0, 1\], got 1.5'),
    ([[0.5]], [[2]], 0.8, 'label must be 1, 0 or -1, got 2'),
    ([[0.5]], [[1]], 0.5, 'doubt'),
    ([[0.5]], [[1]], 1.1, 'doubt'),
])
def test_contradicted_answers_refuses(probs, labels, doubt, message):
    with pytest.raises(ValueError, match=message):
        contradicted_answers(probs, labels, doubt)


@pytest.mark.parametrize('probs, count, apart, expected', [
    (np.zeros((0, 0)), 2, 3, []),
    (np.zeros((4, 0)), 2, 3, []),
    ([[0.2]], 3, 3, [(0, 0)]),
    ([[0.2, 0.6], [0.9, 0.45]], 0, 0, []),
    ([[0.2, 0.6], [0.9, 0.45]], 1, 0, [(1, 1)]),
    # As certain as each other: line by line, each once.
    (np.full((2, 2), 0.5), 9, 0, [(0, 0), (1, 0), (0, 1), (1, 1)]),
    # The next one is far enough away, or there is none.
    ([[0.5, 0.49, 0.4, 0.1]], 4, 2, [(0, 0), (2, 0)]),
    ([[0.5, 0.49, 0.4, 0.1]], 4, 1.5, [(0, 0), (2, 0)]),
    ([[0.5, 0.49, 0.4, 0.1]], 4, 3, [(0, 0), (3, 0)]),
    ([[0.5, 0.49, 0.4, 0.1]], 4, 4, [(0, 0)]),
    ([[NAN, 0.9], [NAN, NAN]], 2, 0, [(1, 0)]),
    ([[NAN]], 1, 0, []),
])
def test_least_certain_pixels(probs, count, apart, expected):
    found = least_certain_pixels(probs, count, apart)
    assert found.shape == (len(expected), 2) and found.dtype == np.int64
    assert [tuple(pixel) for pixel in found] == expected


@pytest.mark.parametrize('probs, count, message', [
    ([0.5], 1, r'shape \(h, w\)'),
    ([[-0.1]], 1, 'probability'),
    ([[0.5]], -1, 'count'),
])
def test_least_certain_pixels_refuses(probs, count, message):
    with pytest.raises(ValueError, match=message):
        least_certain_pixels(probs, count)
