"""Every config is read, built and held against the paper."""
import re
from pathlib import Path

import pytest
import torch
from mmdet.registry import DATASETS, MODELS, TASK_UTILS, TRANSFORMS
from mmengine.config import Config

from pace_mmdet.engine.cell_scale import fit_to_cells
from pace_mmdet.engine.data_check import datasets_of
from pace_mmdet.engine.options import merge_options

ROOT = Path(__file__).parents[2]
CONFIGS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / 'configs').glob('[!_]*/*.py'))
PACE = 'configs/pace/pace_r200_dcn_4pt.py'
POINT2MASK = 'configs/point2mask/point2mask_r50_4pt.py'
FULL = 'configs/pace/pace_r200_dcn_full.py'
PUBLISHED = 'configs/livecell/anchor_based_r200_dcn.py'
FLOW = 'models/center_flow.py'


def read(path):
    return Config.fromfile(ROOT / path)


def bases(path):
    """The files that a config's ``_base_`` names."""
    text = path.read_text()
    found = re.search(r'^_base_ = (\[[^\]]*\]|\'[^\']*\')', text, re.M)
    names = re.findall(r"'([^']+)'", found[1]) if found else []
    return [(path.parent / name).resolve() for name in names]


def levels(path):
    return 1 + max((levels(base) for base in bases(path)), default=0)


def learns_from(cfg):
    """Type of the head that reads the masks or points."""
    head = cfg.model.get('roi_head', {}).get('mask_head')
    return (head or cfg.model.bbox_head).type


def test_the_rows_of_the_papers_table_are_there():
    rows = [f'{n}pt' for n in (1, 2, 4, 6, 8, 10)] + ['full']
    for row in rows:
        assert f'configs/pace/pace_r200_dcn_{row}.py' in CONFIGS
        assert f'configs/point2mask/point2mask_r50_{row}.py' in CONFIGS
    for method in ('pace', 'point2mask'):
        for row in rows:
            assert f'configs/hela/{method}_r18_hela_{row}.py' in CONFIGS
        for row in ('1pt', '4pt', '8pt', 'full', 'boxes'):
            for data in ('livecell_small/{}_r18_livecell',
                         'usiigaci/{}_r18_usiigaci'):
                assert f'configs/{data.format(method)}_{row}.py' in CONFIGS


@pytest.mark.parametrize('path', [p for p in CONFIGS if '_boxes' in p])
def test_box_configs_differ_from_point_rows_in_the_mask_loss_only(path):
    boxes, points = read(path), read(path.replace('_boxes', '_4pt'))
    mask_loss = boxes.model.roi_head.mask_head.pop('loss_mask')
    assert mask_loss.loss_weight == 0
    assert boxes.model == points.model
    assert boxes.train_dataloader == points.train_dataloader


@pytest.mark.parametrize('path', CONFIGS)
def test_read_and_build(path):
    """Without network, weights or data."""
    cfg = read(path)
    assert levels(ROOT / path) <= 3
    assert cfg.custom_imports['imports'] == ['pace_mmdet']
    model = MODELS.build(cfg.model)
    assert sum(p.numel() for p in model.parameters()) > 1e6
    for step in cfg.train_pipeline + cfg.test_pipeline:
        TRANSFORMS.build(step)
    # A child that replaces a pipeline must hand it to the loaders again.
    train, *others = datasets_of(cfg.train_dataloader.dataset)
    test = cfg.test_dataloader.dataset
    assert train.pipeline == cfg.train_pipeline
    assert test.pipeline == cfg.test_pipeline
    assert cfg.val_dataloader.dataset.pipeline == cfg.test_pipeline
    for loader, evaluator in ((cfg.val_dataloader, cfg.val_evaluator),
                              (cfg.test_dataloader, cfg.test_evaluator)):
        ann_file = Path(loader.dataset.data_root, loader.dataset.ann_file)
        assert Path(evaluator.ann_file) == ann_file
    metrics = cfg.val_evaluator.get('metric', ['bbox', 'segm'])
    kind = re.match(r'livecell/(\w+)_AP$',
                    cfg.default_hooks.checkpoint.save_best)[1]
    assert kind in metrics
    for dataset in (train, *others, test):
        assert dataset.type in DATASETS
    assert cfg.load_from is None


@pytest.mark.parametrize('path',
                         [p for p in CONFIGS if re.search(r'_\d+pt\.py', p)])
