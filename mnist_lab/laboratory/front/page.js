// Elements of the page. All content is inserted as text, never as HTML.

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
export function paint(canvas, numbers, width, colour) {
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
export function grey(value) {
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

/** Make bars for class probabilities; `update` draws new values. */
export function probabilityBars() {
  const list = element("ol", { class: "ml-bars", start: 0 });
  const update = (probabilities, label) => {
    // Before a network has answered, all are zero and none is the best.
    const best = probabilities.indexOf(Math.max(...probabilities, 1e-9));
    list.replaceChildren(
      ...Array.from(probabilities, (probability, digit) => {
        const kind = digit === label ? "right" : digit === best ? "wrong" : "other";
        const bar = element("span", { class: "ml-bar" });
        bar.style.width = `${100 * probability}%`;
        return element(
          "li",
          { class: `ml-${kind}${digit === best ? " ml-best" : ""}` },
          element("b", {}, String(digit)),
          element("span", { class: "ml-track" }, bar),
          element("span", { class: "ml-number" }, percent(probability)),
        );
      }),
    );
  };
  return { list, update };
}

/** Format a share as a percentage, such as 98.3%. */
export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)}%`;
}

/** Set a text only if it differs, so that the browser does not lay out the page again. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
