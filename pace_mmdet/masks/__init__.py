"""Masks of cells: run-length codes, polygons, outlines.

Nothing here knows MMDetection.
"""
