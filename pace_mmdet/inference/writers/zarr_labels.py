"""OME-Zarr: a labels group, with a table of the cells.

OME-NGFF 0.5 where the image is of that version, else 0.4, which more programs
read.

Of a plain image, and of one in which nothing is called a field::

    NAME_labels.zarr/labels/cells/0, 1, ...    the label image and its pyramid
    NAME_labels.zarr/tables/cells              an AnnData table

The outer group names the label image as its image, too, so that a program
which opens an OME-Zarr has something to show. Of a plate (or another folder
of several images) each field is such a group, under the plate's own path.
Blocks without any cell are not stored.
"""
import shutil
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from pace_mmdet.errors import UserError
from pace_mmdet.files import naming_errors, replace_folder
from pace_mmdet.images.formats import EXTRA
from pace_mmdet.inference import painting
from pace_mmdet.inference.painting import LabelPlane

from .anndata_tables import write_anndata
from .measurements import COLUMNS, intensities_of, measure
from .results import FileCells

_KINDS = dict(T='time', C='channel', Z='space')


def check_installed() -> None:
    """Raise a UserError if the package that writes OME-Zarr is missing."""
    try:
        import zarr  # noqa: F401
    except ImportError:
        raise UserError(f'--format zarr needs the package zarr: {EXTRA}') \
            from None


