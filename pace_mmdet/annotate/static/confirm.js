// Mode 6: confirming what the model proposes, cell by cell, then its points.
import { get } from './api.js';
import { isFinished } from './boxset.js';
import { $, isCommand, keyName, onClick } from './dom.js';
import { COLORS, drawAnswer, drawTag, strokeBoxes,
  strokeOutlines } from './draw.js';
import { PanningMode } from './mode.js';
import { isSamePlace, moved, resized } from './rectangles.js';

const AGAIN = 1500;
const LEAST_ON_SCREEN = 50; // CSS pixels of a cell that is looked at
const GOOD_ON_SCREEN = 110;
const REACH = 10;

export const CONFIRM_KEYS = [
  ['Enter', 'it is a cell; then: its points are right as shown'],
  ['X, Delete', 'it is none; no proposal comes here again'],
  ['← → ↑ ↓', 'move the proposal by 1 pixel, with Shift by 10'],
  ['Ctrl or Alt ←…', 'resize it by its right and lower side'],
  ['Click', 'choose a proposal; flip a point'],
  ['Tab, Shift Tab', 'the next, the one before: the least certain first'],
  ['Shift Enter', 'accept all that are shown'],
  ['Ctrl Z, U', 'undo'],
];

export class ConfirmMode extends PanningMode {
  constructor(app) {
    super(app);
    this.panel = $('#confirm');
    this.hints = [['Enter', 'accept'], ['X', 'reject'], ['Arrows', 'move'],
      ['Tab', 'next'], ['Shift Enter', 'accept all'], ['Ctrl Z', 'undo'],
      ['V', 'contrast']];
    this.found = null; // what the server says of this image
    this.histories = new Map();
    this.choose(null);
    $('#confirm-score').addEventListener('input', (event) => {
      app.model.setScore(Number(event.target.value));
      this.update();
    });
    onClick('#confirm-accept', () => this.accept());
    onClick('#confirm-reject', () => this.reject());
    onClick('#confirm-all', () => this.acceptAll());
    app.model.listen(() => {
      if (app.mode === this && this.isOutdated()) this.load();
    });
  }

  enter() {
    this.opened();
  }

  leave() {
    this.showBelow(false);
    this.restoreView();
    clearTimeout(this.timer);
    this.found = null;
    this.choose(null);
  }

  opened() {
    this.keepView();
    this.showBelow(true);
    this.rejected = new Set();
    this.isClose = false;
    this.found = null;
    this.choose(null);
    this.load();
  }

  refreshed() {
    this.update();
  }

  isOutdated() {
    const { model } = this.app.model.status;
    return this.found && this.found.round !== model && !this.moved;
  }

  async load() {
    clearTimeout(this.timer);
    const { app, app: { set } } = this;
    if (!set) return;
    try {
      await app.sent();
      const found = await get(`/api/images/${set.image.id}/proposals`);
      if (app.set.image.id !== set.image.id || app.mode !== this) return;
      this.found = found;
      if (found.pending) this.timer = setTimeout(() => this.load(), AGAIN);
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      app.say(error.message, true);
      this.timer = setTimeout(() => this.load(), AGAIN);
    }
    this.update();
  }

  /** Proposals that are shown, the least certain first. */
  proposals() {
    const { set, model: { score } } = this.app;
    return (this.found?.cells ?? []).filter((cell) => !cell.is_rejected
      && cell.score >= score && !this.rejected.has(cell.key)
      && ![...set.near(cell.box)].some(
        ({ box }) => isSamePlace(box, cell.box)))
      .sort((a, b) => a.score - b.score);
  }

  /** Accepted cells whose points the model has an opinion of. */
  openCells() {
    return [...this.app.set.boxes.values()].filter((box) => (
      box.by?.startsWith('model+')
      && box.labels.every((label) => label === null)
      && (!box.points || box.thoughts?.some((thought) => thought !== null))));
  }

  /** @param {?string} key  Of a proposal or of a box. */
  choose(key) {
    this.chosen = key;
    this.moved = null;
    this.flipped = new Set();
  }

  /** What is to be decided: { cell } or { box }, or null. */
  current() {
    if (!this.app.set) return null;
    const box = this.app.set.get(this.chosen);
    if (box) return isFinished(box) ? null : { box };
    const cell = this.proposals().find(({ key }) => key === this.chosen);
    return cell ? { cell } : null;
  }

