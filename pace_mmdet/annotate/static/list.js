// The list of images, with a filter for long ones.
import { inWords, signOf } from './complete.js';
import { $, make } from './dom.js';

const FEW = 8; // images, of which all are seen at a glance

/** How far an image is, in words. */
function countOf(image) {
  const state = image.complete ? ` · ${inWords(image)}` : '';
  if (!image.boxes) return image.complete ? inWords(image) : 'no boxes yet';
  return `${image.finished} of ${image.boxes} boxes finished${state}`;
}

export class ImageList {
  constructor(onChoose) {
    this.list = $('#images');
    this.onChoose = onChoose;
    this.items = new Map();
    this.images = [];
    for (const name of ['#filter', '#only-open']) {
      $(name).addEventListener('input', () => this.filter());
    }
    $('#filter').addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' || event.key === 'Enter') {
        this.list.querySelector('li:not([hidden])')?.focus();
      } else if (event.key === 'Escape') {
        $('#filter').value = '';
        this.filter();
        $('#filter').blur();
      } else {
        return;
      }
      event.preventDefault();
    });
  }

  update(images, currentId) {
    this.images = images;
    if (this.items.size !== images.length) this.build(images);
    let complete = 0;
    for (const image of images) {
      const item = this.items.get(image.id);
      item.setAttribute('aria-current', String(image.id === currentId));
      item.querySelector('.count').textContent = countOf(image);
      item.querySelector('.sign').textContent = signOf(image);
      item.querySelector('.sign').title = inWords(image);
      item.querySelector('i').style.width = image.boxes
        ? `${100 * image.finished / image.boxes}%` : '0';
      complete += image.complete ? 1 : 0;
    }
    $('#overall').textContent = `${complete} / ${images.length} complete`;
  }

  build(images) {
    $('#search').hidden = images.length <= FEW;
    this.items.clear();
    this.list.replaceChildren(...images.map((image) => {
      const parts = image.problem
        ? [make('div', { className: 'problem', textContent: image.problem })]
        : [];
      const item = make('li', { title: image.name, tabIndex: 0 }, [
        make('div', { className: 'name' }, [
          make('span', { className: 'sign' }), image.name]),
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
        if (event.key === 'Enter') {
          item.blur(); // keys are for the image again
          choose();
        } else if (event.key === 'Escape') {
          item.blur();
        } else if (!this.walk(item, event.key)) {
          return;
        }
        event.preventDefault();
        event.stopPropagation();
      });
      this.items.set(image.id, item);
      return item;
    }));
    this.filter();
  }

  /** Show what the filter lets through. */
  filter() {
    const words = $('#filter').value.toLowerCase().split(/\s+/);
    const isOpenOnly = $('#only-open').checked;
    for (const image of this.images) {
      this.items.get(image.id).hidden = !words.every(
        (word) => image.name.toLowerCase().includes(word))
        || (isOpenOnly && Boolean(image.complete));
    }
  }

  /** Images to walk through: usable, and shown by the filter. */
  shown() {
    return this.images.filter((image) => !image.problem
      && !this.items.get(image.id).hidden);
  }

  /** Put the keyboard on an image of the list. */
  focus(id) {
    (this.items.get(id) ?? this.list.firstElementChild)?.focus();
  }

  /** Put the keyboard into the filter. */
  search() {
    $('#search').hidden = false;
    $('#filter').focus();
  }

  /** Go on in the list by a key; whether it is one for that. */
  walk(item, key) {
    const items = [...this.items.values()].filter(({ hidden }) => !hidden);
    const now = items.indexOf(item);
    const target = { ArrowDown: items[now + 1], ArrowUp: items[now - 1],
      Home: items[0], End: items.at(-1) }[key];
    target?.focus();
    return Boolean(target);
  }

  reveal(id) {
    this.items.get(id)?.scrollIntoView({ block: 'nearest' });
  }
}
