"""The benchmark of the annotation server, at a size that says nothing."""
import shutil
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / 'tools/benchmarks/annotate_server.py'


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
    assert page == any(map(shutil.which, ('chromium', 'chromium-browser')))
