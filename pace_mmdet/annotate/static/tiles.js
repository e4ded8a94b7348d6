// The image under the boxes, in tiles of the size that the screen needs.

const TILE = 512;
const MOST_KEPT = 300;

const nameOf = ({ level, column, row }) => `${level}/${column}/${row}`;

export class TileLayer {
  /** @param {Function} onLoad  Called when there is more to draw. */
  constructor(image, onLoad, onError) {
    this.image = image;
    this.onLoad = onLoad;
    this.onError = onError;
    this.kept = new Map();
    this.before = new Map(); // with other intensities, until these are there
    this.window = '';
    this.plane = '';
    this.query = '';
    this.isEmpty = true; // until the first tile is there
  }

  /** Show other intensities: [black, white], or null for the default. */
  setWindow(window) {
    this.window = window ? `&low=${window[0]}&high=${window[1]}` : '';
    this.setQuery();
  }

  /** Show another plane of the file: `&page=1&channel=0`, '' for its own. */
  setPlane(plane) {
    this.plane = plane;
    this.setQuery();
  }

  setQuery() {
    const query = this.window + this.plane;
    if (query === this.query) return;
    this.query = query;
    this.cancel();
    for (const [name, tile] of this.kept) {
      if (tile.isReady) this.before.set(name, tile);
    }
    this.kept = new Map();
  }

  /** Load no more: connections are for the image that comes. */
  cancel() {
    for (const { element, isReady } of this.kept.values()) {
      if (isReady) continue;
      element.onload = null;
      element.onerror = null;
      element.src = '';
    }
  }

  /** Draw what is visible; missing tiles from coarser levels meanwhile. */
  draw(context, view, ratio) {
    const level = this.levelFor(view, ratio);
    context.imageSmoothingEnabled = view.scale * ratio < 3;
    for (let current = this.image.levels - 1; current >= level; current -= 1) {
      for (const place of this.placesIn(view.visible(), current)) {
        // Of coarser levels only what is there, but always the coarsest.
        const isNeeded = current === level
          || current === this.image.levels - 1;
        const tile = this.tile(place, isNeeded);
        const shown = tile?.isReady ? tile : this.before.get(nameOf(place));
        if (shown?.isReady) this.drawTile(context, view, shown, place);
      }
    }
  }

  /** Load what a view will need. */
  prefetch(view, ratio) {
    const level = this.levelFor(view, ratio);
    for (const place of this.placesIn(view.visible(), level)) {
      this.tile(place, true);
    }
  }

  /** The coarsest level with a pixel for each of the screen. */
  levelFor(view, ratio) {
    const level = Math.floor(Math.log2(1 / (view.scale * ratio)) + 0.01);
    return Math.min(Math.max(level, 0), this.image.levels - 1);
  }

  drawTile(context, view, tile, { level, column, row }) {
    const size = 2 ** level;
    const [x, y] = view.toScreen(column * TILE * size, row * TILE * size);
    // The last column of a level may stand for less than a whole pixel of
    // it: the tile is drawn in full, and what is outside the image clipped.
    context.drawImage(tile.element, x, y,
      tile.element.width * size * view.scale,
      tile.element.height * size * view.scale);
  }

  * placesIn([x, y, width, height], level) {
    const size = TILE * 2 ** level;
    const columns = Math.ceil(this.image.width / size);
    const rows = Math.ceil(this.image.height / size);
    const top = Math.max(Math.floor(y / size), 0);
    const left = Math.max(Math.floor(x / size), 0);
    for (let row = top; row < rows && row * size < y + height; row += 1) {
      for (let column = left;
        column < columns && column * size < x + width; column += 1) {
        yield { level, column, row };
      }
    }
  }

  tile(place, isNeeded) {
    const name = nameOf(place);
    let tile = this.kept.get(name);
    if (tile) {
      this.kept.delete(name); // again at the end: used last
      this.kept.set(name, tile);
    } else if (isNeeded) {
      tile = this.load(name);
    }
    return tile;
  }

  load(name) {
    const { id, version } = this.image;
    const element = new Image();
    const tile = { element, isReady: false };
    element.onload = () => {
      tile.isReady = true;
      this.isEmpty = false;
      this.before.delete(name);
      this.onLoad();
    };
    element.onerror = () => {
      // Asked for again, but not at every frame.
      setTimeout(() => {
        if (this.kept.get(name) === tile) this.kept.delete(name);
        this.onLoad();
      }, 2000);
      this.onError();
    };
    element.src = `/api/images/${id}/tiles/${name}.png?v=${version}${
      this.query}`;
    this.kept.set(name, tile);
    if (this.kept.size > MOST_KEPT) {
      this.kept.delete(this.kept.keys().next().value);
    }
    return tile;
  }
}
