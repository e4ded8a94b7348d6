// What stands around the image: status, messages, dialogs.
import { get } from './api.js';
import { $, make } from './dom.js';

const RECOUNT = 2000; // others go on while the export is looked at

/** "Ctrl Z, U" as keys. */
function keys(text) {
  return text.split(', ').flatMap((part, index) => [
    ...(index ? [' '] : []),
    make('kbd', { textContent: part })]);
}

/** @param {[string, string[][]][]} sections  Titles, with keys. */
export function fillHelp(sections) {
  $('#help-content').replaceChildren(...sections.map(([title, rows]) => (
    make('section', {}, [make('h2', { textContent: title }),
      make('dl', {}, rows.flatMap(([key, what]) => [
        make('dt', {}, keys(key)), make('dd', { textContent: what })]))]))));
}

export function showHelp() {
  const dialog = $('#help-dialog');
  dialog.showModal();
  dialog.scrollTop = 0; // the button at its end has the focus
}

export function showHints(hints) {
  $('#hints').replaceChildren(...hints.map(([key, what]) => (
    make('span', {}, [make('kbd', { textContent: key }), what]))));
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

/** Say something in the footer, for a while. */
export function say(text, isWarning = false) {
  const element = $('#message');
  element.textContent = text;
  element.title = text;
  element.className = isWarning ? 'warning' : '';
  clearTimeout(hiding);
  hiding = setTimeout(() => element.replaceChildren(),
    isWarning ? 8000 : 4000);
}

/**
 * Ask something there, until something else is said.
 * @param {string} text
 * @param {[string, string, () => void][]} choices  A key, which the mode
 *   answers to, what it does, and the same for a button.
 */
export function ask(text, choices) {
  say(text, true);
  clearTimeout(hiding);
  $('#message').append(...choices.map(([key, what, act]) => {
    const button = make('button', {}, [make('kbd', { textContent: key }),
      what]);
    button.addEventListener('click', () => {
      button.blur(); // keys are not for the button
      act();
    });
    return button;
  }));
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

/** What would be exported now; counted again while it is on screen. */
async function countExport(sent) {
  try {
    await sent();
    const all = $('#export-all').checked ? '&all' : '';
    const { lines, images } = await get(`/api/export?preview${all}`);
    $('#export-lines').textContent = lines.join('\n');
    $('#export-link').href = `/api/export?${all}`;
    $('#export-link').hidden = !images;
  } catch (error) {
    if (error.isPassing === undefined) throw error;
    $('#export-lines').textContent = error.message;
  }
}

export async function showExport(sent) {
  const dialog = $('#export-dialog');
  if (dialog.open) return;
  $('#export-lines').textContent = 'Counting…';
  dialog.showModal();
  $('#export-all').onchange = () => countExport(sent);
  await countExport(sent);
  $('#export-link').focus();
  const timer = setInterval(() => countExport(sent), RECOUNT);
  dialog.onclose = () => clearInterval(timer);
}
