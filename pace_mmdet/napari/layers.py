"""What was annotated, as napari's layers.

Letters in the shapes: I images, A boxes, K points of all boxes end to end.

Of a file with several images each is a plane of one stack. napari has the
centre of pixel i at i, everything else here has it at i + 0.5: a pixel's
number is its place in napari as it is, and from a box's borders half a pixel
is taken, here and nowhere else.
"""
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Tuple

import numpy as np

# (data, arguments, kind) of a layer, as napari takes it from a reader.
LayerData = Tuple[Any, Dict[str, Any], str]

UNANSWERED = -2
# Answers by label, with the colours and forms of the annotation page.
_ANSWERS = {
    1: ('yes', '#2b8cff', 'disc'),
    0: ('no', '#ff2a2a', 'triangle_up'),
    -1: ('not to be used', '#c8c8c8', 'x'),
    UNANSWERED: ('not answered', '#ffffff', 'ring'),
}
_BOXES = '#ffe11a'


@dataclass
class Annotated:
    """Boxes and answers on some images.

    Attributes:
        names (list[str]): File names of the images.
        sizes (ndarray): (height, width) in pixels, int64, shape (I, 2).
        image_index (ndarray): Image of each box, int64, shape (A, ).
        ids (ndarray): Of the boxes, int64, shape (A, ).
        boxes (ndarray): (x1, y1, x2, y2) in image pixels, continuous,
            float64, shape (A, 4).
        owners (ndarray): Box of each point, int64, shape (K, ).
        pixels (ndarray): Columns and rows of the points, int64, shape (K, 2).
        answers (ndarray): 1 on the cell, 0 off it, -1 not to be used, or
            :data:`UNANSWERED`; int64, shape (K, ).
    """
    names: List[str]
    sizes: np.ndarray
    image_index: np.ndarray
    ids: np.ndarray
    boxes: np.ndarray
    owners: np.ndarray
    pixels: np.ndarray
    answers: np.ndarray

    def first_images(self, most_boxes: int) -> 'Annotated':
        """As many of the first images as have so many boxes; at least one."""
        sums = np.cumsum(np.bincount(self.image_index,
                                     minlength=len(self.names)))
        count = max(int(np.searchsorted(sums, most_boxes, 'right')), 1)
        kept = self.image_index < count
        of_points = kept[self.owners]
        return replace(
            self,
            names=self.names[:count],
            sizes=self.sizes[:count],
            image_index=self.image_index[kept],
            ids=self.ids[kept],
            boxes=self.boxes[kept],
            owners=(np.cumsum(kept) - 1)[self.owners[of_points]],
            pixels=self.pixels[of_points],
            answers=self.answers[of_points])

    def layers(self, name: str) -> List[LayerData]:
        """Boxes as shapes, answers as points.

        Args:
            name (str): What the layers' names begin with.
        """
        stacked = len(self.names) > 1
        common = dict(ndim=2 + stacked)
        planes = self.image_index[:, None].astype(np.float64)
        corners = self.boxes[:, [[1, 0], [1, 2], [3, 2], [3, 0]]] - 0.5
        pixels = self.pixels[:, ::-1].astype(np.float64)
        if stacked:
            corners = np.concatenate(
                [np.repeat(planes[:, None], 4, axis=1), corners], axis=2)
            pixels = np.concatenate([planes[self.owners], pixels], axis=1)
        known = np.array(self.names, dtype=object)
        return [
            (corners, dict(
                common,
                name=f'{name} boxes',
                shape_type='rectangle',
                edge_color=_BOXES,
                face_color='transparent',
                edge_width=1,
                features=dict(
                    id=self.ids, image=known[self.image_index])), 'shapes'),
            (pixels, dict(
                common,
                name=f'{name} answers',
                face_color=[self._look(1, answer) for answer in self.answers]
                or 'white',
                symbol=[self._look(2, answer) for answer in self.answers]
                or 'disc',
                border_color='black',
                size=4,
                features=dict(
                    box=self.ids[self.owners],
                    answer=[self._look(0, a) for a in self.answers],
                    image=known[self.image_index[self.owners]])), 'points'),
        ]

    @staticmethod
    def _look(part: int, answer: int) -> str:
        return _ANSWERS[int(answer)][part]
