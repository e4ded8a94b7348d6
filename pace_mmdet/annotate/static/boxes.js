// Mode 1: drawing boxes and correcting them.
import { countAnswers, isFinished } from './boxset.js';
import { afterEdit, afterRemoval, afterStep, described, nameOf }
  from './boxwords.js';
import { keyName } from './dom.js';
import { COLORS, drawHandles, drawTag, handles, onScreen,
  strokeBoxes } from './draw.js';
import { IdleMode } from './mode.js';
import { moved, overlap, resized, spanned } from './rectangles.js';

const REACH = 7; // CSS pixels within which the pointer takes hold
const LEAST_DRAG = 5; // less is a click by an unsteady hand
const LEAST_DRAG_OF_DONE = 12; // a slip must not cost answers
const ON_TOP = 0.7; // overlap (IoU) above which a second box is doubted
const MIN_SIDE = 1; // image pixels, as the server demands
const SETTLE = 600; // milliseconds after the last arrow key

export const BOX_KEYS = [
  ['Drag', 'draw a box'],
  ['Click', 'take hold of the smallest box there: it gets handles'],
  ['Drag inside, handle', 'move or resize the box with handles'],
  ['Alt Drag', 'draw, even over the box with handles'],
  ['Shift Drag, Shift Click', 'a part is complete, is no longer'],
  ['Tab, Shift Tab', 'select the next, the previous box'],
  ['N', 'new box in the middle'],
  ['← → ↑ ↓', 'move the selected box by 1 pixel, with Shift by 10'],
  ['Ctrl or Alt ←…', 'resize it by its right and lower side'],
  ['Delete, X', 'delete it'],
  ['Esc', 'select nothing'],
  ['Ctrl Z, U', 'undo'],
  ['Ctrl Shift Z, Ctrl Y', 'redo'],
  ['H', 'hide the boxes'],
];

export class BoxMode extends IdleMode {
  constructor(app) {
    super(app);
    this.selected = null; // its key: the keyboard's box
    this.isHeld = false; // it was clicked: the pointer's as well
    this.drag = null;
    this.place = null; // where the last one was, for the next
    this.doubted = null; // a rectangle drawn on top of another box
    this.isHidden = false;
    this.hints = [['Drag', 'draw'], ['Click', 'select'], ['Tab', 'next'],
      ['Del', 'delete'], ['Ctrl Z', 'undo'], ['Right drag', 'pan']];
  }

  leave() {
    this.settle();
    this.drag = null;
    this.decide(false);
  }

  opened() {
    this.select(null);
    this.place = null;
    this.drag = null;
    this.nudged = null;
  }

  /** Choose a box for the keyboard; by a click, for the pointer as well. */
  select(key, isHeld = false) {
    this.selected = key;
    this.place = this.app.set?.get(key)?.box ?? this.place;
    this.isHeld = isHeld && key !== null;
  }

  /** The box that the pointer can move and resize. */
  held() {
    return this.isHeld && !this.isHidden ? this.app.set?.get(this.selected)
      : undefined;
  }

  isBusy() {
    return Boolean(this.drag || this.nudged || this.doubted);
  }

  refreshed() {
    if (!this.app.set.get(this.selected)) this.select(null);
  }

  // What is about to be stored: the box as dragged or nudged so far.
  shape(box) {
    if (this.drag?.key === box.key && this.drag.box) return this.drag.box;
    return this.nudged?.key === box.key ? this.nudged.box : box.box;
  }

  draw(context, view) {
    if (this.isHidden) return;
    const { set } = this.app;
    const kinds = { open: [], done: [], waiting: [] };
    for (const box of set.near(view.visible())) {
      if (box.key === this.selected) continue;
      if (set.isWaiting(box.key)) kinds.waiting.push(box);
      else kinds[isFinished(box) ? 'done' : 'open'].push(box);
    }
    const width = view.scale < 0.7 ? 1 : 1.5; // many and small: leave room
    strokeBoxes(context, view, kinds.open, COLORS.box, { width });
    strokeBoxes(context, view, kinds.done, COLORS.done, { width });
    strokeBoxes(context, view, kinds.waiting, COLORS.box,
      { width, dash: [5, 4] });
    const chosen = set.get(this.selected);
    if (chosen) {
      const shape = { box: this.shape(chosen) };
      strokeBoxes(context, view, [shape], '#17181a', { width: 4 });
      strokeBoxes(context, view, [shape], COLORS.selected, { width: 2 });
      if (this.isHeld) drawHandles(context, view, shape.box);
      const [x, y] = onScreen(view, shape.box);
      drawTag(context, described(chosen), x, y - 8);
    }
    if (this.drag?.box && !this.drag.key) {
      const isPart = this.drag.kind === 'part';
      strokeBoxes(context, view, [this.drag],
        isPart ? COLORS.done : COLORS.box,
        { width: 2, dash: isPart ? [10, 5] : [] });
    }
    if (this.doubted) {
      strokeBoxes(context, view, [{ box: this.doubted }], COLORS.selected,
        { width: 2, dash: [6, 4] });
    }
  }

