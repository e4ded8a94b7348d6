"""Which classes a checkpoint's stored config may have built, and where.

Building a class runs its constructor, with arguments of the file's choice;
among MMDetection's some evaluate text, open files or load other models. So
only these are built without the user's word for it: what the configs here
name, what they have named since the first version, and the stock Faster,
Mask and Cascade R-CNN.

A place is the key under which a part stands in the model's config, whichever
part it belongs to. For a class that a config in ``configs/`` begins to use,
add its name to the line of its place; for a new place, a line. Read the
class first: does it evaluate, import, open or load what its arguments say?
"""
from typing import Dict, Tuple

_CONVOLUTIONS = ('Conv', 'Conv2d')
_NORMS = ('BN', 'BN2d', 'SyncBN', 'GN', 'LN')

STORED_TYPES: Dict[str, Tuple[str, ...]] = dict(
    model=('FasterRCNN', 'MaskRCNN', 'CascadeRCNN', 'SingleStageDetector',
           'CenterFlowDetector'),
    data_preprocessor=('DetDataPreprocessor', ),
    backbone=('ResNet', 'ResNeXt', 'ResNeSt', 'SwinTransformer', 'CellUNet'),
    neck=('FPN', ),
    rpn_head=('RPNHead', 'Float32RPNHead', 'SelectedLevelsRPNHead'),
    roi_head=('StandardRoIHead', 'CascadeRoIHead',
              'SingleMaskCascadeRoIHead'),
    shared_head=('ResLayer', ),
    bbox_head=('BBoxHead', 'ConvFCBBoxHead', 'Shared2FCBBoxHead',
               'Shared4Conv1FCBBoxHead', 'CenterFlowHead'),
    mask_head=('FCNMaskHead', 'FullMaskHead', 'PointMaskHead'),
    bbox_roi_extractor=('SingleRoIExtractor', 'Float32RoIExtractor'),
    mask_roi_extractor=('SingleRoIExtractor', 'Float32RoIExtractor'),
    roi_layer=('RoIAlign', ),
    anchor_generator=('AnchorGenerator', ),
    bbox_coder=('DeltaXYWHBBoxCoder', ),
    loss_cls=('CrossEntropyLoss', 'FocalLoss'),
    loss_bbox=('L1Loss', 'SmoothL1Loss', 'IoULoss', 'GIoULoss'),
    loss_mask=('CrossEntropyLoss', ),
    assigner=('MaxIoUAssigner', 'BoundedMaxIoUAssigner'),
    iou_calculator=('BboxOverlaps2D', ),
    sampler=('RandomSampler', 'PseudoSampler'),
    # MMCV evaluates this one as source.
    nms=('nms', 'soft_nms'),
    norm_cfg=_NORMS,
    conv_cfg=_CONVOLUTIONS,
    predictor_cfg=_CONVOLUTIONS,
    act_cfg=('ReLU', 'GELU'),
    dcn=('DCN', 'DCNv2', 'Float32DCNv2'),
    upsample_cfg=('deconv', 'nearest', 'bilinear'),
)
