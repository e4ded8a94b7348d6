// What a mode is. The page has one mode on at a time and hands it the keys,
// the pointer and the drawing over the image.

/**
 * Places are in CSS pixels of the stage; `view` turns them into image pixels.
 *
 * @typedef {object} Mode
 * @property {string[][]} hints  Keys for the footer: [key, what it does].
 * @property {() => unknown} enter  It is switched on; there may be no image.
 * @property {() => unknown} leave  Another mode or another image comes: store
 *   what is under way.
 * @property {() => unknown} opened  An image was opened while it is on.
 * @property {() => unknown} refreshed  `app.set` is another object, with what
 *   others did meanwhile; boxes may be gone.
 * @property {() => void} [acknowledged]  The server has replied to a change.
 * @property {(context: CanvasRenderingContext2D,
 *   view: import('./view.js').View) => void} draw  Draw over the image.
 * @property {(x: number, y: number, event: PointerEvent) => void} down  The
 *   main button went down. Panning by the others is not the mode's.
 * @property {(x: number, y: number, event: PointerEvent) => void} move  The
 *   pointer moves, whether a button is down or not.
 * @property {(x: number, y: number, event: PointerEvent) => void} up
 * @property {() => void} cancel  What began with `down` does not happen.
 * @property {(x: number, y: number) => string} cursor  CSS name.
 * @property {(event: KeyboardEvent) => boolean} key  Whether it was the
 *   mode's; the keys of all modes are tried after it.
 * @property {() => void} settle  Store what is under way, and go on.
 * @property {() => boolean} isBusy  Whether something is under way that a
 *   reload would disturb.
 */

/** A mode that does nothing, to begin with. */
export class IdleMode {
  /** @param {any} app */
  constructor(app) {
    this.app = app;
    /** @type {any} */
    this.panel = null; // the element of the page that is the mode's
    /** @type {string[][]} */
    this.hints = [];
  }

  enter() {}

  leave() {}

  opened() {}

  refreshed() {}

  draw(context, view) {}

  down(x, y, event) {}

  move(x, y, event) {}

  up(x, y, event) {}

  cancel() {}

  /** @returns {string} */
  cursor(x, y) {
    return 'default';
  }

  key(event) {
    return false;
  }

  settle() {}

  isBusy() {
    return false;
  }
}

/** A mode in which the left button pans, and a click is a click. */
export class PanningMode extends IdleMode {
  /** Show what is asked: a panel that takes its room from the image. */
  showBelow(isShown) {
    if (this.panel.hidden !== isShown) return;
    this.panel.hidden = !isShown;
    this.app.stage.resize();
  }

  /** Remember the view: the mode is going to look closely. */
  keepView() {
    const { x, y, scale, isFitted } = this.app.stage.view;
    this.viewBefore = isFitted ? null : { x, y, scale };
  }

  restoreView() {
    const { view } = this.app.stage;
    if (this.viewBefore) Object.assign(view, this.viewBefore);
    else view.fit(); // the window may be another size by now
  }

  down(x, y, event) {
    this.grip = [x, y];
    this.hasMoved = false;
  }

  move(x, y, event) {
    if (!this.grip) return;
    const [fromX, fromY] = this.grip;
    if (!this.hasMoved && Math.hypot(x - fromX, y - fromY) < 4) return;
    this.hasMoved = true;
    this.app.stage.view.pan(x - fromX, y - fromY);
    this.grip = [x, y];
    this.app.stage.invalidate();
  }

  up(x, y, event) {
    const isClick = this.grip && !this.hasMoved;
    this.grip = null;
    if (isClick) this.click(x, y);
  }

  click(x, y) {}

  cancel() {
    this.grip = null;
  }

  /** @returns {string} */
  cursor(x, y) {
    return this.grip && this.hasMoved ? 'grabbing' : 'default';
  }
}
