// The cursor of a page is one place on all panels. Sound, clicks and keys move it. Bokeh draws and zooms.
(async () => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const byId = (id) => document.getElementById(id);
  const settings = read("settings"), sound = byId("sound"), panels = byId("panels"), text = byId("text"), readout = byId("readout");
  const views = await Bokeh.embed.embed_item(read("item"), "panels");
  const doc = views.roots[0].model.document;
  const models = [...doc._all_models.values()];
  const cursors = models.filter((model) => model.tags?.includes("cursor"));
  const lines = models.filter((model) => model.tags?.includes("boundary"));
  const range = doc.get_model_by_name("range");
  const curves = settings.curves.map(([name, label]) => [doc.get_model_by_name(name)?.data, label]).filter(([data]) => data);
  const {first, last} = settings;
  let place = first;

  // Returns the index of the value nearest to x in an increasing array.
  const nearest = (xs, x) => {
    let low = 0, high = xs.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (xs[middle] < x) low = middle + 1; else high = middle;
    }
    return low > 0 && x - xs[low - 1] < xs[low] - x ? low - 1 : low;
  };
  const where = () => {
    if (settings.axis === "date") return new Date(place).toISOString().replace("T", " ").slice(0, 19);
    if (settings.axis === "second") return `${place.toFixed(2)} s`;
    return `${settings.axis} ${Math.round(place)}`;
  };
  const number = (value) => (Number.isFinite(value) ? Number(value.toPrecision(3)).toString().replace("-", "−") : "–");
  const span = (label, value) => {
    const made = document.createElement("span"), strong = document.createElement("b");
    strong.textContent = value;
    made.append(`${label} `, strong);
    return made;
  };

  const show = (x, {scroll = false} = {}) => {
    place = Math.min(Math.max(x, first), last);
    for (const cursor of cursors) cursor.location = place;
    readout.replaceChildren(span("at", where()), ...curves.map(([data, label]) => span(label, number(data.y[nearest(data.x, place)]))));
    if (text) {
      const at = Math.min(Math.max(Math.round(place) - settings.sentence, 0), text.children.length - 1);
      text.querySelector(".here")?.classList.remove("here");
      const own = text.children[at];
      own.classList.add("here");
      if (scroll) text.scrollTop = own.offsetTop - text.clientHeight / 3;
    }
  };
  const view = (start, end) => {
    const size = Math.min(Math.max(end - start, (last - first) / 1e5), last - first);
    const begin = Math.min(Math.max(start, first), last - size);
    range.setv({start: begin, end: begin + size});
  };
  const follow = () => {
    const size = range.end - range.start;
    if (place < range.start || place > range.end) view(place - 0.05 * size, place + 0.95 * size);
  };
  const jump = (x) => {
    show(x, {scroll: true});
    if (sound) sound.currentTime = place - first;
  };
  const zoom = (factor) => {
    const middle = place >= range.start && place <= range.end ? place : (range.start + range.end) / 2;
    view(middle - (middle - range.start) * factor, middle + (range.end - middle) * factor);
  };
  const shift = (share) => {
    const size = range.end - range.start;
    view(range.start + share * size, range.end + share * size);
  };

  // If many boundaries share few pixels, they would hide the curves. So they fade.
  const fade = () => {
    const xs = doc.get_model_by_name("boundaries")?.data.x;
    if (!xs) return;
    const seen = xs.filter((x) => x >= range.start && x <= range.end).length;
    const alpha = Math.min(0.6, Math.max(0.04, 0.035 * panels.clientWidth / Math.max(seen, 1)));
    for (const line of lines) line.line_alpha = {value: alpha};
  };
  range.change.connect(fade);
  fade();

  for (const plot of models.filter((model) => model.type === "Figure" || model.type === "Plot")) {
    plot.on_event("tap", (event) => jump(event.x));
  }
  const keys = {
    "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), "−": () => zoom(2), Home: () => view(first, last),
    ArrowLeft: (event) => (event.shiftKey ? jump(place - (range.end - range.start) / 100) : shift(-0.2)),
    ArrowRight: (event) => (event.shiftKey ? jump(place + (range.end - range.start) / 100) : shift(0.2)),
    ...(sound && {" ": () => (sound.paused ? sound.play() : sound.pause())}),
  };
  panels.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key](event);
  }, true);
  panels.addEventListener("pointerdown", () => panels.focus({preventScroll: true}));
  text?.addEventListener("click", (event) => {
    const own = event.target.closest("p");
    if (own) { show(Number(own.dataset.n)); follow(); }
  });
  if (sound) {
    const step = () => {
      show(first + sound.currentTime);
      follow();
      if (!sound.paused && !sound.ended) requestAnimationFrame(step);
    };
    sound.addEventListener("play", () => requestAnimationFrame(step));
    sound.addEventListener("seeked", () => show(first + sound.currentTime));
  }
  show(first);
  // Scripts that control the page, and its test, use this object.
  window.timeline = {get place() { return place; }, get view() { return [range.start, range.end]; }, jump};
})();
