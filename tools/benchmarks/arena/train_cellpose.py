"""Train Cellpose 3 from scratch, predict, and say what it took.

Run by arena.py in an environment of its own (pip install 'cellpose<4'
pycocotools), without this project. Its own augmentation, loss and rescaling
to a diameter of 30; no pretrained weights. Two crops of 224 pixels a step and
AdamW as in its own training; the learning rate rises for 10 steps and falls
as a cosine over the CPU time that it is given, which does better in few
steps than its own schedule of 2,000 epochs. A mask scores its mean cell
probability.

The job is a JSON with ``images`` (folder), ``train`` (COCO file), ``seconds``
(of CPU), ``seed``, ``augment`` (whether it predicts from flipped tiles, too),
``bfloat16`` (whether its network computes in it, as ours does then),
``predict`` ({name: COCO file}) and ``out`` (folder).
"""
import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np
import tifffile
import torch
from pycocotools import mask as mask_api

LEARNING_RATE, BATCH, CROP = 0.003, 2, 224


def load(ann_file: str, images: str) -> list:
    """Id, image and label image of each."""
    content = json.loads(Path(ann_file).read_text())
    loaded = []
    for entry in content['images']:
        path = Path(images, entry['file_name'])
        tiff = path.suffix.lower() in ('.tif', '.tiff')
        image = tifffile.imread(path) if tiff else cv2.imread(str(path), -1)
        size = entry['height'], entry['width']
        labels = np.zeros(size, np.uint16)
        cells = [cell for cell in content['annotations']
                 if cell['image_id'] == entry['id']]
        # Small ones over large ones.
        cells.sort(key=lambda cell: -cell['area'])
        for number, cell in enumerate(cells, 1):
            labels[decode(cell['segmentation'], *size)] = number
        loaded.append((entry['id'], image.squeeze(), labels))
    return loaded


def decode(segmentation, height: int, width: int) -> np.ndarray:
    """A COCO segmentation as a bool bitmap."""
    if isinstance(segmentation, list):
        segmentation = mask_api.merge(
            mask_api.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation['counts'], list):
        segmentation = mask_api.frPyObjects(segmentation, height, width)
    return mask_api.decode(segmentation).astype(bool)


def fit(model, samples: list, seconds: float) -> int:
    """Train for some CPU seconds; the steps that it took."""
    from cellpose import dynamics, train, transforms, utils
    start, net = time.process_time(), model.net
    images = [
        transforms.normalize_img(
            transforms.convert_image(image, [0, 0], nchan=2)[None])[0]
        .transpose(2, 0, 1) for _, image, _ in samples
    ]
    cpu = torch.device('cpu')
    flows = dynamics.labels_to_flows([labels for _, _, labels in samples],
                                     device=cpu)
    diameters = np.array([max(utils.diameters(labels)[0], 5.)
                          for _, _, labels in samples])
    mean = float(diameters.mean())
    net.diam_labels.data, model.diam_labels = torch.tensor([mean]), mean
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-5)
    step, order = 0, []
    while (part := (time.process_time() - start) / seconds) < 1:
        rate = LEARNING_RATE * min((step + 1) / 10, 1)
        for group in optimizer.param_groups:
            group['lr'] = rate * (1 + np.cos(np.pi * part)) / 2
        while len(order) < BATCH:
            order += np.random.permutation(len(images)).tolist()
        chosen, order = order[:BATCH], order[BATCH:]
        inputs, targets = transforms.random_rotate_and_resize(
            [images[i] for i in chosen],
            Y=[flows[i][1:] for i in chosen],
            rescale=diameters[chosen] / net.diam_mean.item(),
            scale_range=0.5,
            xy=(CROP, CROP))[:2]
        net.train()
        loss = train._loss_fn_seg(targets, net(torch.from_numpy(inputs))[0],
                                  cpu)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step % 10 == 0:
            print(f'step {step}: {100 * part:.0f} %, loss {loss:.3f}',
                  flush=True)
    net.eval()
    return step


def compute_in_bfloat16(net) -> None:
    """Let a network take and give float32, with bfloat16 within.

    Its weights are laid out for that as ours are, which is faster still.
    """
    forward = net.forward
    # oneDNN's own tensors, which it takes by default, know no autocast.
    net.mkldnn = False
    net.to(memory_format=torch.channels_last)

    def autocast_forward(x):
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast('cpu', torch.bfloat16):
            maps, style = forward(x)[:2]
        return maps.float(), style.float()

    net.forward = autocast_forward


def predict(model, samples: list, flow_threshold: float,
            augment: bool) -> tuple:
    """COCO results, and CPU seconds an image."""
    results, seconds = [], 0.0
    for image_id, image, _ in samples:
        start = time.process_time()
        labels, flows, _ = model.eval(
            image, channels=[0, 0], diameter=None, augment=augment,
            flow_threshold=flow_threshold)
        seconds += time.process_time() - start
        probs = 1 / (1 + np.exp(-flows[2].clip(-50, 50)))
        for number in np.unique(labels)[1:]:
            mask = labels == number
            code = mask_api.encode(np.asfortranarray(mask, np.uint8))
            results.append(
                dict(
                    image_id=image_id,
                    category_id=1,
                    score=float(probs[mask].mean()),
                    bbox=mask_api.toBbox(code).tolist(),
                    segmentation=dict(
                        size=code['size'], counts=code['counts'].decode())))
    return results, seconds / len(samples)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('job', type=Path)
    job = json.loads(parser.parse_args().job.read_text())
    # Not before: --help works without it.
    from cellpose import models
    torch.set_num_threads(1)
    np.random.seed(job['seed'])
    torch.manual_seed(job['seed'])
    model = models.CellposeModel(gpu=False, pretrained_model=False)
    if model.pretrained_model:
        raise SystemExit('Cellpose would start from pretrained weights')
    if job['bfloat16']:
        compute_in_bfloat16(model.net)
    out, done = Path(job['out']), dict()
    start = time.process_time()
    done['steps'] = fit(model, load(job['train'], job['images']),
                        job['seconds'])
    done['train_seconds'] = time.process_time() - start
    for name, ann_file in job['predict'].items():
        samples = load(ann_file, job['images'])
        # With and without its check of the flows.
        for kind, threshold in (('', 0.0), ('_checked', 0.4)):
            if kind and name != 'test':
                continue
            results, seconds = predict(model, samples, threshold,
                                       job['augment'])
            (out / f'{name}{kind}.json').write_text(json.dumps(results))
            if name == 'test':
                done['predict_seconds'] = seconds
    (out / 'done.json').write_text(json.dumps(done))


if __name__ == '__main__':
    main()
