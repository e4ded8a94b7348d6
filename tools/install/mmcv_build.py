"""Getting MMCV's compiled ops: a ready wheel if one fits, else a build.

``onedl-mmcv`` is published as source only. A wheel says nothing about the
PyTorch that it was built for, so each one is tried before it is trusted.
"""
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from setup_rules import (CUDA_HEADERS, CUDA_LIBRARY, OpsPlan, SetupError,
                         ToolkitFacts, TorchFacts, build_minutes,
                         compiler_jobs)

# Prints the CUDA version of the ops, 'not available' for CPU ops. Loads the
# library alone: `import mmcv` would need all that is installed later.
PROBE_OPS = '''
import glob, importlib.util, sys, torch
package = importlib.util.find_spec('mmcv')
if package is None:
    sys.exit('mmcv is not installed')
found = glob.glob(package.submodule_search_locations[0] + '/_ext*.so')
if not found:
    sys.exit('mmcv has no compiled ops')
spec = importlib.util.spec_from_file_location('mmcv._ext', found[0])
ops = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ops)
print(ops.get_compiling_cuda_version())
'''


def ops_fault(python: str, plan: OpsPlan) -> Optional[str]:
    """Why the ops installed beside ``python`` won't do, None if they will."""
    probe = subprocess.run([python, '-c', PROBE_OPS], capture_output=True,
                           text=True)
    if probe.returncode:
        return (probe.stderr.strip().splitlines() or ['no message'])[-1]
    if plan.cuda and 'not available' in probe.stdout:
        return 'its ops were built without CUDA'
    return None


def find_toolkit(environ: Mapping[str, str],
                 package_includes: Sequence[str] = ()) -> ToolkitFacts:
    """Look for a CUDA toolkit.

    Args:
        environ: The environment variables.
        package_includes: Folders with CUDA headers beside PyTorch (those of
            the ``nvidia-*`` packages), for toolkits that lack some.

    Returns:
        The first complete toolkit, or else the first with an nvcc.
    """
    on_path = shutil.which('nvcc', path=environ.get('PATH', ''))
    homes = [environ.get('CUDA_HOME'), environ.get('CUDA_PATH'),
             on_path and str(Path(on_path).resolve().parent.parent),
             '/usr/local/cuda']
    homes = [home for home in dict.fromkeys(homes)
             if home and os.path.isfile(f'{home}/bin/nvcc')]
    found = [_inspect_toolkit(home, environ, package_includes)
             for home in homes]
    complete = [facts for facts in found if not facts.missing]
    return (complete + found + [ToolkitFacts(None)])[0]


def _inspect_toolkit(home: str, environ: Mapping[str, str],
                     package_includes: Sequence[str]) -> ToolkitFacts:
    answer = subprocess.run([f'{home}/bin/nvcc', '--version'],
                            capture_output=True, text=True).stdout
    release = re.search(r'release (\d+\.\d+)', answer)
    own = [f'{home}/include', *filter(None, environ.get('CPATH', '')
                                      .split(':'))]
    lacks_some = not all(_holds(own, name) for name in CUDA_HEADERS)
    borrowed = tuple(package_includes) if lacks_some else ()
    includes = [*own, *borrowed]
    libraries = [f'{home}/lib64', f'{home}/lib']
    missing = [name for name in CUDA_HEADERS if not _holds(includes, name)]
    if not _holds(libraries, CUDA_LIBRARY):
        missing.append(CUDA_LIBRARY)
    return ToolkitFacts(home, release and release[1], tuple(missing),
                        tuple(includes + libraries), borrowed)


def _holds(folders: List[str], name: str) -> bool:
    return any(os.path.isfile(os.path.join(folder, name))
               for folder in folders)


def check_compiler(environ: Mapping[str, str]) -> None:
    """Raise SetupError unless a C++ compiler and Python's headers exist."""
    problems = []
    compiler = environ.get('CXX', 'c++').split()[0]
    if not shutil.which(compiler):
        problems.append(f'no C++ compiler: {compiler!r} is not on PATH '
                        '(Debian, Ubuntu: apt install g++)')
    header = Path(sysconfig.get_paths()['include']) / 'Python.h'
    if not header.is_file():
        problems.append(f'no Python headers: {header} does not exist '
                        '(Debian, Ubuntu: apt install python3-dev)')
    if problems:
        raise SetupError('no ready build of onedl-mmcv was found, and it '
                         'cannot be compiled:\n'
                         + '\n'.join(f'  - {line}' for line in problems))


