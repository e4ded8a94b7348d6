// The pointer over the image: panning in every mode, two fingers zoom, the
// rest is the mode's.
import { $ } from './dom.js';

/** Which pixel is under a place, as text; empty outside the image. */
function pixelAt(app, x, y) {
  const [ix, iy] = app.stage.view.toImage(x, y);
  const { width, height } = app.set.image;
  return ix >= 0 && iy >= 0 && ix < width && iy < height
    ? `x ${Math.floor(ix)}, y ${Math.floor(iy)}` : '';
}

/**
 * Two fingers: the place between them, and how far they are apart.
 * @param {number[][]} places
 */
function span([[ax, ay], [bx, by]]) {
  return { x: (ax + bx) / 2, y: (ay + by) / 2,
    distance: Math.max(Math.hypot(ax - bx, ay - by), 1) };
}

class Pointers {
  constructor(app) {
    this.app = app;
    this.grip = null; // of panning
    this.fingers = new Map(); // by pointer, where they are
    this.isPinch = false; // until the last finger is gone
    const { canvas } = app.stage;
    for (const name of ['down', 'move', 'up', 'cancel']) {
      canvas.addEventListener(`pointer${name}`, (event) => {
        if (this.app.set) this[name](event, ...app.stage.placeOf(event));
      });
    }
    // What is selected on the page must not be dragged instead.
    canvas.addEventListener('dragstart', (event) => event.preventDefault());
  }

  down(event, x, y) {
    const { app } = this;
    app.stage.canvas.setPointerCapture(event.pointerId);
    /** @type {HTMLElement} */ (document.activeElement)?.blur();
    if (event.pointerType === 'touch') {
      this.fingers.set(event.pointerId, [x, y]);
      if (this.fingers.size > 1) {
        this.isPinch = true;
        this.grip = null;
        app.mode.cancel();
      }
    }
    if (this.isPinch) return;
    if (event.button !== 0 || app.isSpaceDown) this.grip = [x, y];
    else app.mode.down(x, y, event);
  }

  move(event, x, y) {
    const { app, app: { stage } } = this;
    if (this.fingers.has(event.pointerId)) {
      this.pinch(event.pointerId, x, y);
    }
    if (this.isPinch) return;
    if (this.grip) {
      stage.view.pan(x - this.grip[0], y - this.grip[1]);
      this.grip = [x, y];
      stage.invalidate();
    } else {
      app.mode.move(x, y, event);
    }
    stage.canvas.style.cursor = this.grip ? 'grabbing'
      : app.mode.cursor(x, y);
    $('#position').textContent = pixelAt(app, x, y);
  }

  pinch(id, x, y) {
    const isTwo = this.fingers.size === 2;
    const before = isTwo && span([...this.fingers.values()]);
    this.fingers.set(id, [x, y]);
    if (!isTwo) return;
    const after = span([...this.fingers.values()]);
    const { view } = this.app.stage;
    view.pan(after.x - before.x, after.y - before.y);
    view.zoom(after.distance / before.distance, after.x, after.y);
    this.app.stage.invalidate();
  }

  up(event, x, y) {
    if (this.lift(event)) return;
    if (this.grip) this.grip = null;
    else this.app.mode.up(x, y, event);
  }

  cancel(event) {
    if (this.lift(event)) return;
    this.grip = null;
    this.app.mode.cancel();
  }

  /** A finger is gone; whether it was one of a pinch. */
  lift(event) {
    const { isPinch } = this;
    this.fingers.delete(event.pointerId);
    if (!this.fingers.size) this.isPinch = false;
    return isPinch;
  }
}

export function listenToPointer(app) {
  return new Pointers(app);
}
