// What is said of boxes and their answers.
import { countAnswers } from './boxset.js';

const some = (count, one, many) => `${count} ${count === 1 ? one : many}`;

export const nameOf = (box, unsaved = 'a new box') => (
  box.id === null ? unsaved : `box ${box.id}`);

/** Of a box, on its tag. */
export function described(box) {
  return `${nameOf(box, 'new box')} · ${countAnswers(box)} of ${
    box.labels.length} points`;
}

/** After a box was moved or resized; empty if it had no answers. */
export function afterEdit({ kept, lost }) {
  if (!lost) {
    return kept ? `${some(kept, 'answer lies', 'answers lie')} in the box as `
      + 'it is now, and all stay.' : '';
  }
  return `${some(lost, 'answer is', 'answers are')} outside the box now and `
    + `discarded${kept ? `, ${some(kept, 'stays', 'stay')}` : ''}. Ctrl+Z `
    + `brings ${lost === 1 ? 'it' : 'them'} back.`;
}

/** After a box was deleted, with so many answers. */
export function afterRemoval(lost) {
  return lost ? `Deleted, with ${lost} answers. Ctrl+Z brings all back.`
    : 'Deleted. Ctrl+Z brings it back.';
}

/**
 * After undo or redo; empty if there are no answers.
 * @param {boolean} isUndo
 * @param {number} before  Answers of the box.
 * @param {?object} box  As it is now; none if it is gone.
 * @returns {[string, boolean]}  The text, and whether it is a warning.
 */
export function afterStep(isUndo, before, box) {
  const [other, verb] = isUndo ? ['Ctrl+Y', 'Undone'] : ['Ctrl+Z', 'Redone'];
  const lost = before - (box ? countAnswers(box) : 0);
  if (lost <= 0) {
    // As many as before may be others.
    return [box && countAnswers(box)
      ? `${verb}; the box has its answers again.` : '', false];
  }
  return [`${verb}; the box ${box ? `no longer has ${lost} of its answers`
    : `is gone with its ${some(lost, 'answer', 'answers')}`}. ${other} brings ${
    lost === 1 ? 'it' : 'them'} back.`, true];
}
