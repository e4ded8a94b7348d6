"""A walk through the annotation page, as somebody new to it would: by hand.

Starts ``tools/annotate.py`` on a few HeLa frames, and from then on uses mouse
and keys in a real browser alone: boxes the first frames and answers for their
points, presses Train, confirms with keys what the model proposes on the next
frame, draws what is missing, and segments all. What a person sees, the script
looks up in the true cells. Prints how long training took and how good the
proposals were; with ``--pictures``, stores a screenshot of each step.

Needs Chromium and the images of ``tools/dataset_converters/hela.py``.
"""
import argparse
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence

import numpy as np
from playwright.sync_api import Page, expect, sync_playwright
from scripted import DEFAULT_SCORE, Scene, iou

from pace_mmdet.annotate.jobs import Job
from pace_mmdet.annotate.rounds import DEFAULT_ITERATIONS, models_folder
from pace_mmdet.points import label_points

ROOT = Path(__file__).resolve().parents[3]
SAME_CELL = 0.5  # overlap (IoU) of a proposal with a true box
PATIENCE = 3600.  # seconds; a busy machine trains slowly


class Walker:
    """Somebody at the page.

    Args:
        page (Page): The page, open.
        scene (Scene): What is to be seen on the images.
        pictures (Path, optional): Folder for screenshots.
    """

    def __init__(self, page: Page, scene: Scene,
                 pictures: Optional[Path]) -> None:
        self.page, self.scene, self.pictures = page, scene, pictures
        self.errors: List[str] = []
        page.on('pageerror', lambda error: self.errors.append(str(error)))
        self.actions = 0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.actions += 1

    def see(self, selector: str, text: str, seconds: float = 60.) -> None:
        expect(self.page.locator(f'{selector}:visible')).to_contain_text(
            text, timeout=1000 * seconds)

    def asked(self, name: str, pattern: str) -> Optional[re.Match]:
        """What the panel of a mode asks, if that."""
        return re.search(pattern, self.page.locator(
            f'{name} .ask').text_content())

    def settle(self) -> None:
        self.page.evaluate('() => new Promise((done) => requestAnimationFrame('
                           '() => requestAnimationFrame(done)))')

    def picture(self, name: str) -> None:
        if self.pictures is None:
            return
        self.page.locator('#saved[data-state=saved]').wait_for()
        self.page.wait_for_timeout(1500)  # tiles
        self.page.screenshot(path=str(self.pictures / f'{name}.png'))

    def get(self, path: str) -> Dict:
        """What the page itself would be told."""
        return self.page.evaluate(
            '(path) => fetch(path).then((reply) => reply.json())', path)

    def image(self) -> Dict:
        """The image that is open, with its boxes as they are stored."""
        self.page.locator('#saved[data-state=saved]').wait_for()
        number = int(self.page.url.partition('#')[2].partition('/')[0])
        row, = (row for row in self.get('/api/project')['images']
                if row['id'] == number)
        return dict(row, **self.get(f'/api/images/{number}'))

    def on_screen(self, image: Dict, x: float, y: float) -> List[float]:
        """Where a place is while the whole image is shown."""
        frame = self.page.locator('#overlay').bounding_box()
        scale = 0.97 * min(frame['width'] / image['width'],
                           frame['height'] / image['height'])
        return [frame['x'] + frame['width'] / 2 + scale * (
                    x - image['width'] / 2),
                frame['y'] + frame['height'] / 2 + scale * (
                    y - image['height'] / 2)]

    def draw(self, image: Dict, cells: Sequence[dict]) -> None:
        """A box around each cell."""
        self.press('1', '0')
        self.settle()
        for number, cell in enumerate(cells):
            x, y, width, height = cell['bbox']
            corners = [self.on_screen(image, x, y), self.on_screen(
                image, x + width, y + height)]
            self.page.mouse.move(*corners[0])
            self.page.mouse.down()
            self.page.mouse.move(*np.mean(corners, 0))
            self.page.mouse.move(*corners[1])
            if number == len(cells) - 1:
                self.picture('boxes')
            self.page.mouse.up()
            self.actions += 2

    def answer(self, cells: Sequence[dict]) -> None:
        """All points that are open on this image."""
        image = self.image()
        labels = {box['id']: self.true_labels(image, box, cells)
                  for box in image['boxes']}
        open_points = sum(row.count(None) for row in (
            box['labels'] for box in image['boxes']))
        self.press('2')
        before = ''
        for number in range(open_points):
            ask = self.page.locator('#question .ask')
            expect(ask).not_to_have_text(before or '-', timeout=60_000)
            self.see('#question .ask', 'Point')
            before = ask.text_content()
            point, box = re.search(r'Point (\d+) of .* box (\d+)',
                                   before).groups()
            if number == open_points // 2:
                self.picture('points')
            self.press('fj'[labels[int(box)][int(point) - 1]])

    def true_labels(self, image: Dict, box: Dict,
                    cells: Sequence[dict]) -> List[int]:
        cell = max(cells, key=lambda cell: iou(cell['bbox'], box['box']))
        return label_points(
            np.array([box['points']]), [cell['segmentation']],
            image['height'], image['width'])[0].tolist()

    def annotate(self) -> None:
        """A whole image by hand."""
        image = self.image()
        cells = self.scene.cells[image['name']]
        self.draw(image, cells)
        drawn = len(self.image()['boxes'])
        if drawn != len(cells):
            raise RuntimeError(f'{image["name"]}: of {len(cells)} boxes '
                               f'{drawn} are there')
        self.answer(cells)
        self.press('3')
        self.picture('review')
        self.press('1', 'd')
        self.see('#complete-state', 'omplete')

    def train(self, steps: Optional[int]) -> float:
        """Press Train, and wait; returns the seconds that it took."""
        self.press('5')
        if steps is not None:
            self.page.locator('#train-length').fill(str(steps))
            self.page.locator('#train-length').blur()
        begun = time.monotonic()
        self.press('t')
        self.see('#train-state', 'left', PATIENCE)
        self.picture('training')
        self.see('#train-state', 'done', PATIENCE)
        seconds = time.monotonic() - begun
        self.see('#train-next', 'has looked at', PATIENCE)
        self.picture('trained')
        return seconds

    def confirm(self) -> Dict[str, int]:
        """What the model proposes on this image, with keys alone."""
        image = self.image()
        self.press('6')
        expect(self.page.locator('#confirm .ask')).to_contain_text(
            re.compile('Is this a cell|Nothing left'),
            timeout=1000 * PATIENCE)
        left = list(self.scene.cells[image['name']])
        waiting = sorted(
            (cell for cell in self.get(
                f'/api/images/{image["id"]}/proposals')['cells']
             if cell['is_free'] and cell['score'] >= DEFAULT_SCORE),
            key=lambda cell: cell['score'])
        counts = dict(accepted=0, flipped=0, rejected=0)
        while not self.asked('#confirm', 'Nothing left'):
            score = self.asked('#confirm', r'Score ([\d.]+)').group(1)
            # One that lies on an accepted cell is no longer shown.
            while f'{waiting[0]["score"]:.2f}' != score:
                waiting.pop(0)
            proposal = waiting.pop(0)
            best = max(left, default=None, key=lambda cell: iou(
                cell['bbox'], proposal['box']))
            if not left or iou(best['bbox'], proposal['box']) < SAME_CELL:
                self.press('x')
                counts['rejected'] += 1
                self.settle()
                continue
            left.remove(best)
            if counts['accepted'] == 20:
                self.picture('confirm')
            self.press('Enter')
            counts['accepted'] += 1
            self.see('#confirm .ask', 'Are its points right?')
            counts['flipped'] += self.correct_points(image, best)
            if counts['accepted'] == 21:
                self.picture('confirm_points')
            self.press('Enter')
            self.settle()
        self.picture('confirmed')
        return counts

    def correct_points(self, image: Dict, cell: dict) -> int:
        """Click those points of an accepted cell that are shown wrongly."""
        box = self.image()['boxes'][-1]
        labels = self.true_labels(image, box, [cell])
        wrong = [point for label, thought, point in zip(
            labels, box['thoughts'], box['points'])
            if thought is not None and (thought >= 0.5) != label]
        for x, y in wrong:
            self.page.mouse.click(*self.find(x, y))
            self.actions += 1
        return len(wrong)

    def find(self, x: int, y: int) -> List[float]:
        """Where a pixel is, by what the page says is under the mouse."""
        frame = self.page.locator('#overlay').bounding_box()
        at = np.array([frame['x'] + frame['width'] / 2,
                       frame['y'] + frame['height'] / 2])
        scale = float(self.page.locator('#zoom').text_content().split()[0])
        for _ in range(3):
            self.page.mouse.move(*at)
            self.settle()
            here = np.array(re.findall(r'\d+', self.page.locator(
                '#position').text_content())[:2], float)
            at += (np.array([x, y]) - here) * scale / 100
        return at.tolist()

    def complete(self) -> int:
        """Draw what no proposal was for; returns how many."""
        image = self.image()
        cells = self.scene.cells[image['name']]
        missing = [cell for cell in cells if not any(
            iou(cell['bbox'], box['box']) >= SAME_CELL
            for box in image['boxes'])]
        self.draw(image, missing)
        self.answer(cells)
        self.press('1', 'd')
        return len(missing)

    def segment(self) -> Dict[str, List[str]]:
        """All images, to download; returns names of files by their kind."""
        self.press('8', '0')
        self.see('#segment-cells', 'cells on this image')
        self.page.locator('#segment-start').click()
        self.see('#segment-state', 'Done', PATIENCE)
        self.picture('segment')
        with self.page.expect_download() as download:
            self.page.locator('#segment-download').click()
        self.actions += 2
        content = Path(download.value.path()).read_bytes()
        kinds: Dict[str, List[str]] = {}
        for name in zipfile.ZipFile(io.BytesIO(content)).namelist():
            kinds.setdefault(name.rpartition('.')[2], []).append(name)
        return kinds


