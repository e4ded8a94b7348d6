// The list of images.
import { inWords, signOf } from './complete.js';
import { $, make } from './dom.js';

/** How far an image is, in words. */
function countOf(image) {
  const state = image.complete ? ` · ${inWords(image)}` : '';
  if (!image.boxes) return image.complete ? inWords(image) : 'no boxes yet';
  return `${image.finished} of ${image.boxes} boxes finished${state}`;
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
  }

  /** Put the keyboard on an image of the list. */
  focus(id) {
    (this.items.get(id) ?? this.list.firstElementChild)?.focus();
  }

  /** Go on in the list by a key; whether it is one for that. */
  walk(item, key) {
    const target = { ArrowDown: item.nextElementSibling,
      ArrowUp: item.previousElementSibling,
      Home: this.list.firstElementChild,
      End: this.list.lastElementChild }[key];
    target?.focus();
    return Boolean(target);
  }

  reveal(id) {
    this.items.get(id)?.scrollIntoView({ block: 'nearest' });
  }
}