  down(x, y, event) {
    this.settle();
    this.decide(false);
    const start = this.app.stage.view.toImage(x, y);
    this.drag = { kind: 'draw', start, sx: x, sy: y, box: null };
    if (event.shiftKey) {
      this.drag.kind = 'part';
      return;
    }
    const held = this.held();
    if (!held || event.altKey) return;
    const handle = this.handleAt(held, x, y);
    if (handle || this.isInside(held, x, y)) {
      this.drag = { ...this.drag, kind: handle ? 'resize' : 'move', handle,
        key: held.key, from: held.box,
        least: isFinished(held) ? LEAST_DRAG_OF_DONE : LEAST_DRAG };
    }
  }

  move(x, y) {
    const { drag, app: { set, stage } } = this;
    if (!drag) return;
    const far = Math.hypot(x - drag.sx, y - drag.sy)
      >= (drag.least ?? LEAST_DRAG);
    if (!far && !drag.box) return;
    const [ix, iy] = stage.view.toImage(x, y);
    if (drag.kind === 'draw' || drag.kind === 'part') {
      drag.box = spanned(drag.start, [ix, iy], set.image);
    } else {
      const dx = ix - drag.start[0];
      const dy = iy - drag.start[1];
      drag.box = drag.kind === 'move' ? moved(drag.from, dx, dy, set.image)
        : resized(drag.from, drag.handle, dx, dy, set.image);
    }
    stage.invalidate();
  }

  up(x, y) {
    const { drag, app } = this;
    this.drag = null;
    if (!drag) return;
    if (!drag.box && drag.kind === 'part') {
      app.complete.removeAt(...drag.start);
    } else if (!drag.box) { // a click
      this.select(this.isHidden ? null
        : app.set.at(...app.stage.view.toImage(x, y))?.key ?? null, true);
    } else if (drag.box[2] < MIN_SIDE || drag.box[3] < MIN_SIDE) {
      app.say('Too small for a box: less than 1 pixel wide or high');
    } else if (drag.kind === 'part') {
      app.complete.addPart(drag.box);
    } else if (drag.kind === 'draw') {
      this.create(drag.box);
    } else {
      this.store(drag.key, drag.box);
    }
    app.stage.invalidate();
  }

  /** Enter a new box; one on top of another only if that is meant. */
  create(rectangle) {
    const { app } = this;
    const same = [...app.set.near(rectangle)].find(
      ({ box }) => overlap(box, rectangle) > ON_TOP);
    if (same) {
      this.doubted = rectangle;
      app.ask(`This is nearly where ${nameOf(same)} is. Another one?`, [
        ['Enter', 'draw it', () => this.decide(true)],
        ['Esc', 'leave it out', () => this.decide(false)]]);
      return;
    }
    this.select(app.set.create(rectangle).key);
    app.changed();
  }

  /** Whether the box on top of another is drawn. */
  decide(isMeant) {
    const { app, doubted } = this;
    if (!doubted) return;
    this.doubted = null;
    app.say(isMeant ? 'Drawn.' : 'The second box is left out.');
    if (isMeant) {
      this.select(app.set.create(doubted).key);
      app.changed();
    }
    app.stage.invalidate();
  }

  cancel() {
    this.drag = null;
    this.app.stage.invalidate();
  }

  cursor(x, y) {
    const held = this.held();
    if (!held) return 'crosshair';
    const handle = this.handleAt(held, x, y);
    if (handle) {
      if (!handle.dx) return 'ns-resize';
      if (!handle.dy) return 'ew-resize';
      return handle.dx === handle.dy ? 'nwse-resize' : 'nesw-resize';
    }
    return this.isInside(held, x, y) ? 'move' : 'crosshair';
  }

  handleAt(box, x, y) {
    return handles(this.app.stage.view, this.shape(box)).find((handle) => (
      Math.abs(handle.x - x) <= REACH && Math.abs(handle.y - y) <= REACH));
  }

  isInside(box, x, y) {
    const [left, top, width, height] = onScreen(this.app.stage.view,
      this.shape(box));
    return x >= left && y >= top && x <= left + width && y <= top + height;
  }

