"""The operators that detection needs, in PyTorch: nothing to compile.

Each has a module of its own: ``nms``, ``roi_align``, ``deform_conv``. What
MMCV's own layers ask of its compiled operators is served by ``mmcv_ext``,
which ``pace_mmdet.import_hooks`` puts in their place where there are none.
"""
