import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

globalThis.addEventListener = () => {};

/** A browser's storage: what it holds are its keys. */
function storage(content = {}) {
  const hidden = (value) => ({ value, enumerable: false });
  return Object.defineProperties({ ...content }, {
    getItem: hidden(function get(name) { return this[name] ?? null; }),
    setItem: hidden(function set(name, text) { this[name] = text; }),
    removeItem: hidden(function remove(name) { delete this[name]; }),
  });
}

/** An outbox whose server answers each change by a function. */
async function outbox(answer, stored) {
  Object.defineProperty(globalThis, 'localStorage',
    { value: storage(stored), configurable: true });
  const sent = [];
  globalThis.fetch = async (path, { body }) => {
    const { changes } = JSON.parse(body);
    sent.push(changes.map((change) => change.request));
    const { status = 200, ...content } = answer(changes, sent.length);
    return { ok: status === 200, status, json: async () => content };
  };
  const { Outbox } = await import(
    '../../../pace_mmdet/annotate/static/outbox.js');
  const replies = [];
  const states = [];
  const box = new Outbox('cells', {
    onReply: (reply, change) => replies.push([change.request, reply.ok]),
    onState: (state) => states.push(state),
  });
  return { box, sent, replies, states };
}

const good = (changes) => ({ replies: changes.map(() => ({ ok: true })) });
const settle = () => sleep(20);

test('a change is stored until the server has it', async () => {
  const { box, replies, states } = await outbox(good);
  box.add('Anna', { request: 'a' });
  assert.equal(Object.keys(localStorage).length, 1);
  await settle();
  assert.deepEqual(replies, [['a', true]]);
  assert.equal(Object.keys(localStorage).length, 0);
  assert.deepEqual([states.at(0), states.at(-1)], ['saving', 'saved']);
});

test('what an earlier page could not send is sent, in order', async () => {
  const entry = (request) => JSON.stringify(
    { annotator: 'Anna', change: { request } });
  const { box, sent } = await outbox(good, {
    'pace/cells/2-b': entry('b'), 'pace/cells/1-a': entry('a'),
    'pace/others/1-c': entry('c') });
  box.sendNow();
  await settle();
  assert.deepEqual(sent, [['a', 'b']]);
  assert.deepEqual(Object.keys(localStorage), ['pace/others/1-c']);
});

test('faults of the server are no end: it is asked again', async () => {
  const { box, sent, replies, states } = await outbox(
    (changes, time) => (time === 1 ? { status: 503, error: 'disk' }
      : good(changes)));
  box.wait = 1;
  box.add('Anna', { request: 'a' });
  await settle();
  assert.deepEqual(sent, [['a'], ['a']]);
  assert.deepEqual(replies, [['a', true]]);
  assert.ok(states.includes('offline'));
});

test('a change that is refused does not keep the others', async () => {
  const { box, replies } = await outbox((changes) => (
    changes.some(({ request }) => request === 'bad')
      ? { status: 400, error: 'no' } : good(changes)));
  box.isSending = true; // until all are there
  for (const request of ['a', 'bad', 'b']) box.add('Anna', { request });
  box.isSending = false;
  box.sendNow();
  await settle();
  assert.deepEqual(replies, [['a', true], ['bad', false], ['b', true]]);
  assert.equal(Object.keys(localStorage).length, 0);
});

test('a batch has one annotator', async () => {
  const { box, sent } = await outbox(good);
  box.isSending = true;
  box.add('Anna', { request: 'a' });
  box.add('Ben', { request: 'b' });
  box.isSending = false;
  box.sendNow();
  await settle();
  assert.deepEqual(sent, [['a'], ['b']]);
});
