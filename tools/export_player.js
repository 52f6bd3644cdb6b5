// Lets the explorers of an exported page move without a kernel. The page holds the state of their widgets as it was when
// the lesson ran; of all controls only those work that are linked to pictures in the page itself, as in JupyterLab.
const NOTE = "There is no kernel behind this page: only what can be moved here moves. In JupyterLab every control does.";

/** One widget's state, with the part of Jupyter's model that anywidgets and links use. */
class Model {
  constructor(state) {
    this.state = state;
    this.listeners = [];
  }
  get(name) {
    return this.state[name];
  }
  set(name, value) {
    if (JSON.stringify(value) === JSON.stringify(this.state[name])) return;
    this.state[name] = value;
    for (const [event, act] of [...this.listeners]) if (event === "change" || event === `change:${name}`) act();
  }
  on(event, act) {
    this.listeners.push([event, act]);
  }
  off(event, act) {
    this.listeners = this.listeners.filter((each) => each[0] !== event || (act && each[1] !== act));
  }
  save_changes() {} // nobody is there to hear of them
  send() {}
}

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** Put the bytes that were sent apart from a state back into it. */
function restore({ state, buffers = [] }) {
  for (const { path, data } of buffers) {
    const bytes = bytesOf(data);
    const place = path.slice(0, -1).reduce((inside, key) => inside[key], state);
    place[path.at(-1)] = new DataView(bytes.buffer);
  }
  return new Model(state);
}

const packed = new Blob([bytesOf(document.getElementById("cnnkit-models").textContent)]);
const states = await new Response(packed.stream().pipeThrough(new DecompressionStream("deflate"))).json();
const models = Object.fromEntries(Object.entries(states).map(([id, each]) => [id, restore(each)]));
const modelOf = (reference) => models[String(reference).replace("IPY_MODEL_", "")];
const moving = new Set(); // the models that something in the page follows

for (const link of Object.values(models).filter((model) => /Link/.test(model.get("_model_name")))) {
  const [source, from] = link.get("source");
  const [target, to] = link.get("target");
  const [one, other] = [modelOf(source), modelOf(target)];
  moving.add(one).add(other);
  one.on(`change:${from}`, () => other.set(to, one.get(from)));
  if (link.get("_model_name") === "LinkModel") other.on(`change:${to}`, () => one.set(from, other.get(to)));
}

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

let names = 0;

/** Make a line of a label and a control, with a number behind it if the control has one. */
function line(description, control, ...behind) {
  control.id = `cnnkit-control-${names++}`;
  return element("div", { className: "cnnkit-line" }, element("label", { htmlFor: control.id, textContent: description }), control, ...behind);
}

function rangeInput(model) {
  const [min, max, step] = ["min", "max", "step"].map((name) => model.get(name));
  return element("input", { type: "range", min, max, step, disabled: !moving.has(model) });
}

function slider(model) {
  const input = rangeInput(model);
  const number = element("output");
  const show = () => (number.value = input.value = model.get("value"));
  show();
  model.on("change:value", show);
  input.addEventListener("input", () => model.set("value", Number(input.value)));
  return line(model.get("description"), input, number);
}

/** The two ends of a range; one moves while the other is where it was at first, since only those pictures are here. */
function rangeSlider(model) {
  const first = [...model.get("value")];
  const lines = ["lower", "upper"].map((end, at) => {
    const input = rangeInput(model);
    const number = element("output");
    const show = () => (number.value = input.value = model.get("value")[at]);
    show();
    model.on("change:value", show);
    input.addEventListener("input", () => {
      const limited = at ? Math.max(Number(input.value), first[0]) : Math.min(Number(input.value), first[1]);
      model.set("value", at ? [first[0], limited] : [limited, first[1]]);
      show();
    });
    return line(`${model.get("description")}, ${end} end`, input, number);
  });
  return element("div", {}, ...lines);
}

function choice(model) {
  const labels = model.get("_options_labels") ?? [];
  const chosen = labels[model.get("index")] ?? "";
  return line(model.get("description"), element("select", { disabled: true }, element("option", { textContent: chosen })));
}

function checkbox(model) {
  return line(model.get("description"), element("input", { type: "checkbox", disabled: true, checked: model.get("value") }));
}

/** Reset puts what moves back to where it began; what other buttons do, only a kernel can. */
function button(model, inside) {
  if (model.get("description") !== "Reset") return "";
  const started = inside.filter((each) => moving.has(each)).map((each) => [each, each.get("value")]);
  const node = element("button", { type: "button", textContent: "Reset" });
  node.addEventListener("click", () => started.forEach(([each, value]) => each.set("value", value)));
  return node;
}

const modules = {};

/** A view that is a program of its own: the kit's pictures, the light box of the reader. */
function ownView(model) {
  const place = element("div");
  const text = model.get("_esm");
  const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  modules[text] ??= import(`data:text/javascript;base64,${encoded}`);
  modules[text].then((loaded) => loaded.default.render({ model, el: place }));
  document.head.append(element("style", { textContent: model.get("_css") ?? "" }));
  return place;
}

const VIEWS = {
  IntSliderModel: slider,
  FloatSliderModel: slider,
  IntRangeSliderModel: rangeSlider,
  FloatRangeSliderModel: rangeSlider,
  DropdownModel: choice,
  CheckboxModel: checkbox,
  ButtonModel: button,
  AnyModel: ownView,
};

function view(model, inside) {
  const children = model.get("children");
  if (!children) return VIEWS[model.get("_model_name")]?.(model, inside) ?? "";
  const className = model.get("_model_name") === "GridBoxModel" ? "cnnkit-controls" : "";
  return element("div", { className }, ...children.map((child) => view(modelOf(child), inside)));
}

/** All models in a box, the box too. */
function within(model) {
  return [model, ...(model.get("children") ?? []).flatMap((child) => within(modelOf(child)))];
}

for (const place of document.querySelectorAll(".cnnkit-player")) {
  const model = models[place.dataset.model];
  const box = view(model, within(model));
  box.classList.add("widget-vbox"); // by this name the views know their controls
  place.replaceChildren(box, element("p", { className: "cnnkit-note", textContent: NOTE }));
}
