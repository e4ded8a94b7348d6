// The pointer over the image: panning in every mode, the rest is the mode's.
import { $ } from './dom.js';

/** Which pixel is under a place, as text; empty outside the image. */
function pixelAt(app, x, y) {
  const [ix, iy] = app.stage.view.toImage(x, y);
  const { width, height } = app.set.image;
  return ix >= 0 && iy >= 0 && ix < width && iy < height
    ? `x ${Math.floor(ix)}, y ${Math.floor(iy)}` : '';
}

export function listenToPointer(app) {
  const { stage } = app;
  const { canvas } = stage;
  let grip = null; // of panning
  canvas.addEventListener('pointerdown', (event) => {
    if (!app.set) return;
    canvas.setPointerCapture(event.pointerId);
    /** @type {HTMLElement} */ (document.activeElement)?.blur();
    const [x, y] = stage.placeOf(event);
    if (event.button !== 0 || app.isSpaceDown) grip = [x, y];
    else app.mode.down(x, y, event);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!app.set) return;
    const [x, y] = stage.placeOf(event);
    if (grip) {
      stage.view.pan(x - grip[0], y - grip[1]);
      grip = [x, y];
      stage.invalidate();
    } else {
      app.mode.move(x, y, event);
    }
    canvas.style.cursor = grip ? 'grabbing' : app.mode.cursor(x, y);
    $('#position').textContent = pixelAt(app, x, y);
  });
  canvas.addEventListener('pointerup', (event) => {
    if (grip) grip = null;
    else if (app.set) app.mode.up(...stage.placeOf(event), event);
  });
  canvas.addEventListener('pointercancel', () => {
    grip = null;
    app.mode.cancel();
  });
}
