import assert from 'node:assert/strict';
import test from 'node:test';
import { ActiveClock } from '../../../pace_mmdet/annotate/static/clock.js';

test('pauses are cut, and each mode has its own time', () => {
  let time = 0;
  const clock = new ActiveClock(() => time);
  const at = (seconds, action) => { time = 1000 * seconds; return action(); };
  clock.enter('boxes');
  at(2, () => clock.touch());
  assert.equal(at(5, () => clock.take()), 5);
  at(100, () => clock.touch()); // a pause: 10 s of it count
  at(101, () => clock.enter('points'));
  assert.equal(at(103, () => clock.take()), 2);
  at(104, () => clock.enter('boxes'));
  at(200, () => clock.resume()); // the page was out of sight
  assert.equal(at(201, () => clock.take()), 12);
});
