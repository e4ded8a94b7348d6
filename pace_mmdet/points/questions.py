"""Which answers to ask for again, and which points to ask about next.

Both read what a trained model thinks: the probability that a pixel is on the
cell in question (not on any cell: where another cell lies, it is low).

Letters in the shapes: N cells, P points per cell, h and w of a crop, K what
is found.
"""
import numpy as np


def contradicted_answers(probs: np.ndarray,
                         labels: np.ndarray,
                         doubt: float = 0.8) -> np.ndarray:
    """Answers that a model contradicts, the worst first.

    Args:
        probs (ndarray): Probability that the point is on its cell, shape
            (N, P). NaN where the model can't tell, say because another box
            covers the point too: such an answer is never contradicted.
        labels (ndarray): The answers: 1 on the cell, 0 off it, -1 none,
            shape (N, P).
        doubt (float): An answer is contradicted if the model gives the
            opposite at least this probability, in (0.5, 1].

    Returns:
        ndarray: (cell, point) of each, int64, shape (K, 2), by falling
        probability of the opposite; those as likely in the order of cells
        and points.

    Raises:
        ValueError: If shapes differ, or a probability, a label or ``doubt``
            isn't one.

    Example:
        >>> contradicted_answers([[0.9, 0.1], [0.05, 0.9]], [[1, 0], [1, 0]])
        array([[1, 0],
               [1, 1]])
    """
    probs, labels = np.asarray(probs, np.float64), np.asarray(labels)
    if probs.shape != labels.shape or probs.ndim != 2:
        raise ValueError('expected probs and labels of one shape (N, P), got '
                         f'{probs.shape} and {labels.shape}')
    _check_probabilities(probs[~np.isnan(probs)])
    if not np.isin(labels, (1, 0, -1)).all():
        wrong = labels[~np.isin(labels, (1, 0, -1))][0]
        raise ValueError(f'a label must be 1, 0 or -1, got {wrong}')
    if not 0.5 < doubt <= 1:
        raise ValueError(f'doubt must be in (0.5, 1], got {doubt}')
    opposite = np.where(labels == 1, 1 - probs, probs)
    # Not even a NaN is as large.
    cells, points = np.nonzero((opposite >= doubt) & (labels >= 0))
    order = np.argsort(-opposite[cells, points], kind='stable')
    return np.stack([cells[order], points[order]], 1)


def least_certain_pixels(probs: np.ndarray,
                         count: int = 1,
                         apart: float = 3.0) -> np.ndarray:
    """Pixels of a box about which a model is least certain.

    Args:
        probs (ndarray): Probability that each pixel is on the box's cell,
            shape (h, w): the crop of the box. NaN where not to be asked.
        count (int): How many to name at most.
        apart (float): Two of them are at least this far from each other, in
            pixels: the answer to one tells much about its neighbours.

    Returns:
        ndarray: Pixels (x, y) of the crop, int64, shape (K, 2) with K at most
        ``count``, the least certain (nearest 0.5) first; those as certain
        from top left, line by line.

    Raises:
        ValueError: If ``probs`` isn't two-dimensional or holds what isn't a
            probability, or ``count`` is negative.

    Example:
        >>> least_certain_pixels([[0.1, 0.4], [0.9, 0.95]])
        array([[1, 0]])
    """
    probs = np.asarray(probs, np.float64)
    if probs.ndim != 2:
        raise ValueError(f'expected probs of shape (h, w), got {probs.shape}')
    if count < 0:
        raise ValueError(f'count must not be negative, got {count}')
    _check_probabilities(probs[~np.isnan(probs)])
    certain = np.abs(probs - 0.5)
    rows, columns = np.indices(probs.shape)
    chosen = []
    while len(chosen) < count and not np.isnan(certain).all():
        y, x = np.unravel_index(np.nanargmin(certain), probs.shape)
        chosen.append((x, y))
        near = np.hypot(columns - x, rows - y) < apart
        near[y, x] = True
        certain = np.where(near, np.nan, certain)
    return np.array(chosen, np.int64).reshape(-1, 2)


def _check_probabilities(values: np.ndarray) -> None:
    wrong = values[(values < 0) | (values > 1)]
    if len(wrong):
        raise ValueError(f'a probability must be in [0, 1], got {wrong[0]:g}')