  update() {
    const { app } = this;
    if (app.mode !== this || !app.set) return;
    if (!this.current()) this.next(1, false);
    const current = this.current();
    if (current && this.found) {
      this.show(current.cell?.box ?? current.box.box);
      this.isClose = true;
    } else if (this.isClose && this.found && !this.found.pending) {
      this.restoreView(); // to see whether one is missing
      this.isClose = false;
    }
    this.showPanel(current);
    app.stage.invalidate();
  }

  /** Look at a place: all cells at the size at which they can be judged. */
  show(box) {
    const { view } = this.app.stage;
    const sides = this.found.cells.map(({ box: [, , width, height] }) => (
      Math.max(width, height))).sort((a, b) => a - b);
    const usual = sides[Math.floor(sides.length / 2)] ?? box[2];
    if (usual * view.scale < LEAST_ON_SCREEN) {
      view.scale = GOOD_ON_SCREEN / usual;
      view.lookAt(box);
    } else view.reveal(box);
  }

  next(direction, isTold = true) {
    const keys = [...this.proposals(), ...this.openCells()].map(
      ({ key }) => key);
    const now = keys.indexOf(this.chosen);
    this.choose(keys.length
      ? keys[(now + direction + keys.length) % keys.length] : null);
    if (isTold) this.update();
  }

  showPanel(current) {
    const { score } = this.app.model;
    $('#confirm-score').value = score;
    $('#confirm-score-value').textContent = score.toFixed(2);
    const count = this.proposals().length;
    const open = this.openCells().length;
    const parts = [];
    if (!this.found || this.found.pending) {
      parts.push(this.found ? 'The model is looking at this image…' : '…');
    } else if (this.found.round === null) {
      parts.push('There is no model yet: train one (key 5).');
    } else if (this.found.error) {
      parts.push(`This image could not be segmented: ${this.found.error}`);
    } else if (current?.cell) {
      parts.push(`Is this a cell? Score ${current.cell.score.toFixed(2)} · ${
        count} left`);
    } else if (current?.box && !current.box.points) {
      parts.push('Its points are on their way…');
    } else if (current?.box) {
      parts.push('Are its points right? Blue: on the cell, red: off it. '
        + `Click flips · ${open} left`);
    } else {
      parts.push(`Nothing left above this score. Draw what is missing (1), `
        + 'then D: complete.');
    }
    $('#confirm .ask').replaceChildren(...parts);
    $('#confirm-accept').disabled = !current;
    $('#confirm-reject').disabled = !current;
    $('#confirm-all').disabled = !count;
    $('#confirm-all b').textContent = String(count);
  }

  /** The points of a box that was accepted come with the reply. */
  acknowledged() {
    if (this.app.set) this.showPanel(this.current());
  }

  /** What is shown of the points of a cell: the model's, as flipped. */
  shown(box) {
    return (box.thoughts ?? []).map((thought, point) => {
      if (thought === null || box.labels[point] !== null) return null;
      return Number((thought >= 0.5) !== this.flipped.has(point));
    });
  }

  get history() {
    const { id } = this.app.set.image;
    if (!this.histories.has(id)) this.histories.set(id, []);
    return this.histories.get(id);
  }

  accept() {
    const current = this.current();
    if (!current) return;
    const { set, annotator } = this.app;
    if (current.cell) {
      const { key } = set.accept(this.moved ?? current.cell.box, annotator);
      this.history.push({ accepted: [key] });
      this.choose(key); // its points come next
    } else {
      if (!current.box.points) return; // they are on their way
      this.shown(current.box).forEach((label, point) => {
        if (label === null) return;
        set.answer(current.box.key, point, label, annotator,
          this.flipped.has(point) ? 'asked' : 'confirmed');
      });
      this.choose(null);
    }
    this.app.changed();
    this.update();
  }

  acceptAll() {
    const { set, annotator } = this.app;
    const accepted = this.proposals().map(
      (cell) => set.accept(cell.box, annotator).key);
    if (!accepted.length) return;
    this.history.push({ accepted });
    this.choose(null);
    this.app.say(`${accepted.length} proposals accepted. Ctrl+Z takes all `
      + 'back.');
    this.app.changed();
    this.update();
  }

  reject() {
    const current = this.current();
    if (!current) return;
    const { set } = this.app;
    if (current.cell) {
      set.reject(current.cell.key, current.cell.box, false);
      this.rejected.add(current.cell.key);
      this.history.push({ rejected: current.cell });
    } else {
      set.remove(current.box.key);
      this.history.push({ removed: true });
    }
    this.choose(null);
    this.app.changed();
    this.update();
  }

