// The light box: one of the films that the kernel sent, and the six answers, by button or by the keys 1 to 6. What the
// films show is not here: the kernel says it in its tables when all films have an answer.

/** Make an element of a class with a text. */
function element(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

function render({ model, el }) {
  el.classList.add("cnnkit-reader");
  el.tabIndex = -1; // a click on the film brings the keys here
  const [rows, columns] = model.get("size");
  const canvas = element("canvas", "");
  [canvas.width, canvas.height] = [columns, rows];
  canvas.setAttribute("role", "img");
  canvas.dataset.panel = "film"; // as in the rendering
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  const memory = new Uint32Array(image.data.buffer);
  const group = element("fieldset", "");
  group.append(element("legend", "widget-label", `${model.get("description")}, key 1 to 6:`));
  const buttons = model.get("choices").map((choice, at) => {
    const button = element("button", "", `${at + 1}  ${choice}`);
    button.type = "button";
    button.addEventListener("click", () => answer(at + 1));
    return button;
  });
  group.append(...buttons);
  el.append(canvas, group);

  const isFinished = () => model.get("value").every(Boolean);
  const show = (film) => {
    model.set("film", film); // and so the slider's value, to which it is linked
    model.save_changes();
  };

  /** Note an answer to the film that is shown, and show the next one that has none. */
  function answer(number) {
    if (isFinished()) return;
    const [films, value] = [model.get("value").length, [...model.get("value")]];
    const film = model.get("film");
    value[film - 1] = number;
    const later = value.map((_, at) => ((film + at) % films) + 1);
    show(later.find((each) => !value[each - 1]) ?? film);
    model.set("value", value);
    model.save_changes();
  }

  // Caught on their way down, or JupyterLab takes 1 to 6 for the level of a heading and changes the cell.
  const onKey = (event) => {
    const ours = el.closest(".widget-vbox") ?? el;
    const isTyping = event.target.isContentEditable || event.target.matches("input, textarea");
    if (!ours.contains(event.target) || isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
    const step = el.contains(event.target) ? { ArrowLeft: -1, ArrowRight: 1 }[event.key] : undefined;
    const isAnswer = event.key >= "1" && event.key <= String(buttons.length) && event.key.length === 1;
    if (!isAnswer && !step) return;
    event.preventDefault();
    event.stopPropagation();
    if (step) show(Math.min(Math.max(model.get("film") + step, 1), model.get("value").length));
    else if (!event.repeat) answer(Number(event.key)); // a key held down is one answer
  };
  document.addEventListener("keydown", onKey, true);

  function update() {
    const film = model.get("film");
    const films = model.get("films");
    const pixels = new Uint8Array(films.buffer, films.byteOffset + (film - 1) * rows * columns, rows * columns);
    pixels.forEach((level, at) => (memory[at] = 0xff000000 | (level << 16) | (level << 8) | level));
    context.putImageData(image, 0, 0);
    canvas.setAttribute("aria-label", `${model.get("title")} ${film} of ${model.get("value").length}`);
    buttons.forEach((button, at) => {
      button.setAttribute("aria-pressed", model.get("value")[film - 1] === at + 1);
      button.setAttribute("aria-disabled", isFinished()); // not disabled, or it would lose the focus
    });
  }
  model.on("change", update);
  update();
  return () => {
    model.off("change", update);
    document.removeEventListener("keydown", onKey, true);
  };
}

export default { render };
