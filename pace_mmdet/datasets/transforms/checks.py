"""What the loading transforms ask of the results they are given."""
import numpy as np

from pace_mmdet.errors import ImageFileError


def check_image_size(results: dict) -> None:
    """Compare the image that was read with its entry in the annotation file.

    Args:
        results (dict): Of a pipeline, with ``ori_shape`` (height, width) of
            the image and, if known, ``height`` and ``width`` of the entry.

    Raises:
        ImageFileError: If they differ.
    """
    found = tuple(results['ori_shape'])
    expected = (results.get('height', found[0]), results.get('width',
                                                             found[1]))
    if tuple(expected) != found:
        raise ImageFileError(
            f"{results.get('img_path')}: the image is {found[1]} x {found[0]} "
            f'pixels (width x height), but its annotation file says '
            f'{expected[1]} x {expected[0]}; boxes and points would not fit. '
            'Use the image that was annotated, or correct the file.')


def require_original_image(results: dict, name: str) -> None:
    """Make sure that nothing has moved the image's pixels yet.

    Args:
        results (dict): Of a pipeline.
        name (str): The transform that asks.

    Raises:
        ValueError: If the image was resized, flipped, cropped or warped.
    """
    reasons = []
    if 'scale_factor' in results:
        reasons.append('resized')
    if results.get('flip'):
        reasons.append('flipped')
    if 'img_shape' in results and 'ori_shape' in results and not reasons:
        if tuple(results['img_shape'][:2]) != tuple(results['ori_shape'][:2]):
            reasons.append('cropped or padded')
    matrix = results.get('homography_matrix')
    if matrix is not None and not reasons:
        if not np.allclose(matrix, np.eye(3)):
            reasons.append('moved')
    if reasons:
        raise ValueError(
            f'{name} needs the image as it was annotated, but it is already '
            f'{" and ".join(reasons)}: put {name} before the transforms that '
            'move pixels')
