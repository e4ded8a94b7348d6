"""COCO files of points and of masks: reading, checking, writing, converting.

Nothing here knows MMDetection or PyTorch.
"""