def test_point_configs_need_no_mask_of_the_training_set(path):
    cfg = read(path)
    num_points = int(re.search(r'_(\d+)pt\.py', path)[1])
    dataset = cfg.train_dataloader.dataset
    livecell = 'livecell' in dataset.data_root
    assert dataset.type == ('LIVECellPointDataset' if livecell else
                            'CellPointDataset')
    assert dataset.num_points == num_points
    assert 'points' in dataset.ann_file
    loading = [step.type for step in dataset.pipeline]
    assert 'LoadPointAnnotations' in loading
    assert 'LoadAnnotations' not in loading
    assert learns_from(cfg) in ('PointMaskHead', 'CenterFlowHead')


@pytest.mark.parametrize('path', [p for p in CONFIGS if '_full' in p])
def test_full_mask_rows_differ_from_point_rows_in_supervision_only(path):
    counterpart = (path.replace('_full_masks', '_masks')
                   if '_full_masks' in path else path.replace('_full', '_4pt'))
    full, points = read(path), read(counterpart)
    # The flow model's head takes either.
    if learns_from(full) != 'CenterFlowHead':
        assert learns_from(full) == 'FullMaskHead'
        full.model.roi_head.mask_head.type = 'PointMaskHead'
    assert full.model == points.model
    for key in ('optim_wrapper', 'param_scheduler', 'train_cfg',
                'val_evaluator', 'val_dataloader', 'test_pipeline'):
        assert full[key] == points[key]


def test_a_new_point_count_takes_two_lines(tmp_path):
    path = tmp_path / 'pace_r200_dcn_5pt.py'
    path.write_text(f"_base_ = '{ROOT / PACE}'\n"
                    'train_dataloader = dict(dataset=dict(num_points=5))\n')
    cfg = Config.fromfile(path)
    assert cfg.train_dataloader.dataset.num_points == 5
    cfg.train_dataloader.dataset.num_points = 4
    assert cfg.train_dataloader == read(PACE).train_dataloader


def test_own_data_elsewhere(monkeypatch):
    monkeypatch.setenv('PACE_OWN_DATA', 'my/cells')
    cfg = read('configs/own_data/own_points.py')
    for loader in (cfg.train_dataloader, cfg.val_dataloader):
        assert loader.dataset.data_root == 'my/cells'
    assert cfg.test_evaluator.ann_file == 'my/cells/annotations/val.json'


@pytest.mark.parametrize('folder', ['', 'my/cells', 'my/cells/'])
def test_the_evaluator_of_own_data_follows_its_loader(monkeypatch, folder):
    if folder:
        monkeypatch.setenv('PACE_OWN_DATA', folder)
    cfg = read('configs/own_data/own_points.py')
    merge_options(cfg, {
        'test_dataloader.dataset.ann_file': 'annotations/test.json'})
    assert cfg.test_evaluator.ann_file == \
        f'{folder.rstrip("/") or "data/own"}/annotations/test.json'


@pytest.mark.parametrize('length', [18.0, 72.0])
@pytest.mark.parametrize('path', [
    p for p in CONFIGS
    if FLOW in (ROOT / p).read_text() or 'center_flow' in p
])
def test_cells_become_as_long_as_the_flow_model_expects(path, length):
    cfg = read(path)
    cfg.cell_length.images = length
    fit_to_cells(cfg)
    assert cfg.test_pipeline[1].scale_factor == 36 / length
    assert cfg.test_dataloader.dataset.pipeline == cfg.test_pipeline
    assert cfg.train_dataloader.dataset.pipeline == cfg.train_pipeline
    for crop, resize in cfg.train_pipeline[3].transforms:
        size = int(crop.crop_size[0] * resize.scale_factor + 0.5)
        assert 250 <= size <= 256
        assert 0.74 < resize.scale_factor * length / 36 < 1.35


