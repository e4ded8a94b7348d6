"""What pyproject.toml cannot say: the configs travel inside of the package."""
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConfigs(build_py):
    """Puts ``configs`` into the built package, where ``pace`` finds it."""

    def run(self) -> None:
        """Build the package, then add its configs."""
        super().run()
        # An editable install reads those of the checkout.
        if not self.editable_mode:
            target = Path(self.build_lib, 'pace_mmdet', 'configs')
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree('configs', target,
                            ignore=shutil.ignore_patterns('__pycache__'))


setup(cmdclass=dict(build_py=BuildWithConfigs))