def build_environment(environ: Mapping[str, str], plan: OpsPlan,
                      toolkit: ToolkitFacts, jobs: int) -> Dict[str, str]:
    """The environment in which MMCV compiles what was planned.

    Without debug information (-g0) the build takes half the time and the
    library shrinks from 84 to about 2 MB. MMCV builds CUDA ops wherever it
    sees a device, so for CPU ops the devices are hidden from it.
    """
    result = dict(environ, PYTHONUNBUFFERED='1',
                  FORCE_CUDA=str(int(plan.cuda)))
    result.setdefault('MAX_JOBS', str(jobs))
    for name in ('CFLAGS', 'CXXFLAGS'):
        result[name] = f'{environ.get(name, "")} -g0'.strip()
    if plan.cuda:
        folders = [*toolkit.includes, environ.get('CPATH', '')]
        result.update(CUDA_HOME=toolkit.home, TORCH_CUDA_ARCH_LIST=plan.archs,
                      CPATH=':'.join(filter(None, folders)))
    else:
        result['CUDA_VISIBLE_DEVICES'] = ''
    return result


def machine_size() -> Tuple[int, float]:
    """Cores that this process may use, and the memory in GiB."""
    cores = (len(os.sched_getaffinity(0))
             if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1)
    memory = os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE')
    return cores, memory / 2**30


def count_compiled(log: str) -> Optional[Tuple[int, int]]:
    """Files done and files in all, from the newest ninja line of a log."""
    marks = re.findall(r'^\s*\[(\d+)/(\d+)\]', log, flags=re.MULTILINE)
    return (int(marks[-1][0]), int(marks[-1][1])) if marks else None


def progress_line(log: str, seconds: float) -> str:
    """What to show of a build that has run for so many seconds."""
    done = count_compiled(log)
    files = f'{done[0]} of {done[1]} files' if done else 'the first files'
    minutes, seconds = divmod(int(seconds), 60)
    return f'  compiling: {files}, {minutes}:{seconds:02d} elapsed'


def run_with_progress(command: List[str], env: dict, log_path: Path,
                      say: Callable[[str], None]) -> None:
    """Run a build; its output goes to a file, signs of life to the user.

    Raises:
        SetupError: If it fails, with the end of the log.
    """
    start = time.monotonic()
    on_terminal = sys.stdout.isatty()
    period = 1.0 if on_terminal else 30.0
    with open(log_path, 'w') as log:
        process = subprocess.Popen(command, env=env, stdout=log,
                                   stderr=subprocess.STDOUT)
    while True:
        try:
            code = process.wait(timeout=period)
            break
        except subprocess.TimeoutExpired:
            line = progress_line(log_path.read_text(errors='replace'),
                                 time.monotonic() - start)
            print(f'\r{line}  ' if on_terminal else line, flush=True,
                  end='' if on_terminal else '\n')
    if on_terminal:
        print()
    if code:
        tail = log_path.read_text(errors='replace').splitlines()[-30:]
        raise SetupError('\n'.join(tail) + f'\nthe build of onedl-mmcv '
                         f'failed; its whole output is in {log_path}')
    say(f'  built in {(time.monotonic() - start) / 60:.1f} min')


def build_wheel(python: str, version: str, plan: OpsPlan,
                toolkit: ToolkitFacts, keep: Path,
                say: Callable[[str], None]) -> Path:
    """Compile MMCV into a wheel.

    Args:
        python: Interpreter with PyTorch and the build tools.
        version: Version of onedl-mmcv.
        plan: Which ops.
        toolkit: The CUDA toolkit, used for CUDA ops only.
        keep: Folder for the wheel and the log.
        say: Tells the user something.

    Returns:
        The wheel, in ``keep``.
    """
    check_compiler(os.environ)
    jobs = compiler_jobs(*machine_size(), plan.cuda)
    env = build_environment(os.environ, plan, toolkit, jobs)
    kind = f'CUDA ops for {plan.archs}' if plan.cuda else 'CPU ops'
    jobs = int(env['MAX_JOBS'])
    say(f'  compiling onedl-mmcv {version} from source: {kind}, '
        f'{jobs} at a time, about '
        f'{build_minutes(jobs, plan.cuda, plan.archs)} min, once')
    keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=keep) as folder:
        # pip's own cache of built wheels does not know for which PyTorch a
        # wheel was made, hence --no-cache-dir.
        run_with_progress(
            [python, '-m', 'pip', 'wheel', '-v', '--no-deps',
             '--no-build-isolation', '--no-cache-dir', '--no-binary',
             'onedl-mmcv', '-w', folder, f'onedl-mmcv=={version}'],
            env, keep / 'build.log', say)
        built = next(Path(folder).glob('*.whl'))
        return built.replace(keep / built.name)


def wheel_folder(cache: Path, torch: TorchFacts, plan: OpsPlan) -> Path:
    """Where a wheel built for this Python and PyTorch is kept."""
    python = f'cp{sys.version_info[0]}{sys.version_info[1]}'
    ops = 'cuda' + plan.archs.replace(';', '_') if plan.cuda else 'cpu'
    return cache / f'{python}-torch{torch.version}-{ops}'
