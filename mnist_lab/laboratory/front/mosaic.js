// The values of one layer on one canvas: maps as images, units as a strip.

import { diverging, element, grey, paint } from "./page.js";

const GAP = 2; // pixels between maps, or between units
const NARROW = 600; // pixels of the page, below which fewer maps lie side by side

/**
 * Return how a layer's values lie on a canvas: `count` tiles of `high` x `wide` values, `columns`
 * of them side by side, `zoom` pixels a value.
 */
export function arrangement(shape, room) {
  const few = room < NARROW;
  if (shape.length === 1) {
    const columns = Math.min(shape[0], few ? 20 : 50);
    return { count: shape[0], high: 1, wide: 1, columns, zoom: 12 };
  }
  const [high, wide, maps = 1] = shape;
  const count = Math.min(maps, 64);
  const columns = Math.min(count, count > 16 && !few ? 16 : 8);
  return {
    count,
    high,
    wide,
    columns,
    zoom: Math.max(1, Math.round((maps > 1 ? 56 : 140) / wide)),
  };
}

/** Return the tile and the value in it at a point of the canvas; null between tiles. */
export function tileAt({ count, high, wide, columns, zoom }, x, y) {
  const [column, line] = [Math.floor(x / (wide * zoom + GAP)), Math.floor(y / (high * zoom + GAP))];
  const tile = line * columns + column;
  const [right, down] = [x - column * (wide * zoom + GAP), y - line * (high * zoom + GAP)];
  const outside = x < 0 || y < 0 || right >= wide * zoom || down >= high * zoom;
  if (outside || column >= columns || tile >= count) return null;
  return { tile, row: Math.floor(down / zoom), column: Math.floor(right / zoom) };
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
    const { count, high, wide, columns, zoom } = this.laid;
    const width = columns * (wide * zoom + GAP);
    const height = Math.ceil(count / columns) * (high * zoom + GAP);
    if (this.canvas.width !== width || this.canvas.height !== height)
      Object.assign(this.canvas, { width, height });
    const maps = layer.shape.length > 1;
    this.canvas.setAttribute("aria-label", `${words}. ${maps ? MAP_HELP : UNIT_HELP}`);
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    context.imageSmoothingEnabled = false;
    const { data } = layer.values;
    const colour = data.some((value) => value < 0)
      ? (value) => diverging(value / 127)
      : (value) => grey(2 * value);
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
    const { high, wide, columns, zoom } = this.laid;
    return [
      (tile % columns) * (wide * zoom + GAP),
      Math.floor(tile / columns) * (high * zoom + GAP),
    ];
  }

  /** Cross out what is dead; frame what is saturated. */
  mark(context, kind, x, y) {
    if (!kind) return;
    const [right, down] = [
      x + this.laid.wide * this.laid.zoom,
      y + this.laid.high * this.laid.zoom,
    ];
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
    const box = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / box.width;
    const at = tileAt(
      this.laid,
      (event.clientX - box.left) * scale,
      (event.clientY - box.top) * scale,
    );
    if (at || pressed) this.choose(at && this.placeOf(at), pressed);
  }

  /** Arrows move from value to value, and in a strip from line to line; pages from map to map. */
  key(event) {
    const { count, high, wide, columns } = this.laid;
    const { tile, row, column } = this.at ?? { tile: 0, row: high >> 1, column: wide >> 1 };
    const [right, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0]; // biome-ignore format: a line
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
