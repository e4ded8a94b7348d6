// Keys that work in every mode.
import { $, isCommand, keyName } from './dom.js';
import { showExport, showHelp } from './panels.js';

export const COMMON_KEYS = [
  ['1, 2, 3, 4', 'boxes, points, review, time'],
  ['5, T', 'train'],
  ['6, 7, 8', 'confirm, ask again, segment'],
  ['Page Down, Page Up', 'next, previous image'],
  ['G', 'next image that is not complete'],
  ['/', 'filter the list of images'],
  ['O', 'go to the list: arrow keys, Enter opens, Esc returns'],
  ['Wheel, + −', 'zoom'],
  ['Right drag, Space drag', 'pan'],
  ['← → ↑ ↓', 'pan, where they do nothing else'],
  ['0', 'fit the image'],
  [',', 'look at the plane before'],
  ['.', 'look at the plane after'],
  ['K', 'look at the next channel'],
  ['V', 'contrast for what is in view'],
  ['C, Shift C', 'more, less contrast'],
  ['L, Shift L', 'lighter, darker'],
  ['I', 'invert the image'],
  ['R', 'automatic contrast'],
  ['D', 'the image is complete: all its cells have boxes; or no longer'],
  ['Shift D', 'the part in view is complete'],
  ['E', 'export'],
  ['A', 'who annotates'],
  ['?', 'this list'],
];

/** What each key does; gets the app and the event. */
const ACTIONS = {
  1: (app) => app.setMode('boxes'),
  2: (app) => app.setMode('points'),
  3: (app) => app.setMode('review'),
  4: (app) => app.setMode('cost'),
  5: (app) => app.setMode('train'),
  6: (app) => app.setMode('confirm'),
  7: (app) => app.setMode('again'),
  8: (app) => app.setMode('segment'),
  t: (app) => app.setMode('train'),
  PageDown: (app) => app.nextImage(1),
  PageUp: (app) => app.nextImage(-1),
  '+': (app) => app.stage.view.zoom(1.25),
  '=': (app) => app.stage.view.zoom(1.25),
  '-': (app) => app.stage.view.zoom(0.8),
  0: (app) => app.stage.view.fit(),
  ArrowLeft: (app) => app.stage.view.pan(80, 0),
  ArrowRight: (app) => app.stage.view.pan(-80, 0),
  ArrowUp: (app) => app.stage.view.pan(0, 80),
  ArrowDown: (app) => app.stage.view.pan(0, -80),
  ',': (app) => app.planes.walk(-1),
  '.': (app) => app.planes.walk(1),
  k: (app) => app.planes.nextChannel(),
  v: (app) => { app.display.stretchView(); },
  c: (app, event) => app.display.contrast(event.shiftKey),
  l: (app, event) => app.display.lighten(event.shiftKey),
  i: (app) => app.display.invert(),
  r: (app) => app.display.reset(),
  d: (app, event) => {
    if (event.shiftKey) app.complete.addView();
    else if (!event.repeat) app.complete.toggle();
  },
  g: (app) => app.nextOpen(),
  '/': (app) => app.list.search(),
  o: (app) => app.list.focus(app.set?.image.id),
  a: (app) => { app.rename(); },
  e: (app) => { showExport(() => app.sent()); },
  '?': () => showHelp(),
  ' ': (app) => { app.isSpaceDown = true; },
};

function handle(app, event) {
  const { target } = event;
  const isTyping = target.matches?.(
    'input:not([type=range], [type=checkbox]), select');
  if (document.querySelector('dialog[open]') || isTyping) return;
  // Selecting the whole page would make drags carry it away.
  if ((event.ctrlKey || event.metaKey) && keyName(event) === 'a') {
    event.preventDefault();
    return;
  }
  // Buttons and the list keep their own keys; sliders have none of these.
  const isControl = target.matches?.('button, a, li, [type=checkbox]');
  if (isControl && ['Enter', ' '].includes(event.key)) return;
  if (event.key === 'Tab' && target.matches?.('button, a, li, input')) return;
  const hasArrows = target.matches?.('li, input, select');
  if (hasArrows && /^(Arrow|Home|End)/.test(event.key)) return;
  if (app.opening && !app.outbox.problem && !event.key.startsWith('Page')) {
    // It is meant for the image that comes.
    event.preventDefault();
    app.opening.finally(() => handle(app, event));
    return;
  }
  if (app.set && app.mode.key(event)) {
    event.preventDefault();
    return;
  }
  const action = isCommand(event) ? null : ACTIONS[keyName(event)];
  if (!action) return;
  action(app, event);
  app.stage.invalidate();
  event.preventDefault();
}

export function listenToKeys(app) {
  document.addEventListener('keydown', (event) => handle(app, event));
  // Who uses the mouse wants the keys for the image again.
  $('aside').addEventListener('click', (event) => {
    if (event.detail && event.target.matches('input:not([type=search])')) {
      event.target.blur();
    }
  });
  document.addEventListener('keyup', (event) => {
    if (event.key === ' ') app.isSpaceDown = false;
  });
}
