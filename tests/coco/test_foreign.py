import base64
import io
import json
import zipfile

import numpy as np
import pytest
import roifile
import tifffile
from PIL import Image
from pycocotools import mask as mask_utils

from pace_mmdet.coco.foreign import import_annotations
from pace_mmdet.errors import AnnotationError

SQUARE = [[10, 5], [30, 5], [30, 25], [10, 25]]
HOLE = [[15, 10], [20, 10], [20, 15], [15, 15]]


@pytest.fixture
def folders(tmp_path):
    """An image, and an empty folder for its annotations."""
    for name in ('images', 'annotations'):
        (tmp_path / name).mkdir()
    tifffile.imwrite(tmp_path / 'images/a.ome.tif',
                     np.zeros((60, 80), np.uint8), ome=True)
    return tmp_path / 'images', tmp_path / 'annotations'


def masks_of(path):
    content = json.loads(path.read_text())
    assert content['categories'] == [dict(id=1, name='cell')]
    assert [ann['id'] for ann in content['annotations']] == list(
        range(1, len(content['annotations']) + 1))
    for ann in content['annotations']:
        code = ann['segmentation']
        assert ann['bbox'] == mask_utils.toBbox(code).tolist()
        assert ann['area'] == mask_utils.area(code)
    return [mask_utils.decode(ann['segmentation']).astype(bool)
            for ann in content['annotations']]


def square(hole=False):
    mask = np.zeros((60, 80), bool)
    mask[5:25, 10:30] = True
    if hole:
        mask[10:15, 15:20] = False
    return mask


def test_rois(folders, tmp_path):
    images, annotations = folders
    oval = roifile.ImagejRoi.frompoints([[10, 5], [30, 25]])
    oval.roitype = roifile.ROI_TYPE.OVAL
    rect = roifile.ImagejRoi.frompoints([[10, 5], [30, 25]])
    rect.roitype = roifile.ROI_TYPE.RECT
    for roi in (oval, rect):
        roi.left, roi.top, roi.right, roi.bottom = 10, 5, 30, 25
    point = roifile.ImagejRoi.frompoints([[10, 5]])
    point.roitype = roifile.ROI_TYPE.POINT
    roifile.roiwrite(annotations / 'a_rois.zip', [
        roifile.ImagejRoi.frompoints(np.array(SQUARE, float)), oval, rect,
        point])
    report = import_annotations(images, annotations, tmp_path / 'o.json')
    assert (report.images, report.cells) == (1, 3)
    assert report.left_out == {'of a kind that is not read: POINT': 1}
    polygon, oval, rect = masks_of(tmp_path / 'o.json')
    assert np.array_equal(polygon, square())
    assert np.array_equal(rect, square())
    assert abs(oval.sum() - np.pi * 100) < 12 and not (oval & ~rect).any()


def test_other_files_in_a_zip(folders, tmp_path):
    images, annotations = folders
    path = annotations / 'a.zip'
    roifile.roiwrite(path, [roifile.ImagejRoi.frompoints(
        np.array(SQUARE, float))])
    with zipfile.ZipFile(path, 'a') as archive:
        archive.writestr('__MACOSX/._1.roi', b'no')
        archive.writestr('read me.txt', b'no')
    assert import_annotations(images, annotations,
                              tmp_path / 'o.json').cells == 1


def test_geojson(folders, tmp_path):
    images, annotations = folders
    rings = [[*ring, ring[0]] for ring in (SQUARE, HOLE)]
    (annotations / 'a.geojson').write_text(json.dumps(dict(
        type='FeatureCollection', features=[
            dict(type='Feature', geometry=geometry) for geometry in (
                dict(type='Polygon', coordinates=rings),
                dict(type='MultiPolygon', coordinates=[[
                    [[*corner, 9] for corner in rings[0]]]]),
                dict(type='Point', coordinates=[1, 2]))])))
    report = import_annotations(images, annotations, tmp_path / 'o.json')
    assert report.left_out == {'of a kind that is not read: Point': 1}
    first, second = masks_of(tmp_path / 'o.json')
    assert np.array_equal(first, square(hole=True))
    assert np.array_equal(second, square())


