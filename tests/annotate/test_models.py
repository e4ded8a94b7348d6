"""Training, proposing and segmenting as the server supervises them."""
import json
import os
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from pace_mmdet.annotate import (Project, changes, jobs, models, rounds,
                                 segmenting, training)
from pace_mmdet.annotate.errors import ChangeRefused, NotFound
from pace_mmdet.annotate.jobs import Job
from pace_mmdet.annotate.measuring import measured_rounds
from pace_mmdet.annotate.rounds import TrainBody
from pace_mmdet.masks.corrections import CorrectionsFile

from . import fake_model
from .fake_model import CELLS


@pytest.fixture
def fake(monkeypatch):
    """Processes that pretend to train and to segment."""
    monkeypatch.setattr(training, 'TRAIN', fake_model.TRAIN)
    monkeypatch.setattr(models, 'PROPOSE', fake_model.PROPOSE)
    monkeypatch.setattr(segmenting, 'PREDICT', fake_model.PREDICT)
    # At the lowest one they would hardly get on beside other tests.
    assert jobs.NICENESS == 19
    monkeypatch.setattr(jobs, 'NICENESS', 1)


def wait(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, 'it took too long'
        time.sleep(0.05)


def annotate(project, *image_ids, boxes=((5, 5, 20, 20), (40, 10, 20, 20))):
    """Boxes with all answers 1, on images that are complete then."""
    made = []
    for image in image_ids:
        for number, box in enumerate(boxes):
            key = f'k{image}-{number}'
            made.append(changes.CreateBox(f'c{key}', key, 7, image,
                                          list(box)))
            made += [changes.Answer(f'a{key}-{point}', key, 0.9, 0, point, 1)
                     for point in range(4)]
        made.append(changes.MarkImage(f'm{image}', image, 1, -1, True))
    for done in [project.change(change, 'Anna') for change in made]:
        done.result()


def train(project, request='r', **kwargs):
    return project.models.train(TrainBody(request, 'Anna', **kwargs))


def folder_of(project, number=1):
    return project.models.folder / f'round-{number}'


def state(project):
    return project.models.status()['rounds'][-1]['state']


@pytest.fixture
def trained(project, fake):
    """A project with a model that has looked at both images."""
    annotate(project, 1, 2)
    number = project.write(rounds.enter_round, 'r', 'Anna', dict(
        iterations=300, start=None, images=2, boxes=4))['id']
    fake_model.write_model(folder_of(project, number) / 'run')
    out = folder_of(project, number) / 'proposals'
    fake_model.write_found(out, [1, 2])
    (out / 'ended.json').write_text('{"code": 0}')
    project.write(rounds.set_round, number, 'done', dict(
        checkpoint='run/best_x_iter_30.pth', score=0.3))
    return project


def test_a_round_from_start_to_proposals(project, fake):
    with pytest.raises(ChangeRefused, match='no image is ready'):
        train(project, 'none')
    assert project.models.status()['rounds'] == []
    annotate(project, 1, 2)
    first = train(project)['rounds']
    assert [row['state'] for row in first] == ['running']
    assert first[0]['settings'] == dict(
        iterations=300, start=None, images=2, boxes=4, validation=[[2, True]],
        seen=[1], is_fair=True)
    # Sent again it is the same round; another has to wait.
    assert len(train(project)['rounds']) == 1
    with pytest.raises(ChangeRefused, match='round 1 is being trained'):
        train(project, 'other')
    folder = folder_of(project)
    wait(lambda: project.models.status()['rounds'][0]['progress']['losses'])
    progress = project.models.status()['rounds'][0]['progress']
    assert progress['losses'] == [(30, 100 / 30)]
    assert progress['scores'] == [(30, 0.30)]
    assert progress['seconds_left'] == 135
    # The last image is set aside.
    for name, image in (('train', 'a.tif'), ('val', 'b.tif')):
        content = json.loads((folder / f'{name}.json').read_text())
        assert [row['file_name'] for row in content['images']] == [image]
    (folder / 'go').touch()
    wait(lambda: state(project) == 'done')
    status = project.models.status()
    assert status['rounds'][0]['outcome'] == dict(
        checkpoint='run/best_x_iter_30.pth', score=0.3)
    assert status['model'] == 1
    wait(lambda: not project.models.proposals(2)['pending'])
    found = project.models.proposals(2)
    assert [cell['is_free'] for cell in found['cells']] == [
        False, False, True, True]
    assert found['cells'][2]['key'] == 'r1-2-2'


def test_stop_and_resume(project, fake):
    annotate(project, 1)
    train(project)
    wait(lambda: project.models.status()['rounds'][0]['progress']['losses'])
    project.models.stop()
    wait(lambda: state(project) == 'stopped')
    assert Job(folder_of(project)).ended().cpu_seconds > 0
    assert project.models.status()['model'] is None
    project.models.resume()
    assert state(project) == 'running'
    (folder_of(project) / 'go').touch()
    wait(lambda: state(project) == 'done')
    round_, = project.models.status()['rounds']
    assert [step for step, _ in round_['progress']['losses']] == [30, 60]
    with pytest.raises(ChangeRefused, match='no round that was stopped'):
        project.models.resume()


def test_a_round_that_fails_says_why(project, fake):
    annotate(project, 1)
    folder_of(project).mkdir(parents=True)
    (folder_of(project) / 'fail').touch()
    train(project)
    wait(lambda: state(project) == 'failed')
    assert project.models.status()['rounds'][0]['error'] == (
        'error: no such luck')
    with pytest.raises(NotFound, match='no model of a round 1'):
        train(project, 'next', start=1)


def test_training_outlives_the_server(folder, tmp_path, fake):
    with Project(folder, tmp_path / 'p.db') as project:
        annotate(project, 1)
        train(project)
        wait(lambda: project.models.status()['rounds'][0]['progress'][
            'losses'])
        place = folder_of(project)
    assert Job(place).state() == 'running'
    (place / 'go').touch()
    wait(lambda: Job(place).state() == 'done')
    # Nobody asks: the next server sees by itself what has become of it.
    with Project(folder, tmp_path / 'p.db') as project:
        wait(lambda: (place / 'proposals/1.json').exists())
        assert state(project) == 'done'


@pytest.mark.posix
def test_a_job_of_low_priority_that_is_killed(project, fake):
    annotate(project, 1)
    train(project)
    log = folder_of(project) / 'log.txt'
    wait(lambda: log.exists() and b'training' in log.read_bytes())
    mine = {pid: command for pid, command in processes()
            if str(folder_of(project)) in command}
    assert len(mine) == 2  # the job and what it runs
    for pid in mine:
        assert os.getpriority(os.PRIO_PROCESS, pid) == (
            os.getpriority(os.PRIO_PROCESS, 0) + 1)
    for pid in sorted(mine):
        os.kill(pid, 9)
    wait(lambda: state(project) == 'interrupted')
    project.models.resume()
    assert state(project) == 'running'
    project.models.stop()
    wait(lambda: state(project) == 'stopped')


def processes():
    for name in os.listdir('/proc'):
        if name.isdigit():
            try:
                with open(f'/proc/{name}/cmdline', 'rb') as file:
                    yield int(name), file.read().replace(b'\0', b' ').decode()
            except OSError:
                continue


def test_next_round_from_the_model(trained):
    status = train(trained, 'second')
    assert status['rounds'][1]['settings']['start'] == 1
    log = folder_of(trained, 2) / 'log.txt'
    wait(lambda: log.exists() and b'training' in log.read_bytes())
    assert f'--load-from {folder_of(trained)}' in log.read_text()
    trained.models.stop()
    wait(lambda: state(trained) == 'stopped')
    # The earlier model still proposes.
    assert trained.models.status()['model'] == 1


def test_proposals_accepted_and_rejected(trained):
    _, _, third, fourth = trained.models.proposals(1)['cells']
    reply = trained.with_points(trained.change(changes.AcceptProposal(
        'y', 'new', 1.2, 1, third['box']), 'Ben').result())
    box = reply['box']
    assert box['by'] == 'model+Ben' and box['labels'] == [None] * 4
    # What the model thinks of its points is shown, and is no answer.
    assert set(box['thoughts']) <= {0.949, 0.051}
    reject = changes.RejectProposal('n', fourth['key'], 1.2, 1, fourth['box'])
    for _ in range(2):
        assert trained.with_points(trained.change(
            reject, 'Ben').result()) == {}
    found = trained.models.proposals(1)['cells']
    assert [cell['is_free'] for cell in found] == [False] * 4
    trained.change(changes.RejectProposal(
        'n2', fourth['key'], 0, 1, fourth['box'], undone=True), 'Ben').result()
    assert trained.models.proposals(1)['cells'][3]['is_free']
    with pytest.raises(NotFound):
        trained.change(changes.RejectProposal(
            'n3', 'x', 0, 9, fourth['box']), 'Ben').result()


def test_results_are_as_the_annotator_has_it(trained):
    """Two cells have boxes; one is rejected, one too large for its box."""
    _, _, third, fourth = trained.models.proposals(1)['cells']
    assert not third['is_kept'] and not third['is_dropped']
    trained.change(changes.RejectProposal(
        'n', fourth['key'], 1.2, 1, fourth['box']), 'Ben').result()
    trained.change(changes.CreateBox(
        'c', 'small', 1, 1, [11, 36, 8, 8]), 'Ben').result()
    found = trained.models.proposals(1)
    assert [(cell['is_kept'], cell['is_dropped'])
            for cell in found['cells']] == [(True, False), (True, False),
                                            (False, True), (False, True)]
    assert found['without'] == 1
    segmenting.start(trained, segmenting.SegmentBody(['labels'], 0.3))
    command, = Job(trained.models.folder / 'segmenting').commands()
    path = command[command.index('--corrections') + 1]
    said = msgspec.json.decode(Path(path).read_bytes(), type=CorrectionsFile)
    assert list(said.images) == [str(trained.folder.resolve() / name)
                                 for name in ('a.tif', 'b.tif')]
    first = said.images[str(trained.folder.resolve() / 'a.tif')]
    assert first.boxes[-1] == (11, 36, 8, 8) and len(first.boxes) == 3
    assert first.rejected == [tuple(fourth['box'])]
    wait(lambda: segmenting.status(trained)['state'] == 'done')
    # Of a folder of others nothing was said.
    other = trained.folder.parent / 'others'
    other.mkdir()
    segmenting.start(trained, segmenting.SegmentBody(['labels'], 0.3,
                                                     str(other)))
    command, = Job(trained.models.folder / 'segmenting').commands()
    assert '--corrections' not in command
    wait(lambda: segmenting.status(trained)['state'] == 'done')


def test_only_what_a_person_confirmed_is_exported(trained):
    third = trained.models.proposals(1)['cells'][2]
    trained.change(changes.AcceptProposal('y', 'new', 1.2, 1, third['box']),
                   'Ben').result()

    def exported():
        return next(ann for ann in trained.export().annotations
                    if ann['box_by'] == 'model+Ben')

    assert exported()['point_labels'] == [-1] * 4
    assert exported()['points_by'] == [None] * 4
    assert 'points_how' not in exported()
    trained.change(changes.Answer('z', 'new', 1, 0, 2, 1, 'confirmed'),
                   'Ben').result()
    assert exported()['point_labels'] == [-1, -1, 1, -1]
    assert exported()['points_how'] == [None, None, 'confirmed', None]


def test_asked_again_are_contradicted_answers(trained, client):
    trained.change(changes.AcceptProposal(
        'y', 'new', 1, 1, CELLS[2][0]), 'Ben').result()
    box = trained.contents(1)['boxes'][-1]
    for point, thought in enumerate(box['thoughts']):
        label = int(thought > 0.5) if point else int(thought < 0.5)
        trained.change(changes.Answer(f'b{point}', 'new', 1, 0, point, label),
                       'Ben').result()

    def asked(name):
        return client.get(f'/api/again?annotator={name}')[1]['answers']

    assert [(a['image'], a['key'], a['point']) for a in asked('Ben')] == [
        (1, 'new', 0)]
    # Anna answered "on" everywhere.
    assert {a['key'] for a in asked('Anna')} <= {'k1-0', 'k1-1', 'k2-0',
                                                 'k2-1'}
    # Looked at and kept, it does not come again.
    label = trained.contents(1)['boxes'][-1]['labels'][0]
    trained.change(changes.Answer('k', 'new', 1, 0, 0, label, 'again'),
                   'Ben').result()
    assert asked('Ben') == []
    assert asked('Nobody') == []


def test_without_a_model(project, client):
    assert project.models.status()['model'] is None
    assert project.models.proposals(1) == dict(round=None, pending=False,
                                               cells=[])
    assert client.get('/api/again?annotator=Anna') == (200,
                                                       dict(answers=[]))
    code, reply = client.post('/api/segment', dict(formats=['labels'],
                                                   score=0.2))
    assert code == 404 and 'train one first' in reply['error']
    assert client.get('/api/segmenting') == (200, dict(state='new'))
    assert client.get('/api/segmented.zip')[0] == 404
    assert client.post('/api/model/resume', {})[0] == 409


@pytest.mark.parametrize('body', [
    dict(request='r', annotator='Anna', iterations=0),
    dict(request='r', annotator='Anna', start='/etc/passwd'),
    dict(request='r', annotator=''), dict(request='../r', annotator='Anna')])
def test_wishes_that_make_no_sense(client, body):
    assert client.post('/api/model/train', body)[0] == 400


def test_segmenting(trained, client, tmp_path):
    wish = dict(formats=['labels', 'roi'], score=0.3)
    assert client.post('/api/segment', dict(wish, folder='/no/where'))[
        0] == 409
    for extra, out in ((dict(), trained.models.folder / 'segmented/round-1'),
                       (dict(out=str(tmp_path / 'there')),
                        tmp_path / 'there')):
        status = client.post('/api/segment', dict(wish, **extra))[1]
        assert status['out'] == str(out)
        wait(lambda: client.get('/api/segmenting')[1]['state'] == 'done')
        assert client.get('/api/segmenting')[1]['files'] == 2
        code, content = client.get('/api/segmented.zip')
        assert code == 200 and content[:2] == b'PK'


@pytest.mark.parametrize(('regions', 'left', 'right'), [
    (None, [[0, 0, 60, 60]], [[60, 0, 20, 60]]),
    # Moved, so that it cuts no box.
    ([[0, 0, 80, 30]], [[0, 0, 60, 30]], [[60, 0, 20, 30]]),
    ([[0, 0, 30, 60], [70, 0, 10, 60]], [[0, 0, 30, 60]],
     [[70, 0, 10, 60]]),
])
def test_a_quarter_of_a_single_image(project, regions, left, right):
    annotate(project, 1)
    if regions:
        project.change(changes.MarkImage('m', 1, 1, 0, regions),
                       'Anna').result()
    for part, wanted in zip(training.set_aside(project.export()),
                            (left, right)):
        assert np.allclose(part.images[0]['complete'], wanted)
        assert len(part.annotations) == 2


def test_what_a_cell_took_with_each_model(trained):
    """Two boxes of 7 s with four answers of 0.9 s each on two images; then
    a proposal that was accepted, and one that was rejected.
    """
    third, fourth = trained.models.proposals(1)['cells'][2:]
    trained.change(changes.AcceptProposal('y', 'new', 1.2, 1, third['box']),
                   'Ben').result()
    for point in range(4):
        trained.change(changes.Answer(f'z{point}', 'new', 0.2, 0, point, 1,
                                      'confirmed'), 'Ben').result()
    trained.change(changes.RejectProposal('n', fourth['key'], 0.5, 1,
                                          fourth['box']), 'Ben').result()
    before, after = trained.read(measured_rounds)
    assert before.row() == dict(
        round=0, drawn=4, drawn_seconds=pytest.approx(4 * 10.6), confirmed=0,
        confirmed_seconds=0, score=None, seconds_per_confirmed=None,
        seconds_per_drawn=pytest.approx(10.6))
    assert after[:3] == (1, 0, 0) and after.score == 0.3
    assert after.row()['seconds_per_confirmed'] == pytest.approx(2.5)
    # A box that was accepted is none that was drawn.
    assert sum(effort.boxes for effort in trained.efforts()) == 4
    # With a second for each image that was marked.
    assert sum(effort.box_seconds for effort in trained.efforts()) == 30
