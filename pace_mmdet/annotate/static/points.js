// Mode 2: one point after the other, on the cell or off it?
import { post } from './api.js';
import { isFinished } from './boxset.js';
import { $, isCommand, keyName } from './dom.js';
import { COLORS, drawAnswer, drawQuestion, drawVeil,
  strokeBoxes } from './draw.js';
import { PanningMode } from './mode.js';

const AHEAD = 8; // boxes that are asked for at a time
const LEAST_AHEAD = 5;
const SHARE = 0.4; // of the screen, for the box
const MOST = 0.9; // for whoever zooms in
const MOST_WAITING = 100;
const KEPT = 400; // questions that one can go back

export const POINT_KEYS = [
  ['J, Y, →', 'on the cell of this box'],
  ['F, N, ←', 'off it: background, or another cell'],
  ['S, ↓', 'skip: cannot be told'],
  ['Backspace, ↑', 'back to the point before'],
  ['B', 'correct this box'],
];

export class PointMode extends PanningMode {
  constructor(app) {
    super(app);
    this.panel = $('#question');
    this.finished = $('#finished');
    this.hints = [['J', 'on'], ['F', 'off'], ['S', 'skip'],
      ['Backspace', 'back'], ['B', 'correct the box'],
      ['V', 'contrast']];
    this.reset();
    addEventListener('pagehide', () => {
      if (app.mode === this) this.giveBack();
    });
    for (const button of this.panel.querySelectorAll('button')) {
      button.addEventListener('click', (event) => {
        const { answer } = button.dataset;
        if (event.detail) button.blur(); // keys are not for the button
        if (answer === 'back') this.back();
        else this.answer(Number(answer));
      });
    }
  }

  reset() {
    this.questions = []; // [key, revision, point], in the order asked
    this.place = 0;
    this.isComplete = false;
    this.isAsking = false;
    this.framed = null; // the scale that a box was shown at
    this.generation = (this.generation ?? 0) + 1;
  }

  enter() {
    this.opened();
  }

  leave() {
    this.showBelow(false);
    this.finished.hidden = true;
    this.giveBack();
    this.reset();
    this.restoreView();
  }

  opened() {
    this.keepView();
    this.part = this.app.stage.view.visible(); // is asked first
    this.reset();
    this.refill();
    this.update();
  }

  /** Others have gone on: maybe there is something to do again. */
  refreshed() {
    if (this.isComplete && this.openBoxes().length) {
      this.isComplete = false;
      this.refill();
    }
    this.update();
  }

  openBoxes() {
    return [...this.app.set.boxes.values()].filter((box) => !isFinished(box));
  }

  /** Let others have the boxes that were not reached. */
  giveBack() {
    const { set, annotator, tab } = this.app;
    if (!set || !annotator) return;
    post('/api/take', { annotator, tab, image: set.image.id, count: 0,
      keep: [] }, { keepalive: true })
      .catch(() => {}); // they become free by themselves in a few minutes
  }

  current() {
    while (this.place < this.questions.length) {
      const [key, revision, point] = this.questions[this.place];
      const box = this.app.set.get(key);
      if (box?.revision === revision) return { box, point };
      this.questions.splice(this.place, 1); // changed by somebody else
    }
    return null;
  }

  async refill() {
    const ahead = new Set(this.questions.slice(this.place)
      .map(([key]) => key));
    if (this.isAsking || this.isComplete || ahead.size >= LEAST_AHEAD) return;
    const { app, generation } = this;
    const { set } = app;
    this.isAsking = true;
    try {
      // Boxes on their way are not there to be given yet; nor are they to be
      // given again without the answers that are on their way.
      if (!ahead.size || set.waiting.size > MOST_WAITING) await app.sent();
      if (generation !== this.generation) return;
      const { boxes } = await post('/api/take', { annotator: app.annotator,
        tab: app.tab, image: set.image.id, count: AHEAD, near: this.part,
        keep: [...new Set([...ahead, ...set.waiting.keys()])] });
      if (generation !== this.generation) return;
      this.isComplete = !boxes.length;
      if (this.isComplete) { // then see what others have done meanwhile
        app.sent().then(() => app.refresh());
      }
      for (const box of boxes) {
        app.set.put(box);
        box.labels.forEach((label, point) => {
          if (label === null) {
            this.questions.push([box.key, box.revision, point]);
          }
        });
      }
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      if (!this.current()) app.say(`Waiting for boxes: ${error.message}`, true);
      setTimeout(() => {
        if (generation === this.generation) this.refill();
      }, 2000);
      return;
    } finally {
      if (generation === this.generation) this.isAsking = false;
    }
    this.update();
  }

  /** Show the question that is due. */
  update() {
    const { app } = this;
    if (app.mode !== this || !app.set) return;
    const current = this.current();
    this.showBelow(Boolean(current));
    this.finished.hidden = Boolean(current) || !this.isComplete;
    if (current) {
      const { box, point } = current;
      if (this.shown !== box.key || this.generation !== this.shownIn) {
        this.frame(app.stage.view, box.box);
        this.framed = app.stage.view.scale;
        this.shown = box.key;
        this.shownIn = this.generation;
      }
      this.ask(box, point);
      this.prefetch();
    } else if (this.isComplete) {
      if (this.framed) this.restoreView(); // to see whether all have boxes
      this.framed = null;
      this.shown = null;
      this.tellFinished();
    }
    app.stage.invalidate();
  }

