// The page: opens the project, hands inputs to the mode that is on.
import { AGAIN_KEYS, AgainMode } from './again.js';
import { get, newName } from './api.js';
import { BOX_KEYS, BoxMode } from './boxes.js';
import { BoxSet, isFinished } from './boxset.js';
import { ActiveClock } from './clock.js';
import { Completeness } from './complete.js';
import { CONFIRM_KEYS, ConfirmMode } from './confirm.js';
import { CostMode } from './cost.js';
import { Display } from './display.js';
import { $, $$ } from './dom.js';
import { COMMON_KEYS, listenToKeys } from './keys.js';
import { ImageList } from './list.js';
import { Model } from './model.js';
import { Outbox } from './outbox.js';
import { ask, askName, fillHelp, say, showExport, showHelp, showHints,
  showSaved } from './panels.js';
import { PlaneView } from './planes.js';
import { listenToPointer } from './pointer.js';
import { POINT_KEYS, PointMode } from './points.js';
import { REVIEW_KEYS, ReviewMode } from './review.js';
import { SEGMENT_KEYS, SegmentMode } from './segment.js';
import { Stage } from './stage.js';
import { Steps } from './steps.js';
import { TRAIN_KEYS, TrainMode } from './train.js';

const REFRESH = 10000;

class App {
  constructor() {
    this.tab = newName(); // tells pages of one annotator apart
    this.say = say;
    this.ask = ask;
    this.set = null;
    this.histories = new Map();
    this.clock = new ActiveClock();
    this.stage = new Stage($('#stage'),
      (context, view) => this.draw(context, view),
      () => say('A part of the image could not be loaded; trying again.',
        true));
    this.display = new Display(this);
    this.complete = new Completeness(this);
    this.steps = new Steps(this);
    this.planes = new PlaneView(this);
    this.model = new Model(this);
    this.boxMode = new BoxMode(this);
    /** @type {Object<string, import('./mode.js').Mode>} */
    this.modes = { boxes: this.boxMode, points: new PointMode(this),
      review: new ReviewMode(this), cost: new CostMode(this),
      train: new TrainMode(this), confirm: new ConfirmMode(this),
      again: new AgainMode(this), segment: new SegmentMode(this) };
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
    this.display.restore();
    this.listen();
    this.setName(localStorage.getItem('pace/annotator')
      ?? await askName(null));
    this.outbox.sendNow();
    this.model.start();
    const usable = this.summary.images.filter((image) => !image.problem);
    const wanted = Number(location.hash.slice(1));
    const first = usable.find((image) => image.id === wanted)
      ?? usable.find((image) => !image.complete)
      ?? usable[0];
    if (first) await this.open(first.id);
    else say('None of the images can be used; the list says why.', true);
    this.planes.offer(this.summary.images);
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

  /** Show another image; what is typed meanwhile waits for it. */
  async open(id) {
    const opening = this.replace(id);
    this.opening = opening;
    try {
      await opening;
    } finally {
      if (this.opening === opening) this.opening = null;
    }
  }

  async replace(id) {
    if (id === this.set?.image.id) return;
    if (this.outbox.problem) {
      say('Other images can be opened when the server answers again.', true);
      return;
    }
    this.mode.settle();
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
    this.display.opened();
    this.planes.opened();
    history.replaceState(null, '', `#${id}`);
    this.mode.opened();
    this.list.update(this.summary.images, id);
    this.list.reveal(id);
    this.steps.show();
  }

  load(contents) {
    this.set = new BoxSet(contents, this.summary.num_points,
      (change) => this.outbox.add(this.annotator,
        { ...change, seconds: this.clock.take() }),
      this.histories.get(contents.id));
    this.stage.show(contents);
    this.complete.show();
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
    if (this.outbox.size || this.outbox.number !== number || this.mode.isBusy()
      || this.set.image.id !== id) return;
    this.load(contents);
    this.mode.refreshed();
  }

  setMode(name) {
    const mode = this.modes[name];
    if (mode !== this.mode) {
      this.mode.leave();
      this.mode = mode;
      mode.enter();
    }
    this.clock.enter(name);
    for (const button of $$('#modes button')) {
      button.setAttribute('aria-pressed', String(button.dataset.mode === name));
    }
    showHints(mode.hints);
    if (this.set) this.steps.show();
    this.stage.invalidate();
  }

  /** Go and correct a box whose points are being asked. */
  correct(key) {
    this.setMode('boxes');
    this.boxMode.select(key, true);
    this.stage.view.frame(this.set.get(key).box, 0.25);
    this.stage.invalidate();
  }

  draw(context, view) {
    if (this.set) {
      this.complete.draw(context, view);
      this.mode.draw(context, view);
    }
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
    image.complete = this.set.image.complete;
    image.complete_by = this.set.image.complete_by;
    this.complete.show();
    this.list.update(this.summary.images, image.id);
    this.steps.show();
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
    this.mode.acknowledged?.();
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
    const shown = this.list.shown();
    const now = shown.findIndex(({ id }) => id === this.wanted);
    const next = shown[now + direction];
    if (next) this.open(next.id);
    else say(direction > 0 ? 'This is the last image.'
      : 'This is the first image.');
  }

  /** The next image that is not complete, after this one or from the top. */
  nextOpen() {
    const usable = this.summary.images.filter((image) => !image.problem);
    const now = usable.findIndex(({ id }) => id === this.wanted);
    const next = [...usable.slice(now + 1), ...usable.slice(0, now)]
      .find((image) => !image.complete);
    if (next) this.open(next.id);
    else say('All other images are complete.');
  }

  listen() {
    // In two columns of like length.
    fillHelp([['Everywhere', COMMON_KEYS], ['2 Points', POINT_KEYS],
      ['1 Boxes', BOX_KEYS], ['3 Review', REVIEW_KEYS],
      ['5 Train', TRAIN_KEYS], ['6 Confirm', CONFIRM_KEYS],
      ['7 Ask again', AGAIN_KEYS], ['8 Segment', SEGMENT_KEYS]]);
    for (const button of $$('#modes button')) {
      button.addEventListener('click', (event) => {
        if (event.detail) button.blur(); // keys are not for the button
        this.setMode(button.dataset.mode);
      });
    }
    $('#annotator').addEventListener('click', () => this.rename());
    $('#help').addEventListener('click', () => showHelp());
    $('#export').addEventListener('click',
      () => showExport(() => this.sent()));
    listenToPointer(this);
    listenToKeys(this);
    for (const name of ['pointermove', 'pointerdown', 'keydown', 'wheel']) {
      addEventListener(name, () => this.clock.touch(),
        { capture: true, passive: true });
    }
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) {
        this.clock.touch();
        this.mode.settle();
      } else {
        this.clock.resume();
        this.outbox.sendNow();
        this.refresh();
        this.model.look();
      }
    });
    addEventListener('pagehide', () => this.mode.settle());
    addEventListener('beforeunload', (event) => {
      const { size, isOnlyInMemory } = this.outbox;
      if (size && isOnlyInMemory) event.preventDefault();
    });
  }
}

const app = new App();
app.start().catch((error) => say(`The project cannot be opened: ${
  error.message}`, true));
