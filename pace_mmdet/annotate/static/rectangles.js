// Rectangles [x, y, width, height] in image pixels.

const SAME_PLACE = 0.5;

const clip = (value, least, most) => Math.min(Math.max(value, least), most);

/** The part of an image between two places. */
export function spanned(a, b, { width, height }) {
  const [ax, bx] = [a[0], b[0]].map((x) => clip(x, 0, width));
  const [ay, by] = [a[1], b[1]].map((y) => clip(y, 0, height));
  return [Math.min(ax, bx), Math.min(ay, by), Math.abs(ax - bx),
    Math.abs(ay - by)];
}

/** Shifted; inside the image, unless it reached out before. */
export function moved([x, y, width, height], dx, dy, image) {
  const within = (value, old, most) => clip(value, Math.min(0, old),
    Math.max(most, old));
  return [within(x + dx, x, image.width - width),
    within(y + dy, y, image.height - height), width, height];
}

/** With the sides dragged that a handle moves: { dx, dy } of -1, 0, 1. */
export function resized([x, y, width, height], handle, dx, dy, image) {
  const near = [x + (handle.dx < 0 ? dx : 0), y + (handle.dy < 0 ? dy : 0)];
  const far = [x + width + (handle.dx > 0 ? dx : 0),
    y + height + (handle.dy > 0 ? dy : 0)];
  const box = spanned(near, far, image);
  // A side that is not dragged stays exactly where it is.
  if (!handle.dx) [box[0], box[2]] = [x, width];
  if (!handle.dy) [box[1], box[3]] = [y, height];
  return box;
}

/** What two rectangles share, of what they cover together: 0 to 1. */
export function overlap([ax, ay, aw, ah], [bx, by, bw, bh]) {
  const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  if (width <= 0 || height <= 0) return 0;
  return width * height / (aw * ah + bw * bh - width * height);
}

/** Whether a pixel has a part in a rectangle: its random points are such. */
export function touches(pixel, [x, y, width, height]) {
  return Boolean(pixel) && pixel[0] + 1 > x && pixel[0] < x + width
    && pixel[1] + 1 > y && pixel[1] < y + height;
}

/** Whether two rectangles are the same place: half of the smaller one. */
export function isSamePlace(a, b) {
  const wide = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const high = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  return wide > 0 && high > 0
    && wide * high >= SAME_PLACE * Math.min(a[2] * a[3], b[2] * b[3]);
}
