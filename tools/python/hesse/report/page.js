"use strict";
/* Draws the figures of a report. Their descriptions are the JSON of `page.py`; the words view,
   curve, frame and factor have the meaning that `figure.py` gives them. */
(() => {
  const SCALE_NAMES = { linear: "linear", log: "log", symlog: "±log" };
  const DASHES = { solid: "solid", dashed: "dash", dotted: "dot", both: "solid", points: "solid" };
  const PHONE = 640;
  const $ = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  // Plotly reads some HTML tags in texts; names must stay as they are.
  const plain = text => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const short = (text, length) => text.length <= length ? text : "…" + text.slice(1 - length);
  const format = value => {
    if (value === null || value === undefined || !isFinite(value)) return "–";
    const size = Math.abs(value);
    if (size === 0) return "0";
    return size >= 1e5 || size < 1e-3 ? value.toExponential(3).replace(/\.?0+e/, "e") : String(+value.toPrecision(5));
  };

  // Themes.
  const root = document.documentElement;
  const PALETTES = {
    // Okabe and Ito's colours, with yellow replaced for light paper and black for dark paper.
    light: ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6A51A3", "#222222"],
    dark: ["#4FA8DE", "#F0803C", "#2CC295", "#E39BC3", "#F2B632", "#8FD0F5", "#A991E0", "#E8E8E8"],
  };
  const GREY = { light: "#9AA1A8", dark: "#77808A" };
  const theme = () => root.dataset.theme === "dark" ? "dark" : "light";
  const css = name => getComputedStyle(root).getPropertyValue(name).trim();
  const groupColour = group => {
    const at = report.groups.indexOf(group);
    return at < 0 || group === "Other" ? GREY[theme()] : PALETTES[theme()][at % 8];
  };
  const remembered = () => { try { return localStorage.getItem("hesse-theme"); } catch (error) { return null; } };
  const remember = value => { try { localStorage.setItem("hesse-theme", value); } catch (error) { /* a page from a file may have no storage */ } };
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const themeButton = document.getElementById("theme");
  const setTheme = name => {
    root.dataset.theme = name;
    themeButton.setAttribute("aria-pressed", String(name === "dark"));
    themeButton.textContent = name === "dark" ? "Light colours" : "Dark colours";
    for (const figure of figures) figure.draw();
  };
  const figures = [];
  let report = { groups: [], figures: [] };

  // Axes.
  const turnOf = lists => {
    const every = [];
    for (const list of lists) for (const v of list) if (isFinite(v) && v !== null && v !== 0) every.push(Math.abs(v));
    if (!every.length) return 1;
    every.sort((a, b) => a - b);
    const low = Math.max(every[Math.floor(0.1 * (every.length - 1))], every[every.length - 1] * 1e-8);
    return 10 ** Math.floor(Math.log10(low));
  };
  const placing = (scale, turn) => {
    if (scale === "symlog") return v => v === null ? null : Math.sign(v) * Math.log10(1 + Math.abs(v) / turn);
    if (scale === "log") return v => v > 0 ? v : null;
    return v => v;
  };
  const power = exponent => exponent === 0 ? "1" : exponent === 1 ? "10" : `10<sup>${exponent}</sup>`;
  const symlogTicks = (lists, turn) => {
    let low = 0, high = 0;
    for (const list of lists) for (const v of list) if (isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
    const first = Math.round(Math.log10(turn));
    const last = Math.ceil(Math.log10(Math.max(-low, high, turn * 10)));
    const every = Math.max(1, Math.ceil((last - first) / 5));
    const place = placing("symlog", turn), tickvals = [0], ticktext = ["0"];
    for (let k = first + every; k <= last; k += every) {
      if (high > 0) { tickvals.push(place(10 ** k)); ticktext.push(power(k)); }
      if (low < 0) { tickvals.push(place(-(10 ** k))); ticktext.push("−" + power(k)); }
    }
    return { tickvals, ticktext, tickmode: "array" };
  };
  const logTicks = lists => {
    let low = Infinity, high = 0;
    for (const list of lists) for (const v of list) if (v > 0) { low = Math.min(low, v); high = Math.max(high, v); }
    const decades = Math.log10(high / low);
    return decades > 2.2 ? { dtick: Math.max(1, Math.ceil(decades / 7)) } : isFinite(decades) && decades > 0.4 ? { dtick: "D2" } : {};
  };
  const axis = (description, scale, lists, turn) => ({
    title: { text: plain(description.label), standoff: 12 },
    type: scale === "log" ? "log" : "linear",
    gridcolor: css("--grid"), linecolor: css("--line"), zeroline: scale !== "log", zerolinecolor: css("--line"),
    automargin: true, exponentformat: "power", hoverformat: ".4g",
    ...(scale === "log" ? logTicks(lists) : {}),
    ...(scale === "symlog" ? symlogTicks(lists, turn) : {}),
  });

  // A histogram in bins of equal width on the axis.
  const histogram = (x, masses, scale, turn, edges) => {
    const there = scale === "log" ? v => Math.log10(v) : placing(scale, turn);
    const back = scale === "log" ? t => 10 ** t
      : scale === "symlog" ? t => Math.sign(t) * turn * (10 ** Math.abs(t) - 1) : t => t;
    const counts = new Array(edges.count).fill(0);
    const width = (edges.high - edges.low) / edges.count || 1;
    for (let i = 0; i < x.length; i++) {
      if (scale === "log" && !(x[i] > 0)) continue;
      const bin = Math.min(edges.count - 1, Math.max(0, Math.floor((there(x[i]) - edges.low) / width)));
      counts[bin] += masses[i];
    }
    const places = [], heights = [], labels = [];
    for (let bin = 0; bin < edges.count; bin++) {
      const from = edges.low + bin * width;
      places.push(from, from + width);
      heights.push(counts[bin], counts[bin]);
      const label = `${format(back(from))} to ${format(back(from + width))}`;
      labels.push(label, label);
    }
    return { places: scale === "log" ? places.map(back) : places, heights, labels };
  };
  const edgesOf = (lists, scale, turn) => {
    const there = scale === "log" ? v => Math.log10(v) : placing(scale, turn);
    let low = Infinity, high = -Infinity;
    for (const list of lists) for (const v of list) {
      if (scale === "log" && !(v > 0)) continue;
      const t = there(v);
      low = Math.min(low, t); high = Math.max(high, t);
    }
    if (!(low < high)) { low = (isFinite(low) ? low : 0) - 0.5; high = low + 1; }
    const rim = (high - low) * 0.01;
    return { low: low - rim, high: high + rim, count: 90 };
  };

  class Figure {
    constructor(description) {
      this.d = description;
      this.node = document.getElementById("figure-" + description.key);
      this.plot = this.node.querySelector(".plot");
      this.controls = this.node.querySelector(".controls");
      this.legend = this.node.querySelector(".legend");
      this.view = description.views[0];
      this.frame = 0;
      this.scaling = "raw";
      this.slots = new Map();
      this.picked = new Map(); // name -> whether a reader chose it
      this.hidden = new Set(); // groups of bars
      for (const view of description.views) {
        view.xScale = view.x.scale;
        view.yScale = view.y.scale;
        view.order = Object.keys(view.orders)[view.kind === "cells" ? 1 : 0] || "";
        for (const curve of view.curves) if (!this.picked.get(curve.name)) this.picked.set(curve.name, curve.shown);
      }
      this.start = new Map(this.picked);
      this.build();
    }

    names() { return [...new Set(this.view.curves.map(curve => curve.name))]; }

    // Controls.
    choice(label, options, current, choose) {
      const set = value => { choose(value); this.build(); this.draw(); };
      // Buttons that do not fit into one line are a list.
      const room = innerWidth < PHONE ? 30 : 64;
      if (options.length > 4 || options.reduce((sum, [, text]) => sum + text.length + 2, 0) > room) {
        const select = $("select", { onchange: event => { set(event.target.value); this.focus(label); }, "data-control": label });
        for (const [value, text] of options) {
          const option = $("option", { value }, text);
          option.selected = value === current;
          select.append(option);
        }
        const id = `control-${this.d.key}-${label.replace(/\W+/g, "-")}`;
        select.id = id;
        return $("div", { class: "control" }, $("label", { for: id }, label), select);
      }
      const group = $("div", { class: "buttons", role: "group", "aria-label": label });
      for (const [value, text] of options) {
        group.append($("button", { type: "button", "aria-pressed": String(value === current),
          "data-control": `${label}|${value}`,
          onclick: () => { set(value); this.focus(`${label}|${value}`); } }, text));
      }
      return $("div", { class: "control" }, $("span", { "aria-hidden": "true" }, label), group);
    }

    focus(control) { // the controls are made anew, and the keyboard stays where it was
      for (const node of this.controls.querySelectorAll("[data-control]")) {
        if (node.dataset.control === control) node.focus();
      }
    }

    build() {
      const { d, view } = this;
      const open = this.controls.nextElementSibling.classList.contains("picker") && this.controls.nextElementSibling.open;
      const controls = [];
      if (d.views.length > 1) {
        controls.push(this.choice("Show", d.views.map(v => [v.key, v.label]), view.key,
          key => { this.view = d.views.find(v => v.key === key); }));
      }
      if (Object.keys(view.scalings).length) {
        controls.push(this.choice("Eigenvalues", Object.entries(view.scalings), this.scaling, value => { this.scaling = value; }));
      }
      const scales = (label, description, key) => {
        if (description.choices.length > 1) {
          controls.push(this.choice(label, description.choices.map(s => [s, SCALE_NAMES[s]]), view[key], value => { view[key] = value; }));
        }
      };
      const lying = view.kind === "bars";
      scales(lying ? "Axis" : "Horizontal axis", lying ? view.y : view.x, lying ? "yScale" : "xScale");
      if (!lying) scales("Vertical axis", view.y, "yScale");
      const orders = Object.keys(view.orders);
      if (orders.length > 1) controls.push(this.choice("Order", orders.map(o => [o, o]), view.order, value => { view.order = value; }));
      if (d.frames.length > 1) {
        const id = "frame-" + d.key;
        const output = $("output", { for: id }, d.frames[this.frame]);
        const range = $("input", { type: "range", id, min: 0, max: d.frames.length - 1, step: 1, value: this.frame,
          "aria-valuetext": `${d.frame_name} ${d.frames[this.frame]}`,
          oninput: event => {
            this.frame = +event.target.value;
            output.textContent = d.frames[this.frame];
            event.target.setAttribute("aria-valuetext", `${d.frame_name} ${d.frames[this.frame]}`);
            this.draw();
          } });
        controls.push($("div", { class: "control" }, $("label", { for: id }, d.frame_name[0].toUpperCase() + d.frame_name.slice(1)), range, output));
      }
      this.controls.replaceChildren(...controls);
      const old = this.node.querySelector(".picker");
      if (old) old.remove();
      if (view.pick && this.names().length > 1) this.controls.after(this.picker(open));
    }

    picker(open) {
      const names = this.names();
      const titles = new Map(this.view.curves.map(curve => [curve.name, curve.title || curve.name]));
      const summary = $("summary");
      const list = $("ul", { class: "picker-list", tabindex: "0", "aria-label": "Curves that can be shown" });
      const boxes = new Map();
      const count = () => {
        const shown = names.filter(name => this.picked.get(name)).length;
        summary.textContent = `Choose what is shown: ${shown} of ${names.length}`;
      };
      this.update = () => { for (const [name, box] of boxes) box.checked = this.picked.get(name); count(); };
      for (const name of names) {
        const box = $("input", { type: "checkbox", onchange: event => { this.picked.set(name, event.target.checked); count(); this.draw(); } });
        boxes.set(name, box);
        list.append($("li", { title: titles.get(name) }, $("label", {}, box, name)));
      }
      const choose = test => { for (const name of names) this.picked.set(name, test(name)); this.update(); this.draw(); };
      const matching = () => {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        return name => words.every(word => (name + " " + titles.get(name)).toLowerCase().includes(word));
      };
      const search = $("input", { type: "search", placeholder: "Search names", "aria-label": `Search the curves of ${this.d.title}`,
        oninput: () => { const test = matching(); for (const [name, box] of boxes) box.closest("li").hidden = !test(name); } });
      const button = (text, test) => $("button", { type: "button", onclick: () => choose(test()) }, text);
      this.update();
      return $("details", { class: "picker", open }, summary, $("div", { class: "picker-tools" }, search,
        button("Only the found ones", matching), button("All", () => () => true), button("None", () => () => false),
        button("As at first", () => name => this.start.get(name))), list);
    }

    colour(name) {
      if (!this.slots.has(name)) {
        const used = new Set([...this.slots].filter(([other]) => this.picked.get(other)).map(([, slot]) => slot));
        let slot = 0;
        while (used.has(slot)) slot++;
        this.slots.set(name, slot);
      }
      return PALETTES[theme()][this.slots.get(name) % 8];
    }

    // Drawing.
    draw() {
      if (!window.Plotly || !this.started) return;
      const { view } = this;
      for (const name of [...this.slots.keys()]) if (!this.picked.get(name)) this.slots.delete(name);
      const phone = this.node.clientWidth < PHONE;
      const picture = view.kind === "cells" ? this.cells(phone)
        : view.kind === "bars" || view.kind === "stack" ? this.bars(phone) : this.lines(phone);
      const layout = {
        paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, autosize: true,
        font: { family: getComputedStyle(document.body).fontFamily, size: phone ? 11 : 12.5, color: css("--ink") },
        margin: { l: phone ? 48 : 64, r: phone ? 10 : 24, t: phone ? 10 : 34, b: 52 }, height: phone ? 330 : 440, hovermode: "closest",
        dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
        hoverlabel: { bgcolor: css("--card"), bordercolor: css("--line"), font: { color: css("--ink") }, namelength: -1 },
        modebar: { bgcolor: "rgba(0,0,0,0)", color: css("--soft"), activecolor: css("--accent") },
        uirevision: [view.key, view.xScale, view.yScale, this.scaling, view.order].join("|"),
        ...picture.layout,
      };
      Plotly.react(this.plot, picture.traces, layout, {
        responsive: true, displaylogo: false, displayModeBar: !phone,
        modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "toggleSpikelines", "hoverClosestCartesian", "hoverCompareCartesian"],
        toImageButtonOptions: { filename: `hesse-${this.d.key}`, scale: 2 },
      });
      this.drawLegend(picture.legend);
    }

    now(item) { return item.frame === null || item.frame === undefined || item.frame === this.frame; }

    lines(phone) {
      const { view } = this;
      const curves = view.curves.filter(curve => this.now(curve) && (!view.pick || this.picked.get(curve.name)));
      const bins = view.kind === "histogram";
      const factor = curve => curve.factors[this.scaling] || 1;
      const data = curves.map(curve => {
        const f = factor(curve), scaled = (list, by) => list && (by === 1 ? list : list.map(v => v === null ? null : v * by));
        const up = Object.keys(view.scalings).length && !bins ? f : 1;
        return { x: typeof curve.x[0] === "string" ? curve.x : scaled(curve.x, 1 / f), y: scaled(curve.y, up), low: scaled(curve.low, up), high: scaled(curve.high, up) };
      });
      const xs = data.map(item => item.x), named = xs.length && typeof xs[0][0] === "string";
      const xTurn = view.xScale === "symlog" ? turnOf(xs) : 1;
      const px = named ? v => v : placing(view.xScale, xTurn);
      const traces = [], legend = [];
      let ys = data.map(item => item.y);
      let binned = [];
      if (bins) {
        const edges = edgesOf(xs, view.xScale, xTurn);
        binned = curves.map((curve, at) => histogram(xs[at], curve.masses, view.xScale, xTurn, edges));
        ys = binned.map(b => b.heights);
      }
      const yTurn = view.yScale === "symlog" ? turnOf(ys) : 1, py = placing(view.yScale, yTurn);
      let least = Infinity, most = -Infinity;
      for (const list of ys) for (const v of list) if (v > 0) { least = Math.min(least, v); most = Math.max(most, v); }
      if (view.key === "density") least = Math.max(least, most * 1e-9);
      curves.forEach((curve, at) => {
        const colour = this.colour(curve.name), label = plain(curve.label);
        legend.push({ name: curve.name, text: curve.label, colour, dash: curve.line, first: !legend.some(entry => entry.name === curve.name) });
        if (bins) {
          const { places, heights, labels } = binned[at];
          traces.push({ type: "scatter", mode: "lines", x: places, y: heights.map(v => view.yScale === "log" && !(v > 0) ? null : v),
            line: { color: colour, width: 1.7 }, fill: view.yScale === "log" ? "none" : "tozeroy", fillcolor: colour + "1f",
            customdata: labels.map((text, i) => [text, format(heights[i])]), name: label,
            hovertemplate: "%{customdata[0]}<br>share %{customdata[1]}<extra>" + this.extra(label) + "</extra>" });
          return;
        }
        const { x, y, low, high } = data[at];
        const markers = curve.line === "both" || curve.line === "points";
        if (low && !markers) {
          const under = low.map(v => view.yScale === "log" ? Math.max(v, least) : v);
          traces.push({ type: "scatter", mode: "lines", x: [...x.map(px), ...x.map(px).reverse()],
            y: [...high.map(py), ...under.map(py).reverse()], fill: "toself", fillcolor: colour + "33", line: { width: 0 }, hoverinfo: "skip", name: label });
        }
        const trace = { type: "scatter", mode: curve.line === "points" ? "markers" : markers ? "lines+markers" : "lines",
          x: x.map(px), y: y.map(py), name: label,
          line: { color: colour, width: curve.line === "dotted" ? 1.5 : 1.9, dash: DASHES[curve.line] }, marker: { size: 6, color: colour },
          customdata: x.map((v, i) => [named ? plain(v) : format(v), format(y[i]), low ? ` ± ${format((high[i] - low[i]) / 2)}` : ""]),
          hovertemplate: "%{customdata[0]}<br><b>%{customdata[1]}</b>%{customdata[2]}<extra>" + this.extra(label) + "</extra>" };
        if (low && markers && high.some((v, i) => v > low[i])) {
          const to = high.map(py), from = low.map((v, i) => py(v) === null ? py(y[i]) : py(v));
          trace.error_y = { type: "data", symmetric: false, array: to.map((v, i) => v - trace.y[i]), arrayminus: from.map((v, i) => trace.y[i] - v), color: colour, thickness: 1.2, width: 3 };
        }
        traces.push(trace);
      });
      const label = view.scaled[this.scaling] || view.x.label;
      const layout = { xaxis: axis({ label }, view.xScale, xs, xTurn), yaxis: axis(view.y, view.yScale, ys, yTurn), shapes: [], annotations: [] };
      if (named) { layout.xaxis.type = "category"; layout.xaxis.tickfont = { size: 11 }; }
      if (view.key === "density" && view.yScale === "log" && isFinite(least) && most > 0) layout.yaxis.range = [Math.log10(most) - 9, Math.log10(most) + 0.3];
      if (view.key === "learning_rate" && view.yScale === "linear") layout.yaxis.rangemode = "tozero";
      for (const [value, text] of view.lines) {
        const y = view.yScale === "log" ? value : py(value);
        layout.shapes.push({ type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line: { color: css("--soft"), width: 1.3, dash: "dash" } });
        layout.annotations.push({ xref: "paper", x: 0, xanchor: "left", yanchor: "bottom", y: view.yScale === "log" ? Math.log10(value) : y, text: plain(text), showarrow: false, font: { size: 11, color: css("--soft") } });
      }
      if (!traces.length) layout.annotations.push({ xref: "paper", yref: "paper", x: 0.5, y: 0.5, text: "Nothing is chosen. The list above has all curves.", showarrow: false, font: { color: css("--soft") } });
      return { traces, layout, legend };
    }

    extra(label) { return label.replace(/%/g, "%\u200b"); } // a name is no template

    bars(phone) {
      const { view } = this;
      const curves = view.curves.filter(curve => this.now(curve) && (!view.pick || this.picked.get(curve.name)));
      const order = view.orders[view.order];
      const stack = view.kind === "stack", legend = [], traces = [];
      const several = new Set(view.curves.map(curve => curve.name)).size > 1;
      const ys = curves.map(curve => curve.y);
      const turn = view.yScale === "symlog" ? turnOf(ys) : 1, place = placing(view.yScale, turn);
      const labels = curves.length ? curves[0].x : [];
      const used = order && order.length === labels.length ? order : labels.map((_, at) => at);
      const positions = new Map(used.map((at, place) => [labels[at], place]));
      const every = [...labels];
      for (const curve of curves) for (const name of curve.x) if (!positions.has(name)) { positions.set(name, positions.size); every.push(name); }
      const count = positions.size, lying = count <= 80;
      const add = (curve, indices, colour, name) => {
        const value = indices.map(i => place(curve.y[i])), at = indices.map(i => positions.get(curve.x[i]));
        const trace = { type: "bar", orientation: lying ? "h" : "v", x: lying ? value : at, y: lying ? at : value, marker: { color: colour }, name: plain(name),
          customdata: indices.map(i => [plain(curve.x[i]), format(curve.y[i]), curve.groups.length ? curve.groups[i] : name, curve.low ? ` ± ${format((curve.high[i] - curve.low[i]) / 2)}` : ""]).map(row => [row[0], row[1], plain(row[2]), row[3]]),
          hovertemplate: "%{customdata[0]}<br><b>%{customdata[1]}</b>%{customdata[3]}<extra>%{customdata[2]}</extra>" };
        if (curve.low) {
          const error = { type: "data", symmetric: false, thickness: 1.2, width: 2, color: css("--ink"),
            array: indices.map((i, k) => Math.max(0, place(curve.high[i]) - value[k]) || 0), arrayminus: indices.map((i, k) => place(curve.low[i]) === null ? 0 : Math.max(0, value[k] - place(curve.low[i]))) };
          trace[lying ? "error_x" : "error_y"] = error;
        }
        traces.push(trace);
      };
      if (stack || several) {
        [...new Set(curves.map(curve => curve.name))].forEach(name => {
          const curve = curves.find(item => item.name === name);
          const colour = stack && curve.group === "rest" ? GREY[theme()] : this.colour(name);
          add(curve, curve.x.map((_, i) => i), colour, stack ? name : curve.label || name);
          legend.push({ name, text: stack ? name : curve.label || name, colour, dash: "bar", first: true });
        });
      } else {
        for (const curve of curves) {
          for (const group of report.groups.filter(g => curve.groups.includes(g))) {
            const indices = curve.x.map((_, i) => i).filter(i => curve.groups[i] === group);
            if (!this.hidden.has(group)) add(curve, indices, groupColour(group), group);
            legend.push({ group, text: `${group}: ${report.meaning[group]}`, colour: groupColour(group), dash: "bar" });
          }
        }
      }
      const names = [...positions.keys()];
      const longest = phone ? 17 : 36;
      const step = Math.max(1, Math.ceil(count / (lying ? 80 : 1e9)));
      const categories = { automargin: true, gridcolor: "rgba(0,0,0,0)", zeroline: false, range: lying ? [count - 0.5, -0.5] : undefined,
        tickmode: "array", tickvals: lying ? names.map((_, i) => i).filter(i => i % step === 0) : [], ticktext: lying ? names.map(name => plain(short(name, longest))) : [],
        tickfont: { size: phone ? 10 : 11.5 }, title: lying ? undefined : { text: plain(view.x.label) } };
      const values = axis(view.y, view.yScale, ys, turn);
      if (phone) values.title.font = { size: 11 };
      if (view.key.endsWith("-relative")) values.range = [-1.03, 1.03];
      const layout = { barmode: stack ? "relative" : "group", bargap: 0.25, height: lying ? Math.max(220, 120 + count * (several && !stack ? 24 : 17)) : phone ? 330 : 440,
        xaxis: lying ? values : categories, yaxis: lying ? categories : values };
      return { traces, layout, legend };
    }

    cells(phone) {
      const { view } = this;
      const cells = view.cells.filter(item => this.now(item))[0];
      if (!cells) return { traces: [], layout: { annotations: [{ xref: "paper", yref: "paper", x: 0.5, y: 0.5, text: "This step has no such numbers.", showarrow: false }] }, legend: [] };
      const named = typeof cells.x[0] === "string";
      const order = cells.orders[view.order];
      const at = order || cells.x.map((_, i) => i);
      const values = order ? at.map(i => at.map(j => cells.values[i][j])) : cells.values;
      const coloured = cells.log ? values.map(row => row.map(v => v > 0 ? Math.log10(v) : null)) : values;
      const bar = { thickness: phone ? 9 : 12, outlinewidth: 0, len: 0.95, xpad: phone ? 4 : 10, tickfont: { size: phone ? 10 : 11 }, exponentformat: "power", title: { text: plain(cells.label), side: "right", font: { size: phone ? 10 : 11 } } };
      if (cells.log) {
        let low = Infinity, high = -Infinity;
        for (const row of coloured) for (const v of row) if (v !== null) { low = Math.min(low, v); high = Math.max(high, v); }
        const ticks = [];
        for (let k = Math.ceil(low); k <= high; k += Math.max(1, Math.ceil((high - low) / 5))) ticks.push(k);
        Object.assign(bar, { tickvals: ticks, ticktext: ticks.map(power) });
      }
      const colours = { colorscale: cells.signed ? [[0, "#8C510A"], [0.25, "#DFC27D"], [0.5, theme() === "dark" ? "#2b323a" : "#F5F5F5"], [0.75, "#80CDC1"], [1, "#01665E"]] : "Viridis", zmid: cells.signed ? 0 : undefined };
      if (cells.kind === "surface") {
        const side = { gridcolor: css("--grid"), zerolinecolor: css("--line"), backgroundcolor: "rgba(0,0,0,0)" };
        return { traces: [{ type: "surface", x: cells.x, y: cells.y, z: values, ...colours, cmid: colours.zmid, zmid: undefined, colorbar: bar, hovertemplate: "x %{x:.4g}<br>y %{y:.4g}<br><b>%{z:.5g}</b><extra></extra>" }],
          layout: { height: phone ? 380 : 560, margin: { l: 0, r: 0, t: 10, b: 10 }, scene: { xaxis: { ...side, title: { text: "x" } }, yaxis: { ...side, title: { text: "y" } }, zaxis: { ...side, title: { text: plain(cells.label) } }, camera: { eye: { x: 1.4, y: -1.5, z: 0.9 } } } }, legend: [] };
      }
      const square = { scaleanchor: "x", constrain: "domain" };
      if (!named) {
        const type = cells.kind === "contour" ? { type: "contour", ncontours: 24, contours: { coloring: "heatmap" }, line: { width: 0.6, color: theme() === "dark" ? "rgba(255,255,255,.45)" : "rgba(0,0,0,.35)" } } : { type: "heatmap" };
        const traces = [{ ...type, x: cells.x, y: cells.y, z: coloured, ...colours, colorbar: bar, hovertemplate: "x %{x:.4g}<br>y %{y:.4g}<br><b>%{z:.5g}</b><extra></extra>" }];
        if (cells.centre) traces.push({ type: "scatter", mode: "markers", x: [0], y: [0], marker: { symbol: "x", size: 10, color: "#ffffff", line: { color: "#000000", width: 1.5 } }, hovertemplate: "the network<extra></extra>" });
        return { traces, layout: { height: phone ? 340 : 560, margin: { l: 56, r: 16, t: phone ? 10 : 34, b: 52 }, xaxis: { ...axis(view.x, "linear"), zeroline: false, constrain: "domain" }, yaxis: { ...axis(view.y, "linear"), zeroline: false } }, legend: [] };
      }
      const names = at.map(i => cells.x[i]), n = names.length;
      const text = values.map((row, i) => row.map((v, j) => `${plain(names[i])}<br>${plain(names[j])}<br><b>${format(v)}</b>`));
      const room = phone ? 0 : 46, step = room ? Math.max(1, Math.ceil(n / room)) : n + 1;
      const tickvals = names.map((_, i) => i).filter(i => i % step === 0 && room), ticktext = tickvals.map(i => plain(short(names[i], 26)));
      const side = { showgrid: false, zeroline: false, tickmode: "array", tickvals, ticktext, tickfont: { size: n > 24 ? 10 : 11.5 }, automargin: true, constrain: "domain" };
      const shapes = [];
      if (view.order === "by group" && report.groupOf) {
        for (let i = 1; i < n; i++) {
          if (report.groupOf[names[i]] !== report.groupOf[names[i - 1]]) {
            const line = { color: theme() === "dark" ? "#14181c" : "#ffffff", width: 2 };
            shapes.push({ type: "line", x0: i - 0.5, x1: i - 0.5, y0: -0.5, y1: n - 0.5, line }, { type: "line", y0: i - 0.5, y1: i - 0.5, x0: -0.5, x1: n - 0.5, line });
          }
        }
      }
      const width = this.plot.clientWidth || 800;
      return { traces: [{ type: "heatmap", z: coloured, text, ...colours, colorbar: bar, hovertemplate: "%{text}<extra></extra>", xgap: n < 60 ? 1 : 0, ygap: n < 60 ? 1 : 0 }],
        layout: { height: phone ? width * 0.82 : Math.min(760, Math.max(460, width * 0.78)), margin: { l: phone ? 10 : 64, r: phone ? 6 : 16, t: phone ? 10 : 34, b: phone ? 10 : 60 }, shapes, xaxis: { ...side, tickangle: 90 }, yaxis: { ...side, ...square, autorange: "reversed" } }, legend: [] };
    }

    drawLegend(entries) {
      const node = this.legend;
      const items = entries.length > 1 || entries.some(entry => entry.group) ? entries : entries.slice(0, 1);
      node.replaceChildren(...items.map(entry => {
        const hidden = entry.group && this.hidden.has(entry.group);
        const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        swatch.setAttribute("width", 22); swatch.setAttribute("height", 10); swatch.setAttribute("aria-hidden", "true");
        const shape = document.createElementNS("http://www.w3.org/2000/svg", entry.dash === "bar" ? "rect" : "line");
        const attributes = entry.dash === "bar" ? { width: 12, height: 10, x: 5, rx: 2, fill: entry.colour, opacity: hidden ? 0.25 : 1 }
          : { x1: 1, x2: 21, y1: 5, y2: 5, stroke: entry.colour, "stroke-width": 2.4, "stroke-dasharray": entry.dash === "dashed" ? "6 4" : entry.dash === "dotted" ? "2 3" : "none" };
        for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
        swatch.append(shape);
        const item = $("li", {}, swatch);
        if (entry.group) {
          item.append($("button", { type: "button", "aria-pressed": String(!hidden), title: hidden ? "Show this group" : "Hide this group",
            onclick: event => { hidden ? this.hidden.delete(entry.group) : this.hidden.add(entry.group); this.draw(); this.legend.querySelectorAll("button")[items.indexOf(entry)].focus(); event.preventDefault(); } }, entry.text));
        } else {
          item.append($("span", {}, entry.text));
          if (entry.first && this.view.pick && this.names().length > 1) {
            item.append($("button", { type: "button", "aria-label": `Hide ${entry.text}`, title: "Hide",
              onclick: () => { this.picked.set(entry.name, false); if (this.update) this.update(); this.draw(); } }, "×"));
          }
        }
        return item;
      }));
    }
  }

  // What the page holds, compressed.
  const unpack = async id => {
    const node = document.getElementById(id);
    const bytes = Uint8Array.from(atob(node.textContent.trim()), letter => letter.charCodeAt(0));
    node.remove();
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };
  const tick = () => new Promise(done => setTimeout(done));
  const start = async () => {
    if (!window.DecompressionStream) throw new Error("This browser is too old for the figures: it has no DecompressionStream. Chrome 80, Firefox 113 and Safari 16.4 have it.");
    setTheme(remembered() || (prefersDark.matches ? "dark" : "light"));
    themeButton.hidden = false;
    themeButton.addEventListener("click", () => { const other = theme() === "dark" ? "light" : "dark"; remember(other); setTheme(other); });
    prefersDark.addEventListener("change", event => { if (!remembered()) setTheme(event.matches ? "dark" : "light"); });
    report = JSON.parse(await unpack("data"));
    const library = document.createElement("script");
    library.textContent = await unpack("plotly");
    document.head.append(library);
    if (!window.Plotly) throw new Error("The drawing library did not start.");
    for (const description of report.figures) figures.push(new Figure(description));
    window.hesseFigures = figures;
    for (const figure of figures) {
      figure.started = true;
      figure.draw();
      await tick();
    }
    let width = innerWidth, timer = 0;
    addEventListener("resize", () => {
      if (innerWidth === width) return; // the bar of a phone's browser changes the height alone
      width = innerWidth;
      clearTimeout(timer);
      timer = setTimeout(() => figures.forEach(figure => figure.draw()), 150);
    });
    root.dataset.ready = "yes";
  };
  // The table of contents is folded on a phone, and marks where the reader is.
  const contents = document.querySelector("nav details");
  if (matchMedia("(max-width: 1079px)").matches) contents.removeAttribute("open");
  const links = new Map([...document.querySelectorAll("nav a")].map(link => [link.getAttribute("href").slice(1), link]));
  const observer = new IntersectionObserver(entries => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = links.get(entry.target.id);
      if (link) link.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-10% 0px -75% 0px" });
  for (const id of links.keys()) { const node = document.getElementById(id); if (node) observer.observe(node); }
  start().catch(error => { document.getElementById("alert").textContent = "The figures cannot be drawn. " + error.message; root.dataset.ready = "failed"; });
})();