class LabelStore:
    """A folder of label images, written in parts, by any process.

    Args:
        path (Path): The folder.
        about (FileCells): The file.
        planes (Sequence[LabelPlane]): The label image of each plane.
    """

    def __init__(self, path: Path, about: FileCells,
                 planes: Sequence[LabelPlane]) -> None:
        self.path = path
        self._about, self._planes = about, planes
        most = max(len(plane.scores) for plane in planes)
        self._dtype = np.dtype(np.uint16 if most < 2**16 else np.uint32)
        names, axes, shape = about.names, about.axes, about.shape
        self._fields = ['']
        if axes[:1] == 'I' and len(names) == shape[0] and all(names):
            self._fields, axes, shape = names, axes[1:], shape[1:]
        self._per_field = len(planes) // len(self._fields)
        # The standard has no other axes than these, in this order.
        places = ['TCZ'.find(axis) for axis in axes]
        if -1 in places or sorted(set(places)) != places:
            axes, shape = 'T', (self._per_field, )
        self._axes, self._shape = axes, shape
        self._arrays: Dict[tuple, Any] = {}
        self._format = 3 if (about.path / 'zarr.json').is_file() else 2

    def _content(self, **content: Any) -> dict:
        """Attributes as the version has them."""
        if self._format == 3:
            return dict(ome=dict(version='0.5', **content))
        for key in {'plate', 'well', 'image-label'} & content.keys():
            content[key] = dict(content[key], version='0.4')
        for multiscale in content.get('multiscales', []):
            multiscale['version'] = '0.4'
        return content

    def create(self) -> None:
        """Make the folder, with all that is known before the cells."""
        import zarr
        root = zarr.open_group(str(self.path), mode='w',
                               zarr_format=self._format)
        for number, name in enumerate(self._fields):
            field = root.require_group(name) if name else root
            labels = field.create_group('labels')
            labels.attrs.update(self._content(labels=['cells']))
            group = labels.create_group('cells')
            sizes = self._planes[number * self._per_field].sizes
            for level, size in enumerate(sizes):
                ones = (1, ) * len(self._shape)
                group.create_array(
                    str(level), shape=(*self._shape, *size),
                    chunks=(*ones, painting.BLOCK, painting.BLOCK),
                    dtype=self._dtype,
                    fill_value=0, chunk_key_encoding=dict(
                        name='default' if self._format == 3 else 'v2',
                        separator='/'))
            group.attrs.update(self._content(
                multiscales=[self._multiscale('', len(sizes))],
                **{'image-label': dict(source=dict(image='../../'))}))
            field.attrs.update(self._content(multiscales=[
                self._multiscale('labels/cells/', len(sizes))]))
        if self._fields != ['']:
            self._describe_fields(root)

    def _multiscale(self, folder: str, count: int) -> dict:
        size = self._about.pixel_size
        known = size is not None and size.unit == 'µm'
        axes = [dict(name=axis.lower(), type=_KINDS[axis])
                for axis in self._axes]
        space = [dict(name=axis, type='space') for axis in 'yx']
        steps = [1.] * len(axes) + ([size.y, size.x] if known else [1., 1.])
        if known:
            for axis in space:
                axis['unit'] = 'micrometer'
            for number, axis in enumerate(axes):
                if axis['name'] == 'z' and size.z is not None:
                    axis['unit'], steps[number] = 'micrometer', size.z
        return dict(
            name='cells', axes=axes + space,
            datasets=[dict(path=f'{folder}{level}',
                           coordinateTransformations=[
                               dict(type='scale', scale=[
                                   *steps[:-2], steps[-2] * 2**level,
                                   steps[-1] * 2**level])])
                      for level in range(count)])

    def _describe_fields(self, root: Any) -> None:
        """A plate's wells, as they are in the image's own folder."""
        import zarr
        source = zarr.open_group(str(self._about.path), mode='r')
        places = {''}
        for name in self._fields:
            parts = name.split('/')
            places |= {'/'.join(parts[:k]) for k in range(1, len(parts))}
        for place in sorted(places):
            attributes = dict((source[place] if place else source).attrs)
            attributes = attributes.get('ome', attributes)
            kept = {key: attributes[key] for key in (
                'plate', 'well', 'bioformats2raw.layout')
                if key in attributes}
            group = root.require_group(place) if place else root
            group.attrs.update(self._content(**kept))

    def write_row(self, plane: int, level: int, row: int) -> None:
        """Write a row of blocks of a plane's label image.

        Args:
            plane (int): Its number.
            level (int): Of the pyramid.
            row (int): Which row of blocks.
        """
        field, place = self._place(plane)
        array = self._array(field, f'labels/cells/{level}')
        blocks = self._planes[plane].blocks(level, row, self._dtype)
        for column, block in blocks.items():
            y, x = row * painting.BLOCK, column * painting.BLOCK
            with naming_errors(self.path):
                array[(*place, slice(y, y + block.shape[0]),
                       slice(x, x + block.shape[1]))] = block

    def _place(self, plane: int) -> Tuple[str, tuple]:
        number, rest = divmod(plane, self._per_field)
        place = tuple(map(int, np.unravel_index(rest, self._shape))) \
            if self._shape else ()
        return self._fields[number], place

    def _array(self, field: str, name: str) -> Any:
        import zarr
        if (field, name) not in self._arrays:
            path = self.path / field / name
            self._arrays[field, name] = zarr.open_array(str(path), mode='r+')
        return self._arrays[field, name]

    def write_table(self, parts: Sequence[List[np.ndarray]]) -> None:
        """Write the tables of all fields.

        Args:
            parts (Sequence): Of each plane, rows as
                :func:`~.measurements.measure` gives them.
        """
        for number, field in enumerate(self._fields):
            first = number * self._per_field
            own = parts[first:first + self._per_field]
            counts = [sum(map(len, rows)) for rows in own]
            write_anndata(
                self.path / field / 'tables',
                self._about.first_plane + np.repeat(
                    np.arange(self._per_field), counts),
                np.concatenate([np.zeros((0, len(COLUMNS))), *(
                    part for rows in own for part in rows)]),
                self._about.classes, self._format)


def write_zarr_labels(found: FileCells, path: Path) -> None:
    """Write the cells of a file that is in memory as OME-Zarr labels.

    Args:
        found (FileCells): The cells.
        path (Path): The folder to write; it appears when it is complete.
    """
    unfinished = path.with_name(f'.{path.name}.tmp')
    planes = [LabelPlane.of(cells) for cells in found.planes]
    try:
        store = LabelStore(unfinished, found, planes)
        store.create()
        for number, plane in enumerate(planes):
            for level, (height, _) in enumerate(plane.sizes):
                for row in range(-(-height // painting.BLOCK)):
                    store.write_row(number, level, row)
        store.write_table([
            [measure(cells, intensities_of(cells, found.read(number)))]
            if len(cells) else [] for number, cells in
            enumerate(found.planes)])
        replace_folder(unfinished, path)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
