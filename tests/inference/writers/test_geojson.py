import json

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from pace_mmdet.inference.writers.geojson import write_geojson

from ..conftest import bitmaps_of


def features_of(path):
    content = json.loads(path.read_text(encoding='utf-8'))
    assert content['type'] == 'FeatureCollection'
    return content['features']


def test_shapely_reads_the_masks(tmp_path, found_in):
    found = found_in(60, classes=('Zelle ä', ))
    write_geojson(found, tmp_path / 'g.geojson')
    features = features_of(tmp_path / 'g.geojson')
    assert len({feature['id'] for feature in features}) == 60
    y, x = np.mgrid[:30, :40] + 0.5
    kinds, holes = set(), 0
    for feature, mask in zip(features, bitmaps_of(found.planes[0])):
        geometry = shape(feature['geometry'])
        assert geometry.is_valid and geometry.area == mask.sum()
        assert np.array_equal(shapely.contains_xy(geometry, x, y), mask)
        kinds.add(geometry.geom_type)
        holes += sum(len(part.interiors) for part in shapely.get_parts(
            geometry))
        properties = feature['properties']
        assert properties['objectType'] == 'detection'
        assert properties['classification']['name'] == 'Zelle ä'
        assert properties['measurements']['area px'] == mask.sum()
    assert kinds == {'Polygon', 'MultiPolygon'} and holes
    assert 'plane' not in features[0]['geometry']


@pytest.mark.parametrize(('attributes', 'expected'), [
    (dict(axes='TZ', shape=(2, 2)), [(0, 0), (1, 0), (1, 1)]),
    (dict(axes='I', shape=(4, )), [(0, 0), (2, 0), (3, 0)]),
])
def test_planes_of_a_stack(tmp_path, found_in, attributes, expected):
    write_geojson(found_in(1, 0, 1, 1, **attributes), tmp_path / 'g.geojson')
    planes = [feature['geometry']['plane']
              for feature in features_of(tmp_path / 'g.geojson')]
    assert [(plane['t'], plane['z']) for plane in planes] == expected


def test_no_cells(tmp_path, found_in):
    write_geojson(found_in(0), tmp_path / 'g.geojson')
    assert features_of(tmp_path / 'g.geojson') == []