@pytest.mark.parametrize('path', [PACE, POINT2MASK])
def test_shared_settings_of_the_paper(path):
    """Sections 3.2, 5 and 6, and the recipe behind them."""
    cfg = read(path)
    anchors = cfg.model.rpn_head.anchor_generator
    sizes = [stride * anchors.scales[0] for stride in anchors.strides]
    assert sizes == [8, 16, 32, 64, 128]
    assert anchors.ratios == [0.5, 1, 2, 3, 4]
    assigner = cfg.model.train_cfg.rpn.assigner
    assert (assigner.pos_iou_thr, assigner.neg_iou_thr) == (0.7, 0.3)
    assert cfg.model.train_cfg.rpn.sampler.num == 256
    assert cfg.model.train_cfg.rpn_proposal.nms_pre == 12000
    assert cfg.model.train_cfg.rpn_proposal.max_per_img == 3000
    assert cfg.model.test_cfg.rpn.nms_pre == 6000
    assert cfg.model.test_cfg.rcnn.max_per_img == 3000
    assert cfg.model.test_cfg.rcnn.score_thr == 0.05
    optimizer = cfg.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.lr, optimizer.momentum,
            optimizer.weight_decay) == ('SGD', 0.02, 0.9, 0.0001)
    assert cfg.optim_wrapper.paramwise_cfg.norm_decay_mult == 0
    assert cfg.train_cfg.max_iters == 30000
    assert cfg.train_cfg.val_interval == 500
    assert cfg.param_scheduler[1].milestones == [17500, 20000]
    assert cfg.train_dataloader.batch_size * 8 == 16
    assert cfg.auto_scale_lr.base_batch_size == 16
    resize = next(step for step in cfg.train_pipeline
                  if step.type == 'RandomChoiceResize')
    assert [min(s) for s in resize.scales] == [440, 480, 520, 580, 620]
    assert cfg.test_pipeline[1].scale == (1333, 800)
    assert cfg.default_hooks.checkpoint.save_best == 'livecell/segm_AP'
    assert cfg.default_hooks.checkpoint.rule == 'greater'


def test_the_architecture_of_pace():
    cfg = read(PACE).model
    backbone = cfg.backbone
    assert (backbone.type, backbone.depth, backbone.radix) == ('ResNeSt', 200,
                                                               2)
    assert backbone.dcn == dict(
        type='Float32DCNv2', deform_groups=2, fallback_on_stride=False)
    assert backbone.stage_with_dcn == (False, True, True, True)
    head = cfg.roi_head
    assert head.num_stages == 3 and head.stage_loss_weights == [1, 1, 1]
    assert head.mask_head.num_convs == 8
    assert head.mask_head.norm_cfg.type == 'BN'
    assert read(PACE).sync_bn == 'torch'
    weights = [[round(1 / std) for std in box_head.bbox_coder.target_stds]
               for box_head in head.bbox_head]
    assert weights == [[10, 10, 5, 5], [20, 20, 10, 10], [30, 30, 15, 15]]
    assert all(box_head.reg_class_agnostic for box_head in head.bbox_head)
    stages = cfg.train_cfg.rcnn
    assert [stage.assigner.pos_iou_thr for stage in stages] == [0.5, 0.6, 0.7]
    assert [stage.sampler.type for stage in stages] == [
        'RandomSampler', 'PseudoSampler', 'PseudoSampler'
    ]
    assert cfg.data_preprocessor.std == [11.578] * 3


@pytest.mark.parametrize('path', [PACE, POINT2MASK, PUBLISHED, FULL])
def test_livecells_grey_values_stay_as_they_are(path):
    """Mean 128 and deviation 11.578 are those of the files' own values."""
    cfg = read(path)
    assert cfg.model.data_preprocessor.mean == [128.0] * 3
    assert cfg.model.data_preprocessor.std == [11.578] * 3
    for pipeline in (cfg.train_pipeline, cfg.test_pipeline):
        loading, = (step for step in pipeline
                    if step.type == 'LoadMicroscopyImage')
        assert loading.normalize == 'none'


def test_the_published_livecell_model():
    """What it does not share with PACE; livecell_config.yaml."""
    cfg, pace = read(PUBLISHED), read(FULL)
    rpn = cfg.model.rpn_head
    assert rpn.in_levels == (0, 0, 1, 2, 3, 4)
    anchors = TASK_UTILS.build(rpn.anchor_generator)
    sizes = [4, 9, 17, 31, 64, 127]
    for size, base in zip(sizes, anchors.base_anchors, strict=True):
        width, height = (base[:, 2:] - base[:, :2]).T
        torch.testing.assert_close(height / width,
                                   torch.tensor([0.25, 0.5, 1, 2, 4]))
        torch.testing.assert_close(width * height,
                                   torch.full((5, ), float(size**2)))
        torch.testing.assert_close(base[:, :2], -base[:, 2:])
    resize = next(step for step in cfg.train_pipeline
                  if step.type == 'RandomChoiceResize')
    assert [min(s) for s in resize.scales] == [440, 480, 520, 560, 580, 620]
    assert cfg.test_pipeline[1].scale == (1333, 800)
    assert cfg.model.roi_head.mask_stage == 0
    for key in ('train_cfg', 'test_cfg', 'neck', 'data_preprocessor'):
        assert cfg.model[key] == pace.model[key]
    for key in ('optim_wrapper', 'param_scheduler', 'test_evaluator'):
        assert cfg[key] == pace[key]
