// The head of the page: how many images, the address and its QR code, full screen, what is loaded.

import { button, element, options, paint, write } from "../../laboratory/front/page.js";
import { encode } from "./uqr/index.mjs";

const QUIET = 4; // white modules around a QR code, as its standard asks for

/** The head; `ask` sends to the Worker. */
export class Head {
  constructor(ask) {
    this.images = element("select", {
      "aria-label": "training images",
      hidden: true,
      onchange: (event) => ask("images", { count: Number(event.target.value) }),
    });
    this.link = new Link();
    const full = button("Full screen", "Show the page alone on the screen.", fullScreen, {
      hidden: !document.fullscreenEnabled,
    });
    const link = button("Link", "The address of these settings, for a lecture or a friend.", () =>
      this.link.show(),
    );
    document.getElementById("tools").append(this.images, link, full);
    document.body.append(this.link.dialog);
    this.loading = document.getElementById("loading");
    this.share = document.getElementById("share");
  }

  /** Show what the page's own values say. */
  take({ images, loading, link }) {
    if (images) this.showImages(images);
    if (loading !== undefined) this.showLoading(loading ?? { words: "", share: null });
    if (link !== undefined) history.replaceState(null, "", `#${link}`);
  }

  showImages({ count, choices }) {
    const words = (images) => `${images.toLocaleString("en")} training images`;
    if (!this.images.children.length) {
      this.images.append(...options(choices.map((choice) => [choice, words(choice)])));
    }
    this.images.hidden = false;
    this.images.value = count;
  }

  showLoading({ words, share }) {
    write(this.loading, words);
    this.share.hidden = share === null || share === 1;
    if (share !== null) this.share.value = share;
  }
}

/** The address, to copy, and as a QR code that a hall can read from the screen. */
class Link {
  constructor() {
    this.code = element("canvas", { role: "img", "aria-label": "QR code of the address" });
    this.words = element("p", { role: "status" });
    this.address = element("input", { readonly: true, "aria-label": "address of these settings" });
    const close = button("Close", "Back to the laboratory.", () => this.dialog.close());
    const parts = [this.code, this.words, this.address, close];
    this.dialog = element("dialog", { "aria-label": "Link to these settings" }, ...parts);
  }

  /** Copy the address where the browser allows, and show it. */
  async show() {
    const address = location.href;
    const onlyHere = location.protocol === "file:";
    this.address.value = address;
    this.code.hidden = onlyHere;
    if (!onlyHere) {
      const { data, size } = encode(address, { border: QUIET });
      const modules = data.flat().map((black) => (black ? 0 : 255));
      paint(this.code, modules, size);
    }
    this.dialog.showModal();
    this.address.select();
    const copied = await navigator.clipboard?.writeText(address).then(
      () => true,
      () => false,
    );
    const where = onlyHere
      ? "This page is a file on this device; elsewhere the address is another."
      : "";
    write(this.words, [copied ? "The address is copied." : "Copy the address:", where].join(" "));
  }
}

function fullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen();
}