def test_outlines_of_no_slice_are_on_all(tmp_path):
    images, annotations = tmp_path / 'images', tmp_path / 'annotations'
    images.mkdir(), annotations.mkdir()
    tifffile.imwrite(images / 'a.tif', np.zeros((3, 60, 80), np.uint8),
                     imagej=True, metadata=dict(axes='ZYX'))
    rois = [roifile.ImagejRoi.frompoints(np.array(SQUARE, float))
            for _ in range(2)]
    rois[1].position = 2
    roifile.roiwrite(annotations / 'a.zip', rois)
    for page, count in enumerate((1, 2, 1)):
        assert import_annotations(images, annotations, tmp_path / 'o.json',
                                  page=page).cells == count


def test_labelme(folders, tmp_path):
    images, annotations = folders
    shapes = [dict(points=SQUARE, shape_type='polygon'),
              dict(points=[[30, 25], [10, 5]], shape_type='rectangle'),
              dict(points=[[20, 15], [30, 15]], shape_type='circle'),
              dict(points=[[20, 15]], shape_type='point')]
    (annotations / 'a.json').write_text(json.dumps(dict(shapes=shapes)),
                                        'utf-8-sig')
    report = import_annotations(images, annotations, tmp_path / 'o.json')
    assert report.left_out == {'of a kind that is not read: point': 1}
    polygon, rectangle, circle = masks_of(tmp_path / 'o.json')
    assert np.array_equal(polygon, square())
    assert np.array_equal(rectangle, square())
    assert abs(circle.sum() - np.pi * 100) < 12


def png(mask):
    file = io.BytesIO()
    Image.fromarray(mask).save(file, 'PNG')
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize('corner', [(10, 5), (-4, -2), (70, 50), (90, 5)])
def test_masks_of_labelme(folders, tmp_path, corner):
    images, annotations = folders
    part = np.random.default_rng(0).random((20, 25)) > 0.5
    x, y = corner
    shapes = [
        dict(points=SQUARE),
        dict(points=[[x, y], [x + 24, y + 19]], shape_type='mask',
             mask=png(part))]
    (annotations / 'a.json').write_text(json.dumps(dict(shapes=shapes)))
    import_annotations(images, annotations, tmp_path / 'o.json')
    wide = np.zeros((160, 180), bool)
    wide[50 + y:70 + y, 50 + x:75 + x] = part
    expected = wide[50:110, 50:130]
    _, *masks = masks_of(tmp_path / 'o.json')
    assert [mask.tolist() for mask in masks] == [
        expected.tolist()] * bool(expected.any())
    shapes[1]['points'][1][0] += 1
    (annotations / 'a.json').write_text(json.dumps(dict(shapes=shapes)))
    with pytest.raises(AnnotationError, match='a mask of 25 x 20 pixels in a '
                       'box of 26 x 20'):
        import_annotations(images, annotations, tmp_path / 'o.json')


def test_images_without_annotations_are_named(folders, tmp_path):
    images, annotations = folders
    tifffile.imwrite(images / 'b.tif', np.zeros((60, 80), np.uint8))
    (annotations / 'a.json').write_text(
        json.dumps(dict(shapes=[dict(points=SQUARE)])))
    report = import_annotations(images, annotations, tmp_path / 'o.json')
    assert report.without == ['b.tif']
    assert 'without annotations: b.tif' in '\n'.join(report.lines())


def test_labelme_of_another_size(folders, tmp_path):
    images, annotations = folders
    shapes = [dict(points=SQUARE)]
    (annotations / 'a.json').write_text(json.dumps(dict(
        shapes=shapes, imageHeight=120, imageWidth=160)))
    with pytest.raises(AnnotationError, match='drawn on an image of 160 x 120 '
                       'pixels, this one has 80 x 60'):
        import_annotations(images, annotations, tmp_path / 'o.json')


@pytest.mark.parametrize('text', ['null', '"a"', '[1]', '{"features": 3}'])
def test_no_geojson(folders, tmp_path, text):
    images, annotations = folders
    (annotations / 'a.geojson').write_text(text)
    with pytest.raises(AnnotationError, match='no GeoJSON'):
        import_annotations(images, annotations, tmp_path / 'o.json')


def test_faults_of_a_folder_at_once(folders, tmp_path):
    images, annotations = folders
    (annotations / 'a.json').write_text('{}')
    (annotations / 'b.geojson').write_text('[]')
    with pytest.raises(AnnotationError) as error:
        import_annotations(images, annotations, tmp_path / 'o.json')
    assert 'a.json: cannot be read' in str(error.value)
    assert 'b.geojson: no image of the name "b"' in str(error.value)
    for path in annotations.iterdir():
        path.unlink()
    with pytest.raises(AnnotationError, match='no files of annotations'):
        import_annotations(images, annotations, tmp_path / 'o.json')
    assert not (tmp_path / 'o.json').exists()


