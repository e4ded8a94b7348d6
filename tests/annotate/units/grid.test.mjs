import assert from 'node:assert/strict';
import test from 'node:test';
import { Grid } from '../../../pace_mmdet/annotate/static/grid.js';

const touch = ([x, y, w, h], [bx, by, bw, bh]) => bx <= x + w && bx + bw >= x
  && by <= y + h && by + bh >= y;

test('misses no box, and gives none that is gone', () => {
  const grid = new Grid(16);
  const boxes = new Map();
  let seed = 1;
  const random = (most) => {
    seed = (seed * 48271) % 2147483647;
    return most * seed / 2147483647;
  };
  let hits = 0;
  for (let step = 0; step < 600; step += 1) {
    const key = `k${Math.floor(random(80))}`;
    if (random(1) < 0.2) {
      grid.remove(key);
      boxes.delete(key);
    } else {
      const box = [random(300) - 50, random(300) - 50, random(60), random(60)];
      grid.put(key, box);
      boxes.set(key, box);
    }
    const window = [random(300) - 50, random(300) - 50, random(400),
      random(60)];
    const found = grid.query(window);
    for (const [name, box] of boxes) {
      if (touch(window, box)) {
        hits += 1;
        assert.ok(found.has(name));
      }
    }
    for (const name of found) assert.ok(boxes.has(name));
  }
  assert.ok(hits > 1000);
});
