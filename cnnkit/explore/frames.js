// Shows one of the frames that the kernel sent ahead. Nothing is computed here but the unpacking of bits, so that a
// slider linked to `index` moves the picture at the screen's own rate, without the kernel.

const STILL = -1; // as in base.py
const HEIGHT = 240; // pixels on the screen, at most

/** Return "#rrggbb" as the 32-bit number that a canvas keeps for it (little-endian: alpha, blue, green, red). */
function pixel(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Write packed pixels, `bits` each and the first in the highest bits, into a canvas's memory. */
function unpack(bytes, bits, colors, out) {
  if (bits === 24) {
    for (let at = 0, from = 0; at < out.length; at++, from += 3) {
      out[at] = 0xff000000 | (bytes[from + 2] << 16) | (bytes[from + 1] << 8) | bytes[from];
    }
    return;
  }
  const mask = (1 << bits) - 1;
  for (let at = 0, from = 0; at < out.length; from++) {
    for (let shift = 8 - bits; shift >= 0 && at < out.length; shift -= bits) {
      out[at++] = colors[(bytes[from] >> shift) & mask];
    }
  }
}

function element(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

/** Build the figure of one panel and return the function that paints it. */
function panelView(panel, grid) {
  const figure = element("figure", "cnnkit-panel");
  const canvas = element("canvas", panel.bits < 8 ? "cnnkit-sharp" : "");
  [canvas.width, canvas.height] = [panel.columns, panel.rows];
  canvas.style.width = `min(100%, ${(HEIGHT * panel.columns) / panel.rows}px)`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", panel.alt);
  canvas.dataset.panel = panel.name;
  const caption = element("figcaption", "", panel.title);
  panel.legend.forEach(([color, meaning]) => {
    const swatch = element("span", "cnnkit-swatch");
    swatch.style.background = color;
    const entry = element("span", "cnnkit-legend", meaning);
    entry.prepend(swatch);
    caption.append(entry);
  });
  figure.append(canvas, caption);
  grid.append(figure);

  const context = canvas.getContext("2d");
  const image = context.createImageData(panel.columns, panel.rows);
  const memory = new Uint32Array(image.data.buffer);
  const colors = panel.palette.map(pixel);
  let shown = null;
  return (data) => {
    if (data === shown) return;
    shown = data;
    unpack(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), panel.bits, colors, memory);
    context.putImageData(image, 0, 0);
  };
}

function render({ model, el }) {
  el.classList.add("cnnkit-frames");
  const grid = element("div", "cnnkit-grid");
  const facts = element("p", "cnnkit-facts");
  facts.setAttribute("role", "status"); // a screen reader says it when it changes
  const details = element("details", "cnnkit-code");
  const summary = element("summary", "", "Show code");
  const code = element("pre", "");
  code.tabIndex = 0;
  code.setAttribute("aria-label", "The code for what is shown");
  details.append(summary, code);
  el.append(grid, facts, details);
  // Else JupyterLab takes Enter and the arrow keys for its own commands.
  const keep = (event) => event.stopPropagation();
  details.addEventListener("keydown", keep);

  let panels = null;
  let paint = [];
  function update() {
    if (panels !== model.get("panels")) {
      panels = model.get("panels");
      grid.replaceChildren();
      paint = panels.map((panel) => panelView(panel, grid));
    }
    const frames = model.get("frames");
    const moment = frames.moments?.[model.get("index")];
    // A frame that is not here yet is on its way: the kernel hears of the index too.
    el.classList.toggle("cnnkit-waiting", !moment);
    if (!moment) return;
    const stills = model.get("stills");
    panels.forEach((panel, at) => {
      const which = moment.pictures[at];
      paint[at](which === STILL ? stills[panel.name] : frames.buffers[which]);
    });
    facts.textContent = moment.facts;
    code.textContent = moment.code;
  }
  model.on("change", update);
  update();
  return () => {
    model.off("change", update);
    details.removeEventListener("keydown", keep);
  };
}

export default { render };
