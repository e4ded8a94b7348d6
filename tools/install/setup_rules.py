"""Decisions of the set-up: pure functions, standard library only.

They say what is supported, which versions are pinned, whether MMCV needs its
CUDA ops and what is missing for that. Nothing here touches the machine;
``setup_env.py`` gathers the facts and acts.
"""
import hashlib
import re
from dataclasses import dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

SUPPORTED_PYTHON = ((3, 11), (3, 12))

# What PyTorch's own headers include on the way to a CUDA extension, and what
# it links. Slim CUDA toolkits carry the compiler without the libraries.
CUDA_HEADERS = ('cuda_runtime.h', 'cublas_v2.h', 'cusparse.h',
                'cusolverDn.h')
CUDA_LIBRARY = 'libcudart.so'

# Core-minutes of one build with -g0, measured on x86-64: all C++ files, and
# all CUDA files for one architecture.
CPU_BUILD_CORE_MINUTES = 20
CUDA_BUILD_CORE_MINUTES = 140
# One compiler process on PyTorch's headers; more at once and a machine with
# many cores and little memory kills them.
GIB_PER_COMPILER = {False: 1.0, True: 3.0}


class SetupError(RuntimeError):
    """Set-up cannot go on; the message says what the user can do."""


def check_python(version: Sequence[int]) -> None:
    """Refuse a Python that the pinned versions have no builds for.

    Args:
        version: ``sys.version_info`` or its first two numbers.

    Raises:
        SetupError: If the version is not in ``SUPPORTED_PYTHON``.
    """
    if tuple(version[:2]) not in SUPPORTED_PYTHON:
        found = '.'.join(str(number) for number in version[:3])
        raise SetupError(
            f'Python {found} is not supported; Python 3.11 and 3.12 are. '
            'Install one of them and name it, for example: '
            'make install PYTHON=python3.11')


def platform_warning(system: str, machine: str) -> Optional[str]:
    """What to tell the user of a platform that was never tested.

    Args:
        system: ``platform.system()``, for example ``'Linux'``.
        machine: ``platform.machine()``, for example ``'x86_64'``.

    Returns:
        The warning, or None on the tested platform.
    """
    if system == 'Linux' and machine in ('x86_64', 'AMD64'):
        return None
    ways_out = {
        'Windows': ' Ubuntu under WSL2 or a Linux container is what to use '
                   'there.',
        'Darwin': ' If this fails, use a Linux container or machine.',
    }
    return (f'{system} on {machine} was never tested; Linux on x86-64 was.'
            f'{ways_out.get(system, "")} Going on.')


def read_pins(constraints: str) -> Dict[str, str]:
    """The ``name==version`` lines of a constraints file.

    Args:
        constraints: Text of the file.

    Returns:
        Version by name; names are lower case with hyphens.
    """
    pins = {}
    for line in constraints.splitlines():
        match = re.match(r'([\w.-]+)==([^\s;#]+)', line.strip())
        if match:
            pins[canonical_name(match[1])] = match[2]
    return pins


def canonical_name(name: str) -> str:
    """A distribution's name as package indexes compare it (PEP 503)."""
    return re.sub(r'[-_.]+', '-', name).lower()


def constraints_beside(constraints: str, present: Mapping[str, str]) -> str:
    """Constraints for an environment that sees another one's packages.

    A pin on a package that is already there would put a second copy over
    it. So those pins go, and PyTorch, the one that must stay as it is, gets
    pinned to what is there.

    Args:
        constraints: Text of the tested constraints file.
        present: Version by distribution name in the interpreter underneath.

    Returns:
        Text of the constraints file to use.
    """
    present = {canonical_name(name): version
               for name, version in present.items()}
    lines = [f'torch=={present["torch"]}']
    lines += [f'{name}=={version}'
              for name, version in read_pins(constraints).items()
              if name not in present]
    return '\n'.join(lines) + '\n'


def check_torch(version: str, pyproject: str) -> None:
    """Refuse a PyTorch below the lower bound.

    Args:
        version: For example ``'2.11.0+cu130'``.
        pyproject: Text of the file with the bound. A regular expression
            reads it: Python had no TOML parser before 3.11, and an older one
            must get as far as being refused.

    Raises:
        SetupError: If it is too old.
    """
    bound = re.search(r"'torch>=([\d.]+)'", pyproject)[1]
    numbers = [int(part) for part in re.findall(r'\d+', version)[:2]]
    if numbers < [int(part) for part in bound.split('.')]:
        raise SetupError(
            f'the interpreter has PyTorch {version}; {bound} or newer is '
            'needed. Update it, or run set-up with an interpreter that has '
            'none: make install PYTHON=...')


def arch_list(capabilities: Sequence[Tuple[int, int]]) -> str:
    """Compute capabilities of the devices in the form PyTorch's build wants.

    >>> arch_list([(9, 0), (8, 0), (9, 0)])
    '8.0;9.0'
    """
    return ';'.join(f'{major}.{minor}'
                    for major, minor in sorted(set(capabilities)))


@dataclass(frozen=True)
class TorchFacts:
    """What an interpreter says about its PyTorch.

    Attributes:
        version: For example ``'2.13.0+cpu'``.
        cuda: CUDA version it was built with, None for a CPU build.
        capabilities: Compute capability of each visible device.
    """

    version: str
    cuda: Optional[str]
    capabilities: Tuple[Tuple[int, int], ...] = ()


