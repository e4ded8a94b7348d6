// Which part of the image is on screen.

const LARGEST_SCALE = 64;
const MARGIN = 24; // CSS pixels beside an image that fills the screen
const FITTED = 0.97; // of the screen, for an image that is seen whole

/** Image pixels to CSS pixels: screen = (image - origin) * scale. */
export class View {
  constructor() {
    this.x = 0;
    this.y = 0;
    this.scale = 1;
    this.width = 1;
    this.height = 1;
    this.imageWidth = 1;
    this.imageHeight = 1;
  }

  /** Another size; an image that is seen whole stays so. */
  setScreen(width, height) {
    const { isFitted } = this;
    const centre = this.toImage(this.width / 2, this.height / 2);
    Object.assign(this, { width: Math.max(width, 1),
      height: Math.max(height, 1) });
    if (isFitted) this.fit();
    else this.centreOn(...centre);
  }

  /** Another image; one of the same size is shown in the same place. */
  setImage(width, height) {
    if (width === this.imageWidth && height === this.imageHeight) return;
    Object.assign(this, { imageWidth: width, imageHeight: height });
    this.fit();
  }

  toImage(sx, sy) {
    return [sx / this.scale + this.x, sy / this.scale + this.y];
  }

  toScreen(x, y) {
    return [(x - this.x) * this.scale, (y - this.y) * this.scale];
  }

  /** [x, y, width, height] of what is visible, in image pixels. */
  visible() {
    return [this.x, this.y, this.width / this.scale, this.height / this.scale];
  }

  fitScale() {
    return Math.min(this.width / this.imageWidth,
      this.height / this.imageHeight);
  }

  get isFitted() {
    return this.scale === FITTED * this.fitScale();
  }

  fit() {
    this.scale = FITTED * this.fitScale();
    this.centreOn(this.imageWidth / 2, this.imageHeight / 2);
  }

  centreOn(x, y) {
    this.x = x - this.width / this.scale / 2;
    this.y = y - this.height / this.scale / 2;
  }

  /** Zoom so that the image keeps its place under a point of the screen. */
  zoom(factor, sx = this.width / 2, sy = this.height / 2) {
    const [x, y] = this.toImage(sx, sy);
    const least = Math.min(0.5 * this.fitScale(), 1);
    this.scale = Math.min(Math.max(this.scale * factor, least), LARGEST_SCALE);
    this.x = x - sx / this.scale;
    this.y = y - sy / this.scale;
    this.keepNear();
  }

  pan(dx, dy) {
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.keepNear();
  }

  /** The image never gets lost: its edge stops at the middle. */
  keepNear() {
    const [cx, cy] = this.toImage(this.width / 2, this.height / 2);
    this.centreOn(Math.min(Math.max(cx, 0), this.imageWidth),
      Math.min(Math.max(cy, 0), this.imageHeight));
  }

  /** Show a box in the middle, so that it takes a share of the screen. */
  frame([x, y, width, height], share) {
    this.scale = Math.min(share * this.width / width,
      share * this.height / height, LARGEST_SCALE);
    this.centreOn(x + width / 2, y + height / 2);
  }

  /** Move as little as makes a box visible. */
  reveal([x, y, width, height]) {
    const [vx, vy, vw, vh] = this.visible();
    if (x < vx || y < vy || x + width > vx + vw || y + height > vy + vh) {
      this.lookAt([x, y, width, height]);
    }
  }

  /** Show a box near the middle, and no more beside the image than needed. */
  lookAt([x, y, width, height]) {
    this.centreOn(x + width / 2, y + height / 2);
    const margin = MARGIN / this.scale;
    const within = (start, shown, all) => (shown > all ? (all - shown) / 2
      : Math.min(Math.max(start, -margin), all + margin - shown));
    this.x = within(this.x, this.width / this.scale, this.imageWidth);
    this.y = within(this.y, this.height / this.scale, this.imageHeight);
  }
}
