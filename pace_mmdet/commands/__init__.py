"""The subcommands of ``pace``, one module each.

A module says in its docstring what it does, adds its arguments to a parser
(``add_arguments``) and does it (``run``). ``main`` makes a program of that;
the scripts in ``tools`` call it. ``running`` and ``options`` are shared.
"""
