"""What annotating a cell costs (the paper's section 1 and Fig. 2)."""
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class AnnotationCost:
    """Seconds of an annotator's time per cell.

    The defaults are the paper's: 7 s for a box (from Papadopoulos et al.,
    2017), 0.9 s for the yes or no of a point, 46 s for a mask drawn in
    LIVECell.

    Args:
        seconds_per_box (float): Drawing one box.
        seconds_per_point (float): Answering for one point.
        seconds_per_mask (float): Drawing one mask.

    Raises:
        ValueError: If a time is negative, or that of a mask is zero.
    """
    seconds_per_box: float = 7.0
    seconds_per_point: float = 0.9
    seconds_per_mask: float = 46.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value >= 0:
                raise ValueError(f'{field.name} must be a time of at least 0 '
                                 f'seconds, got {value}')
        if self.seconds_per_mask == 0:
            raise ValueError('seconds_per_mask must be above 0: it is what '
                             'the other times are compared with')

    def seconds(self, num_points: int) -> float:
        """Seconds for the box and ``num_points`` points of one cell."""
        return self.seconds_per_box + num_points * self.seconds_per_point

    def fraction(self, num_points: int) -> float:
        """Share of the time that the cell's mask would take.

        1, 4 and 8 points give 0.172, 0.230 and 0.309. (For 1 point the
        paper's text says 5.2 times faster; its own figures give 5.8.)
        """
        return self.seconds(num_points) / self.seconds_per_mask

    def speedup(self, num_points: int) -> float:
        """How many times faster than drawing the cell's mask."""
        return self.seconds_per_mask / self.seconds(num_points)
