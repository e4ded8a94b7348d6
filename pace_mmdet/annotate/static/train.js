// Mode 5: training on the complete images, with what it tells meanwhile.
import { newName, post } from './api.js';
import { drawCurves } from './curves.js';
import { $, isCommand, keyName, make, onClick } from './dom.js';
import { IdleMode } from './mode.js';

export const TRAIN_KEYS = [
  ['T', 'train on the complete images; go on with what was stopped'],
  ['S', 'stop'],
];

const STATES = { running: 'training', done: 'done', stopped: 'stopped',
  failed: 'failed', interrupted: 'interrupted' };

/** Seconds as a person says them. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return 'a while';
  if (seconds < 90) return `${Math.max(Math.round(seconds), 1)} s`;
  return `${Math.round(seconds / 60)} min`;
}

const percent = (value) => (value === undefined ? '–'
  : `${Math.round(100 * value)} %`);

export class TrainMode extends IdleMode {
  constructor(app) {
    super(app);
    this.panel = $('#train');
    this.hints = [['T', 'train'], ['S', 'stop']];
    this.canvas = $('#train-curves');
    app.model.listen(() => {
      this.show();
      if (app.set) app.steps.show();
    });
    onClick('#train-start', () => this.start());
    onClick('#train-stop', () => this.stop());
    onClick('#train-resume', () => this.resume());
    $('#asked').addEventListener('change', (event) => (
      this.ask(event.target.value)));
    new ResizeObserver(() => this.drawCurves()).observe(this.canvas);
  }

  enter() {
    this.panel.hidden = false;
    this.app.model.isWatched = true;
    this.show();
    this.app.sent().then(() => this.app.model.look());
  }

  leave() {
    this.panel.hidden = true;
    this.app.model.isWatched = false;
  }

  opened() {
    this.enter();
  }

  async start() {
    const { app, app: { model } } = this;
    if (model.isRunning) return;
    await app.sent();
    const from = $('#train-from').value;
    await model.act('/api/model/train', { request: newName(),
      annotator: app.annotator, iterations: Number($('#train-length').value),
      start: /^\d+$/.test(from) ? Number(from) : from });
  }

  stop() {
    if (!this.app.model.isRunning) return;
    this.app.model.act('/api/model/stop', {});
    this.app.say('Stopping, once the last step is stored.');
  }

  resume() {
    this.app.model.act('/api/model/resume', {});
  }

  /** Which points are asked from now on. */
  async ask(which) {
    const { app } = this;
    try {
      await app.sent();
      app.summary = await post('/api/asking', { which });
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      app.say(`Not done: ${error.message}.`, true);
    }
    this.show();
  }

  get canResume() {
    return ['stopped', 'interrupted'].includes(this.app.model.last?.state);
  }

  key(event) {
    if (isCommand(event) || event.repeat) return false;
    const name = keyName(event);
    if (name === 't' && this.canResume) this.resume();
    else if (name === 't') this.start();
    else if (name === 's') this.stop();
    else return false;
    return true;
  }

  show() {
    this.showButton();
    const { status, last, isRunning } = this.app.model;
    if (this.panel.hidden || !status) return;
    const { images, boxes } = status.annotated;
    $('#train-on').textContent = images ? `${images} complete ${images === 1
      ? 'image' : 'images'} with ${boxes} boxes. ${images === 1
      ? 'A quarter of it' : this.nameOf(status.annotated.aside)} is set aside `
      + 'to see how good the model is.' : 'No image is complete yet: box every cell of one, '
      + 'answer its points, and say so with D.';
    $('#train-start').disabled = isRunning || !images;
    $('#train-stop').hidden = !isRunning;
    $('#train-resume').hidden = !this.canResume;
    this.showChoices(status);
    const { asked } = this.app.summary;
    $('#asked').value = asked;
    $('#asked-note').textContent = asked === 'random' ? '' : status.model
      ? 'Random where it knows no cell. Answered ones stay.'
      : 'There is no model yet: until then they are random.';
    this.showProgress(last);
    this.showRounds(status);
    this.drawCurves();
  }

  /** The button of the mode says how far it is, wherever one is. */
  showButton() {
    const { last, isRunning } = this.app.model;
    const done = isRunning
      ? ` ${Math.floor(100 * last.progress.iteration
        / last.progress.iterations)} %` : '';
    $('#modes button[data-mode=train] span').textContent = `Train${done}`;
  }

  showChoices({ rounds, iterations, model }) {
    const trained = rounds.filter(({ outcome }) => outcome.checkpoint);
    const wanted = [['best', trained.length
      ? `the best model so far, round ${model}` : 'nothing'],
      ...(trained.length ? [['nothing', 'nothing']] : []),
      ...trained.map(({ id }) => [String(id), `the model of round ${id}`])];
    const select = $('#train-from');
    const isOther = select.options.length !== wanted.length
      || select.options[0].textContent !== wanted[0][1];
    if (isOther) {
      const chosen = select.value;
      select.replaceChildren(...wanted.map(([value, text]) => (
        make('option', { value, textContent: text }))));
      select.value = wanted.some(([value]) => value === chosen) ? chosen
        : 'best';
    }
    $('#train-length').value ||= iterations;
  }

  showProgress(last) {
    const section = $('#train-progress');
    section.hidden = !last;
    if (!last) return;
    const { iteration, iterations, seconds_left: left } = last.progress;
    $('#train-bar').max = iterations;
    $('#train-bar').value = iteration;
    const rest = last.state !== 'running' ? STATES[last.state]
      : iteration ? `${duration(left)} left` : 'starting';
    $('#train-state').textContent = `Round ${last.id}: ${iteration} of ${
      iterations} steps, ${rest}`;
    $('#train-error').textContent = last.error ?? '';
  }

  nameOf(image) {
    return this.app.summary.images.find(({ id }) => id === image)?.name
      ?? `image ${image}`;
  }

  /** What a round was scored on. */
  scoredOn({ validation }) {
    return validation?.map(([image, complete]) => (complete === true
      ? this.nameOf(image) : `a part of ${this.nameOf(image)}`)).join(', ')
      ?? '';
  }

  /** Which model proposes, and why that one. */
  why({ rounds, model, compared }) {
    const round = rounds.find(({ id }) => id === model);
    const trained = rounds.filter(({ outcome }) => outcome.checkpoint);
    if (trained.length < 2) return '';
    const others = compared.filter((id) => id !== model);
    if (!compared.includes(model) || !others.length) {
      return `Round ${model} proposes, the latest: its score cannot be `
        + 'compared with those of the earlier ones. ';
    }
    const said = others.map((id) => `round ${id}: ${percent(
      rounds.find((row) => row.id === id).outcome.score)}`).join(', ');
    return `Round ${model} proposes, the best on ${this.scoredOn(
      round.settings)}: ${percent(round.outcome.score)} (${said}). `;
  }

  showRounds(status) {
    const { rounds, model, proposing } = status;
    const table = $('#train-rounds');
    const row = (kind, cells) => make('tr', {}, cells.map((text) => (
      make(kind, { textContent: text }))));
    table.replaceChildren(row('th', ['Round', 'By', 'Images', 'Boxes', 'From',
      'State', 'Box AP', 'of']), ...rounds.map((round) => row('td', [round.id,
      round.annotator, round.settings.images, round.settings.boxes,
      round.settings.start ? `round ${round.settings.start}` : 'nothing',
      STATES[round.state], percent(round.outcome.score),
      this.scoredOn(round.settings)])));
    table.hidden = !rounds.length;
    $('#train-next').textContent = !model ? '' : proposing.state === 'failed'
      ? `The images could not be looked at: ${proposing.error}`
      : `${this.why(status)}Round ${model} has looked at ${proposing.done} of ${
        proposing.images} images. Confirm what it proposes: key 6.`;
  }

  drawCurves() {
    const { last } = this.app.model;
    if (!this.panel.hidden && last) {
      drawCurves(this.canvas, last.progress);
    }
  }
}
