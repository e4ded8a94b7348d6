// How the models of the project stand: asked of the server, told to the page.
import { get, post } from './api.js';

const SOON = 1500;
const LATER = 10000;
const FIRST_SCORE = 0.25; // the default of `pace predict`

export class Model {
  constructor(app) {
    this.app = app;
    /** @type {any} */
    this.status = null;
    this.listeners = new Set();
    this.isWatched = false; // by a mode that shows it
  }

  start() {
    const kept = Number(localStorage.getItem(this.place));
    this.score = kept > 0 && kept <= 1 ? kept : FIRST_SCORE;
    this.look();
  }

  get place() {
    return `pace-score/${this.app.summary.project}`;
  }

  /** Proposals that score less are not shown. */
  setScore(score) {
    this.score = score;
    localStorage.setItem(this.place, String(score));
  }

  /** Tell a function whenever something may have changed. */
  listen(told) {
    this.listeners.add(told);
  }

  async look() {
    clearTimeout(this.timer);
    try {
      if (!document.hidden) this.take(await get('/api/model'));
    } catch (error) {
      if (error.isPassing === undefined) throw error;
    }
    this.again();
  }

  again() {
    clearTimeout(this.timer);
    const isBusy = this.isRunning || this.status?.proposing?.state === 'running';
    this.timer = setTimeout(() => this.look(),
      isBusy || this.isWatched ? SOON : LATER);
  }

  take(status) {
    this.status = status;
    for (const told of this.listeners) told(status);
  }

  get last() {
    return this.status?.rounds.at(-1) ?? null;
  }

  get isRunning() {
    return this.last?.state === 'running';
  }

  /** Train, stop or resume; says why not. */
  async act(path, body) {
    try {
      this.take(await post(path, body));
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      this.app.say(`Not done: ${error.message}.`, true);
    }
    this.again();
  }
}
