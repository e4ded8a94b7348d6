// Saying that an image is complete: every cell in it, or in parts of it, has
// its box. Only then is it exported.
import { $ } from './dom.js';
import { COLORS, drawTag, strokeBoxes } from './draw.js';
import { spanned } from './rectangles.js';

/** What is known of an image, in words; with the number of its boxes. */
export function inWords({ complete, complete_by: by, boxes }) {
  if (complete === true) {
    if (!by) return 'complete as in version 1, unconfirmed';
    return boxes ? 'complete' : 'complete: no cells';
  }
  return complete ? `complete in ${complete.length === 1 ? 'a part'
    : `${complete.length} parts`}` : 'not complete';
}

/** A sign for it, which does not need its colour. */
export const signOf = ({ complete, complete_by: by }) => {
  if (complete === true) return by ? '✓' : '✓?';
  return complete ? '◩' : '○';
};

export class Completeness {
  constructor(app) {
    this.app = app;
    $('#complete').addEventListener('click', (event) => {
      if (event.detail) $('#complete').blur(); // keys are not for the button
      this.toggle();
    });
  }

  /** All of the image is complete, or no longer. */
  toggle() {
    const { app, app: { set } } = this;
    if (!set) return;
    app.mode.settle();
    // What nobody said yet is confirmed first.
    const isNow = set.image.complete === true && set.image.complete_by;
    this.mark(!isNow);
    const open = [...set.boxes.values()].filter(
      ({ labels }) => labels.includes(null)).length;
    if (isNow) app.say('Not complete: left out of export and training.');
    else if (!set.size) app.say('Complete: no cells here. D takes it back.');
    else if (!open) app.say('Complete. D takes it back.');
    else {
      app.say(`Complete; ${open} boxes still have open points (2). `
        + 'D takes it back.');
    }
  }

  /** What is in view is complete, besides what was. */
  addView() {
    const { app, app: { set, stage: { view } } } = this;
    if (!set) return;
    const [x, y, width, height] = view.visible();
    const part = spanned([x, y], [x + width, y + height], set.image);
    if (part[2] < 1 || part[3] < 1) return;
    if (part[2] === set.image.width && part[3] === set.image.height) {
      app.say('All of the image is in view: D marks it. Zoom in first.');
      return;
    }
    this.addPart(part);
  }

  addPart(part) {
    const { app, app: { set } } = this;
    const parts = Array.isArray(set.image.complete) ? set.image.complete : [];
    app.mode.settle();
    this.mark([...parts, part]);
    app.say('This part is complete; the rest is not used. Shift D adds more, '
      + 'D marks all.');
  }

  /** Take back the part at a place; whether there was one. */
  removeAt(x, y) {
    const parts = this.app.set.image.complete;
    if (!Array.isArray(parts)) return false;
    const left = parts.filter(([px, py, width, height]) => x < px || y < py
      || x > px + width || y > py + height);
    if (left.length === parts.length) return false;
    this.mark(left.length ? left : false);
    this.app.say('This part is no longer complete.');
    return true;
  }

  mark(complete) {
    this.app.set.mark(complete, this.app.annotator);
    this.app.changed();
    this.show();
    this.app.stage.invalidate();
  }

  /** Bring the button up to date. */
  show() {
    const { image } = this.app.set;
    $('#complete').setAttribute('aria-pressed', String(
      image.complete === true && Boolean(image.complete_by)));
    const by = image.complete && image.complete_by;
    $('#complete-state').textContent = `${signOf(image)} ${
      inWords({ ...image, boxes: this.app.set.size })}${by ? ` · ${by}` : ''}`;
  }

  /** The parts that are complete. */
  draw(context, view) {
    const parts = this.app.set.image.complete;
    if (!Array.isArray(parts)) return;
    strokeBoxes(context, view, parts.map((box) => ({ box })), COLORS.done,
      { width: 2, dash: [10, 5] });
    for (const [x, y] of parts) {
      drawTag(context, '◩ complete', ...view.toScreen(x, y));
    }
  }
}
