"""Load the annotation server: is it quick, and does it lose anything?"""
import argparse
import http.client
import itertools
import json
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

import numpy as np
import tifffile
from playwright.sync_api import sync_playwright

from pace_mmdet.annotate import Project, changes
from pace_mmdet.annotate.serving import listen, serve
from pace_mmdet.testing import synthetic_cells
from pace_mmdet.testing.benchmarking import (Comparison, Cost, add_json_option,
                                             publish)

POINTS = 4
SMALL, LARGE = 512, 2048  # pixels
FORK = multiprocessing.get_context('fork')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--answers', type=int, default=1000,
        help='of each of 10 clients while the server is killed and restarted')
    parser.add_argument('--kills', type=int, default=6)
    parser.add_argument(
        '--page-answers', type=int, default=400,
        help='in a real page, while 9 clients answer without pause')
    parser.add_argument('--page-pause', type=float, default=0.15,
                        help='seconds between answers in the page')
    parser.add_argument('--boxes', type=int, default=3000,
                        help='boxes on one image while it is panned')
    parser.add_argument('--moves', type=int, default=180,
                        help='moves and turns of the mouse while it is panned')
    add_json_option(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with tempfile.TemporaryDirectory() as root:
        comparisons = [
            measure_durability(
                Path(root, 'durability'), args.answers, args.kills)
        ]
        chromium = find_chromium()
        if chromium is not None:
            comparisons += measure_page(Path(root, 'page'), chromium, args)
    publish(comparisons, args.json)


def measure_durability(root: Path, answers: int, kills: int) -> Comparison:
    """Ten clients answer, and the server is killed again and again."""
    clients = 10
    port = make_project(root, clients, -(-answers // POINTS))
    server = start(run_server, root, port)
    begun = time.perf_counter()
    workers = [start(answer_own, root, port, number, answers)
               for number in range(clients)]
    lost, checked = 0, 0
    for kill in range(kills):
        # Spread over the work, whatever it takes.
        while total_acknowledged(root) < (kill + 1) * clients * answers / (
                kills + 1):
            time.sleep(0.002)
        time.sleep(random.uniform(0, 0.02))
        os.kill(server.pid, signal.SIGKILL)
        server.join()
        lost += count_missing(root)
        checked += 1
        server = start(run_server, root, port)
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - begun
    os.kill(server.pid, signal.SIGKILL)
    server.join()
    lost += count_missing(root)
    with sqlite3.connect(root / 'project.db') as file:
        stored, = file.execute('SELECT count(*) FROM answers').fetchone()
        made, distinct = file.execute(
            "SELECT count(*), count(DISTINCT box_id || ':' || point) FROM "
            "changes WHERE kind = 'answer'").fetchone()
        sound, = file.execute('PRAGMA integrity_check').fetchone()
    return Comparison(
        f'{clients} clients with {answers:,} answers each, the server killed '
        f'(SIGKILL) and restarted {kills} times', dict(ours=Cost(seconds)),
        remarks=[
            f'{total_acknowledged(root):,} answers acknowledged, of which '
            f'{lost} were missing after a kill or at the end',
            f'{stored:,} in the database, {made - distinct} made twice, '
            f'integrity of the file: {sound}'
        ])


def measure_page(root: Path, chromium: str,
                 args: argparse.Namespace) -> List[Comparison]:
    """A real page beside nine clients, then with many boxes."""
    clients = 9
    boxes = -(-args.page_answers // POINTS)
    port = make_project(root, clients + 1, boxes, more=args.boxes)
    server = start(run_server, root, port)
    workers = [start(answer_endlessly, root, port, number, boxes)
               for number in range(1, clients + 1)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=['--no-sandbox'])
        page = open_questions(browser, f'http://127.0.0.1:{port}/#1')
        before, begun = total_acknowledged(root), time.perf_counter()
        times = answer_in_page(page, args.page_answers, args.page_pause)
        rate = (total_acknowledged(root) - before) / (
            time.perf_counter() - begun)
        for worker in workers:
            worker.terminate()
            worker.join()
        frames = measure_frames(page, f'http://127.0.0.1:{port}/'
                                f'#{clients + 2}', args.moves)
        browser.close()
    os.kill(server.pid, signal.SIGKILL)
    server.join()
    beside = (f'{len(times["saved"])} answers in a page beside {clients} '
              f'clients that answer {rate:.0f} times a second')
    return [
        summary(f'From answer to next point on screen: {beside}',
                times['next-point'], '; aim: p95 50 ms'),
        summary(f'From answer to acknowledgement: {beside}', times['saved']),
        summary(f'From frame to frame: panning and zooming {args.boxes:,} '
                f'boxes on {LARGE:,} x {LARGE:,} pixels, no GPU', frames)
    ]


def find_chromium() -> Optional[str]:
    """The browser; None, and a word about it, if there is none."""
    path = shutil.which('chromium') or shutil.which('chromium-browser')
    if path is None:
        print('No Chromium, so the page is not measured: '
              'apt-get install chromium')
    return path


def open_questions(browser, url: str):
    """A page with the first point of an image, which notes its times."""
    page = browser.new_page(viewport=dict(width=1600, height=900))
    page.add_init_script(
        'window.measured = {"next-point": [], saved: []};'
        'for (const what of Object.keys(measured)) {'
        '  document.addEventListener(`pace:${what}`,'
        '    (event) => measured[what].push(event.detail)); }')
    open_page(page, url)
    page.keyboard.press('2')
    page.locator('#question').wait_for()
    return page


def answer_in_page(page, answers: int, pause: float
                   ) -> Dict[str, List[float]]:
    """Answer one point after the other.

    Returns:
        dict: Milliseconds until the next point is shown (``next-point``) and
        until the answer is ``saved``, of these answers.
    """
    page.evaluate('for (const times of Object.values(measured)) '
                  'times.length = 0')
    for _ in range(answers):
        page.keyboard.press(random.choice('jf'))
        time.sleep(pause)
    page.locator('#saved[data-state=saved]').wait_for()
    return page.evaluate('measured')


def open_page(page, url: str) -> None:
    page.goto('about:blank')
    page.goto(url)
    is_open = '#images li[aria-current=true]'
    page.locator(f'#name-dialog[open], {is_open}').first.wait_for()
    if page.locator('#name-dialog[open]').count():
        page.locator('#name').fill('Page')
        page.keyboard.press('Enter')
    page.locator(is_open).wait_for()
    page.wait_for_timeout(500)


def measure_frames(page, url: str, moves: int) -> List[float]:
    """Milliseconds between frames while the image is panned and zoomed."""
    open_page(page, url)
    page.evaluate('''() => {
      window.frames_at = [];
      const note = (time) => {
        frames_at.push(time);
        requestAnimationFrame(note);
      };
      requestAnimationFrame(note);
    }''')
    page.mouse.move(900, 450)
    page.mouse.down(button='right')
    for step in range(2 * moves // 3):
        page.mouse.move(900 + 150 * np.sin(step / 9),
                        450 + 150 * np.cos(step / 9))
    page.mouse.up(button='right')
    for step in range(moves // 3):
        page.mouse.wheel(0, -60 if step < moves // 6 else 60)
    return np.diff(page.evaluate('frames_at')).tolist()


def summary(title: str, times: Sequence[float],
            aim: str = '') -> Comparison:
    """Times in milliseconds: their median, and in words their tail."""
    middle, p95, p99 = np.percentile(times, [50, 95, 99])
    return Comparison(
        title, dict(ours=Cost(middle / 1000)),
        remarks=[f'p95 {p95:.1f} ms, p99 {p99:.1f} ms, most '
                 f'{max(times):.1f} ms{aim}'])


def make_project(root: Path, images: int, boxes: int, more: int = 0) -> int:
    """A project with boxes on each image; returns a port that is free.

    ``more`` is the number of boxes on one further image.
    """
    (root / 'images').mkdir(parents=True)
    for number, count in enumerate([boxes] * images + [more] * bool(more)):
        side = SMALL if number < images else LARGE
        cells = synthetic_cells(count, side, side, number)
        tifffile.imwrite(root / f'images/{number:02d}.tif', cells.image)
        corners = cells.bboxes
        places = np.c_[corners[:, :2], corners[:, 2:] - corners[:, :2]]
        np.save(root / f'{number + 1}.npy', places)
    with Project(root / 'images', root / 'project.db', POINTS) as project:
        waiting = [
            project.change(
                changes.CreateBox(f'c{image}-{n}', f'{image}-{n}', 1, image,
                                  place), 'Nobody')
            for image in project.images
            for n, place in enumerate(np.load(root / f'{image}.npy').tolist())]
        for future in waiting:
            future.result()
    with listen('127.0.0.1', 0) as sock:
        return sock.getsockname()[1]


def run_server(root: Path, port: int) -> None:
    with Project(root / 'images', root / 'project.db') as project:
        with listen('127.0.0.1', port) as sock:
            serve(project, sock, '127.0.0.1', None)


def start(function: Callable, *args) -> multiprocessing.Process:
    process = FORK.Process(target=function, args=args, daemon=True)
    process.start()
    return process


def answer_own(root: Path, port: int, number: int, answers: int) -> None:
    """Answer the points of an image of one's own, until all are acknowledged.
    """
    client = Client(root, port, number)
    for index in range(answers):
        client.answer(number + 1, index // POINTS, index % POINTS, index)


def answer_endlessly(root: Path, port: int, number: int, boxes: int) -> None:
    """As that, over and over, taking boxes as the page does."""
    client = Client(root, port, number)
    for index in itertools.count():
        if index % (8 * POINTS) == 0:
            client.post('/api/take', dict(
                annotator=client.name, image=number + 1, count=8, keep=[]))
        client.answer(number + 1, index // POINTS % boxes, index % POINTS,
                      index)


class Client:
    """One connection, made again whenever it breaks."""

    def __init__(self, root: Path, port: int, number: int) -> None:
        self.port, self.number = port, number
        self.name = f'Client {number}'
        self.connection = None
        self.log = open(root / f'acknowledged-{number}', 'a', buffering=1)
        self.random = random.Random(number)

    def answer(self, image: int, box: int, point: int, index: int) -> None:
        """Answer a point; written down once it is acknowledged."""
        label = self.random.choice((-1, 0, 1))
        change = dict(kind='answer', request=f'{self.number}-{index}',
                      key=f'{image}-{box}', seconds=0.9, revision=0,
                      point=point, label=label)
        content = self.post('/api/changes', dict(
            annotator=self.name, changes=[change]))
        reply, = content['replies']
        if not reply['ok']:
            raise RuntimeError(reply['error'])
        self.log.write(f'{image}-{box} {point} {label}\n')

    def post(self, path: str, body: dict) -> Dict:
        """Send until there is an answer, the same request each time."""
        while True:
            try:
                if self.connection is None:
                    self.connection = http.client.HTTPConnection(
                        '127.0.0.1', self.port, timeout=30)
                self.connection.request('POST', path, json.dumps(body), {
                    'Content-Type': 'application/json'})
                response = self.connection.getresponse()
                content = json.loads(response.read())
            except (OSError, http.client.HTTPException, ValueError):
                self.connection = None
                time.sleep(0.01)
                continue
            if response.status != 200:
                raise RuntimeError(f'{response.status}: {content}')
            return content


def total_acknowledged(root: Path) -> int:
    return sum(path.read_bytes().count(b'\n')
               for path in root.glob('acknowledged-*'))


def count_missing(root: Path) -> int:
    """Acknowledged answers that the file does not hold as they were given."""
    given = {}
    for path in root.glob('acknowledged-*'):
        # A line may be half written at this moment.
        for line in path.read_text().split('\n')[:-1]:
            key, point, label = line.split()
            given[key, int(point)] = int(label)
    with sqlite3.connect(root / 'project.db') as file:
        stored = {(key, point): label for key, point, label in file.execute(
            'SELECT key, point, label FROM answers JOIN boxes ON id = box_id')}
    return sum(stored.get(place) != label for place, label in given.items())


if __name__ == '__main__':
    main()
