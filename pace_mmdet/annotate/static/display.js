// How the image is shown: which of its own intensities are black and white,
// for all images of a project alike, or for each what suits it.
import { get } from './api.js';
import { $ } from './dom.js';
import { spanned } from './rectangles.js';

const STEP = 1.15;
const DELAY = 60; // milliseconds that a slider rests before tiles are loaded

/** A slider's place, 0 to 1, and intensities; fine where it is dark. */
const toPlace = (value, [least, most]) => Math.sqrt(
  Math.min(Math.max((value - least) / (most - least || 1), 0), 1));
const toValue = (place, [least, most]) => least + (most - least) * place ** 2;

/** With as many digits as matter. */
const inWords = (value, [least, most]) => (
  most - least > 50 ? Math.round(value).toString() : value.toPrecision(3));

export class Display {
  constructor(app) {
    this.app = app;
    this.window = null; // [black, white] for all images; null: automatic
    this.isInverted = false;
    this.extent = null; // of the image on screen, when it is known
    this.automatic = null;
    for (const [index, name] of ['black', 'white'].entries()) {
      $(`#${name}`).addEventListener('input', (event) => {
        if (!this.extent) return;
        const window = [...this.current()];
        window[index] = toValue(event.target.value, this.extent);
        // The other end gives way.
        if (window[0] > window[1]) window[1 - index] = window[index];
        this.set(window);
      });
    }
    $('#invert').addEventListener('change', () => this.invert());
    $('#stretch').addEventListener('click', () => this.stretchView());
    $('#reset-display').addEventListener('click', () => this.reset());
  }

  /** What was set in this project before. */
  restore() {
    this.name = `pace/display/${this.app.summary.project}`;
    try {
      const { window, isInverted } = JSON.parse(
        localStorage.getItem(this.name) ?? '{}');
      this.window = window ?? null;
      this.isInverted = Boolean(isInverted);
    } catch {
      // Forbidden, or not ours: as if nothing had been set.
    }
    this.apply();
  }

  /** Another image is on screen: what is black and white by default. */
  async opened() {
    const { id } = this.app.set.image;
    this.extent = null;
    this.show();
    try {
      const found = await get(`/api/images/${id}/intensities`);
      if (this.app.set.image.id !== id) return;
      this.extent = found.extent;
      this.automatic = found.default;
      this.show();
    } catch (error) {
      // The tiles say what is wrong.
      if (error.isPassing === undefined) throw error;
    }
  }

  current() {
    return this.window ?? this.automatic;
  }

  set(window) {
    this.window = window;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.apply(), DELAY);
    this.show();
  }

  apply() {
    const { stage } = this.app;
    stage.setWindow(this.window);
    stage.imageCanvas.style.filter = this.isInverted ? 'invert(1)' : '';
    try {
      localStorage.setItem(this.name, JSON.stringify(
        { window: this.window, isInverted: this.isInverted }));
    } catch {
      // It holds for as long as the page is open.
    }
    this.show();
  }

  /** More contrast: black and white come closer; or less. */
  contrast(isLess) {
    if (!this.extent) return;
    const [low, high] = this.current();
    const half = (high - low) / 2 * (isLess ? STEP : 1 / STEP);
    this.set([(low + high) / 2 - half, (low + high) / 2 + half]);
  }

  /** Lighter: less is white; or darker. */
  lighten(isDarker) {
    if (!this.extent) return;
    const [low, high] = this.current();
    this.set([low, low + (high - low) * (isDarker ? STEP : 1 / STEP)]);
  }

  /** Stretch what is in view over all greys. */
  async stretchView() {
    const { app, app: { set, stage: { view } } } = this;
    if (!set) return;
    const [x, y, width, height] = view.visible();
    const part = spanned([x, y], [x + width, y + height], set.image);
    const query = new URLSearchParams(Object.entries(
      { x: part[0], y: part[1], width: part[2], height: part[3] })
      .map(([name, value]) => [name, String(value)]));
    try {
      const { window: [low, high] } = await get(
        `/api/images/${set.image.id}/intensities?${query}`);
      if (high > low) this.set([low, high]);
      else app.say('All that is in view has one intensity.');
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      app.say(error.message, true);
    }
  }

  invert() {
    this.isInverted = !this.isInverted;
    this.apply();
  }

  reset() {
    this.window = null;
    this.isInverted = false;
    this.apply();
  }

  show() {
    const { extent } = this;
    const window = this.current();
    for (const [index, name] of ['black', 'white'].entries()) {
      $(`#${name}`).disabled = !extent;
      $(`#${name}-value`).textContent = extent
        ? inWords(window[index], extent) : '';
      if (extent) $(`#${name}`).value = toPlace(window[index], extent);
    }
    $('#display-state').textContent = this.window ? 'set for all images'
      : 'automatic';
    $('#invert').checked = this.isInverted;
  }
}