CASES = ('64_coco_roboflow', '67_coco_backslash', '68_coco_folder_prefix',
         '69_coco_string_ids', '70_coco_no_bbox_area',
         '71_coco_no_area_iscrowd', '72_coco_bom', '73_coco_float_size',
         '77_coco_nested_points', '85_coco_xyxy_bbox',
         '91_coco_image_id_name', '92_coco_float_ids')


@pytest.mark.parametrize('name', CASES)
def test_coco_of_other_tools(case, tmp_path, name):
    folder = case(name)
    source = folder / 'annotations/train.json'
    total = len(json.loads(source.read_text('utf-8-sig'))['annotations'])
    report = import_annotations(folder / 'images', source,
                                tmp_path / 'o.json')
    assert (report.images, report.cells) == (2, total)
    assert len(masks_of(tmp_path / 'o.json')) == total
    assert bool(report.fit.wrong) == (name == '85_coco_xyxy_bbox')


def test_crowds(case, tmp_path):
    folder = case('61_coco_crowd_rle_cvat')
    source = folder / 'annotations/train.json'
    with pytest.raises(AnnotationError, match='--crowds-are-cells'):
        import_annotations(folder / 'images', source, tmp_path / 'o.json')
    report = import_annotations(folder / 'images', source,
                                tmp_path / 'o.json', crowds_are_cells=True)
    assert report.cells > 4 and not report.left_out


def test_images_that_are_missing_or_of_another_size(case, tmp_path):
    folder = case('71_coco_no_area_iscrowd')
    content = json.loads((folder / 'annotations/train.json').read_text())
    content['images'][0]['width'] = 7
    content['images'][1]['file_name'] = 'other.png'
    (tmp_path / 'x.json').write_text(json.dumps(content))
    with pytest.raises(AnnotationError) as error:
        import_annotations(folder / 'images', tmp_path / 'x.json',
                           tmp_path / 'o.json')
    assert 'im1.png: 7 x 160 pixels in the file, 200 x 160' in str(error.value)
    assert '(other.png): not among the images' in str(error.value)


def write_with(case, target, change):
    folder = case('71_coco_no_area_iscrowd')
    content = json.loads((folder / 'annotations/train.json').read_text())
    change(content)
    target.write_text(json.dumps(content))
    return folder / 'images'


@pytest.mark.parametrize(('table', 'value', 'message'), [
    ('images', ['a.png'], 'images number 0: expected an object, got "a.png"'),
    ('images', {'1': {}}, '"images": expected a list, got dict'),
    ('annotations', [None], 'annotations number 0: expected an object, got '),
    ('annotations', 5, '"annotations": expected a list, got int'),
    ('annotations', [{'image_id': [1]}], '"image_id": expected a number'),
    ('annotations', None, 'no outline of a cell'),
    ('images', None, 'is none of the images'),
])
def test_tables_that_are_none(case, tmp_path, table, value, message):
    images = write_with(case, tmp_path / 'x.json',
                        lambda content: content.update({table: value}))
    with pytest.raises(AnnotationError) as error:
        import_annotations(images, tmp_path / 'x.json', tmp_path / 'o.json')
    assert message in str(error.value)
    assert str(error.value).startswith(str(tmp_path / 'x.json'))


def test_images_that_would_be_mixed_up(case, tmp_path):
    def change(content):
        first, second = content['images']
        content['images'] = [
            dict(first, file_name=f'x/{first["file_name"]}'),
            dict(first, file_name=f'y/{first["file_name"]}', id=7),
            dict(second, id=first['id'])]

    images = write_with(case, tmp_path / 'x.json', change)
    with pytest.raises(AnnotationError) as error:
        import_annotations(images, tmp_path / 'x.json', tmp_path / 'o.json')
    assert 'image 7 (y/im1.png): im1.png is x/im1.png in the file, too' in \
        str(error.value)
    assert 'this id occurs more than once' in str(error.value)


def test_crowds_and_boxes_written_as_text(case, tmp_path):
    def change(content):
        for ann in content['annotations']:
            ann.update(iscrowd='0', bbox=['a', 1, 2, 3])

    images = write_with(case, tmp_path / 'x.json', change)
    report = import_annotations(images, tmp_path / 'x.json',
                                tmp_path / 'o.json')
    assert report.cells and not report.left_out
