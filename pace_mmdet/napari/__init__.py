"""A plugin for the viewer napari (``napari.yaml`` says of what it consists).

- ``readers``: point files and projects of the annotation page
- ``layers``: what was annotated, as napari's layers
- ``images``: the images that an annotation file is about
- ``samples``: HeLa nuclei to try it on
- ``segmenting``, ``widget``: a model on the open layer

Only ``widget`` imports napari, and nothing imports PyTorch before a model is
run.
"""
