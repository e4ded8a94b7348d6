// The page: opens the project, hands inputs to the mode that is on.
import { get } from './api.js';
import { BoxMode } from './boxes.js';
import { BoxSet, isFinished } from './boxset.js';
import { ActiveClock } from './clock.js';
import { CostMode } from './cost.js';
import { Outbox } from './outbox.js';
import { askName, fillHelp, ImageList, say, showExport, showHints,
  showSaved } from './panels.js';
import { PointMode } from './points.js';
import { ReviewMode } from './review.js';
import { Stage } from './stage.js';

const $ = (selector) => document.querySelector(selector);
const REFRESH = 10000;

class App {
  constructor() {
    this.say = say;
    this.set = null;
    this.histories = new Map();
    this.clock = new ActiveClock();
    this.stage = new Stage($('#stage'),
      (context, view) => this.draw(context, view),
      () => say('A part of the image could not be loaded; trying again.',
        true));
    this.modes = { boxes: new BoxMode(this), points: new PointMode(this),
      review: new ReviewMode(this), cost: new CostMode(this) };
    this.mode = this.modes.boxes;
    this.list = new ImageList((id) => this.open(id));
  }

  async start() {
    this.summary = await get('/api/project');
    this.outbox = new Outbox(this.summary.project, {
      onReply: (...reply) => this.replied(...reply),
      onState: (...state) => this.outboxState(...state),
    });
    document.title = `${this.summary.name}: annotate`;
    $('#project').textContent = this.summary.name;
    this.list.update(this.summary.images, null);
    this.listen();
    this.setName(localStorage.getItem('pace/annotator')
      ?? await askName(null));
    this.outbox.sendNow();
    const usable = this.summary.images.filter((image) => !image.problem);
    const wanted = Number(location.hash.slice(1));
    const first = usable.find((image) => image.id === wanted)
      ?? usable.find((image) => image.finished < image.boxes || !image.boxes)
      ?? usable[0];
    if (first) await this.open(first.id);
    else say('None of the images can be used; the list says why.', true);
    this.setMode('boxes');
    setInterval(() => this.refresh(), REFRESH);
  }

  /** Somebody else goes on. */
  async rename() {
    const name = await askName(this.annotator);
    this.mode.leave();
    this.setName(name);
    this.mode.enter();
  }

  setName(name) {
    this.annotator = name;
    localStorage.setItem('pace/annotator', name);
    $('#annotator').textContent = name;
  }

  /** Show another image. */
  async open(id) {
    if (id === this.set?.image.id) return;
    if (this.outbox.problem) {
      say('Other images can be opened when the server answers again.', true);
      return;
    }
    this.modes.boxes.settle();
    this.wanted = id;
    let contents;
    try {
      await this.sent();
      contents = await get(`/api/images/${id}`);
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      this.wanted = this.set?.image.id;
      say(error.message, true);
      return;
    }
    if (this.wanted !== id) return; // another one was chosen meanwhile
    if (!this.histories.has(id)) {
      this.histories.set(id, { done: [], undone: [] });
    }
    this.mode.leave();
    clearTimeout(this.counting);
    if (this.counting) this.count();
    this.counting = null;
    this.load(contents);
    history.replaceState(null, '', `#${id}`);
    this.mode.opened();
    this.list.update(this.summary.images, id);
    this.list.reveal(id);
  }

  load(contents) {
    this.set = new BoxSet(contents, this.summary.num_points,
      (change) => this.outbox.add(this.annotator,
        { ...change, seconds: this.clock.take() }),
      this.histories.get(contents.id));
    this.stage.show(contents);
  }

  /** See what others did, unless something of ours is under way. */
  async refresh() {
    if (document.hidden || this.outbox.size) return;
    try {
      const summary = await get('/api/project');
      if (this.outbox.size) return;
      this.summary = summary;
      this.list.update(summary.images, this.set?.image.id);
      const image = summary.images.find(({ id }) => id === this.set?.image.id);
      if (image && image.changes !== this.set.image.changes) {
        await this.reload();
      }
    } catch (error) {
      if (error.isPassing === undefined) throw error;
    }
  }

  async reload() {
    const { id } = this.set.image;
    const { number } = this.outbox;
    const contents = await get(`/api/images/${id}`);
    // What was changed meanwhile may not be in it.
    if (this.outbox.size || this.outbox.number !== number || this.isBusy()
      || this.set.image.id !== id) return;
    this.load(contents);
    this.mode.refreshed();
  }

