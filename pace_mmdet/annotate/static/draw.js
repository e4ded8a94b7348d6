// What boxes and points look like, in every mode.

export const COLORS = {
  box: '#ffe11a', // the colours of the paper's figures
  done: '#3ddc84',
  selected: '#ffffff',
  on: '#2b8cff',
  off: '#ff2a2a',
  skip: '#c8c8c8',
  model: '#c99bff',
};
export const colorOf = (label) => (
  { 1: COLORS.on, 0: COLORS.off }[label] ?? COLORS.skip);

/** Screen rectangle of a box. */
export function onScreen(view, [x, y, width, height]) {
  const [sx, sy] = view.toScreen(x, y);
  return [sx, sy, width * view.scale, height * view.scale];
}

/** Outline many boxes with one stroke. */
export function strokeBoxes(context, view, boxes, color, {
  alpha = 1, width = 1.5, dash = [] } = {}) {
  context.beginPath();
  for (const box of boxes) context.rect(...onScreen(view, box.box));
  context.globalAlpha = alpha;
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function traceOutlines(context, view, { outline }) {
  outline.forEach(([x, y], index) => {
    const place = view.toScreen(x, y);
    if (index) context.lineTo(...place);
    else context.moveTo(...place);
  });
  context.closePath();
}

/** Outline the masks of cells with one stroke. */
export function strokeOutlines(context, view, cells, color, {
  alpha = 1, width = 1 } = {}) {
  context.beginPath();
  for (const cell of cells) traceOutlines(context, view, cell);
  context.globalAlpha = alpha;
  context.strokeStyle = color;
  context.lineWidth = width;
  context.stroke();
  context.globalAlpha = 1;
}

/** Fill the masks of cells, neighbours in different hues. */
export function fillOutlines(context, view, cells, alpha) {
  context.globalAlpha = alpha;
  cells.forEach((cell, index) => {
    context.beginPath();
    traceOutlines(context, view, cell);
    context.fillStyle = `hsl(${(index * 137.5) % 360} 80% 60%)`;
    context.fill();
  });
  context.globalAlpha = 1;
}

/** Corners and middles of the sides, by the directions that they move. */
export function handles(view, box) {
  const [x, y, width, height] = onScreen(view, box);
  const found = [];
  for (const dx of [-1, 0, 1]) {
    for (const dy of [-1, 0, 1]) {
      const isSide = dx === 0 || dy === 0;
      const length = dx === 0 ? width : height;
      // Small boxes keep only their corners.
      if ((dx || dy) && (!isSide || length > 36)) {
        found.push({ dx, dy, x: x + (dx + 1) * width / 2,
          y: y + (dy + 1) * height / 2 });
      }
    }
  }
  return found;
}

export function drawHandles(context, view, box) {
  for (const { x, y } of handles(view, box)) {
    context.fillStyle = '#17181a';
    context.fillRect(x - 4.5, y - 4.5, 9, 9);
    context.fillStyle = COLORS.selected;
    context.fillRect(x - 3, y - 3, 6, 6);
  }
}

/** Answered points: on a blue disc, off a red triangle, skipped a cross. */
export function drawAnswer(context, x, y, label, radius) {
  if (label === -1) {
    const arm = 0.8 * radius;
    context.beginPath();
    context.moveTo(x - arm, y - arm);
    context.lineTo(x + arm, y + arm);
    context.moveTo(x + arm, y - arm);
    context.lineTo(x - arm, y + arm);
    context.strokeStyle = COLORS.skip;
    context.lineWidth = Math.max(1.5, radius / 3);
    context.stroke();
    return;
  }
  context.beginPath();
  if (label === 1) {
    context.arc(x, y, radius, 0, 2 * Math.PI);
  } else { // of about the same area, around the point
    context.moveTo(x, y - 1.4 * radius);
    context.lineTo(x + 1.2 * radius, y + 0.7 * radius);
    context.lineTo(x - 1.2 * radius, y + 0.7 * radius);
    context.closePath();
  }
  context.fillStyle = colorOf(label);
  context.fill();
  if (radius > 3) {
    context.strokeStyle = '#fff';
    context.lineWidth = 1.2;
    context.stroke();
  }
}

/**
 * The point in question. A point is a pixel, and what it shows must stay
 * visible: a frame around the pixel, a ring and four ticks around that.
 */
export function drawQuestion(context, view, [px, py], label) {
  const [x, y] = view.toScreen(px + 0.5, py + 0.5);
  const half = Math.max(view.scale / 2, 2.5);
  const ring = half + 11;
  const color = label === null ? '#ffffff' : colorOf(label);
  for (const [stroke, width] of [['rgb(0 0 0 / 75%)', 5], [color, 2]]) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.strokeRect(x - half - 1, y - half - 1, 2 * half + 2,
      2 * half + 2);
    context.beginPath();
    context.arc(x, y, ring, 0, 2 * Math.PI);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * ring, y + dy * ring);
      context.lineTo(x + dx * (ring + 8), y + dy * (ring + 8));
    }
    context.stroke();
  }
}

/** Darken everything but a box. */
export function drawVeil(context, view, box, alpha) {
  const [x, y, width, height] = onScreen(view, box);
  context.fillStyle = `rgb(0 0 0 / ${100 * alpha}%)`;
  context.beginPath();
  context.rect(0, 0, view.width, view.height);
  context.rect(x, y, width, height);
  context.fill('evenodd');
}

/** A small label above a place, or below it at the top of the screen. */
export function drawTag(context, text, x, place) {
  const y = place < 20 ? place + 46 : place;
  context.font = '600 12px system-ui, "DejaVu Sans", sans-serif';
  const { width } = context.measureText(text);
  context.fillStyle = 'rgb(20 21 23 / 85%)';
  context.fillRect(x, y - 18, width + 12, 18);
  context.fillStyle = '#e4e6e9';
  context.fillText(text, x + 6, y - 5);
}
