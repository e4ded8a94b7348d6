import assert from 'node:assert/strict';
import test from 'node:test';
import { COLORS, drawAnswer, handles }
  from '../../../pace_mmdet/annotate/static/draw.js';
import { View } from '../../../pace_mmdet/annotate/static/view.js';

/** What is drawn: the path's steps, and the colours it is filled with. */
function drawn(label, radius) {
  const steps = [];
  const fills = [];
  const context = new Proxy({}, {
    get: (own, name) => own[name] ?? ((...args) => {
      if (name === 'fill') fills.push(own.fillStyle);
      else if (name !== 'beginPath') steps.push([name, ...args]);
    }),
  });
  drawAnswer(context, 10, 20, label, radius);
  return { steps, fills };
}

test('answers differ in shape, not by colour alone', () => {
  for (const radius of [2, 6]) {
    const shapes = [1, 0, -1].map((label) => drawn(label, radius));
    const names = shapes.map(({ steps }) => steps.map(([name]) => name)
      .filter((name) => name !== 'stroke').join(' '));
    assert.deepEqual(names, ['arc', 'moveTo lineTo lineTo closePath',
      'moveTo lineTo moveTo lineTo']);
    assert.deepEqual(shapes.map(({ fills }) => fills),
      [[COLORS.on], [COLORS.off], []]);
  }
});

test('a triangle lies around its point', () => {
  const corners = drawn(0, 6).steps.filter(([, x]) => x !== undefined);
  const middle = [1, 2].map((axis) => corners.reduce(
    (sum, corner) => sum + corner[axis], 0) / corners.length);
  assert.deepEqual(middle.map(Math.round), [10, 20]);
});

test('small boxes keep only the handles at their corners', () => {
  const view = new View();
  assert.equal(handles(view, [0, 0, 20, 20]).length, 4);
  assert.equal(handles(view, [0, 0, 100, 20]).length, 6);
  assert.equal(handles(view, [0, 0, 100, 100]).length, 8);
});
