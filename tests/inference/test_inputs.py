import os

import pytest

from pace_mmdet.errors import UserError
from pace_mmdet.inference.inputs import plan_jobs, prepare_folder


@pytest.fixture
def images(tmp_path):
    """A folder of (empty) files; the working directory is above it."""
    for name in ('b.tif', 'a.PNG', 'c d.ome.tif', 'Größe 細胞.jpg', '[1].tif',
                 'notes.txt', '.hidden.tif', 'below/e.tif'):
        path = tmp_path / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / 'images'


def stems(jobs, out):
    return [job.stem.relative_to(out).as_posix() for job in jobs]


def test_a_folder(images, tmp_path):
    jobs = plan_jobs([images], tmp_path)
    names = stems(jobs, tmp_path)
    assert len(names) == 5
    assert set(names) == {'Größe 細胞', '[1]', 'a', 'b', 'c d'}
    below = plan_jobs([images], tmp_path, recursive=True)
    assert set(stems(below, tmp_path)) - set(stems(jobs, tmp_path)) == {
        'below/e'
    }


def test_files_and_patterns(images, tmp_path):
    jobs = plan_jobs([images / 'notes.txt', f'{images}/*.tif',
                      images / '[1].tif', images / 'b.tif'], tmp_path)
    assert [job.path.name for job in jobs] == [
        'notes.txt', '[1].tif', 'b.tif', 'c d.ome.tif'
    ]
    assert stems(plan_jobs([f'{images}/**/e.*'], tmp_path), tmp_path) == ['e']


def test_results_below_the_images_are_no_images(images):
    out = images / 'out'
    (out / 'x_labels.tif').parent.mkdir()
    (out / 'x_labels.tif').touch()
    jobs = plan_jobs([images], out, recursive=True)
    assert not any('x_labels' in job.path.name for job in jobs)


@pytest.mark.parametrize(('inputs', 'message'), [
    (['images/none.tif'], 'images/none.tif: no such image, folder'),
    (['images/*.bmp'], r'images/\*.bmp: no such image'),
    (['empty'], 'empty: no images there, expected .*--recursive'),
    (['images', 'images/below/b.tif'],
     'same name:\n  - images/b.tif and images/below/b.tif\n'),
    (['out'], 'out: the results would lie among the images'),
])
def test_faults(images, tmp_path, monkeypatch, inputs, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'out').mkdir()
    (images / 'below' / 'b.tif').touch()
    with pytest.raises(UserError, match=message):
        plan_jobs(inputs, 'out')


def test_many_of_the_same_name(tmp_path):
    for folder in 'xy':
        (tmp_path / folder).mkdir()
        for number in range(8):
            (tmp_path / folder / f'{number}.tif').touch()
    with pytest.raises(UserError, match='... and 3 more') as caught:
        plan_jobs([tmp_path / 'x', tmp_path / 'y'], tmp_path / 'out')
    assert str(caught.value).count(' and ') == 6


def test_names_that_differ_by_case_or_ending_only(tmp_path):
    for name in ('a.tif', 'A.png'):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match='same name'):
        plan_jobs([tmp_path], tmp_path / 'out')


def test_a_folder_that_cannot_be_written(tmp_path):
    prepare_folder(tmp_path / 'new' / 'folder')
    assert os.listdir(tmp_path / 'new' / 'folder') == []
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match='file.*: cannot write there'):
        prepare_folder(tmp_path / 'file' / 'folder')


def test_what_a_folder_leaves_out_is_said(images, tmp_path):
    (images / 'b.tif').write_bytes(b'II*\0')
    (images / 'b.tif').rename(images / 'b.dat')
    (images / 'x.zarr').mkdir()
    (images / 'x.zarr/.zgroup').touch()
    said = []
    jobs = plan_jobs([images], tmp_path, note=said.append)
    assert 'x' in stems(jobs, tmp_path)
    assert sorted(line.partition(': ')[2] for line in said) == [
        '1 left out: .txt, no image format that is read (notes.txt)',
        '1 left out: TIFF by content, but not by name: end it in .tif '
        '(b.dat)']
