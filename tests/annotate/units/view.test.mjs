import assert from 'node:assert/strict';
import test from 'node:test';
import { View } from '../../../pace_mmdet/annotate/static/view.js';

function view() {
  const made = new View();
  made.setScreen(800, 600);
  made.setImage(400, 200);
  return made;
}

const near = (found, expected) => found.forEach(
  (value, i) => assert.ok(Math.abs(value - expected[i]) < 1e-9,
    `${found} is not ${expected}`));

test('the whole image is shown, in the middle', () => {
  const made = view();
  near(made.toScreen(200, 100), [400, 300]);
  near([made.scale], [0.97 * 2]);
});

test('in another window a whole image stays whole, a part in the middle', () => {
  const made = view();
  made.setScreen(400, 300);
  near([made.scale, ...made.toScreen(200, 100)], [0.97, 200, 150]);
  made.zoom(3, 100, 100);
  const { scale } = made;
  const middle = made.toImage(200, 150);
  made.setScreen(800, 600);
  near([made.scale, ...made.toScreen(...middle)], [scale, 400, 300]);
});

test('zooming keeps the place under the pointer', () => {
  const made = view();
  const place = made.toImage(300, 250);
  made.zoom(3, 300, 250);
  near(made.toImage(300, 250), place);
  near(made.toScreen(...place), [300, 250]);
});

test('the image never gets lost, and scales have limits', () => {
  const made = view();
  made.pan(1e6, -1e6);
  near(made.toImage(400, 300), [0, 200]);
  made.zoom(1e9);
  assert.equal(made.scale, 64);
  made.zoom(1e-9);
  assert.equal(made.scale, 1);
});

test('a box is revealed only if part of it is out of sight', () => {
  const made = view();
  const { x, y } = made;
  made.reveal([10, 10, 20, 20]);
  assert.deepEqual([made.x, made.y], [x, y]);
  made.frame([300, 150, 20, 10], 0.5);
  near([made.scale], [0.5 * 800 / 20]);
  made.reveal([100, 50, 4, 4]);
  near(made.toScreen(102, 52), [400, 300]);
  // At the border the image fills the screen, but for a margin.
  made.reveal([0, 190, 10, 10]);
  near(made.toScreen(0, 200), [24, 576]);
  // An image that is smaller than the screen stays in the middle.
  made.frame([0, 0, 300, 300], 0.5);
  made.reveal([390, -300, 10, 10]);
  near(made.toScreen(200, 100), [400, 300]);
});
