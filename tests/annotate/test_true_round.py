"""A round with the processes themselves, as short as can be."""
import json

import cv2

from pace_mmdet.annotate import Project, changes, jobs
from pace_mmdet.points import label_points
from pace_mmdet.testing import write_synthetic_coco

from .test_models import folder_of, state, train, wait


def test_one_image_is_trained_on_and_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, 'NICENESS', 0)
    masks = write_synthetic_coco(tmp_path / 'own', 1, 12, 120, 200)
    truth = json.loads(masks.read_text())['annotations']
    with Project(masks.parent / 'images', tmp_path / 'p.db') as project:
        for number, cell in enumerate(truth):
            box = project.with_points(project.change(changes.CreateBox(
                f'c{number}', f'k{number}', 7, 1, cell['bbox']),
                'Anna').result())['box']
            labels = label_points([box['points']], [cell['segmentation']],
                                  120, 200)[0]
            for point, label in enumerate(labels.tolist()):
                project.change(changes.Answer(
                    f'a{number}-{point}', box['key'], 1, 0, point, label),
                    'Anna')
        project.change(changes.MarkImage('m', 1, 0, -1, True),
                       'Anna').result()
        train(project, iterations=2)
        wait(lambda: state(project) != 'running', 240)
        round_, = project.models.status()['rounds']
        assert round_['state'] == 'done', round_.get('error')
        assert [step for step, _ in round_['progress']['losses']] == [1, 2]
        assert 0 <= round_['outcome']['score'] <= 1
        wait(lambda: not project.models.proposals(1)['pending'], 240)
        assert project.models.proposals(1)['error'] == ''
        for name in ('labels', 'foreground'):
            img = cv2.imread(str(folder_of(project) /
                                 f'proposals/1_{name}.png'), -1)
            assert img.shape == (120, 200)
