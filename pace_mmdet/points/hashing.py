"""Random numbers that depend on nothing but what they belong to.

A point label must come out the same whether a whole data set is converted at
once or one image is loaded by one of many workers. So the numbers are no
stream of a generator, but a hash of (seed, stream, annotation id, index).
"""
import numpy as np

_GAMMA = np.uint64(0x9E3779B97F4A7C15)


def _mix(z: np.ndarray) -> np.ndarray:
    """SplitMix64's output function (Steele, Lea, Flood; OOPSLA 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hashed_uniform(ids: np.ndarray,
                   count: int,
                   seed: int = 0,
                   stream: int = 0) -> np.ndarray:
    """Uniform numbers in [0, 1) as a pure function of their arguments.

    Args:
        ids (ndarray): Integer ids, shape (N, ); any integers, also negative.
        count (int): How many numbers each id gets. The first n of a longer
            row are the row of length n.
        seed (int): The user's seed.
        stream (int): Keeps different uses of the same seed independent.

    Returns:
        ndarray: float64, shape (N, count).
    """
    ids = np.asarray(ids, dtype=np.int64).reshape(-1)
    # One-element arrays: NumPy warns when a *scalar* wraps around.
    state = np.array([seed], dtype=np.int64).view(np.uint64)
    for part in (np.array([stream], dtype=np.int64), ids):
        state = _mix((state + _GAMMA) ^ part.view(np.uint64))
    steps = np.arange(1, count + 1, dtype=np.uint64) * _GAMMA
    bits = _mix(_mix(state)[:, None] + steps[None])
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
