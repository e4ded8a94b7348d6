// How the image is shown: the controls under the list, and their keys.
import { $ } from './dom.js';

const STEP = 1.15;

export class Display {
  /** @param {import('./stage.js').Stage} stage */
  constructor(stage) {
    this.stage = stage;
    for (const name of ['contrast', 'brightness']) {
      $(`#${name}`).addEventListener('input', (event) => (
        this.set({ [name]: 10 ** event.target.value })));
    }
    $('#invert').addEventListener('change', (event) => (
      this.set({ invert: event.target.checked })));
    $('#reset-display').addEventListener('click', () => this.reset());
    this.show();
  }

  set(changes) {
    this.stage.setDisplay(changes);
    this.show();
  }

  /** Turn a value up, or down. */
  step(name, isDown) {
    this.set({ [name]: this.stage.display[name] * (isDown ? 1 / STEP : STEP) });
  }

  invert() {
    this.set({ invert: !this.stage.display.invert });
  }

  reset() {
    this.stage.resetDisplay();
    this.show();
  }

  show() {
    const { contrast, brightness, invert } = this.stage.display;
    $('#contrast').value = Math.log10(contrast);
    $('#brightness').value = Math.log10(brightness);
    $('#contrast-value').textContent = contrast.toFixed(2);
    $('#brightness-value').textContent = brightness.toFixed(2);
    $('#invert').checked = invert;
  }
}
