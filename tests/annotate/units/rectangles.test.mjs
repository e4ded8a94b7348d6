import assert from 'node:assert/strict';
import test from 'node:test';
import { isSamePlace, moved, overlap, resized, spanned, touches }
  from '../../../pace_mmdet/annotate/static/rectangles.js';

const image = { width: 80, height: 60 };

test('a rectangle ends where the image does', () => {
  assert.deepEqual(spanned([70, 50], [-3, 90], image), [0, 50, 70, 10]);
  assert.deepEqual(moved([70, 50, 10, 10], 5, 5, image), [70, 50, 10, 10]);
  assert.deepEqual(moved([75, 0, 10, 10], 5, -9, image), [75, 0, 10, 10]);
  assert.deepEqual(moved([10, 10, 10, 10], -3, 4, image), [7, 14, 10, 10]);
});

test('a side that is not dragged stays', () => {
  const box = [-5, 10, 20, 20];
  assert.deepEqual(resized(box, { dx: 0, dy: 1 }, 9, 4, image),
    [-5, 10, 20, 24]);
  assert.deepEqual(resized(box, { dx: 1, dy: 0 }, 4, 9, image),
    [0, 10, 19, 20]);
});

test('overlap', () => {
  const box = [0, 0, 10, 10];
  assert.equal(overlap(box, box), 1);
  assert.equal(overlap(box, [5, 0, 10, 10]), 1 / 3);
  assert.equal(overlap(box, [10, 0, 10, 10]), 0);
  assert.equal(overlap(box, [20, 20, 1, 1]), 0);
  assert.equal(overlap(box, [0, 0, 10, 0]), 0);
});

test('a pixel touches a rectangle with any part of it', () => {
  const box = [10.5, 20, 4, 5];
  for (const pixel of [[10, 20], [14, 24], [12, 22]]) {
    assert.equal(touches(pixel, box), true);
  }
  for (const pixel of [[9, 20], [15, 22], [12, 19], [12, 25], undefined]) {
    assert.equal(touches(pixel, box), false);
  }
});

test('the same place is half of the smaller one, as the server has it', () => {
  const cell = [10, 10, 20, 20];
  assert.equal(isSamePlace(cell, [12, 11, 20, 20]), true);
  assert.equal(isSamePlace(cell, [10, 10, 20, 10]), true);
  assert.equal(isSamePlace(cell, [0, 0, 100, 100]), true);
  assert.equal(isSamePlace(cell, [30, 10, 20, 20]), false);
  assert.equal(isSamePlace(cell, [10, 21, 20, 20]), false);
});
