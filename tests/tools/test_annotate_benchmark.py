"""The benchmarks of the annotation page, at a size that says nothing."""
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

from tests.annotate.test_models import fake  # noqa: F401

TOOLS = Path(__file__).parents[2] / 'tools/benchmarks'
TOOL = TOOLS / 'annotate_server.py'
CHROMIUM = shutil.which('chromium') or shutil.which('chromium-browser')


def test_annotate_server():
    done = subprocess.run(
        [sys.executable, TOOL, '--answers', '40', '--kills', '2',
         '--page-answers', '8', '--page-pause', '0.02', '--boxes', '50',
         '--moves', '12'],
        capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for expected in ('400 answers acknowledged, of which 0 were missing',
                     '400 in the database, 0 made twice, integrity of the '
                     'file: ok'):
        assert expected in done.stdout
    page = 'answer to next point on screen' in done.stdout
    assert page == bool(CHROMIUM)


def test_answers_while_a_model_is_trained(
        fake, browser, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.syspath_prepend(str(TOOLS))
    measure = runpy.run_path(str(TOOLS / 'annotate_training.py'))['measure']
    shown, saved = measure(tmp_path / 'project', browser, 8, 0.02)
    for comparison in (shown, saved):
        assert '8 answers in a page on ' in comparison.title
        assert all(cost.seconds > 0 for cost in comparison.costs.values())
        assert list(comparison.costs) == ['ours', 'without training']
    # The stand-in for training ends its log at a step and waits.
    assert '; aim: p95 50 ms; 0 steps of training' in shown.remarks[0]