  store(key, rectangle) {
    const { app } = this;
    const box = app.set.get(key);
    if (!box || box.box.every((side, i) => side === rectangle[i])) return;
    const said = afterEdit(app.set.edit(key, rectangle));
    if (said) app.say(said);
    app.changed();
  }

  /** Store what the arrow keys did, once they rest. */
  settle() {
    clearTimeout(this.timer);
    const { nudged } = this;
    this.nudged = null;
    if (nudged) this.store(nudged.key, nudged.box);
  }

  nudge(dx, dy, isResize) {
    const box = this.app.set.get(this.selected);
    const now = this.shape(box);
    const { image } = this.app.set;
    const next = isResize
      ? resized(now, { dx: dx ? 1 : 0, dy: dy ? 1 : 0 }, dx, dy, image)
      : moved(now, dx, dy, image);
    if (next[2] < MIN_SIDE || next[3] < MIN_SIDE) return;
    this.nudged = { key: box.key, box: next };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), SETTLE);
    this.app.stage.view.reveal(next);
    this.app.stage.invalidate();
  }

  key(event) {
    const { app } = this;
    const name = keyName(event);
    const command = event.ctrlKey || event.metaKey;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
      ArrowDown: [0, 1] }[name];
    if (arrow && app.set.get(this.selected)) {
      const step = event.shiftKey ? 10 : 1;
      this.nudge(arrow[0] * step, arrow[1] * step, command || event.altKey);
      return true;
    }
    if (arrow) return false;
    if ((command && name === 'z') || (!command && name === 'u')) {
      this.step(!event.shiftKey);
      return true;
    }
    if (command && name === 'y') {
      this.step(false);
      return true;
    }
    if (command) return false;
    const actions = {
      Tab: () => this.selectNext(event.shiftKey ? -1 : 1),
      n: () => this.createInMiddle(),
      Delete: () => this.remove(),
      Backspace: () => this.remove(),
      x: () => this.remove(),
      h: () => { this.isHidden = !this.isHidden; },
      Enter: () => this.decide(true),
      Escape: () => {
        this.settle();
        this.drag = null;
        if (this.doubted) {
          this.decide(false);
        } else {
          this.select(null);
          this.place = null; // Tab begins at the first again
        }
      },
    };
    if (!actions[name]) return false;
    actions[name]();
    app.stage.invalidate();
    return true;
  }

  step(isUndo) {
    this.settle();
    const { set } = this.app;
    const answers = new Map([...set.boxes.values()].map((box) => [box.key,
      countAnswers(box)]));
    const key = set.step(isUndo);
    if (key === null) {
      this.app.say(isUndo ? 'Nothing to undo on this image'
        : 'Nothing to redo');
      return;
    }
    const box = this.app.set.get(key);
    this.select(box ? key : null);
    if (box) this.app.stage.view.reveal(box.box);
    const [said, isWarning] = afterStep(isUndo, answers.get(key) ?? 0, box);
    if (said) this.app.say(said, isWarning);
    this.app.changed();
    this.app.stage.invalidate();
  }

  remove() {
    this.settle();
    const box = this.app.set.get(this.selected);
    if (!box) return;
    this.app.say(afterRemoval(this.app.set.remove(box.key)));
    this.select(null);
    this.app.changed();
  }

  createInMiddle() {
    this.settle();
    const { stage: { view }, set } = this.app;
    const [x, y] = view.toImage(view.width / 2, view.height / 2);
    const sides = [...set.boxes.values()].map(({ box }) => (
      Math.sqrt(box[2] * box[3]))).sort((a, b) => a - b);
    const half = (sides[Math.floor(sides.length / 2)] ?? 60 / view.scale) / 2;
    const box = spanned([x - half, y - half], [x + half, y + half],
      set.image);
    if (box[2] >= MIN_SIDE && box[3] >= MIN_SIDE) this.create(box);
  }

  selectNext(direction) {
    this.settle();
    const { set, stage } = this.app;
    const order = [...set.boxes.values()].sort((a, b) => (
      a.box[1] - b.box[1] || a.box[0] - b.box[0]));
    if (!order.length) return;
    let now = order.findIndex((box) => box.key === this.selected);
    if (now < 0 && this.place) { // go on from where the last one was
      const [x, y] = this.place;
      const later = order.findIndex(({ box }) => box[1] > y
        || (box[1] === y && box[0] > x));
      now = (later < 0 ? order.length : later) - (direction > 0 ? 1 : 0);
    } else if (now < 0 && direction < 0) {
      now = 0;
    }
    const next = order[(now + direction + order.length) % order.length];
    this.select(next.key);
    stage.view.reveal(next.box);
  }
}
