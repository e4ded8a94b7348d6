// Measuring the time that annotating takes, without pauses.

/** A longer time without any input counts as this long (milliseconds). */
export const LONGEST_PAUSE = 10000;

/** Seconds that one change can have taken; the server takes no more. */
const LONGEST = 3600;

/**
 * Adds up the time between inputs (keys, pointer, wheel), each cut to
 * LONGEST_PAUSE, for the mode that is on.
 */
export class ActiveClock {
  constructor(now = () => performance.now()) {
    this.now = now;
    this.last = now();
    this.totals = new Map();
    this.mode = null;
  }

  /** Note an input. */
  touch() {
    const time = this.now();
    const gap = Math.min(time - this.last, LONGEST_PAUSE);
    this.last = time;
    if (this.mode) this.totals.set(this.mode, this.total() + gap);
  }

  /** Go on after the page was out of sight: that time does not count. */
  resume() {
    this.last = this.now();
  }

  /** Count for another mode. */
  enter(mode) {
    this.touch();
    this.mode = mode;
  }

  /** Seconds in this mode since the last call. */
  take() {
    this.touch();
    const seconds = Math.min(this.total() / 1000, LONGEST);
    this.totals.set(this.mode, 0);
    return Math.round(seconds * 1000) / 1000;
  }

  total() {
    return this.totals.get(this.mode) ?? 0;
  }
}
