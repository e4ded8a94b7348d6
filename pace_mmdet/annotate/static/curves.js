// Curves of a training: its loss, and the score of what was set aside.
const LOSS = '#ffe11a';
const SCORE = '#3ddc84';
const QUIET = '#9ba1a9';
const EDGE = 44;

function line(context, points, color) {
  context.beginPath();
  points.forEach(([x, y], index) => {
    if (index) context.lineTo(x, y);
    else context.moveTo(x, y);
  });
  context.strokeStyle = color;
  context.lineWidth = 2;
  context.stroke();
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{ losses: number[][], scores: number[][], iterations: number }}
 *   progress  [step, value] each; scores from 0 to 1.
 */
export function drawCurves(canvas, { losses, scores, iterations }) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = Math.max(Math.round(width * ratio), 1);
  canvas.height = Math.max(Math.round(height * ratio), 1);
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = '12px system-ui, "DejaVu Sans", sans-serif';
  const x = (step) => EDGE + (width - 2 * EDGE) * step / iterations;
  const y = (share) => height - 20 - (height - 40) * share;
  context.strokeStyle = '#33373c';
  context.strokeRect(EDGE + 0.5, y(1) + 0.5, width - 2 * EDGE, y(0) - y(1));
  const most = Math.max(...losses.map(([, value]) => value), 1e-9);
  context.fillStyle = QUIET;
  context.fillText('0', EDGE, height - 5);
  context.textAlign = 'right';
  context.fillText(`${iterations} steps`, width - EDGE, height - 5);
  context.fillStyle = LOSS;
  if (losses.length) context.fillText(most.toPrecision(2), EDGE - 5, y(1) + 5);
  context.fillText('loss', EDGE - 5, y(0.5));
  context.textAlign = 'left';
  context.fillStyle = SCORE;
  context.fillText('100 %', width - EDGE + 3, y(1) + 5);
  context.fillText('score', width - EDGE + 3, y(0.5));
  line(context, losses.map(([step, value]) => [x(step), y(value / most)]),
    LOSS);
  const marks = scores.map(([step, value]) => [x(step), y(value)]);
  line(context, marks, SCORE);
  for (const [mx, my] of marks) {
    context.beginPath();
    context.arc(mx, my, 3.5, 0, 2 * Math.PI);
    context.fill();
  }
}
