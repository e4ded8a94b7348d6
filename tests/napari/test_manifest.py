"""What napari is told of the package."""
import ast
import tomllib

import pytest
import yaml

from tests.tools.conftest import ROOT

MANIFEST = ROOT / 'pace_mmdet/napari/napari.yaml'
COMMANDS = yaml.safe_load(MANIFEST.read_text())['contributions']['commands']


@pytest.mark.parametrize('command', COMMANDS, ids=lambda c: c['id'])
def test_commands_are_there(command):
    module, _, name = command['python_name'].partition(':')
    tree = ast.parse((ROOT / f'{module.replace(".", "/")}.py').read_text())
    assert name in {node.name for node in tree.body if hasattr(node, 'name')}


def test_the_package_says_where_it_is():
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())
    points = project['project']['entry-points']['napari.manifest']
    assert points == {'pace-mmdet': 'pace_mmdet.napari:napari.yaml'}
    data = project['tool']['setuptools']['package-data']
    assert 'napari.yaml' in data['pace_mmdet.napari']


def test_it_is_valid():
    npe2 = pytest.importorskip('npe2', reason='it comes with napari')
    manifest = npe2.PluginManifest.from_file(MANIFEST)
    assert {reader.command for reader in manifest.contributions.readers} < {
        command['id'] for command in COMMANDS}
    assert len(manifest.contributions.sample_data) == 1
