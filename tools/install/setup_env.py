"""Set the project up in ``.venv``: ``make install`` runs this.

    python3 tools/install/setup_env.py

Standard library only, since nothing is installed yet. A second run with the
same inputs does nothing; ``docs/install.md`` describes the choices.

Environment variables: ``PACE_CPU_ONLY=1`` (MMCV without CUDA ops on a CUDA
PyTorch), ``TORCH_CUDA_ARCH_LIST``, ``CUDA_HOME``, ``MAX_JOBS``, and
everything that pip reads.
"""
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional

from mmcv_build import build_wheel, find_toolkit, ops_fault, wheel_folder
from setup_rules import (SetupError, ToolkitFacts, TorchFacts, check_python,
                         check_torch, constraints_beside, fingerprint,
                         plan_ops, platform_warning, read_pins)

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / '.venv'
STAMP = VENV / '.installed'
CACHE = ROOT / '.cache' / 'onedl-mmcv'
INPUTS = [ROOT / 'pyproject.toml', ROOT / 'constraints.txt',
          *sorted(Path(__file__).parent.glob('*.py'))]

# onedl-mmcv builds with setuptools 80 or newer, and without isolation, since
# it has to see the PyTorch that it will run with.
BUILD_TOOLS = ['pip', 'setuptools>=80', 'wheel', 'packaging', 'ninja',
               'psutil']

PROBE_TORCH = '''
import glob, importlib.util, json, os
if importlib.util.find_spec('torch') is None:
    print('{}')
else:
    import torch
    from importlib.metadata import distributions
    site = os.path.dirname(os.path.dirname(torch.__file__))
    print(json.dumps(dict(
        version=torch.__version__, cuda=torch.version.cuda,
        capabilities=[torch.cuda.get_device_capability(i)
                      for i in range(torch.cuda.device_count())],
        includes=sorted(glob.glob(site + '/nvidia/*/include')),
        packages={d.metadata['Name']: d.version for d in distributions()
                  if d.metadata['Name']})))
'''
PROBE_CV2 = '''
import json, cv2, cv2.version
print(json.dumps(dict(headless=cv2.version.headless, file=cv2.__file__)))
'''
VERIFY = '''
import torch
from mmcv.ops import nms
boxes = torch.tensor([[0., 0, 9, 9], [0, 0, 9, 8], [20, 20, 29, 29]])
scores = torch.tensor([.9, .8, .7])
devices = ['cpu'] + ['cuda'] * ({cuda_ops} and torch.cuda.is_available())
for device in devices:
    kept = nms(boxes.to(device), scores.to(device), 0.5)[1].tolist()
    assert kept == [0, 2], (device, kept)
import cv2, mmcv, mmdet, mmengine, numpy, pace_mmdet
print('  torch', torch.__version__, '| mmcv', mmcv.__version__, '| mmengine',
      mmengine.__version__, '| mmdet', mmdet.__version__, '| numpy',
      numpy.__version__, '| cv2', cv2.__version__)
print('  mmcv.ops.nms ran on', ' and '.join(devices))
'''


def say(text: str) -> None:
    print(text, flush=True)


def run(command: List[str], env: Optional[dict] = None) -> None:
    """Run a command in view of the user.

    Raises:
        SetupError: If it fails.
    """
    if subprocess.run([str(part) for part in command], env=env).returncode:
        shown = ' '.join(str(part) for part in command)
        raise SetupError(f'this command failed, see above: {shown}')


def ask(python: str, code: str):
    """What a snippet run by ``python`` prints as JSON, None if it fails."""
    answer = subprocess.run([python, '-W', 'ignore', '-c', code],
                            capture_output=True, text=True)
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def base_interpreter() -> str:
    """The interpreter to build on, also when run from inside ``.venv``."""
    if sys.prefix == sys.base_prefix:
        return sys.executable
    return getattr(sys, '_base_executable', None) or sys.executable


def make_venv(see_base: bool) -> str:
    """Create ``.venv`` unless a fitting one is there.

    Args:
        see_base: Whether it shall see the packages of the interpreter.

    Returns:
        Its interpreter.
    """
    folder = 'Scripts' if os.name == 'nt' else 'bin'
    python = str(VENV / folder / 'python')
    if VENV.exists():
        facts = os.path.exists(python) and ask(python, (
            'import json, sys; print(json.dumps(sys.version_info[:2]))'))
        config = VENV / 'pyvenv.cfg'
        sees = config.is_file() and (
            'include-system-site-packages = true' in config.read_text())
        if facts == list(sys.version_info[:2]) and sees == see_base:
            return python
        say('  the .venv that is there does not fit; making it anew')
    if not importlib.util.find_spec('ensurepip'):
        raise SetupError(
            'this Python comes without ensurepip, so it cannot make a '
            f'virtual environment (Debian, Ubuntu: apt install '
            f'python3.{sys.version_info[1]}-venv)')
    command = [base_interpreter(), '-m', 'venv', '--clear', VENV]
    run(command + ['--system-site-packages'] * see_base)
    return python