@dataclass(frozen=True)
class ToolkitFacts:
    """What was found of a CUDA toolkit.

    Attributes:
        home: Its folder, None when no nvcc was found.
        release: nvcc's release, for example ``'13.0'``.
        missing: Names of the headers and libraries that were not found.
        where: Folders that were searched for them.
        includes: Folders outside ``home`` that hold headers it lacks.
    """

    home: Optional[str]
    release: Optional[str] = None
    missing: Tuple[str, ...] = ()
    where: Tuple[str, ...] = ()
    includes: Tuple[str, ...] = ()


def toolkit_problems(torch: TorchFacts, toolkit: ToolkitFacts) -> List[str]:
    """What keeps MMCV's CUDA ops from being built, one line a fault.

    PyTorch refuses an nvcc of another major version than its own CUDA and
    warns about another minor one.
    """
    if toolkit.home is None:
        return [f'no nvcc: not in CUDA_HOME, not on PATH, not in '
                f'/usr/local/cuda; PyTorch {torch.version} needs the CUDA '
                f'{torch.cuda} toolkit']
    problems = []
    if not toolkit.release:
        problems.append(f'{toolkit.home}/bin/nvcc --version names no release')
    elif toolkit.release.split('.')[0] != torch.cuda.split('.')[0]:
        problems.append(
            f'{toolkit.home} is CUDA {toolkit.release}, but PyTorch '
            f'{torch.version} was built with CUDA {torch.cuda}: the major '
            'version must be the same')
    if toolkit.missing:
        problems.append(
            f'{", ".join(toolkit.missing)} not found in '
            f'{", ".join(toolkit.where)}: install the development packages '
            'of the CUDA toolkit')
    return problems


@dataclass(frozen=True)
class OpsPlan:
    """Whether MMCV gets CUDA ops.

    Attributes:
        cuda: True for CUDA ops.
        archs: Compute capabilities to build for, ``'8.0;9.0'``.
        reason: Why, in words for the user.
    """

    cuda: bool
    archs: str
    reason: str


def plan_ops(torch: TorchFacts, from_base: bool, toolkit: ToolkitFacts,
             wanted_archs: str = '', cpu_only: bool = False) -> OpsPlan:
    """Decide between CPU and CUDA ops, or say why neither will do.

    A CUDA PyTorch that came with the interpreter means that the machine is
    for CUDA. One that pip just chose does not: PyPI's Linux build of PyTorch
    is a CUDA build on every machine, so there a visible device decides.

    Args:
        torch: The PyTorch that will be used.
        from_base: Whether it came with the interpreter.
        toolkit: The CUDA toolkit found, as far as it was looked for.
        wanted_archs: The user's TORCH_CUDA_ARCH_LIST, empty if unset.
        cpu_only: The user wants CPU ops whatever is there.

    Raises:
        SetupError: If CUDA ops are due and cannot be built; it lists all
            that is missing.
    """
    if torch.cuda is None:
        return OpsPlan(False, '', 'PyTorch is a CPU build')
    if cpu_only:
        return OpsPlan(False, '', 'PACE_CPU_ONLY is set')
    archs = wanted_archs or arch_list(torch.capabilities)
    if not archs and not from_base:
        return OpsPlan(False, '', 'no CUDA device is visible')
    problems = toolkit_problems(torch, toolkit)
    if not archs:
        problems.append(
            'no CUDA device is visible to read the architecture from: run '
            'set-up where one is, or name it, for example '
            'TORCH_CUDA_ARCH_LIST=9.0 for an H100')
    if problems:
        raise SetupError(
            f'PyTorch {torch.version} is a CUDA build, but the CUDA ops of '
            'MMCV cannot be built:\n'
            + '\n'.join(f'  - {problem}' for problem in problems)
            + '\nFor a set-up without CUDA ops: PACE_CPU_ONLY=1 make install')
    return OpsPlan(True, archs, f'PyTorch is a CUDA {torch.cuda} build')


def compiler_jobs(cores: int, memory_gib: float, cuda: bool) -> int:
    """How many compilers run at once: all cores, if memory lasts."""
    return max(1, min(cores, int(memory_gib / GIB_PER_COMPILER[cuda])))


def build_minutes(jobs: int, cuda: bool, archs: str = '') -> int:
    """About how long a build of MMCV takes, in whole minutes."""
    total = CPU_BUILD_CORE_MINUTES
    if cuda:
        total = CUDA_BUILD_CORE_MINUTES * len(archs.split(';'))
    return max(1, round(total / jobs))


def fingerprint(inputs: Mapping[str, bytes], facts: Sequence[str]) -> str:
    """One hexadecimal number for everything a set-up depends on.

    Args:
        inputs: Content by file name.
        facts: Other things that matter, such as the Python version.
    """
    digest = hashlib.sha256()
    parts = [part for name in sorted(inputs)
             for part in (name.encode(), inputs[name])]
    for part in parts + [fact.encode() for fact in facts]:
        digest.update(len(part).to_bytes(8, 'big') + part)
    return digest.hexdigest()
