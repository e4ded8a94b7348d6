import argparse

import pytest

from pace_mmdet.commands.image_options import (add_intensity_options,
                                               add_plane_options)
from pace_mmdet.images.intensities import Intensities


@pytest.fixture
def parse():
    """Function: command line -> arguments."""
    parser = argparse.ArgumentParser()
    add_plane_options(parser, page='plane', channel='channel')
    add_intensity_options(parser, default='percentile')
    return lambda line: parser.parse_args(line.split())


@pytest.mark.parametrize(('line', 'intensities'), [
    ('', None),
    ('--normalize none', Intensities('none')),
    ('--normalize livecell', Intensities('livecell')),
    ('--percentiles 1 99', Intensities('percentile', 1, 99)),
    ('--range -5 4000', Intensities('range', -5, 4000)),
])
def test_intensities(parse, line, intensities):
    assert parse(line).intensities == intensities


def test_planes(parse):
    args = parse('--page 0 --channel 12')
    assert (args.page, args.channel) == (0, 12)


@pytest.mark.parametrize(('line', 'said'), [
    ('--percentiles 99 1', 'expected percentiles'),
    ('--range 5 5', 'expected a range'),
    ('--range 5', 'expected 2 arguments'),
    ('--range 0 1 --normalize none', 'not allowed with'),
    ('--normalize range', 'invalid choice'),
    ('--page -1', '--page: expected a whole number of at least 0'),
    ('--channel one', '--channel: expected a whole number of at least 0'),
    ('--page ²', "of at least 0, got '²'"),
])
def test_refused(parse, capsys, line, said):
    with pytest.raises(SystemExit):
        parse(line)
    assert said in capsys.readouterr().err