  undo() {
    const { set } = this.app;
    const entry = this.history.pop();
    if (!entry) {
      this.app.say('Nothing to undo here on this image');
      return;
    }
    this.choose(null);
    if (entry.accepted) {
      for (const key of entry.accepted) if (set.get(key)) set.remove(key);
    } else if (entry.rejected) {
      set.reject(entry.rejected.key, entry.rejected.box, true);
      this.rejected.delete(entry.rejected.key);
      this.choose(entry.rejected.key);
    } else this.choose(set.step(true));
    this.app.changed();
    this.update();
  }

  nudge(dx, dy, isResize) {
    const cell = this.current()?.cell;
    if (!cell) return false;
    const { image } = this.app.set;
    const now = this.moved ?? cell.box;
    const box = isResize
      ? resized(now, { dx: dx ? 1 : 0, dy: dy ? 1 : 0 }, dx, dy, image)
      : moved(now, dx, dy, image);
    if (box[2] >= 1 && box[3] >= 1) this.moved = box;
    this.app.stage.invalidate();
    return true;
  }

  click(x, y) {
    const { stage: { view } } = this.app;
    const box = this.current()?.box;
    const point = box?.points?.findIndex(([px, py]) => {
      const [sx, sy] = view.toScreen(px + 0.5, py + 0.5);
      return Math.hypot(sx - x, sy - y) < REACH;
    }) ?? -1;
    if (point >= 0) {
      if (!this.flipped.delete(point)) this.flipped.add(point);
    } else {
      const [ix, iy] = view.toImage(x, y);
      const at = [...this.proposals(), ...this.openCells()].find(
        ({ box: [bx, by, width, height] }) => ix >= bx && iy >= by
          && ix <= bx + width && iy <= by + height);
      if (at) this.choose(at.key);
    }
    this.update();
  }

  key(event) {
    const name = keyName(event);
    const command = event.ctrlKey || event.metaKey;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
      ArrowDown: [0, 1] }[name];
    if (arrow) {
      const step = event.shiftKey ? 10 : 1;
      return this.nudge(arrow[0] * step, arrow[1] * step, isCommand(event));
    }
    if ((command && name === 'z') || (!command && name === 'u')) {
      this.undo();
      return true;
    }
    if (isCommand(event)) return false;
    if (name === 'Tab') this.next(event.shiftKey ? -1 : 1);
    else if (name === 'Enter' && event.shiftKey) this.acceptAll();
    // A key held down is one answer.
    else if (name === 'Enter') event.repeat || this.accept();
    else if (name === 'x' || name === 'Delete') event.repeat || this.reject();
    else return false;
    return true;
  }

  isBusy() {
    return Boolean(this.moved);
  }

  draw(context, view) {
    const { set } = this.app;
    const current = this.current();
    strokeBoxes(context, view, [...set.near(view.visible())].filter(
      ({ key }) => key !== current?.box?.key), COLORS.box, { alpha: 0.4,
      width: 1 });
    const others = this.proposals().filter((cell) => cell !== current?.cell);
    strokeOutlines(context, view, others, COLORS.model, { alpha: 0.6 });
    strokeBoxes(context, view, others, COLORS.model, { dash: [5, 4] });
    if (current?.cell) this.drawProposal(context, view, current.cell);
    if (current?.box) this.drawPoints(context, view, current.box);
  }

  drawProposal(context, view, cell) {
    const box = this.moved ?? cell.box;
    strokeOutlines(context, view, [cell], COLORS.model, { width: 2 });
    strokeBoxes(context, view, [{ box }], '#17181a', { width: 4 });
    strokeBoxes(context, view, [{ box }], COLORS.selected,
      { width: 2, dash: [7, 4] });
    const [x, y] = view.toScreen(box[0], box[1]);
    drawTag(context, `score ${cell.score.toFixed(2)}`, x, y - 8);
  }

  drawPoints(context, view, box) {
    strokeBoxes(context, view, [box], COLORS.selected, { width: 2 });
    if (!box.points) return;
    this.shown(box).forEach((label, point) => {
      if (label === null) return;
      const [x, y] = box.points[point];
      drawAnswer(context, ...view.toScreen(x + 0.5, y + 0.5), label,
        Math.min(Math.max(1.6 * view.scale, 3), 7));
    });
  }
}
