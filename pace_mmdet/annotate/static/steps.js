// The strip for who is here for the first time: three steps, and what is next.
import { $ } from './dom.js';
import { countAnswers } from './boxset.js';

const NAME = 'pace/steps'; // remembers that it was closed

export class Steps {
  constructor(app) {
    this.app = app;
    $('#steps').hidden = localStorage.getItem(NAME) === 'closed';
    $('#steps-close').addEventListener('click', () => {
      $('#steps').hidden = true;
      localStorage.setItem(NAME, 'closed');
      app.stage.resize();
    });
  }

  get canConfirm() {
    return Boolean(this.app.model.status?.model);
  }

  /** What is next once an image is done. */
  afterAnswers() {
    if (this.app.model.isRunning) {
      return 'It trains. Meanwhile, Page Down: next image.';
    }
    return this.canConfirm ? 'Page Down: next image, then 6: confirm what the '
      + 'model proposes. 8: segment.' : 'T: train on the complete images. '
      + 'Meanwhile, Page Down: next image.';
  }

  /** Bring it up to date with the image on screen. */
  show() {
    if ($('#steps').hidden) return;
    const { mode, modes, set, summary } = this.app;
    const boxes = [...set.boxes.values()];
    const points = boxes.length * summary.num_points;
    const answers = boxes.reduce((sum, box) => sum + countAnswers(box), 0);
    const complete = summary.images.filter((image) => image.complete).length;
    const isBoxed = set.image.complete === true;
    const isAnswering = mode === modes.points && answers < points;
    const now = isAnswering ? 1 : !isBoxed ? 0 : answers < points ? 1 : 2;
    const counts = [`${boxes.length} box${boxes.length === 1 ? '' : 'es'}`, `${answers} of ${points}`,
      `${complete} complete`];
    const canConfirm = this.canConfirm;
    const next = [
      !boxes.length && canConfirm ? 'Key 6: confirm what the model proposes. '
        + 'Key 1: draw what is missing.'
        : boxes.length ? 'Box every cell, also the faint and cut ones; then D: '
        + 'complete.' : 'Drag from corner to corner of each cell. None here? '
        + 'D says so.',
      'Key 2: is the marked pixel on the cell of this box? J yes, F no.',
      this.afterAnswers(),
    ];
    for (const [index, count] of counts.entries()) {
      const step = $(`#step-${index + 1}`);
      step.setAttribute('aria-current', index === now ? 'step' : 'false');
      step.querySelector('output').textContent = count;
    }
    $('#step-next').textContent = next[now];
  }
}
