"""A table of cells as AnnData keeps it in a Zarr folder.

The layout is AnnData's on-disk format 0.1.0, written without AnnData itself,
which brings pandas and much else.
"""
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from .measurements import COLUMNS

_KEYS = ('plane', 'label', 'class')
VALUES = [name for name in COLUMNS if name not in _KEYS]
_ROWS = 1 << 16


def write_anndata(folder: Path, plane: np.ndarray, measured: np.ndarray,
                  classes: Sequence[str], zarr_format: int = 2) -> None:
    """Write a table, which ``anndata.read_zarr(folder / 'cells')`` opens.

    ``X`` has a row for each cell and a column for each measurement, ``obs``
    the plane, the number in the label image and the class.

    Args:
        folder (Path): Made; the table is ``cells`` in it.
        plane (ndarray): Number of each cell's plane, shape (N, ).
        measured (ndarray): As of :func:`~.measurements.measure`, (N, C).
        classes (Sequence[str]): Names of the classes.
        zarr_format (int): 2 or 3.
    """
    import zarr
    root = zarr.open_group(str(folder), mode='w', zarr_format=zarr_format)
    table = _group(root, 'cells', 'anndata', '0.1.0')
    columns = [COLUMNS.index(name) for name in VALUES]
    _array(table, 'X', measured[:, columns])
    frame = _frame(table, 'obs', [str(row + 1) for row in
                                  range(len(measured))], _KEYS)
    _array(frame, 'plane', plane.astype(np.int64))
    _array(frame, 'label', measured[:, COLUMNS.index('label')].astype(
        np.int64))
    kinds = _group(frame, 'class', 'categorical', '0.2.0', ordered=False)
    _array(kinds, 'codes', measured[:, COLUMNS.index('class')].astype(
        np.int32))
    _strings(kinds, 'categories', classes)
    _frame(table, 'var', VALUES, ())
    for name in ('layers', 'obsm', 'obsp', 'varm', 'varp', 'uns'):
        _group(table, name, 'dict', '0.1.0')


def _group(parent: Any, name: str, kind: str, version: str,
           **others: Any) -> Any:
    return parent.create_group(name, attributes={
        'encoding-type': kind, 'encoding-version': version, **others})


def _frame(parent: Any, name: str, index: Sequence[str],
           columns: Sequence[str]) -> Any:
    group = _group(parent, name, 'dataframe', '0.2.0',
                   **{'_index': '_index', 'column-order': list(columns)})
    _strings(group, '_index', index)
    return group


def _array(parent: Any, name: str, values: np.ndarray) -> None:
    _create(parent, name, values.shape, values.dtype, 'array', values)


def _strings(parent: Any, name: str, values: Sequence[str]) -> None:
    from zarr.dtype import VariableLengthUTF8
    _create(parent, name, (len(values), ), VariableLengthUTF8(),
            'string-array', np.array(values, dtype=np.dtypes.StringDType()))


def _create(parent: Any, name: str, shape: tuple, dtype: Any, kind: str,
            values: np.ndarray) -> None:
    chunks = (max(min(shape[0], _ROWS), 1), *shape[1:])
    array = parent.create_array(
        name, shape=shape, chunks=chunks, dtype=dtype, attributes={
            'encoding-type': kind, 'encoding-version': '0.2.0'})
    if len(values):
        array[...] = values
