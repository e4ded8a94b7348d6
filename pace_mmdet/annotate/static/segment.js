// Mode 8: the model's masks over the image, and all images segmented.
import { get, post } from './api.js';
import { $, $$, make, onClick } from './dom.js';
import { COLORS, fillOutlines, strokeOutlines } from './draw.js';
import { PanningMode } from './mode.js';

const AGAIN = 1500;

export const SEGMENT_KEYS = [
  ['Drag', 'pan'],
  ['6', 'correct: confirm what is right, reject what is not'],
  ['1', 'draw a box that is missing, then train again'],
];

export class SegmentMode extends PanningMode {
  constructor(app) {
    super(app);
    this.panel = $('#segment');
    this.hints = [['Drag', 'pan'], ['Page Down', 'next image']];
    this.found = null;
    $('#segment-score').addEventListener('input', (event) => {
      app.model.setScore(Number(event.target.value));
      this.show();
    });
    app.model.listen(({ model }) => {
      if (app.mode === this && this.found && this.found.round !== model) {
        this.load();
      }
    });
    onClick('#segment-start', () => this.start());
    onClick('#segment-stop',
      () => this.ask(() => post('/api/segment/stop', {})));
  }

  enter() {
    this.panel.hidden = false;
    this.opened();
    this.look();
  }

  leave() {
    this.panel.hidden = true;
    clearTimeout(this.timer);
    clearTimeout(this.looking);
  }

  opened() {
    this.panel.hidden = false;
    this.found = null;
    this.load();
    this.look();
  }

  refreshed() {
    this.load();
  }

  async load() {
    clearTimeout(this.timer);
    const { app, app: { set } } = this;
    if (!set) return;
    try {
      await app.sent(); // what was just said counts
      const found = await get(`/api/images/${set.image.id}/proposals`);
      if (app.set.image.id !== set.image.id || app.mode !== this) return;
      this.found = found;
      if (found.pending) this.timer = setTimeout(() => this.load(), AGAIN);
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      app.say(error.message, true);
    }
    this.show();
  }

  look() {
    this.ask(() => get('/api/segmenting'));
  }

  /** Ask the server, show what it says, and go on while it works. */
  async ask(asking) {
    clearTimeout(this.looking);
    try {
      this.task = await asking();
      this.showTask();
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      this.app.say(`Not done: ${error.message}.`, true);
    }
    if (this.app.mode === this && this.task?.state === 'running') {
      this.looking = setTimeout(() => this.look(), AGAIN);
    }
  }

  async start() {
    await this.app.sent();
    const formats = $$('#segment [name=format]:checked').map(
      ({ value }) => value);
    this.ask(() => post('/api/segment', { formats,
      score: this.app.model.score, folder: $('#segment-folder').value.trim(),
      out: $('#segment-out').value.trim() }));
  }

  cells() {
    return (this.found?.cells ?? []).filter((cell) => cell.is_kept
      || (!cell.is_dropped && cell.score >= this.app.model.score));
  }

  show() {
    const { score } = this.app.model;
    $('#segment-score').value = score;
    $('#segment-score-value').textContent = score.toFixed(2);
    const { found } = this;
    $('#segment-cells').textContent = !found ? '…' : found.round === null
      ? 'There is no model yet: train one (key 5).' : found.pending
        ? 'The model is looking at this image…'
        : found.error || this.counted();
    $('#segment-start').disabled = !found || found.round === null;
    this.app.stage.invalidate();
  }

  /** How many cells there are, and how that came about. */
  counted() {
    const cells = this.cells();
    const dropped = this.found.cells.filter((cell) => cell.is_dropped
      && cell.score >= this.app.model.score).length;
    const kept = cells.filter((cell) => cell.is_kept).length;
    const { without } = this.found;
    return `${cells.length} cells on this image${
      kept ? `, ${kept} of them with a box of yours` : ''}${
      dropped ? `; ${dropped} left out that were rejected or are doubled`
        : ''}${without ? `; none yet for ${without} of your boxes: the `
        + 'model finds no cell there' : ''}`;
  }

  showTask() {
    const { state, lines = '', out = '', files = 0 } = this.task;
    const isRunning = state === 'running';
    $('#segment-stop').hidden = !isRunning;
    $('#segment-start').hidden = isRunning;
    $('#segment-download').hidden = isRunning || !files;
    $('#segment-state').replaceChildren(...(state === 'new' ? [] : [
      { running: 'Segmenting', done: 'Done', stopped: 'Stopped',
        failed: 'Not all of it worked', interrupted: 'Interrupted' }[state],
      `: ${files} files in `, make('code', { textContent: out })]));
    $('#segment-lines').textContent = state === 'failed' ? lines : '';
  }

  draw(context, view) {
    const cells = this.cells();
    fillOutlines(context, view, cells, 0.3);
    strokeOutlines(context, view, cells, COLORS.model, { width: 1.5 });
  }
}
