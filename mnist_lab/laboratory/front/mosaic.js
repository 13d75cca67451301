// The values of one layer on one canvas: maps as images, units as a strip.

import { ARROWS, colours, element, paint, pointed } from "./page.js";

const GAP = 2; // pixels between maps, or between units
const NARROW = 600; // pixels of the page, below which fewer maps lie side by side

/**
 * Return how a layer's values lie on a canvas: `count` tiles of `high` x `wide` values, `columns`
 * of them side by side, `zoom` pixels a value. From one tile to the next are `across` and `down`.
 */
export function arrangement(shape, room) {
  const few = room < NARROW;
  const strip = shape.length === 1;
  const [high, wide, maps = 1] = strip ? [1, 1, shape[0]] : shape;
  const count = strip ? maps : Math.min(maps, 64);
  const most = strip ? (few ? 20 : 50) : count > 16 && !few ? 16 : 8;
  const zoom = strip ? 12 : Math.max(1, Math.round((maps > 1 ? 56 : 140) / wide));
  const [across, down] = [wide * zoom + GAP, high * zoom + GAP];
  return { count, high, wide, columns: Math.min(count, most), zoom, across, down };
}

/** Return the tile and the value in it at a point of the canvas; null between tiles. */
export function tileAt({ count, high, wide, columns, zoom, across, down }, x, y) {
  const tile = Math.floor(y / down) * columns + Math.floor(x / across);
  const [row, column] = [Math.floor((y % down) / zoom), Math.floor((x % across) / zoom)];
  const outside = x < 0 || y < 0 || x >= columns * across || row >= high || column >= wide;
  return outside || tile >= count ? null : { tile, row, column };
}

export class Mosaic {
  /**
   * `choose` is called with the place of a value, as Python counts, and whether it was pressed or
   * gone to; with null for a press beside all values.
   */
  constructor(choose) {
    this.choose = choose;
    this.canvas = element("canvas", {
      class: "ml-mosaic",
      role: "img",
      tabindex: 0,
      onpointermove: (event) => this.point(event, false),
      onpointerdown: (event) => this.point(event, true),
      onkeydown: (event) => this.key(event),
    });
    this.one = document.createElement("canvas");
  }

  show(layer, words, at, room) {
    this.shape = layer.shape;
    this.laid = arrangement(layer.shape, room);
    this.at = at && this.tileOf(at);
    const { count, high, wide, columns, zoom, across, down } = this.laid;
    const [width, height] = [columns * across, Math.ceil(count / columns) * down];
    if (this.canvas.width !== width || this.canvas.height !== height)
      Object.assign(this.canvas, { width, height });
    const maps = layer.shape.length > 1;
    this.canvas.setAttribute("aria-label", `${words}. ${maps ? MAP_HELP : UNIT_HELP}`);
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    context.imageSmoothingEnabled = false;
    const { data } = layer.values;
    const colour = colours(data, 127);
    for (let tile = 0; tile < count; tile++) {
      const values = data.subarray(tile * high * wide, (tile + 1) * high * wide);
      const [x, y] = this.corner(tile);
      paint(this.one, values, wide, colour);
      context.drawImage(this.one, x, y, wide * zoom, high * zoom);
      this.mark(context, layer.marks?.data[tile], x, y);
    }
    if (this.at) this.frame(context);
  }

  corner(tile) {
    const { columns, across, down } = this.laid;
    return [(tile % columns) * across, Math.floor(tile / columns) * down];
  }

  /** Cross out what is dead; frame what is saturated. */
  mark(context, kind, x, y) {
    if (!kind) return;
    const [right, down] = [x + this.laid.across - GAP, y + this.laid.down - GAP];
    context.strokeStyle = "#e69f00";
    context.lineWidth = 2;
    context.beginPath();
    if (kind === 1) {
      context.moveTo(x + 1, y + 1);
      context.lineTo(right - 1, down - 1);
      context.moveTo(right - 1, y + 1);
      context.lineTo(x + 1, down - 1);
    } else context.rect(x + 1, y + 1, right - x - 2, down - y - 2);
    context.stroke();
  }

  frame(context) {
    const { tile, row, column } = this.at;
    const [x, y] = this.corner(tile);
    const { zoom } = this.laid;
    // Black below white is seen on any value.
    for (const [colour, width] of Object.entries({ "#000": 4, "#fff": 2 })) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(x + column * zoom - 1, y + row * zoom - 1, zoom + 2, zoom + 2);
    }
  }

  /** Translate between a tile and the place of a value in the layer's array. */
  tileOf([...place]) {
    if (place.length === 1) return { tile: place[0], row: 0, column: 0 };
    return { tile: place[2] ?? 0, row: place[0], column: place[1] };
  }

  placeOf({ tile, row, column }) {
    return [[tile], [row, column], [row, column, tile]][this.shape.length - 1];
  }

  point(event, pressed) {
    const at = tileAt(this.laid, ...pointed(this.canvas, event));
    if (at || pressed) this.choose(at && this.placeOf(at), pressed);
  }

  /** Arrows move from value to value, and in a strip from line to line; pages from map to map. */
  key(event) {
    const { count, high, wide, columns } = this.laid;
    const { tile, row, column } = this.at ?? { tile: 0, row: high >> 1, column: wide >> 1 };
    const [right, down] = ARROWS[event.key] ?? [0, 0];
    const by = { PageUp: -1, PageDown: 1 }[event.key] ?? 0;
    if (!right && !down && !by && event.key !== "Enter") return;
    event.preventDefault();
    const strip = this.shape.length === 1;
    const place = strip
      ? { tile: tile + right + down * columns + by, row, column }
      : { tile: tile + by, row: row + down, column: column + right };
    const inside = (value, end) => value >= 0 && value < end;
    if (!inside(place.tile, count) || !inside(place.row, high) || !inside(place.column, wide))
      return;
    this.choose(this.placeOf(this.at ? place : { tile, row, column }), true);
  }
}

const MAP_HELP =
  "Arrows choose a place in a map, Page Up and Page Down another map; Enter says what it is computed from";
const UNIT_HELP = "Arrows choose a unit; Enter says what it is computed from";
