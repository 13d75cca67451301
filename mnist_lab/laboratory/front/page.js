// Elements of the page. All that is written goes in as text; nothing is ever read as HTML.

/** An element with attributes, listeners (`onclick`) and children; a text is a text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  made.dataset.lmSuppressShortcuts = "true"; // JupyterLab would take arrow keys for itself
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

/** A part of the screen with its heading, and what stands to the right of that. */
export function panel(name, heading, aside, ...children) {
  const head = element("div", { class: "ml-head" }, element("h3", {}, heading), ...aside);
  return element(
    "section",
    { class: `ml-panel ml-${name}`, "aria-label": heading },
    head,
    ...children,
  );
}

/** A button; `hint` says more than its words do. */
export function button(words, hint, onclick, attributes = {}) {
  const said = words.length > 2 ? {} : { "aria-label": hint };
  return element("button", { type: "button", title: hint, onclick, ...said, ...attributes }, words);
}

/** An image of numbers; `colour` gives the colour of each, as `rgb` does. */
export function paint(canvas, numbers, width, colour) {
  const height = numbers.length / width;
  // Setting a size, even the same, has the page laid out again.
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let place = 0; place < numbers.length; place++) pixels[place] = colour(numbers[place]);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** A colour as one number, as it lies in an image on any processor of today. */
function rgb(red, green, blue) {
  return (0xff << 24) | (blue << 16) | (green << 8) | red;
}

/** Pixels from 0 to 255, white on black as in MNIST. */
export function grey(value) {
  return rgb(value, value, value);
}

/** From dark blue over grey to light orange, as from -1 over 0 to 1: in black and white, too. */
export function diverging(value) {
  const share = Math.min(Math.abs(value), 1);
  const towards = (end) => Math.round(122 + share * (end - 122));
  return value < 0
    ? rgb(towards(8), towards(44), towards(110))
    : rgb(towards(255), towards(222), towards(160));
}

/** Ten probabilities (or as many as there are classes) as bars; `update` draws new ones. */
export function probabilityBars() {
  const list = element("ol", { class: "ml-bars", start: 0 });
  const update = (probabilities, label) => {
    // Before a network has been asked, all are zero, and none is the best.
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

/** A share in percent, such as 98.3 %, as short as can be. */
export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)}%`;
}

/** Write a text where it is another one, so that the page is not laid out for nothing. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
