// Mode 4: what annotating took, beside the paper's figures.
import { get } from './api.js';
import { $, make } from './dom.js';
import { IdleMode } from './mode.js';

const PAPER = { seconds_per_box: 7, seconds_per_point: 0.9,
  seconds_per_mask: 46 };

const seconds = (value) => (value === null ? '–' : `${value.toFixed(2)} s`);

export class CostMode extends IdleMode {
  constructor(app) {
    super(app);
    this.panel = $('#cost');
  }

  async enter() {
    this.panel.hidden = false;
    try {
      await this.app.sent();
      this.show(await get('/api/cost'));
    } catch (error) {
      if (error.isPassing === undefined) throw error;
      this.app.say(error.message, true);
    }
  }

  leave() {
    this.panel.hidden = true;
  }

  opened() {
    this.enter();
  }

  show({ rows, annotators, total, rounds, num_points: points }) {
    this.showRounds(rounds, points);
    const table = document.createElement('table');
    this.addRow(table, 'th', ['Annotator', 'Image', 'Boxes', 'Per box',
      'Points', 'Per point']);
    const add = (effort, isSum) => this.addRow(table, 'td', [
      effort.annotator || 'Everybody', effort.image || 'all images',
      effort.boxes, seconds(effort.seconds_per_box), effort.points,
      seconds(effort.seconds_per_point)], isSum);
    rows.forEach((row) => add(row, false));
    annotators.forEach((row) => add(row, true));
    if (annotators.length !== 1) add(total, true);
    this.addRow(table, 'td', ['Paper', '', '', seconds(PAPER.seconds_per_box),
      '', seconds(PAPER.seconds_per_point)]);
    $('#cost-table').replaceChildren(table);
    const figure = $('#cost-figure');
    figure.hidden = total.seconds_per_box === null
      || total.seconds_per_point === null;
    if (!figure.hidden) figure.src = `/api/cost.png?at=${Date.now()}`;
  }

  /** What a whole cell takes, with each model. */
  showRounds(rounds, points) {
    const table = $('#cost-rounds');
    table.hidden = !rounds.length;
    table.replaceChildren();
    this.addRow(table, 'th', ['With', 'Box AP', 'Drawn', 'Per cell',
      'Confirmed', 'Per cell']);
    for (const row of rounds) {
      this.addRow(table, 'td', [row.round ? `model ${row.round}` : 'no model',
        row.score === null ? '–' : `${Math.round(100 * row.score)} %`,
        row.drawn, seconds(row.seconds_per_drawn), row.confirmed,
        seconds(row.seconds_per_confirmed)]);
    }
    const cell = PAPER.seconds_per_box + points * PAPER.seconds_per_point;
    this.addRow(table, 'td', [`Paper: a box and ${points} points`, '', '',
      seconds(cell), '', ''], true);
    this.addRow(table, 'td', ['Paper: a mask', '', '',
      seconds(PAPER.seconds_per_mask), '', ''], true);
  }

  addRow(table, kind, cells, isSum = false) {
    const row = table.insertRow();
    if (isSum) row.className = 'sum';
    for (const text of cells) {
      row.append(make(kind, { textContent: text }));
    }
  }
}
