import pytest

from pace_mmdet.errors import ImageFileError
from pace_mmdet.images.paths import find_images


def test_both_layouts(tmp_path):
    flat = tmp_path / 'A172_Phase_1.tif'
    nested = tmp_path / 'BV2' / 'BV2_Phase_1.tif'
    sub = tmp_path / 'x' / 'c.tif'
    for path in (flat, nested, sub):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = find_images(
        str(tmp_path), ['BV2_Phase_1.tif', 'A172_Phase_1.tif', 'x/c.tif'],
        by_cell_type=True)
    assert found == [str(nested), str(flat), str(sub)]
    assert find_images(str(tmp_path), ['A172_Phase_1.tif', 'x/c.tif']) == [
        str(flat), str(sub)]
    with pytest.raises(ImageFileError, match=f'expected at {tmp_path}/BV2_P'
                       r'hase_1.tif\n'):
        find_images(str(tmp_path), ['BV2_Phase_1.tif'])
    assert find_images(str(tmp_path), []) == []


def test_all_missing_ones_are_listed(tmp_path):
    (tmp_path / 'here_1.tif').touch()
    names = ['here_1.tif'] + [f'gone_{i}.tif' for i in range(25)]
    with pytest.raises(ImageFileError) as error:
        find_images(str(tmp_path), names, by_cell_type=True)
    text = str(error.value)
    assert text.startswith(f'{tmp_path}: 25 faults')
    assert f'gone_0.tif: expected at {tmp_path}/gone_0.tif or ' \
        f'{tmp_path}/gone/gone_0.tif' in text
    assert '... and 5 more' in text
    assert 'data_prefix' in text
