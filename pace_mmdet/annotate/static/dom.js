// Short ways to the elements of the page.

/** @type {(selector: string) => any} */
export const $ = (selector) => document.querySelector(selector);

/** @type {(selector: string) => any[]} */
export const $$ = (selector) => [...document.querySelectorAll(selector)];

/**
 * A new element.
 * @param {string} tag
 * @param {object} [properties]
 * @param {(Node | string)[]} [children]
 * @returns {any}
 */
export function make(tag, properties = {}, children = []) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** A key as the modes name it: letters small, others by their name. */
export const keyName = (event) => (
  event.key.length === 1 ? event.key.toLowerCase() : event.key);

/** Whether a key is pressed together with one that makes it a command. */
export const isCommand = (event) => (
  event.ctrlKey || event.metaKey || event.altKey);

/** Do something when a button is clicked, which then leaves the keys alone. */
export function onClick(selector, act) {
  const button = $(selector);
  button.addEventListener('click', (event) => {
    if (event.detail) button.blur();
    act();
  });
}
