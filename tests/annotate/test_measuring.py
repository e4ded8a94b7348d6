"""What annotating took."""
import pytest

from pace_mmdet.annotate import changes
from pace_mmdet.annotate.errors import NotFound
from pace_mmdet.annotate.measuring import (Effort, cost_table, measured_cost,
                                           measured_cost_figure, total_effort)

BOX = [5, 5, 20, 20]


def do(project, who, *all_changes):
    for change in all_changes:
        project.change(change, who).result()


def test_times_are_kept_by_annotator_and_image(project):
    do(project, 'Anna',
       changes.CreateBox('1', 'a', 6, 1, BOX),
       changes.CreateBox('2', 'b', 4, 1, BOX),
       # Corrections take time, but make no further box.
       changes.EditBox('3', 'a', 2, 0, [6, 5, 20, 20]),
       # Nor does what is deleted again.
       changes.CreateBox('4', 'c', 5, 1, BOX),
       changes.SetBox('5', 'c', 1, 0, 0, True),
       changes.Answer('6', 'b', 1, 0, 0, 1),
       changes.Answer('7', 'b', 0.5, 0, 1, 1),
       # An answer that is changed is one answer.
       changes.Answer('8', 'b', 0.5, 0, 0, 0),
       changes.CreateBox('9', 'd', 3, 2, BOX))
    # A repeated request is not counted again.
    do(project, 'Anna', changes.CreateBox('9', 'd', 3, 2, BOX))
    do(project, 'Ben', changes.Answer('10', 'd', 2, 0, 0, 1))
    efforts = project.efforts()
    assert efforts == [Effort('Anna', 'a.tif', 2, 18, 2, 2),
                       Effort('Anna', 'b.tif', 1, 3, 0, 0),
                       Effort('Ben', 'b.tif', 0, 0, 1, 2)]
    assert total_effort(efforts, 'Anna') == Effort('Anna', '', 3, 21, 2, 2)
    assert total_effort(efforts) == Effort('', '', 3, 21, 3, 4)
    cost = measured_cost(efforts)
    assert cost.seconds_per_box == 7
    assert cost.seconds_per_point == pytest.approx(4 / 3)
    assert cost.seconds_per_mask == 46
    table = cost_table(efforts)
    assert table['rows'][2]['seconds_per_box'] is None
    assert [row['annotator'] for row in table['annotators']] == ['Anna', 'Ben']
    assert table['total']['seconds_per_box'] == 7


def test_the_figure_has_the_papers_beside_it(project):
    with pytest.raises(NotFound, match='no times yet'):
        measured_cost_figure(project.efforts())
    ours, paper = measured_cost_figure(
        [Effort('Anna', 'a.tif', 2, 4.0, 4, 2.0)]).axes
    assert ours.get_title() == ('this project: 2 s a box, 0.5 s a point, 46 s '
                                'a mask')
    assert paper.get_title() == 'paper: 7 s a box, 0.9 s a point, 46 s a mask'
    assert '23.0 %\n4.3x faster' in {t.get_text() for t in paper.texts}