  isBusy() {
    return Boolean(this.modes.boxes.drag || this.modes.boxes.nudged);
  }

  setMode(name) {
    const mode = this.modes[name];
    if (mode !== this.mode) {
      this.mode.leave();
      this.mode = mode;
      mode.enter();
    }
    this.clock.enter(name);
    for (const button of document.querySelectorAll('#modes button')) {
      button.setAttribute('aria-pressed', String(button.dataset.mode === name));
    }
    showHints(mode.hints);
    this.stage.invalidate();
  }

  /** Go and correct a box whose points are being asked. */
  correct(key) {
    this.setMode('boxes');
    this.modes.boxes.selected = key;
    this.stage.view.frame(this.set.get(key).box, 0.25);
    this.stage.invalidate();
  }

  draw(context, view) {
    if (this.set) this.mode.draw(context, view);
    $('#zoom').textContent = `${Math.round(100 * view.scale)} %`;
  }

  /** Ours has changed: bring the list up to date soon. */
  changed() {
    this.counting ??= setTimeout(() => {
      this.counting = null;
      this.count();
    }, 150);
  }

  count() {
    const image = this.summary.images.find(
      ({ id }) => id === this.set.image.id);
    const boxes = [...this.set.boxes.values()];
    image.boxes = boxes.length;
    image.finished = boxes.filter(isFinished).length;
    this.list.update(this.summary.images, image.id);
  }

  /** Tell scripts that measure the page how long something took. */
  measured(what, since) {
    document.dispatchEvent(new CustomEvent(`pace:${what}`,
      { detail: performance.now() - since }));
  }

  replied(reply, change, madeAt) {
    if (madeAt !== undefined) this.measured('saved', madeAt);
    this.set?.acknowledge(change, reply);
    if (!reply.ok) {
      say(`Not done: ${reply.error}.`, true);
      this.isStale = true;
      for (const stack of this.histories.values()) {
        for (const name of ['done', 'undone']) {
          stack[name] = stack[name].filter(({ key }) => key !== change.key);
        }
      }
    }
    this.stage.invalidate();
  }

  outboxState(state, count, problem) {
    showSaved(state, count, problem);
    if (state === 'saved') {
      this.waiters?.forEach((resolve) => resolve());
      this.waiters = [];
      if (this.isStale && this.set) {
        this.isStale = false;
        this.reload().catch((error) => say(error.message, true));
      }
    }
  }

