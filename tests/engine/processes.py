"""Running a tool in a process of its own, without a new interpreter."""
import importlib.util
import os
import sys
import traceback
from pathlib import Path

import pytest
import torch
# An optimizer imports it, which takes seconds: once, not in every fork.
import torch._dynamo  # noqa: F401
from mmengine.config import Config

ROOT = Path(__file__).parents[2]


def load_tool(name: str):
    """Import a script of tools/ by its file name."""
    spec = importlib.util.spec_from_file_location(
        f'tool_{name}', ROOT / 'tools' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _format_once() -> None:
    """Formatting a config takes longer than training the toy: do it once.

    mmengine does it again for every checkpoint.
    """
    texts, format_config = {}, Config.pretty_text.fget

    def pretty_text(config):
        key = repr(config._cfg_dict)
        if key not in texts:
            texts[key] = format_config(config)
        return texts[key]

    Config.pretty_text = property(pretty_text)


def start_tool_forked(name: str, *args, env=None) -> int:
    """Start ``tools/<name>.py`` in a fork of this process.

    mmengine keeps runs apart by the second they started in; a fork leaves
    nothing behind, and can be killed.

    Args:
        name (str): Name of the script.
        *args: Its arguments.
        env (dict, optional): Environment variables to add.

    Returns:
        int: Its process id.
    """
    if not hasattr(os, 'fork'):
        pytest.skip('needs forks')
    tool = load_tool(name)
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.environ.update(env or {})
            torch.set_num_threads(1)
            _format_once()
            code = tool.main([str(arg) for arg in args])
        except SystemExit as error:
            code = error.code
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return pid


def wait_for(pid: int) -> int:
    """The exit code of a process; -9 if it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_tool_forked(name: str, *args) -> int:
    """Start a tool and wait for its exit code."""
    return wait_for(start_tool_forked(name, *args))
