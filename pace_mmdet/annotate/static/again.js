// Mode 7: answers that the model contradicts, the worst first.
import { get } from './api.js';
import { $, isCommand, keyName, onClick } from './dom.js';
import { COLORS, drawQuestion, drawVeil, strokeBoxes } from './draw.js';
import { PanningMode } from './mode.js';

const SHARE = 0.4; // of the screen, for the box

export const AGAIN_KEYS = [
  ['K, Enter', 'keep the answer'],
  ['F', 'flip it: on, off'],
  ['Tab', 'leave it for later'],
];

export class AgainMode extends PanningMode {
  constructor(app) {
    super(app);
    this.panel = $('#again');
    this.hints = [['K', 'keep'], ['F', 'flip'], ['Tab', 'later']];
    /** @type {any[] | null} */
    this.answers = null;
    onClick('#again-keep', () => this.decide(false));
    onClick('#again-flip', () => this.decide(true));
    onClick('#again-later', () => this.later());
  }

  enter() {
    this.keepView();
    this.showBelow(true);
    if (!this.isMoving) this.load();
  }

  leave() {
    this.showBelow(false);
    this.restoreView();
    if (!this.isMoving) this.answers = null;
  }

  opened() {
    this.keepView();
    this.showBelow(true);
    if (!this.isMoving) this.load();
  }

  refreshed() {
    this.update();
  }

  async load() {
    const { app } = this;
    this.answers = null;
    this.showPanel();
    try {
      await app.sent();
      const name = encodeURIComponent(app.annotator);
      const { answers } = await get(`/api/again?annotator=${name}`);
      if (app.mode === this) this.answers = answers;
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      app.say(error.message, true);
      return;
    }
    this.update();
  }

  /** The answer that is asked again, if its image is on screen. */
  current() {
    const item = this.answers?.[0];
    if (!item || item.image !== this.app.set?.image.id) return null;
    const box = this.app.set.get(item.key);
    return box?.points ? { ...item, box } : null;
  }

  async update() {
    const { app } = this;
    if (app.mode !== this) return;
    const [item] = this.answers ?? [];
    if (item && item.image !== app.set?.image.id) {
      this.isMoving = true;
      await app.open(item.image);
      this.isMoving = false;
    }
    if (item && item.image === app.set?.image.id && !this.current()) {
      this.answers.shift(); // its box is gone
      this.update();
      return;
    }
    const current = this.current();
    this.showPanel();
    if (current) app.stage.view.frame(current.box.box, SHARE);
    app.stage.invalidate();
  }

  showPanel() {
    const current = this.current();
    const text = !this.answers ? 'Comparing…' : !current
      ? 'The model contradicts none of your answers.'
      : `You said ${current.box.labels[current.point] === 1 ? 'on' : 'off'
      } the cell; the model gives it ${
        Math.round(100 * current.probability)} % to be on it. ${
        this.answers.length} left`;
    $('#again .ask').textContent = text;
    $('#again .answers').hidden = !current;
    this.app.stage.resize(); // the panel may be lower now, or higher
  }

  decide(isFlip) {
    const current = this.current();
    if (!current) return;
    const { app } = this;
    const { box, point } = current;
    const now = box.labels[point];
    app.set.answer(box.key, point, isFlip ? 1 - now : now, app.annotator,
      'again');
    app.changed();
    this.answers.shift();
    this.update();
  }

  later() {
    if (!this.current()) return;
    this.answers.push(this.answers.shift());
    this.update();
  }

  key(event) {
    if (isCommand(event)) return false;
    const name = keyName(event);
    const acts = { k: () => this.decide(false), Enter: () => this.decide(false),
      f: () => this.decide(true), Tab: () => this.later() };
    if (!acts[name]) return false;
    if (!event.repeat) acts[name]();
    return true;
  }

  draw(context, view) {
    const current = this.current();
    if (!current) return;
    drawVeil(context, view, current.box.box, 0.45);
    strokeBoxes(context, view, [current.box], COLORS.box, { width: 2 });
    drawQuestion(context, view, current.box.points[current.point],
      current.box.labels[current.point]);
  }
}
