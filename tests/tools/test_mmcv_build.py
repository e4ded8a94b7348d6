import os
import sys
from pathlib import Path

import mmcv_build
import pytest
from mmcv_build import (build_environment, check_compiler, count_compiled,
                        find_toolkit, machine_size, ops_fault, progress_line,
                        run_with_progress, wheel_folder)
from setup_rules import (CUDA_HEADERS, OpsPlan, SetupError, ToolkitFacts,
                         TorchFacts)

CPU_PLAN = OpsPlan(False, '', '')
CUDA_PLAN = OpsPlan(True, '8.0;9.0', '')


def make_toolkit(home: Path, headers=CUDA_HEADERS, library=True) -> Path:
    for folder in ('bin', 'include', 'lib64'):
        (home / folder).mkdir(parents=True)
    nvcc = home / 'bin' / 'nvcc'
    nvcc.write_text('#!/bin/sh\necho "Cuda tools, release 13.0, V13.0.88"\n')
    nvcc.chmod(0o755)
    for name in headers:
        (home / 'include' / name).touch()
    if library:
        (home / 'lib64' / 'libcudart.so').touch()
    return home


def test_find_toolkit_by_variable_and_by_path(tmp_path):
    home = make_toolkit(tmp_path / 'cuda')
    for environ in ({'CUDA_HOME': str(home)}, {'CUDA_PATH': str(home)},
                    {'PATH': f'{home}/bin'}):
        facts = find_toolkit(environ)
        assert (facts.home, facts.release, facts.missing, facts.includes
                ) == (str(home), '13.0', (), ())


def test_find_toolkit_prefers_a_complete_one(tmp_path):
    bare = make_toolkit(tmp_path / 'bare', headers=(), library=False)
    full = make_toolkit(tmp_path / 'full')
    environ = {'CUDA_HOME': str(bare), 'CUDA_PATH': str(full)}
    assert find_toolkit(environ).home == str(full)


def test_find_toolkit_names_what_a_slim_one_lacks(tmp_path):
    home = make_toolkit(tmp_path / 'slim', CUDA_HEADERS[:1], library=False)
    facts = mmcv_build._inspect_toolkit(str(home), {}, ())
    assert facts.missing == (*CUDA_HEADERS[1:], 'libcudart.so')


def test_headers_beside_pytorch_fill_up_a_slim_toolkit(tmp_path):
    home = make_toolkit(tmp_path / 'slim', CUDA_HEADERS[:1])
    beside = tmp_path / 'nvidia' / 'include'
    beside.mkdir(parents=True)
    for name in CUDA_HEADERS:
        (beside / name).touch()
    facts = find_toolkit({'CUDA_HOME': str(home)}, [str(beside)])
    assert (facts.missing, facts.includes) == ((), (str(beside), ))


def test_environment_for_cpu_ops_hides_the_devices():
    env = build_environment({'CXXFLAGS': '-O1', 'MAX_JOBS': '3'}, CPU_PLAN,
                            ToolkitFacts(None), 8)
    assert env['CUDA_VISIBLE_DEVICES'] == ''
    assert (env['FORCE_CUDA'], env['MAX_JOBS']) == ('0', '3')
    assert (env['CFLAGS'], env['CXXFLAGS']) == ('-g0', '-O1 -g0')


def test_environment_for_cuda_ops():
    toolkit = ToolkitFacts('/toolkit/cuda', '13.0', includes=('/a', '/b'))
    env = build_environment({'CPATH': '/c'}, CUDA_PLAN, toolkit, 8)
    assert (env['FORCE_CUDA'], env['MAX_JOBS']) == ('1', '8')
    assert env['CUDA_HOME'] == '/toolkit/cuda'
    assert env['TORCH_CUDA_ARCH_LIST'] == '8.0;9.0'
    assert env['CPATH'] == '/a:/b:/c'
    assert 'CUDA_VISIBLE_DEVICES' not in env


def test_missing_compiler_and_headers_are_both_named(monkeypatch, tmp_path):
    monkeypatch.setattr(mmcv_build.sysconfig, 'get_paths',
                        lambda: {'include': str(tmp_path)})
    with pytest.raises(SetupError) as error:
        check_compiler({'CXX': 'no-such-compiler -O2'})
    assert "'no-such-compiler'" in str(error.value)
    assert str(tmp_path / 'Python.h') in str(error.value)


@pytest.mark.parametrize('log, expected', [
    ('', None),
    ('Building [wheel]\n', None),
    ('  [1/78]\nwarning: x[3/4]\n  [2/78] c++ -o a.o\nmore\n', (2, 78)),
])
def test_count_compiled(log, expected):
    assert count_compiled(log) == expected


def test_progress_line_shows_files_and_time():
    assert '3 of 78 files, 12:05' in progress_line('[3/78]\n', 725.9)
    assert 'the first files, 0:30' in progress_line('', 30.)


def test_build_output_goes_to_the_log(tmp_path, capsys):
    said = []
    log = tmp_path / 'build.log'
    run_with_progress([sys.executable, '-c', 'print("[1/2]")'],
                      dict(os.environ), log, said.append)
    assert log.read_text() == '[1/2]\n'
    assert capsys.readouterr().out == ''
    assert len(said) == 1 and 'built in' in said[0]


def test_failed_build_shows_the_end_of_its_log(tmp_path):
    log = tmp_path / 'build.log'
    code = 'import sys; print(*range(99), sep="\\n"); sys.exit("no space")'
    with pytest.raises(SetupError) as error:
        run_with_progress([sys.executable, '-u', '-c', code],
                          dict(os.environ), log, print)
    message = str(error.value)
    assert 'no space' in message and str(log) in message
    assert '\n98\n' in message and '\n1\n' not in message


@pytest.mark.parametrize('plan, fits', [(CPU_PLAN, True), (CUDA_PLAN, False)])
def test_ops_fault_tells_cpu_from_cuda_ops(monkeypatch, plan, fits):
    monkeypatch.setattr(mmcv_build, 'PROBE_OPS', 'print("not available")')
    assert (ops_fault(sys.executable, plan) is None) == fits


def test_ops_fault_is_the_last_line_of_the_error(monkeypatch):
    monkeypatch.setattr(mmcv_build, 'PROBE_OPS',
                        'raise ImportError("undefined symbol: x")')
    assert ops_fault(sys.executable,
                     CPU_PLAN) == 'ImportError: undefined symbol: x'


def test_kept_wheels_differ_by_pytorch_and_ops(tmp_path):
    torches = [TorchFacts('2.13.0+cpu', None), TorchFacts('2.13.0', '13.0')]
    folders = {wheel_folder(tmp_path, torch, plan)
               for torch in torches for plan in (CPU_PLAN, CUDA_PLAN)}
    assert len(folders) == 4
    assert all(folder.parent == tmp_path for folder in folders)


def test_machine_size_is_plausible():
    cores, memory_gib = machine_size()
    assert cores >= 1 and 0.1 < memory_gib < 1e5
