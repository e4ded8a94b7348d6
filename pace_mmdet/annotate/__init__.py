"""Annotating in the browser: boxes, then yes or no for points in them.

- ``schema``, ``upgrading``, ``changes``, ``completeness``, ``places``,
  ``holding``, ``queries``, ``writer``: the project's file
- ``folder``, ``tiles``: its images
- ``importing``, ``exporting``, ``measuring``: boxes in, points out, the cost
- ``app``, ``security``, ``serving``: the server
- ``static``: the page

Positions are continuous image pixels: pixel i covers i to i + 1. A point is
a whole pixel, given by its column and row.
"""
from .errors import AnnotateError, ProjectError
from .project import Project

__all__ = ['AnnotateError', 'Project', 'ProjectError']