  /** Resolves once everything is acknowledged. */
  sent() {
    if (!this.outbox.size) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiters = [...this.waiters ?? [], resolve];
    });
  }

  nextImage(direction) {
    const usable = this.summary.images.filter((image) => !image.problem);
    const now = usable.findIndex(({ id }) => id === this.wanted);
    const next = usable[now + direction];
    if (next) this.open(next.id);
    else say(direction > 0 ? 'This is the last image.'
      : 'This is the first image.');
  }

  display(changes) {
    this.stage.setDisplay(changes);
    this.showDisplay();
  }

  showDisplay() {
    const { contrast, brightness, invert } = this.stage.display;
    $('#contrast').value = Math.log10(contrast);
    $('#brightness').value = Math.log10(brightness);
    $('#contrast-value').textContent = contrast.toFixed(2);
    $('#brightness-value').textContent = brightness.toFixed(2);
    $('#invert').checked = invert;
  }

  listen() {
    fillHelp();
    this.showDisplay();
    for (const button of document.querySelectorAll('#modes button')) {
      button.addEventListener('click', (event) => {
        if (event.detail) button.blur(); // keys are not for the button
        this.setMode(button.dataset.mode);
      });
    }
    $('#annotator').addEventListener('click', () => this.rename());
    $('#help').addEventListener('click', () => $('#help-dialog').showModal());
    $('#export').addEventListener('click',
      () => showExport(() => this.sent()));
    for (const name of ['contrast', 'brightness']) {
      $(`#${name}`).addEventListener('input', (event) => (
        this.display({ [name]: 10 ** event.target.value })));
    }
    $('#invert').addEventListener('change', (event) => (
      this.display({ invert: event.target.checked })));
    $('#reset-display').addEventListener('click', () => {
      this.stage.resetDisplay();
      this.showDisplay();
    });
    this.listenToPointer();
    document.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('keyup', (event) => {
      if (event.key === ' ') this.isSpaceDown = false;
    });
    for (const name of ['pointermove', 'pointerdown', 'keydown', 'wheel']) {
      addEventListener(name, () => this.clock.touch(),
        { capture: true, passive: true });
    }
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) {
        this.clock.touch();
        this.modes.boxes.settle();
      } else {
        this.clock.resume();
        this.outbox.sendNow();
        this.refresh();
      }
    });
    addEventListener('pagehide', () => this.modes.boxes.settle());
    addEventListener('beforeunload', (event) => {
      const { size, isOnlyInMemory } = this.outbox;
      if (size && isOnlyInMemory) event.preventDefault();
    });
  }

  listenToPointer() {
    const { canvas } = this.stage;
    let grip = null; // of panning, in every mode
    canvas.addEventListener('pointerdown', (event) => {
      if (!this.set) return;
      canvas.setPointerCapture(event.pointerId);
      document.activeElement?.blur();
      const [x, y] = this.stage.placeOf(event);
      if (event.button !== 0 || this.isSpaceDown) grip = [x, y];
      else this.mode.down(x, y, event);
    });
    canvas.addEventListener('pointermove', (event) => {
      if (!this.set) return;
      const [x, y] = this.stage.placeOf(event);
      if (grip) {
        this.stage.view.pan(x - grip[0], y - grip[1]);
        grip = [x, y];
        this.stage.invalidate();
      } else {
        this.mode.move(x, y);
      }
      canvas.style.cursor = grip ? 'grabbing' : this.mode.cursor(x, y);
      const [ix, iy] = this.stage.view.toImage(x, y);
      const { width, height } = this.set.image;
      $('#position').textContent = ix >= 0 && iy >= 0 && ix < width
        && iy < height ? `x ${Math.floor(ix)}, y ${Math.floor(iy)}` : '';
    });
    canvas.addEventListener('pointerup', (event) => {
      if (grip) grip = null;
      else if (this.set) this.mode.up(...this.stage.placeOf(event));
    });
    canvas.addEventListener('pointercancel', () => {
      grip = null;
      this.mode.cancel();
    });
  }

  key(event) {
    const isTyping = event.target.matches?.('input:not([type=range])');
    if (document.querySelector('dialog[open]') || isTyping) return;
    // Buttons and the list keep their own keys.
    const isControl = event.target.matches?.('button, a, li, input');
    if (isControl && ['Enter', ' ', 'Tab'].includes(event.key)) return;
    if (event.target.matches?.('input') && event.key.startsWith('Arrow')) return;
    if ((this.set && this.mode.key(event)) || this.commonKey(event)) {
      event.preventDefault();
    }
  }

  commonKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const { view } = this.stage;
    const { contrast, brightness, invert } = this.stage.display;
    const factor = event.shiftKey ? 1 / 1.15 : 1.15;
    const actions = {
      1: () => this.setMode('boxes'),
      2: () => this.setMode('points'),
      3: () => this.setMode('review'),
      4: () => this.setMode('cost'),
      PageDown: () => this.nextImage(1),
      PageUp: () => this.nextImage(-1),
      '+': () => view.zoom(1.25),
      '=': () => view.zoom(1.25),
      '-': () => view.zoom(0.8),
      0: () => view.fit(),
      ArrowLeft: () => view.pan(80, 0),
      ArrowRight: () => view.pan(-80, 0),
      ArrowUp: () => view.pan(0, 80),
      ArrowDown: () => view.pan(0, -80),
      c: () => this.display({ contrast: contrast * factor }),
      l: () => this.display({ brightness: brightness * factor }),
      i: () => this.display({ invert: !invert }),
      r: () => {
        this.stage.resetDisplay();
        this.showDisplay();
      },
      a: () => { this.rename(); },
      e: () => showExport(() => this.sent()),
      '?': () => $('#help-dialog').showModal(),
      ' ': () => { this.isSpaceDown = true; },
    };
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!actions[name]) return false;
    actions[name]();
    this.stage.invalidate();
    return true;
  }
}

const app = new App();
app.start().catch((error) => say(`The project cannot be opened: ${
  error.message}`, true));
