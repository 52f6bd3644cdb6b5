// Shows one of the frames that the kernel sent ahead. Nothing is computed here but the unpacking of bits, so that a
// slider linked to `index` moves the picture at the screen's own rate, without the kernel.

const STILL = -1; // as in base.py
const HEIGHT = 240; // pixels on the screen, at most
const CHART = { rows: 240, columns: 360, left: 46, right: 10, top: 8, bottom: 34 }; // pixels
const INK = "#222222";
const KEYS_KEPT = "select, button, summary, pre, input[type=checkbox]";
const DASHES = { solid: [], dashed: [6, 4], dotted: [2, 3], "dash-dot": [8, 3, 2, 3] };
const text = new TextDecoder();

/** Return "#rrggbb" as the 32-bit number that a canvas keeps for it (little-endian: alpha, blue, green, red). */
function pixel(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Write pixels of one byte, or of three, as what `tones` shows for each of their values. */
function tone(bytes, bits, tones, out) {
  if (bits === 24) {
    for (let at = 0, from = 0; at < out.length; at++, from += 3) {
      out[at] =
        0xff000000 | (tones[bytes[from + 2]] << 16) | (tones[bytes[from + 1]] << 8) | tones[bytes[from]];
    }
    return;
  }
  const colors = Uint32Array.from(tones, (level) => 0xff000000 | (level << 16) | (level << 8) | level);
  for (let at = 0; at < out.length; at++) out[at] = colors[bytes[at]];
}

/** Draw lines on labelled axes. */
function drawChart(context, chart) {
  const { rows, columns, left, right, top, bottom } = CHART;
  const [width, height] = [columns - left - right, rows - top - bottom];
  const along = (value, [low, high]) => (value - low) / (high - low);
  const across = (x) => left + width * along(x, chart.x_range);
  const down = (y) => top + height * (1 - along(y, chart.y_range));
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, columns, rows);
  context.font = "11px sans-serif";
  context.fillStyle = INK;
  context.strokeStyle = "#dddddd";
  context.lineWidth = 1;
  context.setLineDash([]);
  context.textAlign = "center";
  for (const tick of chart.x_ticks) {
    context.strokeRect(across(tick), top, 0, height);
    context.fillText(String(tick), across(tick), rows - bottom + 13);
  }
  context.fillText(chart.x_label, left + width / 2, rows - 6);
  context.textAlign = "right";
  for (const tick of chart.y_ticks) {
    context.strokeRect(left, down(tick), width, 0);
    context.fillText(String(tick), left - 4, down(tick) + 4);
  }
  context.save();
  context.translate(11, top + height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(chart.y_label, 0, 0);
  context.restore();
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  for (const line of chart.lines) drawLine(context, line, across, down);
  context.restore();
  context.strokeStyle = INK;
  context.strokeRect(left, top, width, height);
}

function drawLine(context, line, across, down) {
  context.strokeStyle = context.fillStyle = line.color;
  context.lineWidth = 2;
  context.setLineDash(DASHES[line.style] ?? []);
  context.beginPath();
  line.x.forEach((x, at) => {
    const [h, v] = [across(x), down(line.y[at])];
    if (line.style === "bars") {
      context.moveTo(h, down(0));
      context.lineTo(h, v);
    } else if (line.style === "dots") {
      context.moveTo(h + 4, v);
      context.arc(h, v, 4, 0, 2 * Math.PI);
    } else {
      context.lineTo(h, v);
    }
  });
  if (line.style === "dots") context.fill();
  else context.stroke();
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

function bytesOf(data) {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function newCanvas(panel, rows, columns, sharpness = 1) {
  const canvas = element("canvas", "");
  [canvas.width, canvas.height] = [columns * sharpness, rows * sharpness];
  canvas.style.width = `min(100%, ${(HEIGHT * columns) / rows}px)`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", panel.alt);
  canvas.dataset.panel = panel.name;
  return canvas;
}

/** Return a canvas for pixels and the function that paints them. */
function pictureView(panel) {
  const canvas = newCanvas(panel, panel.rows, panel.columns);
  if (panel.bits < 8 || panel.rows < HEIGHT / 3) canvas.className = "cnnkit-sharp";
  const context = canvas.getContext("2d");
  const image = context.createImageData(panel.columns, panel.rows);
  const memory = new Uint32Array(image.data.buffer);
  const colors = panel.palette.map(pixel);
  const paint = (data, still) => {
    if (panel.kind === "toned") tone(bytesOf(still), panel.bits, bytesOf(data), memory);
    else unpack(bytesOf(data), panel.bits, colors, memory);
    context.putImageData(image, 0, 0);
  };
  return [canvas, paint];
}

/** Return a canvas for a chart and the function that draws it, sharp on fine screens too. */
function chartView(panel) {
  const canvas = newCanvas(panel, CHART.rows, CHART.columns, 2);
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  return [canvas, (data) => drawChart(context, JSON.parse(text.decode(data)))];
}

/** Return a table and the function that fills it. */
function tableView(panel) {
  const table = element("table", "cnnkit-table");
  table.setAttribute("aria-label", panel.alt);
  table.dataset.panel = panel.name;
  const row = (tag, cells, className) => {
    const line = element("tr", className);
    line.append(...cells.map((cell) => element(cell ? tag : "td", "", cell))); // an empty cell heads nothing
    return line;
  };
  const paint = (data) => {
    const { header, rows, marked } = JSON.parse(text.decode(data));
    table.replaceChildren(
      row("th", header, ""),
      ...rows.map((cells, at) => row("td", cells, marked.includes(at) ? "cnnkit-marked" : "")),
    );
  };
  return [table, paint];
}

const VIEWS = { picture: pictureView, toned: pictureView, chart: chartView, table: tableView };

/** Build the figure of one panel and return the function that shows a moment in it. */
function panelView(panel, grid) {
  const figure = element("figure", `cnnkit-panel cnnkit-${panel.kind}`);
  const [view, paint] = VIEWS[panel.kind](panel);
  const caption = element("figcaption", "", panel.title);
  panel.legend.forEach(([color, meaning]) => {
    const swatch = element("span", "cnnkit-swatch");
    swatch.style.background = color;
    const entry = element("span", "cnnkit-legend", meaning);
    entry.prepend(swatch);
    caption.append(entry);
  });
  figure.append(view, caption);
  grid.append(figure);
  let shown = [];
  return (data, still) => {
    if (data === shown[0] && still === shown[1]) return;
    shown = [data, still];
    paint(data, still);
  };
}

/** Give the handles and numbers of ipywidgets' sliders the names that stand beside them; it gives them none. */
function nameSliders(box) {
  for (const slider of box.querySelectorAll(".widget-slider")) {
    const label = slider.querySelector(".widget-label")?.textContent ?? "";
    const handles = slider.querySelectorAll(".noUi-handle");
    const ends = handles.length > 1 ? [", lower end", ", upper end"] : [""];
    handles.forEach((handle, at) => handle.setAttribute("aria-label", label + ends[at]));
    const number = slider.querySelector(".widget-readout[contenteditable]");
    number?.setAttribute("role", "textbox");
    number?.setAttribute("aria-label", `${label}, as a number`);
  }
}

/** Call `act` with the box that holds the controls and this view, once it stands in the page; return how to stop. */
function whenInBox(el, act) {
  let request = 0;
  const look = () => {
    const box = el.closest(".widget-vbox");
    if (box) act(box);
    else request = requestAnimationFrame(look);
  };
  look();
  return () => cancelAnimationFrame(request);
}

function render({ model, el }) {
  el.classList.add("cnnkit-frames");
  const grid = element("div", "cnnkit-grid");
  const facts = element("p", "cnnkit-facts");
  facts.setAttribute("role", "status"); // a screen reader says it when it changes
  facts.style.minHeight = `${1.4 * model.get("lines")}em`;
  const details = element("details", "cnnkit-code");
  const summary = element("summary", "", "Show code");
  const code = element("pre", "");
  code.tabIndex = 0;
  code.setAttribute("aria-label", "The code for what is shown");
  details.append(summary, code);
  el.append(grid, facts, details);
  // Else JupyterLab takes Enter, Space and the arrow keys for its own commands. Caught on their way down, so that the
  // browser still does with them what it does on any page; sliders and their numbers look after themselves.
  const keep = (event) => {
    const ours = details.contains(event.target) || el.closest(".widget-vbox")?.contains(event.target);
    if (ours && event.target.matches(KEYS_KEPT)) event.stopPropagation();
  };
  document.addEventListener("keydown", keep, true);

  // The controls come one after the other, and what moves in the pictures adds none.
  const watch = new MutationObserver((changes) => {
    if (changes.some(({ target }) => !el.contains(target))) nameSliders(el.closest(".widget-vbox") ?? el);
  });
  const stopLooking = whenInBox(el, (box) => {
    nameSliders(box);
    watch.observe(box, { childList: true, subtree: true });
  });

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
    el.dataset.moments = Object.keys(frames.moments ?? {}).length; // for tests: how far one can drag
    // A frame that is not here yet is on its way: the kernel hears of the index too.
    el.classList.toggle("cnnkit-waiting", !moment);
    if (!moment) return;
    const stills = model.get("stills");
    panels.forEach((panel, at) => {
      const which = moment.pictures[at];
      const still = stills[panel.name];
      paint[at](which === STILL ? still : frames.buffers[which], still);
    });
    facts.textContent = moment.facts;
    code.textContent = moment.code;
  }
  model.on("change", update);
  update();
  return () => {
    model.off("change", update);
    document.removeEventListener("keydown", keep, true);
    stopLooking();
    watch.disconnect();
  };
}

export default { render };
