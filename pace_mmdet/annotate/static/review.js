// Mode 3: all answers at a glance; a click flips one.
import { isFinished } from './boxset.js';
import { isCommand, keyName } from './dom.js';
import { COLORS, drawAnswer, drawTag, strokeBoxes } from './draw.js';
import { PanningMode } from './mode.js';

const REACH = 9; // CSS pixels
const NAMES = { 1: 'on the cell', 0: 'off the cell', '-1': 'skipped' };
const LABELS = { j: 1, y: 1, f: 0, n: 0, s: -1 }; // as in Points

export const REVIEW_KEYS = [
  ['Click', 'flip an answer: on, off'],
  ['Tab, Shift Tab', 'go to the next, the previous answer'],
  ['J, Y', 'it is on the cell'],
  ['F, N', 'off the cell'],
  ['S', 'skipped'],
  ['Enter', 'flip it'],
  ['Ctrl Z, U', 'undo'],
  ['Drag', 'pan'],
];

export class ReviewMode extends PanningMode {
  constructor(app) {
    super(app);
    this.chosen = null; // [key, point]
    this.done = []; // { key, revision, point, label }, as it was before
    this.hints = [['Click', 'flip'], ['Tab', 'next answer'], ['J', 'on'],
      ['F', 'off'], ['S', 'skip'], ['Ctrl Z', 'undo'], ['Drag', 'pan']];
  }

  leave() {
    this.chosen = null;
  }

  opened() {
    this.chosen = null;
    this.done = [];
  }

  refreshed() {
    if (this.chosen && !this.app.set.get(this.chosen[0])) this.chosen = null;
  }

  radius(view) {
    return Math.min(Math.max(1.6 * view.scale, 2.5), 7);
  }

  draw(context, view) {
    const boxes = [...this.app.set.near(view.visible())];
    strokeBoxes(context, view, boxes.filter(isFinished), COLORS.box,
      { alpha: 0.75, width: 1.2 });
    strokeBoxes(context, view, boxes.filter((box) => !isFinished(box)),
      COLORS.box, { alpha: 0.5, width: 1.2, dash: [3, 4] });
    const radius = this.radius(view);
    for (const box of boxes) {
      box.points?.forEach(([x, y], point) => {
        if (box.labels[point] === null) return;
        drawAnswer(context, ...view.toScreen(x + 0.5, y + 0.5),
          box.labels[point], radius);
      });
    }
    this.drawChosen(context, view, radius);
  }

  drawChosen(context, view, radius) {
    const box = this.chosen && this.app.set.get(this.chosen[0]);
    if (!box?.points) return;
    const point = this.chosen[1];
    const [px, py] = box.points[point];
    const [x, y] = view.toScreen(px + 0.5, py + 0.5);
    context.beginPath();
    context.arc(x, y, radius + 5, 0, 2 * Math.PI);
    context.strokeStyle = '#fff';
    context.lineWidth = 2;
    context.stroke();
    strokeBoxes(context, view, [box], COLORS.selected, { width: 2 });
    const label = NAMES[box.labels[point]];
    const who = box.answered_by[point];
    drawTag(context, `box ${box.id} · point ${point + 1} · ${label}`
      + `${who ? ` · ${who}` : ''}`, x + 14, y - 10);
  }

  /** The answered point nearest to a place on the screen. */
  at(sx, sy) {
    const { set, stage: { view } } = this.app;
    const reach = Math.max(REACH, this.radius(view) + 3);
    const [x, y] = view.toImage(sx - reach, sy - reach);
    const side = 2 * reach / view.scale;
    let best = null;
    let least = reach;
    for (const box of set.near([x, y, side, side])) {
      box.points?.forEach(([px, py], point) => {
        const [cx, cy] = view.toScreen(px + 0.5, py + 0.5);
        const distance = Math.hypot(cx - sx, cy - sy);
        if (box.labels[point] !== null && distance <= least) {
          least = distance;
          best = [box.key, point];
        }
      });
    }
    return best;
  }

  change(label) {
    if (!this.chosen) return;
    const { app } = this;
    const [key, point] = this.chosen;
    const box = app.set.get(key);
    const who = box.answered_by[point];
    if (who && who !== app.annotator) {
      app.say(`This was answered by ${who}, who alone can change it.`, true);
      return;
    }
    const now = box.labels[point];
    const next = label ?? (now === 1 ? 0 : 1);
    if (next === now) return;
    this.done.push({ key, revision: box.revision, point, label: now });
    app.set.answer(key, point, next, app.annotator);
    app.say(`${NAMES[now]} → ${NAMES[next]}. Ctrl+Z takes it back.`);
    app.changed();
    app.stage.invalidate();
  }

  undo() {
    const { app, app: { set } } = this;
    const last = this.done.pop();
    const box = set.get(last?.key);
    if (!last || box?.revision !== last.revision) {
      app.say('Nothing to undo in Review on this image');
      return;
    }
    this.chosen = [last.key, last.point];
    app.stage.view.reveal(box.box);
    set.answer(last.key, last.point, last.label, app.annotator);
    app.say(`Undone: ${NAMES[last.label]}.`);
    app.changed();
  }

  click(x, y) {
    this.chosen = this.at(x, y);
    this.change();
    this.app.stage.invalidate();
  }

  cursor(x, y) {
    if (this.app.set && !this.grip && this.at(x, y)) return 'pointer';
    return super.cursor(x, y);
  }

  key(event) {
    const name = keyName(event);
    if (name === 'u' || ((event.ctrlKey || event.metaKey) && name === 'z')) {
      this.undo();
      this.app.stage.invalidate();
      return true;
    }
    if (isCommand(event)) return false;
    if (name === 'Tab') this.next(event.shiftKey ? -1 : 1);
    else if (name === 'Enter') {
      if (!event.repeat) this.change();
    } else if (name in LABELS) this.change(LABELS[name]);
    else if (name === 'Escape') this.chosen = null;
    else return false;
    this.app.stage.invalidate();
    return true;
  }

  next(direction) {
    const { set, stage } = this.app;
    const order = [...set.boxes.values()]
      .sort((a, b) => a.box[1] - b.box[1] || a.box[0] - b.box[0])
      .flatMap((box) => box.labels.map((label, point) => (
        label === null ? null : [box.key, point])).filter(Boolean));
    if (!order.length) return;
    const now = order.findIndex(([key, point]) => (
      key === this.chosen?.[0] && point === this.chosen?.[1]));
    const start = now < 0 && direction < 0 ? 0 : now;
    this.chosen = order[(start + direction + order.length) % order.length];
    stage.view.reveal(set.get(this.chosen[0]).box);
  }
}
