"""The table of what confirming proposals saves: a simulation.

docs/annotation_loop.json holds what
tools/benchmarks/arena/annotation_loop.py simulated: a list of records, one for
each round of training, with ``data``, ``seed``, ``arm`` (the first half of the
images, by hand; the second by hand, or with proposals), ``assumed`` (seconds
of an action and rates of mistakes), ``total`` (images),
``images`` and ``cells`` that were annotated, what it took (``seconds`` and
``clicks`` of the scripted annotator, ``cpu_seconds`` of training) and scores
in per cent.
"""
import json
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from .arena import NO_RUNS, TITLES, mean_and_spread
from .tables import markdown_table

LOOP_JSON = 'docs/annotation_loop.json'
FIRST, BY_HAND, PROPOSED = 'first half', 'by hand', 'with proposals'
AIM = 40  # per cent of the seconds a cell
# What distinguishes comparisons of one data set.
_SETTINGS = ('total', 'part', 'iterations')
_ACTIONS = ('drawn', 'confirmed', 'adjusted', 'rejected')
# Of the records of an arm those are sums, the others the last one's.
_SUMS = ('cells', 'seconds', 'clicks', 'cpu_seconds', *_ACTIONS)


def read_loop(root: Path) -> List[dict]:
    """The records; none without the file."""
    path = root / LOOP_JSON
    return json.loads(path.read_text('utf-8')) if path.is_file() else []


def comparisons(records: Sequence[dict]
                ) -> Dict[Tuple, List[Dict[str, List[dict]]]]:
    """What was simulated to its end.

    Returns:
        dict: By data set and settings, for each seed, the records of each
        arm in order.
    """
    pairs: Dict[Tuple, Dict[str, List[dict]]] = {}
    for record in records:
        key = (record['data'], *(record[name] for name in _SETTINGS),
               record['seed'])
        pairs.setdefault(key, {FIRST: [], BY_HAND: [], PROPOSED: []})[
            record['arm']].append(record)
    groups: Dict[Tuple, List[Dict[str, List[dict]]]] = {}
    for key, arms in sorted(pairs.items()):
        if all(arms[arm] and arms[arm][-1]['images'] == arms[arm][-1]['total']
               for arm in (BY_HAND, PROPOSED)):
            groups.setdefault(key[:-1], []).append(arms)
    return groups


def whole(records: Sequence[dict]) -> dict:
    """An arm as one record: sums of what it took, and its last scores."""
    return {**records[-1], **{name: sum(record[name] for record in records)
                              for name in _SUMS}}


def saved(arms: Dict[str, List[dict]]) -> Tuple[float, float]:
    """What proposals change, on the same images.

    Returns:
        tuple[float, float]: Seconds with proposals in per cent of those by
        hand, and the difference in mask AP.
    """
    proposed, by_hand = whole(arms[PROPOSED]), whole(arms[BY_HAND])
    return (100 * proposed['seconds'] / by_hand['seconds'],
            proposed['AP'] - by_hand['AP'])


def dear_adjustments(arms: Dict[str, List[dict]]) -> float:
    """The first of :func:`saved`, if to adjust a proposal took as long as to
    draw a box.
    """
    proposed, by_hand = whole(arms[PROPOSED]), whole(arms[BY_HAND])
    assumed = proposed['assumed']
    more = proposed['adjusted'] * (assumed['box'] - assumed['adjustment'])
    return 100 * (proposed['seconds'] + more) / by_hand['seconds']


def loop_table(root: Path) -> str:
    """Markdown tables of all comparisons, one for each data set."""
    parts = [_part(key, pairs) for name in TITLES
             for key, pairs in comparisons(read_loop(root)).items()
             if key[0] == name]
    return '\n\n'.join(parts) or NO_RUNS


def _part(key: Tuple, pairs: List[Dict[str, List[dict]]]) -> str:
    name, total, part, iterations = key
    half = total // 2
    header = ['', 'cells', 'minutes', 'seconds a cell', 'clicks',
              ' / '.join(_ACTIONS), 'mask AP', 'AP75', 'F1 at IoU 0.5',
              'training, CPU s']
    rest = f'{total - half} more images'
    rows = [_row(title, [whole(arms[arm]) for arms in pairs])
            for title, arm in ((f'{half} images by hand', FIRST),
                               (f'{rest} by hand', BY_HAND),
                               (f'{rest} with proposals', PROPOSED))]
    shares, gains = zip(*map(saved, pairs))
    seeds = [arms[BY_HAND][0]['seed'] for arms in pairs]
    words = (
        f'With proposals the second half took {_each(shares, "")} % of its '
        f'time by hand (aim: at most {AIM} %), and mask AP differed by '
        f'{_each(gains, "+")} (aim: no loss). Were an adjustment as long as '
        'drawing a box, the share would be '
        f'{_each([dear_adjustments(arms) for arms in pairs], "")} %. '
        f'Seed{"s" * (len(seeds) > 1)} {", ".join(map(str, seeds))}; '
        f'{iterations} steps a round')
    if part < total - half:
        words += f', a round after every {part} of the second half'
    return (f'**{TITLES[name]}**\n\n{markdown_table(header, rows)}\n\n'
            f'{words}.')


def _each(values: Sequence[float], sign: str) -> str:
    """The mean, and in brackets what it is the mean of."""
    mean, *rest = (f'{value:{sign}.1f}' for value in (
        sum(values) / len(values), *values))
    return f'{mean} ({", ".join(rest)})' if len(rest) > 1 else mean


def _row(title: str, arms: List[dict]) -> List[str]:
    def mean(name: str, digits: int = 0) -> str:
        return mean_and_spread([arm[name] for arm in arms], digits)

    counts = ['{:.0f}'.format(sum(arm[name] for arm in arms) / len(arms))
              for name in _ACTIONS]
    return [
        title, mean('cells'),
        mean_and_spread([arm['seconds'] / 60 for arm in arms]),
        mean_and_spread([arm['seconds'] / arm['cells'] for arm in arms]),
        mean('clicks'), ' / '.join(counts), mean('AP', 1), mean('AP75', 1),
        mean('F1@0.5', 1), mean('cpu_seconds')]
