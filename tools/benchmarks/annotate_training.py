"""Is the annotation page as quick while a model is trained beside it?

The training is the product's own job, at the lowest priority and with all
threads that it takes by itself, on the processors that server, browser and
this script run on. Answers before, during and after it are timed.
"""
import argparse
import json
import os
import signal
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Dict, List

import numpy as np
from annotate_server import (POINTS, Client, answer_in_page, find_chromium,
                             make_project, open_questions, run_server, start)
from playwright.sync_api import Browser, sync_playwright

from pace_mmdet.annotate import Project, changes
from pace_mmdet.testing.benchmarking import (OURS, Comparison, Cost,
                                             add_json_option, publish)

CELLS = 60  # on each image that is trained on
# Where others are at work, a start at the lowest priority takes long.
MOST_SECONDS = 600.


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--answers', type=int, default=200,
                        help='during training, and as many without')
    parser.add_argument('--pause', type=float, default=0.15,
                        help='seconds between answers')
    add_json_option(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    # For training; the others have their own processes.
    os.environ.pop('OMP_NUM_THREADS', None)
    chromium = find_chromium()
    comparisons = []
    if chromium is not None:
        with tempfile.TemporaryDirectory() as root, \
                sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium, args=['--no-sandbox'])
            comparisons = measure(Path(root, 'training'), browser,
                                  args.answers, args.pause)
            browser.close()
    publish(comparisons, args.json)


def measure(root: Path, browser: Browser, answers: int,
            pause: float) -> List[Comparison]:
    """Answer in a page, without and with training."""
    port = make_project(root, 2, CELLS, more=-(-2 * answers // POINTS) + 1)
    complete(root, (1, 2))
    server = start(run_server, root, port)
    try:
        client = Client(root, port, 1)
        page = open_questions(browser, f'http://127.0.0.1:{port}/#3')
        before = answer_in_page(page, answers // 2, pause)
        client.post('/api/model/train', dict(
            request='t', annotator='Trainer', iterations=100_000))
        first = wait(port, lambda row: row['progress']['losses'])
        during = answer_in_page(page, answers, pause)
        load = os.getloadavg()[0]
        last = wait(port, lambda row: row['progress']['losses'])
        client.post('/api/model/stop', {})
        wait(port, lambda row: row['state'] != 'running')
        after = answer_in_page(page, answers - answers // 2, pause)
        page.close()
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.join()
    steps = (last['progress']['iteration'] - first['progress']['iteration'])
    if first['state'] != 'running' or last['state'] != 'running':
        raise RuntimeError(f'training did not last: {last}')
    return [
        beside(f'From answer to {what} while a model is trained: '
               f'{len(during[name])} answers in a page on '
               f'{len(os.sched_getaffinity(0))} cores', during[name],
               before[name] + after[name],
               f'{aim}{steps} steps of training meanwhile, load {load:.1f}')
        for what, name, aim in (
            ('next point on screen', 'next-point', 'aim: p95 50 ms; '),
            ('acknowledgement', 'saved', ''))]


def beside(title: str, during: List[float], without: List[float],
           remark: str) -> Comparison:
    """Milliseconds with training beside those without."""
    tails = [np.percentile(times, 95) for times in (during, without)]
    return Comparison(
        title, {OURS: Cost(np.median(during) / 1000),
                'without training': Cost(np.median(without) / 1000)},
        remarks=[f'p95 {tails[0]:.1f} ms, without training {tails[1]:.1f} ms: '
                 f'{tails[0] / tails[1]:.2f} times; {remark}'])


def complete(root: Path, images: tuple) -> None:
    """Say of images that they can be trained on."""
    with Project(root / 'images', root / 'project.db') as project:
        waiting = []
        for image in images:
            for box in project.contents(image)['boxes']:
                waiting += [project.change(changes.Answer(
                    f'{box["key"]}-{point}', box['key'], 1, 0, point, 1),
                    'Nobody') for point in range(POINTS)]
            waiting.append(project.change(changes.MarkImage(
                f'm{image}', image, 1, -1, True), 'Nobody'))
        for future in waiting:
            future.result()


def wait(port: int, condition) -> Dict:
    """The round of training, once a condition holds."""
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        with urllib.request.urlopen(
                f'http://127.0.0.1:{port}/api/model') as reply:
            row = json.loads(reply.read())['rounds'][-1]
        if condition(row):
            return row
        if row['state'] == 'failed':
            break
        time.sleep(0.2)
    raise RuntimeError(f'not so after {MOST_SECONDS:.0f} s: {row}')


if __name__ == '__main__':
    main()
