// The two canvases: the image below, boxes and points above.
import { TileLayer } from './tiles.js';
import { View } from './view.js';

const PATIENCE = 300; // milliseconds until it is said that an image loads

export class Stage {
  /** @param {Function} drawOver  Draws on the overlay: (context, view). */
  constructor(element, drawOver, onTileError) {
    this.element = element;
    this.imageCanvas = element.querySelector('#image-layer');
    this.canvas = element.querySelector('#overlay');
    this.sign = element.querySelector('#loading');
    this.view = new View();
    this.drawOver = drawOver;
    this.onTileError = onTileError;
    this.tiles = null;
    this.loaded = 0; // tiles so far: there is more to draw
    this.window = null;
    this.onDrawn = null; // called after each frame
    new ResizeObserver(() => this.resize()).observe(element);
    this.resize();
    // Without passive: false, the page could scroll and zoom as well.
    this.canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      const unit = event.deltaMode === 1 ? 16 : 1;
      const speed = event.ctrlKey ? 0.01 : 0.0015;
      const [x, y] = this.placeOf(event);
      this.view.zoom(Math.exp(-event.deltaY * unit * speed), x, y);
      this.invalidate();
    }, { passive: false });
    this.canvas.addEventListener('contextmenu', (e) => e.preventDefault());
  }

  resize() {
    this.ratio = window.devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.element;
    for (const canvas of [this.imageCanvas, this.canvas]) {
      canvas.width = Math.max(1, Math.round(clientWidth * this.ratio));
      canvas.height = Math.max(1, Math.round(clientHeight * this.ratio));
    }
    this.view.setScreen(clientWidth, clientHeight);
    this.shown = null; // a canvas is emptied by being sized
    this.invalidate();
  }

  show(image) {
    const isOther = this.tiles?.image.id !== image.id;
    if (isOther || this.tiles.image.version !== image.version) {
      this.tiles?.cancel();
      this.tiles = new TileLayer(image, () => {
        this.loaded += 1;
        if (!this.tiles.isEmpty) this.sign.hidden = true;
        this.invalidate();
      }, this.onTileError);
      this.tiles.setWindow(this.window);
    }
    this.tellLoading();
    if (isOther) this.view.setImage(image.width, image.height);
    this.invalidate();
  }

  /** A large image takes a while: say so, but not for every image. */
  tellLoading() {
    clearTimeout(this.waiting);
    this.sign.hidden = true;
    this.waiting = setTimeout(() => {
      this.sign.hidden = !this.tiles?.isEmpty;
    }, PATIENCE);
  }

  placeOf(event) {
    const { left, top } = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  /** Draw soon; once, however often it is asked for. */
  invalidate() {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.draw();
    });
  }

  draw() {
    const { view } = this;
    // Most frames change what lies over the image only.
    const shown = [view.x, view.y, view.scale, view.width, view.height,
      this.ratio, this.loaded, this.tiles?.image.id, this.tiles?.query].join();
    if (shown !== this.shown) this.drawImage();
    this.shown = shown;
    const above = this.begin(this.canvas);
    if (this.tiles) this.drawOver(above, view);
    this.onDrawn?.();
  }

  drawImage() {
    const { view } = this;
    const below = this.begin(this.imageCanvas);
    if (!this.tiles) return;
    const { width, height } = this.tiles.image;
    below.save();
    below.beginPath();
    below.rect(...view.toScreen(0, 0), width * view.scale,
      height * view.scale);
    below.clip();
    this.tiles.draw(below, view, this.ratio);
    below.restore();
  }

  begin(canvas) {
    const context = canvas.getContext('2d');
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.view.width, this.view.height);
    return context;
  }

  /** Another plane of the same file, as a part of the address. */
  setPlane(plane) {
    this.tiles?.setPlane(plane);
    this.invalidate();
  }

  /** Which intensities are black and white; null for what suits the image. */
  setWindow(window) {
    this.window = window;
    this.tiles?.setWindow(window);
    this.invalidate();
  }
}
