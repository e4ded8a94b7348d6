"""``pace``: all commands under one name.

Nothing of a command is loaded before it is called.
"""
import sys
from typing import Dict, Optional, Sequence

import pace_mmdet

from .running import EXIT_USER_ERROR, run_command

_GROUPS = {
    'Models': {
        'train': 'train a model',
        'test': 'evaluate a model',
        'predict': 'segment images with a trained model',
        'convert': 'bring weights of other toolkits into our form',
        'configs': 'list the configs that come with the package',
    },
    'Data': {
        'annotate': 'annotate images in the browser',
        'data livecell': 'get LIVECell, make its point labels, check it',
        'data hela': 'get the HeLa frames',
        'data points': 'make boxes and points of a COCO file with masks',
        'data labels': 'make a COCO file of images and label images',
        'data import': 'make a COCO file of the annotations of other programs',
    },
    'Results': {
        'score': "score predictions by LIVECell's protocol",
        'quality': 'measure masks where the box is known',
        'threshold': 'find the score threshold with the best F1',
        'compare': 'draw what models found over the truth',
        'browse': 'draw what a data set and its pipeline give',
        'supervision': 'draw what masks and points ask of an annotator',
        'cost': 'draw what annotating a cell costs',
        'table': "fill the paper's table from runs",
    },
    'All of it': {
        'demo': 'data, training, evaluation and pictures of real cells',
        'rehearse': "LIVECell's recipe on a small synthetic copy",
    },
}
COMMANDS: Dict[str, str] = {
    name: text
    for group in _GROUPS.values() for name, text in group.items()
}


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run ``pace``; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ['--version']:
        print(pace_mmdet.__version__)
        return 0
    for length in (1, 2):
        name = ' '.join(words[:length])
        if len(words) >= length and name in COMMANDS:
            module = f'pace_mmdet.commands.{name.replace(" ", "_")}'
            return run_command(module, words[length:], f'pace {name}')
    asked = words[-1:] in ([], ['-h'], ['--help'])
    group = ''.join(f'{word} ' for word in words[:1] if word[:1] != '-')
    known = [name for name in COMMANDS if name.startswith(group)]
    if asked and known:
        print(_help(known))
        return 0 if words else EXIT_USER_ERROR
    if group and known:
        message = f'pace {group}needs one of: {", ".join(known)}'
    else:
        message = f'no command {words[0]!r}; pace --help lists all'
    print(f'error: {message}', file=sys.stderr)
    return EXIT_USER_ERROR


def _help(known: Sequence[str]) -> str:
    lines = ['usage: pace COMMAND ...', '', pace_mmdet.__doc__.split('\n')[0]]
    for title, group in _GROUPS.items():
        names = [name for name in group if name in known]
        if names:
            lines += ['', f'{title}:']
            lines += [f'  {name:<15}{group[name]}' for name in names]
    lines += ['', 'pace COMMAND --help explains one of them; pace --version']
    return '\n'.join(lines)
