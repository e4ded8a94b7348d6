// Mode 3: all answers at a glance; a click flips one.
import { isFinished } from './boxset.js';
import { isCommand, keyName } from './dom.js';
import { COLORS, drawAnswer, drawTag, strokeBoxes } from './draw.js';
import { PanningMode } from './mode.js';

const REACH = 9; // CSS pixels

export const REVIEW_KEYS = [
  ['Click', 'flip an answer: on, off'],
  ['Tab, Shift Tab', 'go to the next, the previous answer'],
  ['Enter, F', 'flip it'],
  ['S', 'skip it'],
  ['Drag', 'pan'],
];

export class ReviewMode extends PanningMode {
  constructor(app) {
    super(app);
    this.chosen = null; // [key, point]
    this.hints = [['Click', 'flip'], ['Tab', 'next answer'], ['Enter', 'flip'],
      ['S', 'skip'], ['Drag', 'pan']];
  }

  leave() {
    this.chosen = null;
  }

  opened() {
    this.chosen = null;
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
    const label = { 1: 'on the cell', 0: 'off the cell' }[box.labels[point]]
      ?? 'skipped';
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
    app.set.answer(key, point, label ?? (now === 1 ? 0 : 1), app.annotator);
    app.changed();
    app.stage.invalidate();
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
    if (isCommand(event)) return false;
    const name = keyName(event);
    if (name === 'Tab') this.next(event.shiftKey ? -1 : 1);
    else if ((name === 'Enter' || name === 'f') && !event.repeat) this.change();
    else if (name === 's') this.change(-1);
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
