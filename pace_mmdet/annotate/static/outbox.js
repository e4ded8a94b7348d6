// Changes on their way to the server.
//
// A change lies in the browser's storage until the server has acknowledged
// it, so that neither a lost connection nor a closed page loses it. The
// server does each named change once, however often it is sent.
import { post } from './api.js';

const BATCH = 100;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 5000;

export class Outbox {
  /**
   * @param {string} project  Keeps projects in one browser apart.
   * @param {object} told  onReply(reply, change, when it was made),
   *                       onState(state, count, problem).
   */
  constructor(project, { onReply, onState }) {
    this.prefix = `pace/${project}/`;
    this.onReply = onReply;
    this.onState = onState;
    this.entries = [];
    this.number = 0; // of changes made on this page
    this.isSending = false;
    this.wait = FIRST_WAIT;
    this.problem = null;
    // What a page before this one could not send.
    for (const name of Object.keys(localStorage).sort()) {
      if (name.startsWith(this.prefix)) {
        this.entries.push({ name, ...JSON.parse(localStorage.getItem(name)) });
      }
    }
    addEventListener('online', () => this.sendNow());
  }

  get size() {
    return this.entries.length;
  }

  add(annotator, change) {
    this.number += 1;
    const order = [Date.now(), this.number]
      .map((part) => String(part).padStart(14, '0')).join('-');
    const entry = { name: `${this.prefix}${order}-${change.request}`,
      annotator, change, addedAt: performance.now() };
    try {
      localStorage.setItem(entry.name, JSON.stringify({ annotator, change }));
    } catch {
      this.isOnlyInMemory = true; // full or forbidden
    }
    this.entries.push(entry);
    this.sendNow();
  }

  sendNow() {
    clearTimeout(this.timer);
    this.tell();
    if (this.entries.length && !this.isSending) this.send();
  }

  async send() {
    this.isSending = true;
    const { annotator } = this.entries[0];
    let end = this.entries.findIndex((e) => e.annotator !== annotator);
    if (end < 0) end = this.entries.length;
    const batch = this.entries.slice(0, Math.min(end, this.limit ?? BATCH));
    try {
      const { replies } = await post('/api/changes',
        { annotator, changes: batch.map((entry) => entry.change) });
      this.wait = FIRST_WAIT;
      this.problem = null;
      this.limit = BATCH;
      for (const [index, reply] of replies.entries()) {
        this.finish(batch[index], reply);
      }
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      this.failed(error, batch);
    } finally {
      this.isSending = false;
    }
    if (this.problem) {
      this.tell();
      this.timer = setTimeout(() => this.sendNow(), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    } else {
      this.sendNow();
    }
  }

  failed(error, batch) {
    const isFinal = error.status === 400 || error.status === 413;
    if (isFinal && batch.length === 1) {
      this.finish(batch[0], { ok: false, error: error.message });
    } else if (isFinal) {
      this.limit = 1; // one of them is bad: find it
    } else {
      this.problem = error;
    }
  }

  finish(entry, reply) {
    localStorage.removeItem(entry.name);
    this.entries.splice(this.entries.indexOf(entry), 1);
    this.onReply(reply, entry.change, entry.addedAt);
  }

  tell() {
    let state = 'saved';
    if (this.problem) state = 'offline';
    else if (this.entries.length) state = 'saving';
    this.onState(state, this.entries.length, this.problem);
  }
}
