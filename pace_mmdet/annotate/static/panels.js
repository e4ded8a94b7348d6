// What stands around the image: list, status, dialogs.
import { get } from './api.js';
import { BOX_KEYS } from './boxes.js';
import { POINT_KEYS } from './points.js';
import { REVIEW_KEYS } from './review.js';

const $ = (selector) => document.querySelector(selector);

const EVERYWHERE = [
  ['1, 2, 3, 4', 'boxes, points, review, time'],
  ['Page Down, Page Up', 'next, previous image'],
  ['Wheel, + −', 'zoom'],
  ['Right drag, Space drag', 'pan'],
  ['← → ↑ ↓', 'pan, where they do nothing else'],
  ['0', 'fit the image'],
  ['C, Shift C', 'more, less contrast'],
  ['L, Shift L', 'lighter, darker'],
  ['I', 'invert the image'],
  ['R', 'the image as it is'],
  ['E', 'export'],
  ['A', 'who annotates'],
  ['?', 'this list'],
];

function make(tag, properties = {}, children = []) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** "Ctrl Z, U" as keys. */
function keys(text) {
  return text.split(', ').flatMap((part, index) => [
    ...(index ? [' '] : []),
    make('kbd', { textContent: part })]);
}

export function fillHelp() {
  // In two columns of like length.
  const sections = [['Everywhere', EVERYWHERE], ['2 Points', POINT_KEYS],
    ['1 Boxes', BOX_KEYS], ['3 Review', REVIEW_KEYS]];
  $('#help-content').replaceChildren(...sections.map(([title, rows]) => (
    make('section', {}, [make('h2', { textContent: title }),
      make('dl', {}, rows.flatMap(([key, what]) => [
        make('dt', {}, keys(key)), make('dd', { textContent: what })]))]))));
}

export function showHints(hints) {
  $('#hints').replaceChildren(...hints.map(([key, what]) => (
    make('span', {}, [make('kbd', { textContent: key }), what]))));
}

/** The list of images, made once and then brought up to date. */
export class ImageList {
  constructor(onChoose) {
    this.list = $('#images');
    this.onChoose = onChoose;
    this.items = new Map();
  }

  update(images, currentId) {
    if (this.items.size !== images.length) this.build(images);
    let [boxes, finished] = [0, 0];
    for (const image of images) {
      const item = this.items.get(image.id);
      item.setAttribute('aria-current', String(image.id === currentId));
      item.querySelector('.count').textContent = image.boxes
        ? `${image.finished} of ${image.boxes} boxes finished`
        : 'no boxes yet';
      item.querySelector('i').style.width = image.boxes
        ? `${100 * image.finished / image.boxes}%` : '0';
      boxes += image.boxes;
      finished += image.finished;
    }
    $('#overall').textContent = `${finished} / ${boxes} boxes`;
  }

  build(images) {
    this.items.clear();
    this.list.replaceChildren(...images.map((image) => {
      const parts = image.problem
        ? [make('div', { className: 'problem', textContent: image.problem })]
        : [];
      const item = make('li', { title: image.name, tabIndex: 0 }, [
        make('div', { className: 'name', textContent: image.name }),
        make('div', { className: 'count', hidden: Boolean(image.problem) }),
        ...parts,
        make('div', { className: 'bar', hidden: Boolean(image.problem) },
          [make('i')]),
      ]);
      item.setAttribute('aria-disabled', String(Boolean(image.problem)));
      const choose = () => {
        if (!image.problem) this.onChoose(image.id);
      };
      item.addEventListener('click', choose);
      item.addEventListener('keydown', (event) => {
        if (event.key === 'Enter') choose();
      });
      this.items.set(image.id, item);
      return item;
    }));
  }

  reveal(id) {
    this.items.get(id)?.scrollIntoView({ block: 'nearest' });
  }
}

export function showSaved(state, count, problem) {
  const element = $('#saved');
  const changes = count === 1 ? '1 change' : `${count} changes`;
  element.dataset.state = state;
  element.textContent = {
    saved: 'Saved',
    saving: `Saving ${changes}…`,
    offline: `Not saved: ${changes} kept here, ${problem?.status
      ? problem.message : 'the server does not answer'}`,
  }[state];
}

let hiding;
export function say(text, isWarning = false) {
  const element = $('#message');
  element.textContent = text;
  element.className = isWarning ? 'shown warning' : 'shown';
  clearTimeout(hiding);
  hiding = setTimeout(() => element.classList.remove('shown'),
    isWarning ? 8000 : 4000);
}

/** Ask for the annotator's name; resolves to it. */
export function askName(known) {
  const dialog = $('#name-dialog');
  $('#name').value = known ?? '';
  dialog.showModal();
  $('#name').select();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      const name = $('#name').value.trim();
      if (name) resolve(name);
      else if (known) resolve(known);
      else dialog.showModal();
    };
  });
}

export async function showExport(sent) {
  $('#export-lines').textContent = 'Counting…';
  $('#export-dialog').showModal();
  try {
    await sent();
    const { lines } = await get('/api/export?preview');
    $('#export-lines').textContent = lines.join('\n');
    $('#export-link').focus();
  } catch (error) {
    if (error.isPassing === undefined) throw error;
    $('#export-lines').textContent = error.message;
  }
}
