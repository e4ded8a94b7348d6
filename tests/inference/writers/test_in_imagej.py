"""The results, and the macro that opens them, in ImageJ itself."""
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile

from pace_mmdet.inference.writers.imagej_rois import write_rois
from pace_mmdet.inference.writers.label_images import write_label_image
from tests.tools.conftest import ROOT

JAR = Path('/usr/share/java/ij.jar')
MACRO = ROOT / 'tools/viewers/open_in_fiji.ijm'
pytestmark = pytest.mark.skipif(
    not (JAR.is_file() and shutil.which('java') and shutil.which('xvfb-run')),
    reason='ImageJ, Java or Xvfb is missing: apt-get install imagej '
    'default-jre xvfb xauth')

# A line for each ROI: pixels, box, slice, and what the labels are there.
CHECK = '''
runMacro("{macro}", getArgument());
shown = getTitle();
for (i = 0; i < roiManager("count"); i++) {{
    selectWindow(shown);
    roiManager("select", i);
    getStatistics(area);
    getSelectionBounds(x, y, width, height);
    slice = getSliceNumber();
    selectWindow("labels of " + shown);
    setSlice(slice);
    roiManager("select", i);
    getStatistics(area, mean, low, high);
    print(area + " " + x + " " + y + " " + width + " " + height + " " +
          slice + " " + high);
}}
File.saveString(getInfo("log"), "{log}");
run("Quit");
'''


def test_masks_of_the_rois(tmp_path, found_in):
    """With holes and in parts, on two planes."""
    counts = (9, 8)
    found = found_in(*counts)
    image, results = tmp_path / 'a b.ome.tif', tmp_path / 'results'
    results.mkdir()
    planes = np.stack([found.read(i) for i in range(len(counts))])
    tifffile.imwrite(image, planes, imagej=True)
    write_rois(found, results / 'a b_rois.zip')
    write_label_image(found, results / 'a b_labels.tif')
    log, macro = tmp_path / 'log.txt', tmp_path / 'check.ijm'
    macro.write_text(CHECK.format(macro=MACRO, log=log))
    subprocess.run(
        ['xvfb-run', '-a', 'java', f'-Duser.home={tmp_path}', '-cp', JAR,
         'ij.ImageJ', '-macro', macro, f'{image}|{results}'],
        check=True, capture_output=True, timeout=300,
        env={name: value for name, value in os.environ.items()
             if name != 'DISPLAY'})
    first, *lines = log.read_text().splitlines()
    assert first == f'{sum(counts)} cells of {image.name}'
    seen = [tuple(map(int, line.split())) for line in lines]
    expected = [
        (area, x1, y1, x2 - x1, y2 - y1, number)
        for number, cells in enumerate(found.planes, 1)
        for area, (x1, y1, x2, y2) in zip(cells.areas, cells.mask_boxes)]
    assert [row[:6] for row in seen] == expected
    # Where cells overlap, the label is the better scoring one's.
    numbers = [row + 1 for cells in found.planes for row in range(len(cells))]
    labels = [cells.label_image() for cells in found.planes]
    for (*_, number, high), label in zip(seen, numbers):
        assert high >= label or label not in labels[number - 1]
