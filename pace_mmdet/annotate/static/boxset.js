// The boxes of the image on screen, changed at once and sent to the server.
import { newName } from './api.js';
import { Grid } from './grid.js';
import { touches } from './rectangles.js';

export const countAnswers = (box) => (
  box.labels.filter((label) => label !== null).length);
export const isFinished = (box) => !box.labels.includes(null);

export class BoxSet {
  /**
   * @param {object} contents  An image as the server describes it.
   * @param {number} numPoints  Points per box.
   * @param {Function} send  Takes a change for the server.
   * @param {object} history  { done: [], undone: [] } of this image.
   */
  constructor(contents, numPoints, send, history) {
    this.image = contents;
    this.numPoints = numPoints;
    this.send = send;
    this.history = history;
    this.boxes = new Map();
    this.grid = new Grid();
    this.waiting = new Map(); // key: changes not acknowledged
    this.lasts = new Map(); // key: highest revision there is
    for (const box of contents.boxes) this.put(box);
  }

  get(key) {
    return this.boxes.get(key);
  }

  get size() {
    return this.boxes.size;
  }

  isWaiting(key) {
    return this.waiting.has(key);
  }

  put(box) {
    this.lasts.set(box.key, Math.max(this.lasts.get(box.key) ?? 0, box.last));
    if (box.deleted) {
      this.boxes.delete(box.key);
      this.grid.remove(box.key);
    } else {
      this.boxes.set(box.key, box);
      this.grid.put(box.key, box.box);
    }
  }

  /** Boxes that touch a rectangle [x, y, width, height]. */
  * near([x, y, width, height]) {
    for (const key of this.grid.query([x, y, width, height])) {
      const box = this.boxes.get(key);
      const [bx, by, bw, bh] = box.box;
      if (bx < x + width && bx + bw > x && by < y + height && by + bh > y) {
        yield box;
      }
    }
  }

  /** The smallest box around a place; of two nested ones, the inner. */
  at(x, y) {
    let best = null;
    for (const box of this.near([x, y, 0, 0])) {
      const area = box.box[2] * box.box[3];
      if (!best || area < best.box[2] * best.box[3]) best = box;
    }
    return best;
  }

  create(rectangle) {
    return this.enter(rectangle, 'create', undefined);
  }

  /** A box where a model proposed it. */
  accept(rectangle, annotator) {
    return this.enter(rectangle, 'accept', `model+${annotator}`);
  }

  /** No cell here; the place is named by the proposal's key. */
  reject(key, box, undone) {
    this.send({ request: newName(), kind: 'reject', key,
      image: this.image.id, box, undone });
  }

  enter(rectangle, kind, by) {
    const box = {
      id: null, key: newName(), image: this.image.id, revision: 0, last: 0,
      deleted: false, imported: false, by, box: rectangle, points: null,
      labels: Array(this.numPoints).fill(null),
      answered_by: Array(this.numPoints).fill(null),
    };
    this.put(box);
    this.queue(box.key, { kind, image: box.image, box: rectangle });
    this.remember(box.key, { ...box, deleted: true }, box);
    return box;
  }

  /** Returns how many answers the box keeps, and how many it loses. */
  edit(key, rectangle) {
    const before = this.get(key);
    const count = countAnswers(before);
    const revision = this.lasts.get(key) + 1; // as the server will number it
    const stays = before.labels.map((label, point) => label !== null
      && touches(before.points?.[point], rectangle));
    const only = (values) => values.map((value, point) => (
      stays[point] ? value : null));
    const after = { ...before, box: rectangle, revision, last: revision,
      // Where the others will be only the server knows.
      points: stays.includes(true) ? before.points : null,
      labels: only(before.labels), answered_by: only(before.answered_by) };
    this.put(after);
    this.queue(key, { kind: 'edit', base: before.revision, box: rectangle });
    this.remember(key, before, after);
    const kept = countAnswers(after);
    return { kept, lost: count - kept };
  }

  remove(key) {
    const before = this.get(key);
    const after = { ...before, deleted: true };
    this.put(after);
    this.queue(key, { kind: 'set', base: before.revision,
      revision: before.revision, deleted: true });
    this.remember(key, before, after);
    return countAnswers(before);
  }

  /** How: 'asked'; 'confirmed' as a model thinks; asked 'again'. */
  answer(key, point, label, annotator, how = 'asked') {
    const box = this.get(key);
    box.labels[point] = label;
    box.answered_by[point] = annotator;
    this.queue(key, { kind: 'answer', revision: box.revision, point, label,
      how, pixel: box.points[point] });
  }

  /** Say whether the image is complete: true, false, or a list of parts. */
  mark(complete, annotator) {
    const { image } = this;
    const base = image.complete_base;
    Object.assign(image, { complete, complete_by: annotator,
      complete_base: base + 1 });
    this.send({ request: newName(), kind: 'mark', image: image.id, base,
      complete });
  }

  /** Undo or redo one step; returns the box's key, or null. */
  step(isUndo) {
    const { done, undone } = this.history;
    const entry = (isUndo ? done : undone).pop();
    if (!entry) return null;
    (isUndo ? undone : done).push(entry);
    const target = isUndo ? entry.before : entry.after;
    const current = isUndo ? entry.after : entry.before;
    // What was answered since belongs to the revision; take it along.
    const now = this.get(entry.key);
    if (now?.revision === current.revision) {
      Object.assign(current, { labels: now.labels,
        answered_by: now.answered_by, points: now.points });
    }
    this.put({ ...target, id: now?.id ?? target.id });
    this.queue(entry.key, { kind: 'set', base: current.revision,
      revision: target.revision, deleted: target.deleted });
    return entry.key;
  }

  remember(key, before, after) {
    this.history.done.push({ key, before, after });
    this.history.undone.length = 0;
  }

  queue(key, change) {
    this.waiting.set(key, (this.waiting.get(key) ?? 0) + 1);
    this.send({ request: newName(), key, ...change });
  }

  /** Take over what the server says of a box after one of our changes. */
  acknowledge(change, reply) {
    if (change.kind === 'mark') {
      if (reply.ok && reply.image.id === this.image.id) this.image.changes += 1;
      return;
    }
    if (change.kind === 'reject') {
      if (reply.ok && change.image === this.image.id) this.image.changes += 1;
      return;
    }
    const left = (this.waiting.get(change.key) ?? 1) - 1;
    if (left > 0) {
      this.waiting.set(change.key, left);
    } else {
      this.waiting.delete(change.key);
    }
    if (!reply.ok || reply.box.image !== this.image.id) return;
    this.image.changes += 1;
    const mine = this.get(change.key);
    if (left > 0) {
      // Ours is further; only what it cannot know yet is taken.
      if (mine) Object.assign(mine, { id: reply.box.id });
      return;
    }
    const points = reply.box.points ?? mine?.points;
    this.put({ ...reply.box, points });
  }
}