def install_mmcv(python: str, torch: TorchFacts, from_base: bool,
                 includes: List[str]) -> bool:
    """Make MMCV's ops work: installed, kept, ready-made or compiled.

    Returns:
        Whether they are CUDA ops.
    """
    toolkit = (find_toolkit(os.environ, includes) if torch.cuda
               else ToolkitFacts(None))
    plan = plan_ops(torch, from_base, toolkit,
                    os.environ.get('TORCH_CUDA_ARCH_LIST', ''),
                    cpu_only=os.environ.get('PACE_CPU_ONLY', '0') != '0')
    say(f'  {"CUDA" if plan.cuda else "CPU"} ops: {plan.reason}')
    if ops_fault(python, plan) is None:
        return plan.cuda
    version = read_pins((ROOT / 'constraints.txt').read_text())['onedl-mmcv']
    folder = wheel_folder(CACHE, torch, plan)
    install = [python, '-m', 'pip', 'install', '--no-deps',
               '--force-reinstall', '--only-binary', 'onedl-mmcv']
    kept = sorted(folder.glob(f'onedl_mmcv-{version}-*.whl'))
    for source in [*kept, f'onedl-mmcv=={version}']:
        attempt = subprocess.run([*install, str(source)],
                                 capture_output=True, text=True)
        if attempt.returncode == 0:
            fault = ops_fault(python, plan)
            if fault is None:
                say(f'  installed a ready build of onedl-mmcv {version}')
                return plan.cuda
            say(f'  a ready build of onedl-mmcv {version} does not fit this '
                f'PyTorch: {fault}')
    wheel = build_wheel(python, version, plan, toolkit, folder, say)
    run([*install, wheel])
    fault = ops_fault(python, plan)
    if fault:
        raise SetupError(f'onedl-mmcv was built, but: {fault}')
    return plan.cuda


def settle_cv2(python: str, constraints: Path) -> None:
    """Leave the headless OpenCV in ``.venv``.

    onedl-mmcv asks for opencv-python and imaug for that and for
    opencv-python-headless. Both unpack into the folder ``cv2``, the one that
    pip happens to unpack last wins, and without libGL (servers, containers)
    opencv-python does not import. Nothing here opens a window, so the
    headless one is unpacked again, on top. Both stay listed as installed:
    with one removed, ``pip check`` would fail and the next ``pip install``
    bring it back.
    """
    state = ask(python, PROBE_CV2)
    if state and (state['headless']
                  or not state['file'].startswith(str(VENV))):
        return
    run([python, '-m', 'pip', 'install', '--no-deps', '--force-reinstall',
         '-c', constraints, 'opencv-python-headless'])


def set_up() -> None:
    """All steps, in order."""
    start = time.monotonic()
    pins = ROOT / 'constraints.txt'
    say('[1/5] virtual environment in .venv')
    base = ask(base_interpreter(), PROBE_TORCH)
    if base is None:
        say(f'  Warning: PyTorch of {base_interpreter()} cannot be imported; '
            'leaving it alone')
    from_base = bool(base and base['cuda'])
    if from_base:
        check_torch(base['version'], (ROOT / 'pyproject.toml').read_text())
        say(f'  using the CUDA PyTorch {base["version"]} that '
            f'{base_interpreter()} has')
    python = make_venv(from_base)
    STAMP.unlink(missing_ok=True)
    constraints = VENV / 'constraints.txt'
    constraints.write_text(
        constraints_beside(pins.read_text(), base['packages'])
        if from_base else pins.read_text())
    pip_install = [python, '-m', 'pip', 'install', '-c', constraints]
    run([*pip_install, *BUILD_TOOLS])

    say('[2/5] PyTorch')
    if not from_base:
        run([*pip_install, 'torch'])
    found = ask(python, PROBE_TORCH)
    if not found:
        raise SetupError(f'{python} -c "import torch" fails; run it to see '
                         'why')
    torch = TorchFacts(found['version'], found['cuda'],
                       tuple(map(tuple, found['capabilities'])))

    say('[3/5] MMCV with compiled ops')
    cuda_ops = install_mmcv(python, torch, from_base, found['includes'])

    say('[4/5] pace_mmdet and everything else')
    run([*pip_install, '--no-build-isolation', '-e', f'{ROOT}[test]'])
    settle_cv2(python, constraints)

    say('[5/5] trying it')
    run([python, '-W', 'ignore', '-c', VERIFY.format(cuda_ops=cuda_ops)])
    say(f'Set-up took {(time.monotonic() - start) / 60:.1f} min. '
        'Next: make demo, make test')


def main() -> int:
    """Run the set-up unless nothing changed since the last one."""
    try:
        check_python(sys.version_info)
        warning = platform_warning(platform.system(), platform.machine())
        if warning:
            say(f'Warning: {warning}')
        now = fingerprint(
            {path.name: path.read_bytes() for path in INPUTS},
            [str(ROOT), platform.python_version(),
             os.environ.get('PACE_CPU_ONLY', '')])
        if not (STAMP.is_file() and STAMP.read_text() == now):
            set_up()
        fresh = STAMP.with_suffix('.new')
        fresh.write_text(now)
        os.replace(fresh, STAMP)
    except SetupError as error:
        print(f'Set-up stopped: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('Set-up interrupted; make install goes on from here.',
              file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