@contextmanager
def annotating(folder: Path, database: Path) -> Iterator[str]:
    """The command itself; yields the address that it prints."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / 'tools/annotate.py'), str(folder), '--db',
         str(database), '--port', '0'], stdout=subprocess.PIPE, text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT), PYTHONUNBUFFERED='1'))
    try:
        for line in process.stdout:
            found = re.search(r'Open (http\S+)', line)
            if found:
                break
        else:
            raise RuntimeError('tools/annotate.py printed no address')
        yield found.group(1)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        # They outlive the server.
        for path in models_folder(database).rglob('job.json'):
            job = Job(path.parent)
            job.stop()
            while job.state() == 'running':
                time.sleep(0.1)


def walk(args: argparse.Namespace, scene: Scene, work: Path) -> List[str]:
    """The walk; returns what is to be said of it."""
    folder, database = work / 'images', work / 'project.db'
    folder.mkdir()
    for name in sorted(scene.cells)[:args.frames + 1]:
        shutil.copy(args.hela / 'images/train' / name, folder)
    chromium = shutil.which('chromium') or shutil.which('chromium-browser')
    with annotating(folder, database) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=['--no-sandbox'])
        page = browser.new_page(viewport=dict(
            width=args.size[0], height=args.size[1]))
        walker = Walker(page, scene, args.pictures)
        page.goto(url)
        page.locator('#name').fill('Anna')
        walker.press('Enter')
        page.locator('#images li[aria-current=true]').wait_for()
        walker.picture('first')
        for _ in range(args.frames):
            walker.annotate()
            walker.press('PageDown')
            walker.settle()
        by_hand = walker.actions
        seconds = walker.train(args.steps)
        counts = walker.confirm()
        found = sum(counts[name] for name in ('accepted', 'rejected'))
        confirming = walker.actions - by_hand
        missing = walker.complete()
        kinds = walker.segment()
        walker.press('4')
        walker.see('#cost', 'What annotating took')
        walker.picture('time')
        browser.close()
        if walker.errors:
            raise RuntimeError('\n'.join(walker.errors))
    cpu = Job(models_folder(database) / 'round-1').ended().cpu_seconds
    cells = counts['accepted'] + missing
    f1 = 2 * counts['accepted'] / (found + cells)
    return [
        f'{args.frames} frames by hand: {by_hand} keys and clicks',
        f'trained {args.steps or DEFAULT_ITERATIONS} steps in {seconds:.0f} s '
        f'by the clock (load {os.getloadavg()[0]:.1f}), {cpu:.0f} s of a core',
        f'the next frame: {counts["accepted"]} proposals accepted, '
        f'{counts["rejected"]} rejected, {missing} cells drawn, '
        f'{counts["flipped"]} points flipped: F1 of boxes at IoU '
        f'{SAME_CELL} {100 * f1:.1f}; {confirming} keys and clicks',
        'segmented: ' + ', '.join(
            f'{len(names)} .{kind}' for kind, names in sorted(kinds.items())),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--hela', type=Path, default=ROOT / 'data/hela')
    parser.add_argument('--frames', type=int, default=3,
                        help='to annotate by hand; one more is confirmed')
    parser.add_argument('--steps', type=int,
                        help=f"(default: the page's, {DEFAULT_ITERATIONS})")
    parser.add_argument('--size', type=int, nargs=2, default=(1440, 900),
                        metavar=('WIDTH', 'HEIGHT'), help='of the window')
    parser.add_argument('--pictures', type=Path,
                        help='folder for screenshots')
    args = parser.parse_args()
    scene = Scene(json.loads(
        (args.hela / 'annotations/train_masks.json').read_text()))
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        print('\n'.join(walk(args, scene, Path(work))))


if __name__ == '__main__':
    main()
