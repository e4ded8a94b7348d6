// Files with more than one plane: which is annotated, and a look at others.
import { get, post } from './api.js';
import { $ } from './dom.js';

export class PlaneView {
  constructor(app) {
    this.app = app;
    this.held = null; // what the file of the image on screen holds
    this.page = null; // what is looked at
    this.channel = null;
    $('#plane').addEventListener('input', (event) => (
      this.go(Number(event.target.value), this.channel)));
    $('#channel').addEventListener('input', (event) => (
      this.go(this.page, Number(event.target.value))));
    $('#choose-form').addEventListener('submit', () => this.choose());
  }

  /** Another image is on screen: the annotated plane of it. */
  async opened() {
    const { id } = this.app.set.image;
    this.held = null;
    this.show();
    try {
      const held = await get(`/api/images/${id}/planes`);
      if (this.app.set.image.id !== id) return;
      this.held = held;
      this.page = held.page;
      this.channel = held.channel;
      // Without a chosen channel, planes are counted over all of them.
      this.pages = held.pages * (held.channel === null ? held.channels : 1);
      this.show();
    } catch (error) {
      if (error.isPassing === undefined) throw error;
    }
  }

  /** Look at another plane; what is annotated stays. */
  go(page, channel) {
    this.page = page;
    this.channel = channel;
    const { stage } = this.app;
    stage.setPlane(this.isAnnotated() ? '' : ['page', 'channel']
      .filter((name) => this[name] !== null)
      .map((name) => `&${name}=${this[name]}`).join(''));
    this.show();
  }

  isAnnotated() {
    return this.page === this.held.page && this.channel === this.held.channel;
  }

  /** Walk the stack. */
  walk(step) {
    if (!this.held || this.page === null || this.pages < 2) {
      this.app.say('This file has a single plane.');
      return;
    }
    this.go(Math.min(Math.max(this.page + step, 0), this.pages - 1),
      this.channel);
  }

  nextChannel() {
    if (!this.held || this.channel === null || this.held.channels < 2) {
      this.app.say('This project has no channel to change.');
      return;
    }
    this.go(this.page, (this.channel + 1) % this.held.channels);
  }

  show() {
    const { held } = this;
    const hasPages = Boolean(held) && this.page !== null && this.pages > 1;
    const hasChannels = Boolean(held) && this.channel !== null
      && held.channels > 1;
    $('#planes').hidden = !hasPages && !hasChannels;
    $('#plane-row').hidden = !hasPages;
    $('#channel-row').hidden = !hasChannels;
    if (hasPages) {
      $('#plane').max = this.pages - 1;
      $('#plane').value = this.page;
      $('#plane-value').textContent = `${this.page} of 0 … ${this.pages - 1}`;
    }
    if (hasChannels) {
      $('#channel').max = held.channels - 1;
      $('#channel').value = this.channel;
      $('#channel-value').textContent = held.names[this.channel]
        ?? String(this.channel);
    }
    $('#plane-note').textContent = held && !this.isAnnotated()
      ? 'Looking only: boxes and points are those of the annotated plane.'
      : '';
  }

  /** Ask which plane is meant, if nothing else is missing. */
  offer(images) {
    const open = images.find((image) => image.problem && image.planes);
    if (!open || images.some((image) => image.boxes)) return;
    const { pages, channels, names } = open.planes;
    $('#choose-what').textContent = `${open.name} holds ${pages} planes${
      channels > 1 ? ` in ${channels} channels` : ''}. Which one is annotated, `
      + 'for good? Of all files the same; others can be looked at any time.';
    $('#choose-page-row').hidden = pages < 2;
    $('#choose-channel-row').hidden = channels < 2;
    $('#choose-page').max = pages - 1;
    $('#choose-page').value = Math.floor(pages / 2);
    $('#choose-channel').replaceChildren(...Array.from({ length: channels },
      (_, index) => new Option(names[index] ?? `channel ${index}`,
        String(index))));
    $('#choose-dialog').showModal();
  }

  async choose() {
    const value = (name) => ($(`#choose-${name}-row`).hidden ? null
      : Number($(`#choose-${name}`).value));
    try {
      await post('/api/planes', { page: value('page'),
        channel: value('channel') });
      globalThis.location.reload();
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      this.app.say(error.message, true);
    }
  }
}
