"""List the configs that come with the package.

Wherever a config is asked for, its name will do. A config of your own inherits
from one of them by

    _base_ = 'pace_mmdet::pace/pace_r200_dcn_4pt.py'
"""
import argparse

from pace_mmdet.config_files import configs_folder, named_configs

from .running import program


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument('words', nargs='*', metavar='WORD',
                        help='only those whose path contains each of these')


def run(args: argparse.Namespace) -> None:
    """Print names and where the files are."""
    folder = configs_folder()
    paths = [path.relative_to(folder).as_posix()
             for path in named_configs().values()]
    for path in paths:
        if all(word in path for word in args.words):
            print(path)
    print(f'in {folder}')


main = program(__name__)
