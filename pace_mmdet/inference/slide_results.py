"""What is written of a slide, in parts that processes share out."""
import secrets
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

import numpy as np

from pace_mmdet.errors import ImageFileError
from pace_mmdet.files import atomic_file, replace_folder
from pace_mmdet.images.stacks import ImageStack

from . import painting
from .cells import no_cells
from .inputs import Job
from .processes import Share
from .segmenter import Segmenter
from .slide_cells import PlaneCells
from .writers import Output
from .writers.label_pyramids import write_label_pyramid
from .writers.measurements import measure, table_head, table_rows
from .writers.results import FileCells
from .writers.zarr_labels import LabelStore


def write_results(segmenter: Segmenter, stack: ImageStack,
                  planes: Sequence[PlaneCells], job: Job,
                  outputs: Dict[str, List[Output]], folder: Path,
                  share: Share) -> None:
    """Write the results of a slide.

    Args:
        segmenter (Segmenter): What found them.
        stack (ImageStack): The slide.
        planes (Sequence[PlaneCells]): The cells of its planes.
        job (Job): Where results go.
        outputs (dict[str, list[Output]]): What is written, by the name of
            the format.
        folder (Path): For what is not complete.
        share (Share): The processes, each of which calls this.
    """
    about = _about(segmenter, stack, planes)
    tables = folder / 'tables'
    tasks: List[Callable[[], None]] = []
    store: Optional[LabelStore] = None
    if 'zarr' in outputs or 'csv' in outputs:
        tasks += [
            lambda place=(number, band): _measure(about, planes, tables,
                                                  *place)
            for number, plane in enumerate(planes)
            for band in range(plane.num_bands)]
    if 'zarr' in outputs:
        store = LabelStore(folder / 'labels.zarr', about,
                           [plane.label_plane for plane in planes])
        share.first(store.create)
        tasks += [
            lambda place=(number, level, row): store.write_row(*place)
            for number, plane in enumerate(planes)
            for level, (height, _) in enumerate(plane.label_plane.sizes)
            for row in range(-(-height // painting.BLOCK))]

    def prepare() -> Path:
        tables.mkdir(exist_ok=True)
        claims = folder / f'claims-{secrets.token_hex(4)}'
        claims.mkdir()
        return claims

    claims = share.first(prepare)

    def work() -> None:
        for number in share.claimed(len(tasks), claims):
            tasks[number]()

    share.together(work)
    share.first(lambda: _finish(about, planes, job, outputs, tables, store))


def _measure(about: FileCells, planes: Sequence[PlaneCells], tables: Path,
             number: int, band: int) -> None:
    """Measure a band's cells, for both kinds of tables."""
    found = planes[number].band(band)
    rows = measure(found.cells, found.values, planes[number].first(band))
    np.save(tables / f'{number}-{band}.npy', rows)
    (tables / f'{number}-{band}.csv').write_text(
        table_rows(about, number, rows), encoding='utf-8', newline='')


def _finish(about: FileCells, planes: Sequence[PlaneCells], job: Job,
            outputs: Dict[str, List[Output]], tables: Path,
            store: Optional[LabelStore]) -> None:
    """Put together what the first process alone writes."""

    def rows_of(number: int) -> List[np.ndarray]:
        return [np.load(tables / f'{number}-{band}.npy')
                for band in range(planes[number].num_bands)]

    def write(name: str, files: List[Output]) -> None:
        paths = [job.path_of(output) for output in files]
        if name == 'labels':
            write_label_pyramid(about, [plane.label_plane
                                        for plane in planes], paths[0])
        elif name == 'csv':
            with atomic_file(paths[0]) as file:
                file.write(table_head(about).encode())
                for number, plane in enumerate(planes):
                    for band in range(plane.num_bands):
                        file.write(
                            (tables / f'{number}-{band}.csv').read_bytes())
        elif name == 'zarr':
            store.write_table([rows_of(number)
                               for number in range(len(planes))])
            replace_folder(store.path, paths[0])
        else:
            whole = FileCells(**{
                **vars(about), 'planes': [plane.all() for plane in planes]})
            for output, path in zip(files, paths):
                output.write(whole, path)

    faults = []
    for name, files in outputs.items():
        try:
            write(name, files)
        except ValueError as error:
            faults.append(f'{name}: {error}')
    if faults:
        raise ImageFileError(f'{job.path}: not written: {"; ".join(faults)}')


def _about(segmenter: Segmenter, stack: ImageStack,
           planes: Sequence[PlaneCells]) -> FileCells:
    """What is known of the file, with planes that hold no cells."""
    classes = getattr(segmenter.detector, 'classes', ('cell', ))
    most = max(plane.most_label for plane in planes)
    classes = (*classes, *(f'class {label}' for label in range(
        len(classes), most + 1)))
    return FileCells.of_stack(
        stack, [no_cells(plane.label_plane.height, plane.label_plane.width)
                for plane in planes],
        read=stack.read, intensities=segmenter.preparation.shown,
        classes=classes)
