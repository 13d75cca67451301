// Elements of the page. All content is inserted as text, never as HTML.

/** How far each arrow key goes to the right and down. */
export const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Make an element with attributes, listeners (`onclick`) and children, which may be texts. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  made.dataset.lmSuppressShortcuts = "true"; // else JupyterLab would handle arrow keys
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** Make a section of the page: its heading, elements beside it (`aside`), and children. */
export function panel(name, heading, aside, ...children) {
  const head = element("div", { class: "ml-head" }, element("h3", {}, heading), ...aside);
  return element(
    "section",
    { class: `ml-panel ml-${name}`, "aria-label": heading },
    head,
    ...children,
  );
}

/** Make a button; `hint` is its tooltip. */
export function button(words, hint, onclick, attributes = {}) {
  const said = words.length > 2 ? {} : { "aria-label": hint };
  return element("button", { type: "button", title: hint, onclick, ...said, ...attributes }, words);
}

/** Make a label with a box to tick, which is its `control`; `hint` is its tooltip. */
export function checkbox(words, attributes, hint) {
  const box = element("input", { type: "checkbox", ...attributes });
  return element("label", { title: hint }, box, words);
}

/** Make the options of a menu from pairs of a value and words. */
export function options(choices) {
  return choices.map(([value, words]) => element("option", { value }, words));
}

/** Make a figure with its caption; `hint` is the caption's tooltip. */
export function figure(picture, words, hint) {
  return element("figure", {}, picture, element("figcaption", { title: hint }, words));
}

/** Make a table's first row. */
export function headRow(titles) {
  return element("tr", {}, ...titles.map((words) => element("th", { scope: "col" }, words)));
}

/** Make a row of a table: its title, and cells, each with one child or a list of them. */
export function tableRow(title, cells, kind) {
  const head = element("th", { scope: "row" }, ...[title].flat());
  const others = cells.map((children) => element("td", {}, ...[children].flat()));
  return element("tr", { class: kind }, head, ...others);
}

/** Make a bar that shows a share. */
export function bar(share) {
  const filled = element("span", { class: "ml-bar" });
  filled.style.width = percent(share);
  return element("span", { class: "ml-track" }, filled);
}

/** Replace a list's items; the focus stays at its place among the buttons and fields. */
export function refill(list, items) {
  const stops = () => [...list.querySelectorAll("input, button")];
  const place = stops().indexOf(document.activeElement);
  list.replaceChildren(...items);
  stops()[Math.min(place, stops().length - 1)]?.focus();
}

/** Return where a pointer is, in pixels of a canvas. */
export function pointed(canvas, { clientX, clientY }) {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return [((clientX - left) * canvas.width) / width, ((clientY - top) * canvas.height) / height];
}

/** Call a function whenever an element's size changes; return a function that ends that. */
export function onResize(watched, listener) {
  let call = listener;
  // JupyterLab puts an observer of its own in the place of the browser's, and keeps what it is
  // given for ever. So that must hold on to nothing.
  const observer = new ResizeObserver(() => call?.());
  observer.observe(watched);
  return () => {
    observer.disconnect();
    call = undefined;
  };
}

/** Paint numbers as an image; `colour` maps each to a colour, as `rgb` returns it. */
export function paint(canvas, numbers, width, colour = grey) {
  const height = numbers.length / width;
  // Setting a size, even the same one, makes the browser lay out the page again.
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let place = 0; place < numbers.length; place++) pixels[place] = colour(numbers[place]);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Return a colour as one number, in the byte order of an image on little-endian processors. */
function rgb(red, green, blue) {
  return (0xff << 24) | (blue << 16) | (green << 8) | red;
}

/** Return the colour of a pixel from 0 to 255, white on black as in MNIST. */
function grey(value) {
  return rgb(value, value, value);
}

/** Map -1, 0 and 1 to dark blue, grey and light orange, which also differ in black and white. */
export function diverging(value) {
  const share = Math.min(Math.abs(value), 1);
  const towards = (end) => Math.round(122 + share * (end - 122));
  return value < 0
    ? rgb(towards(8), towards(44), towards(110))
    : rgb(towards(255), towards(222), towards(160));
}

/** Return how numbers are coloured: grey, or if some are negative, from blue to orange. */
export function colours(numbers, most = Math.max(...numbers.map(Math.abs)) || 1) {
  return numbers.some((value) => value < 0)
    ? (value) => diverging(value / most)
    : (value) => grey((255 * value) / most);
}

/** Return the place of the largest number. */
export function largest(numbers) {
  return numbers.indexOf(Math.max(...numbers));
}

/** Return the nearest value within limits. */
export function clamp(value, least = 0, most = 1) {
  return Math.min(Math.max(value, least), most);
}

/** Format a share as a percentage, such as 98.3%. */
export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)}%`;
}

/** Set a text only if it differs, so that the browser does not lay out the page again. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