  /** Show a box, as large as whoever has zoomed wants it. */
  frame(view, box) {
    const { scale } = this.app.stage.view;
    if (this.framed && scale !== this.framed) this.scale = scale;
    view.frame(box, SHARE);
    if (!this.scale) return;
    view.scale = Math.min(this.scale, view.scale * MOST / SHARE);
    view.centreOn(box[0] + box[2] / 2, box[1] + box[3] / 2);
  }

  ask(box, point) {
    const number = document.createElement('b');
    number.textContent = `Point ${point + 1} of ${box.labels.length}`;
    this.panel.querySelector('.ask').replaceChildren(
      'Is the marked pixel on the cell of this box? ', number,
      ` · box ${box.id}${this.chosen(box, point)}`);
    for (const button of this.panel.querySelectorAll('button')) {
      const isChosen = String(box.labels[point]) === button.dataset.answer;
      button.setAttribute('aria-pressed', String(isChosen));
    }
  }

  /** How the point came to be asked, where that is not as usual. */
  chosen(box, point) {
    const { summary, model } = this.app;
    if (box.points_chosen[point] === 'uncertain') return ' · least certain';
    if (summary.asked === 'random') return '';
    return model.status?.model ? ' · random: the model knows no cell here'
      : ' · random: there is no model yet';
  }

  tellFinished() {
    const { set } = this.app;
    const { size } = set;
    const open = this.openBoxes().length;
    const lines = !size ? ['This image has no boxes yet.',
      'Draw some first: key 1.']
      : open ? [`Nothing left for you here: the points of ${open} boxes are `
        + 'with somebody else.', 'Page Down: next image']
        : [`All points of all ${size} boxes are answered.`,
          set.image.complete ? 'G: next image that is not complete · '
              + '3: review · E: export'
            : 'Has every cell a box? Then D: the image is complete. Only '
              + 'complete images are exported.'];
    this.finished.replaceChildren(...lines.map((text) => {
      const line = document.createElement('p');
      line.textContent = text;
      return line;
    }));
  }

  /** Load the image around the boxes that come next. */
  prefetch() {
    const { stage, set } = this.app;
    const next = this.questions.slice(this.place).map(([key]) => set.get(key));
    for (const box of new Set(next)) {
      if (!box) continue;
      const view = Object.create(stage.view); // changed without effect on it
      this.frame(view, box.box);
      stage.tiles.prefetch(view, stage.ratio);
    }
  }

  draw(context, view) {
    const current = this.current();
    if (!current) {
      if (this.isComplete) {
        strokeBoxes(context, view, [...this.app.set.near(view.visible())],
          COLORS.box);
      }
      return;
    }
    const { box, point } = current;
    const others = [...this.app.set.near(view.visible())]
      .filter((other) => other.key !== box.key);
    drawVeil(context, view, box.box, 0.45);
    strokeBoxes(context, view, others, COLORS.box, { alpha: 0.22, width: 1 });
    strokeBoxes(context, view, [box], COLORS.box, { width: 2 });
    box.points.forEach(([x, y], index) => {
      if (index !== point && box.labels[index] !== null) {
        context.globalAlpha = 0.6;
        drawAnswer(context, ...view.toScreen(x + 0.5, y + 0.5),
          box.labels[index], 4);
        context.globalAlpha = 1;
      }
    });
    drawQuestion(context, view, box.points[point], box.labels[point]);
  }

  answer(label, eventTime = performance.now()) {
    const current = this.current();
    if (!current) return;
    const { app } = this;
    app.set.answer(current.box.key, current.point, label, app.annotator);
    this.place += 1;
    if (this.place > KEPT) {
      this.questions.shift();
      this.place -= 1;
    }
    this.update();
    // For measuring: until the frame after the one that shows the next.
    app.stage.onDrawn = () => {
      app.stage.onDrawn = null;
      if (this.current()) {
        requestAnimationFrame(() => app.measured('next-point', eventTime));
      }
    };
    app.changed();
    this.refill();
  }

  back() {
    if (!this.place) {
      this.app.say('This is where you began; older answers are in Review.');
      return;
    }
    this.place -= 1;
    this.update();
  }

  key(event) {
    if (isCommand(event)) return false;
    const name = keyName(event);
    const label = { j: 1, y: 1, ArrowRight: 1, f: 0, n: 0, ArrowLeft: 0,
      s: -1, ArrowDown: -1 }[name];
    if (label !== undefined) {
      // A key held down is one answer.
      if (!event.repeat) this.answer(label, event.timeStamp);
      return true;
    }
    if (name === 'Backspace' || name === 'ArrowUp') {
      this.back();
      return true;
    }
    if (name === 'b') {
      const current = this.current();
      if (current) this.app.correct(current.box.key);
      return true;
    }
    return false;
  }
}
