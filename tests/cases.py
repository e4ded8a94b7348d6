"""Inputs that people meet, made here or collected in a folder.

The folder beside the project holds the files that users' reports describe;
each has a counterpart here, so that the tests run anywhere.
"""
import json
import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

SHARED = Path(os.environ.get(
    'PACE_CASES', Path(__file__).parents[1] / '../shared/cases'))
_PLAIN = dict(photometric='minisblack')


def picture(side=256, seed=0):
    """Nuclei on a dark background, uint16."""
    rng = np.random.default_rng(seed)
    img = rng.normal(33020, 8, (side, side))
    y, x = np.mgrid[:side, :side]
    for row in range(24, side - 16, 56):
        for column in range(24, side - 16, 56):
            radius = rng.uniform(8, 14)
            distance = ((y - row)**2 + (x - column)**2)**.5 / radius
            img += rng.uniform(900, 1800) * np.exp(-distance**6)
    return img.astype(np.uint16)


def eight(img):
    """A picture in 8 bits."""
    least, most = int(img.min()), int(img.max())
    return ((img - least) * 255. / (most - least)).round().astype(np.uint8)


REF16 = picture()
REF8 = eight(REF16)
COLOUR = np.stack([REF8, REF8 // 2, 255 - REF8], axis=2)
LABELS = np.zeros((100, 120), np.uint16)
for number, start in enumerate((10, 45, 80), 1):
    LABELS[start:start + 14, start:start + 20] = number


def save_palette(path, img, table):
    out = Image.fromarray(img)
    out.putpalette(table.astype(np.uint8).ravel().tolist())
    out.save(path)


def _reference(folder):
    tifffile.imwrite(folder / 'ref16.tif', REF16)
    tifffile.imwrite(folder / 'ref8.tif', REF8)


def _miniswhite(folder):
    tifffile.imwrite(folder / 'mw16.tif', 65535 - REF16,
                     photometric='miniswhite')
    tifffile.imwrite(folder / 'mw8.tif', 255 - REF8, photometric='miniswhite')


def _palette(folder):
    ramp = np.arange(255, -1, -1)
    grey = np.stack([ramp] * 3, axis=1)
    save_palette(folder / 'pal_png.png', 255 - REF8, grey)
    tifffile.imwrite(folder / 'pal_tif.tif', REF8, photometric='palette',
                     colormap=(grey.T * 257).astype(np.uint16))


def _four_samples(folder):
    four = np.stack([REF8 * 0, REF8 // 9, REF8 * 0 + 7, REF8])
    options = dict(photometric='minisblack', extrasamples=[0, 0, 0])
    tifffile.imwrite(folder / 's4_separate.tif', four,
                     planarconfig='separate', **options)
    tifffile.imwrite(folder / 's4_contig.tif', four.transpose(1, 2, 0),
                     planarconfig='contig', **options)


def _grey_alpha(folder):
    Image.fromarray(np.dstack([REF8, REF8 * 0 + 255])).save(folder / 'la.png')


def _missing(folder):
    img = REF16.astype(np.float32)
    for name, value in (('nan', np.nan), ('inf', np.inf)):
        img[:30, :40] = value
        tifffile.imwrite(folder / f'{name}.tif', img)


def _ome_set(folder):
    image = ('<Image ID="Image:{0}"><Pixels ID="Pixels:{0}" '
             'DimensionOrder="XYCZT" Type="uint16" SizeX="256" SizeY="256" '
             'SizeC="1" SizeZ="1" SizeT="1"><Channel ID="Channel:{0}:0" '
             'SamplesPerPixel="1"/><TiffData IFD="0" PlaneCount="1"><UUID '
             'FileName="exp_Pos{0}.ome.tif">urn:uuid:{0}</UUID></TiffData>'
             '</Pixels></Image>')
    for position in range(2):
        xml = ('<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org'
               f'/Schemas/OME/2016-06" UUID="urn:uuid:{position}">'
               f'{image.format(0)}{image.format(1)}</OME>')
        tifffile.imwrite(folder / f'exp_Pos{position}.ome.tif',
                         REF16 if position == 0 else REF16[::-1],
                         description=xml, metadata=None)


def _turned(folder):
    stored = REF8[:, :200].T[::-1]
    tifffile.imwrite(folder / 'orient6.tif', stored,
                     extratags=[(274, 'H', 1, 6, True)])
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.dstack([stored] * 3)).save(
        folder / 'rot6.jpg', exif=exif, quality=95)


def _wrong_suffix(folder):
    Image.fromarray(REF8).save(folder / 'jpg_called.png', 'JPEG', quality=95)
    Image.fromarray(REF8).save(folder / 'png_called.tif', 'PNG')
    tifffile.imwrite(folder / 'x.tif', REF16)
    (folder / 'x.tif').rename(folder / 'tif_called.png')


def _other_suffix(folder):
    for name in ('ok.tif', 'slide.svs', 'stack.lsm', 'stack.stk'):
        tifffile.imwrite(folder / name, REF16)
    for name in ('big.btf', 'x.tf8'):
        tifffile.imwrite(folder / name, REF16, bigtiff=True)
    grey = Image.fromarray(REF8)
    grey.save(folder / 'i.gif')
    grey.save(folder / 'i.jp2')
    grey.convert('RGB').save(folder / 'i.webp')
    (folder / 'm.czi').write_bytes(b'ZISRAWFILE'.ljust(110, b'\0'))
    (folder / 'm.nd2').write_bytes(b'\xda\xce\xbe\n'.ljust(104, b'\0'))


def _omezarr(folder):
    (folder / 'img.ome.zarr').mkdir()
    (folder / 'img.ome.zarr/.zattrs').write_text('{"multiscales":[]}')


def _colours(folder):
    import imagecodecs
    rgb16 = np.stack([REF16, REF16 // 2, 65535 - REF16], axis=2)
    (folder / 'rgb16.png').write_bytes(imagecodecs.png_encode(rgb16))
    (folder / 'g16.png').write_bytes(imagecodecs.png_encode(REF16))
    tifffile.imwrite(folder / 'rgb16.tif', rgb16, photometric='rgb')
    tifffile.imwrite(folder / 'rgb_planar.tif', COLOUR.transpose(2, 0, 1),
                     photometric='rgb', planarconfig='separate')
    tifffile.imwrite(folder / 'ij_rgb.tif', np.stack([COLOUR] * 2),
                     imagej=True, photometric='rgb',
                     metadata=dict(axes='TYXS'))
    tifffile.imwrite(folder / 'ij_composite.tif', COLOUR[..., :2].transpose(
        2, 0, 1), imagej=True, metadata=dict(axes='CYX', mode='composite'))
    tifffile.imwrite(folder / 'plain_pages_cyx.tif', COLOUR.transpose(2, 0, 1),
                     **_PLAIN)


def _sparse(folder):
    y, x = np.mgrid[:40, :40] - 19.5
    cell = 1800 * np.exp(-((x**2 + y**2)**.5 / 15)**6)
    for side in (128, 256, 512, 1024):
        img = np.random.default_rng(0).normal(33023, 3, (side, side))
        img[44:84, 44:84] += cell
        tifffile.imwrite(folder / f'one_cell_{side:04d}.tif',
                         img.astype(np.uint16))


def _labelled(write_labels, image=None):

    def make(folder):
        for name in ('images', 'labels'):
            (folder / name).mkdir()
        tifffile.imwrite(
            folder / 'images/a.tif',
            (LABELS > 0).astype(np.uint8) * 200 if image is None else image,
            **_PLAIN)
        write_labels(folder / 'labels')
    return make


def _palette_labels(folder):
    save_palette(folder / 'a.png', LABELS.astype(np.uint8),
                 np.random.default_rng(0).integers(0, 256, (256, 3)))


def _cellpose(folder):
    content = dict(masks=LABELS, outlines=LABELS * 0, flows=[
        np.zeros((2, 3), np.float32), []], filename='a.tif', est_diam=30.0,
        colors=np.zeros((3, 3), np.uint8), chan_choose=[0, 0],
        model_path=Path('a'), ismanual=np.zeros(3, bool))
    np.save(folder / 'a_seg.npy', content)


def _two_channels(folder):
    _labelled(lambda labels: tifffile.imwrite(labels / 'a.tif', LABELS))(
        folder)
    tifffile.imwrite(folder / 'images/a.tif', np.zeros((2, 100, 120),
                                                       np.uint8),
                     imagej=True, metadata=dict(axes='CYX'))


def _stack_of_labels(labels):
    tifffile.imwrite(labels / 'a.tif', np.stack([LABELS, LABELS * 2,
                                                 LABELS * 0]),
                     photometric='rgb', planarconfig='separate')


MAKERS = {
    '00_ref': _reference,
    '01_miniswhite': _miniswhite,
    '03_palette': _palette,
    '05_four_samples': _four_samples,
    '07_grey_alpha': _grey_alpha,
    '08_nan': _missing,
    '15_ome_multifile': _ome_set,
    '16_exif': _turned,
    '18_wrong_suffix': _wrong_suffix,
    '19_other_suffix': _other_suffix,
    '20_omezarr': _omezarr,
    '23_imagej_rgb': _colours,
    '28_sparse': _sparse,
    '31_lab_binary255': _labelled(lambda labels: Image.fromarray(
        (LABELS > 0).astype(np.uint8) * 255).save(labels / 'a.png')),
    '32_lab_palette_png': _labelled(_palette_labels),
    '38_lab_3d_stack': _labelled(_stack_of_labels,
                                 np.zeros((3, 100, 120), np.uint8)),
    '45_lab_cellpose_npy': _labelled(_cellpose),
    '49_lab_ome_name': _labelled(lambda labels: tifffile.imwrite(
        labels / 'a.ome.tif', LABELS, ome=True)),
    '50_img_2ch': _two_channels,
}


def _circle(x, y, radius):
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([x + radius * np.cos(angles),
                     y + radius * np.sin(angles)], axis=1).round(1)


def document():
    """A COCO file of two images with four cells each, all in order."""
    annotations = []
    for image_id in (1, 2):
        for place in range(4):
            outline = _circle(30 + 40 * place, 40 + 40 * (place % 2), 10)
            low, high = outline.min(axis=0), outline.max(axis=0)
            annotations.append(dict(
                id=len(annotations) + 1, image_id=image_id, category_id=1,
                iscrowd=0, area=310.0, bbox=[*low, *(high - low)],
                segmentation=[outline.ravel().tolist()]))
    return dict(
        info={}, licenses=[],
        images=[dict(id=k, file_name=f'im{k}.png', height=160, width=200)
                for k in (1, 2)],
        categories=[dict(id=1, name='cell', supercategory='')],
        annotations=annotations)


def _coco(change=lambda content: None, prefix=b''):
    def make(folder):
        for name in ('annotations', 'images'):
            (folder / name).mkdir()
        for k in (1, 2):
            Image.fromarray(np.zeros((160, 200), np.uint8)).save(
                folder / f'images/im{k}.png')
        content = document()
        change(content)
        for name in ('train', 'val'):
            (folder / f'annotations/{name}.json').write_bytes(
                prefix + json.dumps(content).encode())
    return make


def _each(**changes):
    def change(content):
        for ann in content['annotations']:
            for key, new in changes.items():
                if new is None:
                    del ann[key]
                else:
                    ann[key] = new(ann[key])
    return change


def _named(make_name):
    def change(content):
        for image in content['images']:
            image['file_name'] = make_name(image['file_name'])
    return change


def _both(*changes):
    def change(content):
        for one in changes:
            one(content)
    return change


def _image_ids(kind):
    def change(content):
        for image in content['images']:
            image['id'] = kind(image['id'])
    return change


def _sizes(content):
    for image in content['images']:
        image.update(height=160.0, width=200.0)


def _roboflow(content):
    content['categories'] = [
        dict(id=0, name='cells-Xyz', supercategory='none'),
        dict(id=1, name='cell', supercategory='cells-Xyz')]


def _normalised(content):
    for ann in content['annotations']:
        ann['bbox'] = (np.array(ann['bbox']) /
                       [200, 160, 200, 160]).tolist()
        ann['segmentation'] = [
            (np.array(ann['segmentation'][0]).reshape(-1, 2) /
             [200, 160]).ravel().tolist()]


MAKERS.update({
    '61_coco_crowd_rle_cvat': _coco(_each(iscrowd=lambda _: 1)),
    '64_coco_roboflow': _coco(_roboflow),
    '67_coco_backslash': _coco(_named(lambda name: f'images\\{name}')),
    '68_coco_folder_prefix': _coco(_named(lambda name: f'images/{name}')),
    '69_coco_string_ids': _coco(_both(_image_ids(str), _each(
        id=str, image_id=str))),
    '70_coco_no_bbox_area': _coco(_each(bbox=None, area=None, iscrowd=None)),
    '71_coco_no_area_iscrowd': _coco(_each(area=None, iscrowd=None)),
    '72_coco_bom': _coco(prefix=b'\xef\xbb\xbf'),
    '73_coco_float_size': _coco(_sizes),
    '77_coco_nested_points': _coco(_each(segmentation=lambda parts: [
        np.reshape(part, (-1, 2)).tolist() for part in parts])),
    '85_coco_xyxy_bbox': _coco(_each(bbox=lambda box: [
        *box[:2], box[0] + box[2], box[1] + box[3]])),
    '90_coco_normalised_bbox': _coco(_normalised),
    '91_coco_image_id_name': _coco(_each(image_id=lambda k: f'im{k}.png')),
    '92_coco_float_ids': _coco(_both(_image_ids(float), _each(
        image_id=float, category_id=float))),
})


@pytest.fixture(params=['made', 'shared'])
def case(request, tmp_path):
    """Function: name -> folder of the case."""
    if request.param == 'shared' and not SHARED.is_dir():
        pytest.skip(f'the collection of cases is not at {SHARED}')

    def find(name):
        if request.param == 'shared':
            return SHARED / name
        folder = tmp_path / 'cases' / name
        if not folder.exists():
            folder.mkdir(parents=True)
            MAKERS[name](folder)
        return folder

    return find
