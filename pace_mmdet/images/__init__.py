"""Reading microscope files: planes, intensities, label images.

Nothing here knows MMDetection or PyTorch.
"""
