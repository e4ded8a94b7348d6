from pathlib import Path

import pytest
from setup_rules import (SetupError, ToolkitFacts, TorchFacts, arch_list,
                         build_minutes, check_python, check_torch,
                         compiler_jobs, constraints_beside, fingerprint,
                         plan_ops, platform_warning, read_pins,
                         toolkit_problems)

CPU = TorchFacts('2.13.0+cpu', None)
CUDA = TorchFacts('2.13.0', '13.0', ((9, 0), ))
BLIND = TorchFacts('2.13.0', '13.0')
TOOLKIT = ToolkitFacts('/toolkit/cuda', '13.1')
NONE = ToolkitFacts(None)
SLIM = ToolkitFacts('/toolkit/cuda', '13.0', ('cusparse.h', ),
                    ('/toolkit/cuda/include', ))
OLD = ToolkitFacts('/toolkit/cuda', '12.4')


@pytest.mark.parametrize('version', [(3, 11, 0), (3, 11, 7), (3, 12, 1)])
def test_supported_python(version):
    check_python(version)


@pytest.mark.parametrize('version', [(3, 10, 13), (3, 13, 0), (2, 7, 18),
                                     (4, 11, 0)])
def test_unsupported_python_says_what_to_do(version):
    with pytest.raises(SetupError, match='PYTHON=python3.11') as error:
        check_python(version)
    assert '.'.join(map(str, version)) in str(error.value)


@pytest.mark.parametrize('system, machine, expected', [
    ('Linux', 'x86_64', None),
    ('Linux', 'aarch64', 'Linux on aarch64 was never tested'),
    ('Darwin', 'arm64', 'container'),
    ('Windows', 'AMD64', 'WSL2'),
])
def test_platform_warning(system, machine, expected):
    warning = platform_warning(system, machine)
    assert warning is None if expected is None else expected in warning


def test_read_pins_skips_comments_and_normalises_names():
    text = '# a==1\n\nA_b.C==2.0  # why\n d==3+cpu\ne>=4\n'
    assert read_pins(text) == {'a-b-c': '2.0', 'd': '3+cpu'}


def test_constraints_beside_keep_what_is_there():
    text = 'torch==2.13.0\nnumpy==2.2.6\nPyYAML==6.0\nrich==15.0\n'
    present = {'torch': '2.11.0+cu130', 'NumPy': '2.1.0', 'pyyaml': '5.4'}
    assert constraints_beside(text, present).splitlines() == [
        'torch==2.11.0+cu130', 'rich==15.0']


@pytest.mark.parametrize('version, fits', [
    ('2.6.0', True), ('2.13.0+cpu', True), ('3.0.0a0+git1', True),
    ('2.5.1+cu124', False), ('1.13.0', False)])
def test_check_torch(version, fits):
    pyproject = "dependencies = [\n    'torch>=2.6',\n]"
    if fits:
        check_torch(version, pyproject)
    else:
        with pytest.raises(SetupError, match='2.6 or newer') as error:
            check_torch(version, pyproject)
        assert version in str(error.value)


def test_lower_bound_of_torch_is_found_in_the_pyproject():
    root = Path(__file__).resolve().parents[2]
    with pytest.raises(SetupError):
        check_torch('0.4.0', (root / 'pyproject.toml').read_text())


@pytest.mark.parametrize('capabilities, expected', [
    ([], ''),
    ([(9, 0)], '9.0'),
    ([(12, 0), (8, 6), (12, 0)], '8.6;12.0'),
])
def test_arch_list(capabilities, expected):
    assert arch_list(capabilities) == expected


@pytest.mark.parametrize('torch, from_base, toolkit, archs, only, expected', [
    (CPU, False, TOOLKIT, '', False, ''),
    (CPU, False, NONE, '9.0', False, ''),
    (CUDA, True, TOOLKIT, '', False, '9.0'),
    (CUDA, False, TOOLKIT, '', False, '9.0'),
    (CUDA, True, TOOLKIT, '8.0;9.0', False, '8.0;9.0'),
    (BLIND, True, TOOLKIT, '8.6', False, '8.6'),
    (BLIND, False, NONE, '', False, ''),
    (BLIND, False, TOOLKIT, '8.6', False, '8.6'),
    (CUDA, True, NONE, '', True, ''),
    (CUDA, True, TOOLKIT, '', True, ''),
])
def test_plan_ops(torch, from_base, toolkit, archs, only, expected):
    plan = plan_ops(torch, from_base, toolkit, archs, only)
    assert (plan.cuda, plan.archs) == (bool(expected), expected)
    assert plan.reason


@pytest.mark.parametrize('torch, from_base, toolkit, archs, words', [
    (CUDA, True, NONE, '', ['no nvcc', 'CUDA 13.0 toolkit']),
    (CUDA, False, NONE, '', ['no nvcc']),
    (CUDA, True, SLIM, '', ['cusparse.h', '/toolkit/cuda/include']),
    (CUDA, True, OLD, '', ['CUDA 12.4', 'major']),
    (BLIND, True, TOOLKIT, '', ['TORCH_CUDA_ARCH_LIST=9.0']),
    (BLIND, True, NONE, '', ['no nvcc', 'TORCH_CUDA_ARCH_LIST=9.0']),
    (BLIND, False, NONE, '9.0', ['no nvcc']),
])
def test_plan_ops_stops_with_all_that_is_missing(torch, from_base, toolkit,
                                                 archs, words):
    with pytest.raises(SetupError) as error:
        plan_ops(torch, from_base, toolkit, archs)
    for word in [*words, 'PACE_CPU_ONLY=1', torch.version]:
        assert word in str(error.value)


def test_toolkit_problems():
    assert toolkit_problems(CUDA, TOOLKIT) == []
    silent = ToolkitFacts('/toolkit/cuda', None, ('cusparse.h', ), ('/x', ))
    assert len(toolkit_problems(CUDA, silent)) == 2


@pytest.mark.parametrize('cores, memory, cuda, expected', [
    (2, 8., False, 2),
    (64, 16., False, 16),
    (64, 16., True, 5),
    (4, .5, True, 1),
])
def test_compiler_jobs(cores, memory, cuda, expected):
    assert compiler_jobs(cores, memory, cuda) == expected


def test_build_minutes_grow_with_architectures_and_stay_positive():
    assert build_minutes(2, False) == 10
    assert build_minutes(2, True, '9.0') == 70
    assert build_minutes(2, True, '8.0;9.0') == 140
    assert build_minutes(500, False) == 1


def test_fingerprint_sees_every_change():
    base = fingerprint({'a': b'1', 'b': b'2'}, ['3.11'])
    assert base == fingerprint({'b': b'2', 'a': b'1'}, ['3.11'])
    others = [
        fingerprint({'a': b'1', 'b': b'3'}, ['3.11']),
        fingerprint({'a': b'12', 'b': b''}, ['3.11']),
        fingerprint({'a': b'1'}, ['3.11']),
        fingerprint({'a': b'1', 'b': b'2'}, ['3.12']),
        fingerprint({'a': b'1', 'b': b'2'}, []),
    ]
    assert len({base, *others}) == 6
