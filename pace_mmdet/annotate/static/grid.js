// Finding the boxes near a place among thousands.

/** A hash of square cells of the image, each with the keys that touch it. */
export class Grid {
  /** @param {number} side  Side of a cell in image pixels. */
  constructor(side = 64) {
    this.side = side;
    this.cells = new Map();
    this.places = new Map();
  }

  /** Enter a key with its [x, y, width, height], or move it there. */
  put(key, box) {
    this.remove(key);
    const names = [...this.names(box)];
    this.places.set(key, names);
    for (const name of names) {
      if (!this.cells.has(name)) this.cells.set(name, new Set());
      this.cells.get(name).add(key);
    }
  }

  remove(key) {
    for (const name of this.places.get(key) ?? []) {
      const cell = this.cells.get(name);
      cell.delete(key);
      if (!cell.size) this.cells.delete(name);
    }
    this.places.delete(key);
  }

  /** All keys whose cells a rectangle touches: a few too many, none missed. */
  query(box) {
    const [, , width, height] = box;
    if (width * height > this.cells.size * this.side ** 2) {
      return new Set(this.places.keys());
    }
    const found = new Set();
    for (const name of this.names(box)) {
      for (const key of this.cells.get(name) ?? []) found.add(key);
    }
    return found;
  }

  * names([x, y, width, height]) {
    const { side } = this;
    const right = Math.floor((x + width) / side);
    const bottom = Math.floor((y + height) / side);
    for (let row = Math.floor(y / side); row <= bottom; row += 1) {
      for (let column = Math.floor(x / side); column <= right; column += 1) {
        yield row * 1048576 + column;
      }
    }
  }
}
