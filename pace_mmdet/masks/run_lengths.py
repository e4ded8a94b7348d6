"""COCO's run-length codes to and from numbers, many at a time."""
from typing import List, Sequence, Tuple

import numpy as np

# Groups of 5 bits that an int64 holds.
_LONGEST = 12


def decode_counts(codes: Sequence[bytes]) -> Tuple[np.ndarray, np.ndarray]:
    """Decode compressed run-length counts of many masks at once.

    The code (pycocotools, ``rleToString``): a number is written in groups of
    5 bits, lowest first, one character ``48 + bits`` each, bit 5 set where
    another follows; the last group's bit 4 is the sign. From the fourth run
    on, a mask's number is the difference to its run two before.

    Args:
        codes (Sequence[bytes]): N masks' compressed counts.

    Returns:
        tuple[ndarray]: All run lengths, one mask after the other, int64,
        shape (sum of R, ), and the number of runs R of each, int64,
        shape (N, ).

    Raises:
        ValueError: If a code is empty, ends within a number, or has a number
            beyond int64.
    """
    if not len(codes):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    groups = np.frombuffer(b''.join(codes), np.uint8).astype(np.int64) - 48
    code_ends = np.cumsum([len(code) for code in codes])
    is_last = (groups & 0x20) == 0
    if min(map(len, codes)) == 0 or not is_last[code_ends - 1].all():
        raise ValueError('a run-length code is empty or cut off')

    number_ends = np.flatnonzero(is_last)
    number_starts = np.r_[0, number_ends[:-1] + 1]
    lengths = number_ends - number_starts + 1
    if lengths.max() > _LONGEST:
        raise ValueError('a run-length code has a number beyond int64')
    shifts = 5 * (np.arange(len(groups)) - np.repeat(number_starts, lengths))
    numbers = np.add.reduceat((groups & 0x1f) << shifts, number_starts)
    negative = (groups[number_ends] & 0x10) != 0
    numbers[negative] -= np.int64(1) << (5 * lengths[negative])

    runs = np.diff(np.r_[0, np.searchsorted(number_ends, code_ends)])
    return _undo_differences(numbers, runs), runs


def _undo_differences(numbers: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """Run lengths from the differences of each mask's odd and even runs.

    Within a mask there are three chains: run 0 alone, runs 1, 3, 5, ... and
    runs 2, 4, 6, ... A chain's run length is the running sum of its numbers.
    """
    mask_ids = np.repeat(np.arange(len(runs)), runs)
    ranks = _ranks(runs)
    chains = 3 * mask_ids + np.where(ranks == 0, 0, 2 - ranks % 2)
    order = np.argsort(chains, kind='stable')
    sums = np.cumsum(numbers[order])
    sorted_chains = chains[order]
    is_start = np.r_[True, sorted_chains[1:] != sorted_chains[:-1]]
    starts = np.flatnonzero(is_start)
    before = sums[starts] - numbers[order][starts]
    counts = np.empty_like(numbers)
    counts[order] = sums - before[np.cumsum(is_start) - 1]
    return counts


def encode_counts(counts: Sequence[int],
                  runs: Sequence[int]) -> List[bytes]:
    """Compress run lengths of many masks at once; undoes ``decode_counts``.

    Args:
        counts (Sequence[int]): All run lengths, one mask after the other,
            background first, shape (sum of R, ).
        runs (Sequence[int]): Number of runs R of each of N masks,
            shape (N, ).

    Returns:
        list[bytes]: N compressed counts, as pycocotools writes them.
    """
    numbers = np.array(counts, dtype=np.int64)
    runs = np.asarray(runs, dtype=np.int64)
    if not len(numbers):
        return [b''] * len(runs)
    ranks = _ranks(runs)
    later = np.flatnonzero(ranks > 2)
    numbers[later] -= np.asarray(counts, dtype=np.int64)[later - 2]

    # A number takes as many groups of 5 bits as leave its sign in the last.
    lengths = np.ones(len(numbers), dtype=np.int64)
    while True:
        # What is left is all sign, and bit 4 of the last group agrees.
        open_ = (numbers >> (5 * lengths - 1)) != (numbers >> 63)
        if not open_.any():
            break
        lengths += open_
    owners = np.repeat(np.arange(len(numbers)), lengths)
    places = _ranks(lengths)
    groups = (numbers[owners] >> (5 * places)) & 0x1f
    groups |= np.where(places + 1 < lengths[owners], 0x20, 0)
    text = (groups + 48).astype(np.uint8).tobytes()
    ends = np.cumsum(np.add.reduceat(np.r_[lengths, 0],
                                     np.cumsum(runs) - runs) * (runs > 0))
    return [text[a:b] for a, b in zip(np.r_[0, ends[:-1]], ends)]


def _ranks(sizes: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... within each of consecutive groups of the given sizes."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
