// Line charts that grow in place, on Plotly. The library is fetched when the first chart is wanted.

let library;

/** Plotly itself; `version` is the package's, so that the browser may keep the file for ever. */
export function plotly(version) {
  library ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = playground.url(`plotly.min.js?v=${version}`);
    script.onload = () => done(window.Plotly);
    script.onerror = () => failed(new Error("plotly.min.js"));
    document.head.append(script);
  });
  return library;
}

const DENSE = 60; // points of a series from which on it is a line without markers
// Plotly reads a little HTML in its labels; a name is a name.
const plain = (name) => name.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

function ink() {
  return { text: colour("--body-text-color"), quiet: colour("--body-text-color-subdued"), line: colour("--border-color-primary") };
}

function axis(title, { quiet, line }) {
  return { title: { text: plain(title), font: { size: 12 }, standoff: 8 }, gridcolor: line, zerolinecolor: line, linecolor: line, tickfont: { size: 11, color: quiet }, automargin: true };
}

export class Chart {
  /**
   * @param {HTMLElement} root
   * @param {{title: string, unit: string, series: {metric: string, name: string, colour: string, dash?: string, symbol?: string}[], log?: boolean, height: number, format?: string, across?: string, mode?: string, legend?: boolean}} spec
   *   `colour` is the name of a CSS variable; `across` is the title of the x axis, by default "Step"
   */
  constructor(root, spec) {
    this.root = root;
    this.spec = spec;
    this.points = new Map(spec.series.map(({ metric }) => [metric, { x: [], y: [] }]));
  }

  /** Starts to draw; points added before are drawn too. */
  async draw(version) {
    const Plotly = await plotly(version);
    const traces = this.spec.series.map((series) => this.trace(series));
    const settings = { displaylogo: false, responsive: true, displayModeBar: false, doubleClick: "reset" };
    await Plotly.newPlot(this.root, traces, this.layout(), settings);
    this.Plotly = Plotly;
    this.recolour = () => this.Plotly.update(this.root, { "line.color": this.spec.series.map((one) => colour(one.colour)) }, this.theme());
    this.observer = new MutationObserver(this.recolour);
    this.observer.observe(document.body, { attributes: true, attributeFilter: ["class"] });
    this.drawn = new Map([...this.points].map(([metric, { x }]) => [metric, x.length]));
    this.say();
    this.grow();
  }

  /** Says so where there is nothing to draw yet; the axes, which would be made up, are hidden meanwhile. */
  say() {
    if (this.hasPoints) delete this.root.dataset.empty;
    else this.root.dataset.empty = playground.text("train.chart.empty");
  }

  /** One point of one series; drawn with the next `grow()`. */
  add(metric, x, y) {
    const series = this.points.get(metric);
    if (!series || typeof y !== "number") return;
    series.x.push(x);
    series.y.push(y);
  }

  get hasPoints() {
    return [...this.points.values()].some(({ x }) => x.length > 0);
  }

  /** Takes back the points after this step. */
  cut(step) {
    for (const series of this.points.values()) {
      const kept = series.x.map((x) => x <= step);
      series.x = series.x.filter((_, index) => kept[index]);
      series.y = series.y.filter((_, index) => kept[index]);
    }
    if (!this.Plotly) return;
    const all = this.spec.series.map(({ metric }) => this.points.get(metric));
    this.Plotly.restyle(this.root, { x: all.map(({ x }) => [...x]), y: all.map(({ y }) => [...y]) });
    this.say();
    this.drawn = new Map([...this.points].map(([metric, { x }]) => [metric, x.length]));
  }

  /** Draws what was added; the reader's zoom stays. */
  grow() {
    if (!this.Plotly) return;
    const news = { x: [], y: [] };
    const traces = [];
    const first = []; // points of a series
    const dense = [];
    this.spec.series.forEach(({ metric }, index) => {
      const { x, y } = this.points.get(metric);
      const from = this.drawn.get(metric);
      if (x.length === from) return;
      news.x.push(x.slice(from));
      news.y.push(y.slice(from));
      traces.push(index);
      if (!from) first.push(index);
      if (from <= DENSE && x.length > DENSE) dense.push(index);
      this.drawn.set(metric, x.length);
    });
    if (traces.length) this.say();
    if (traces.length) this.Plotly.extendTraces(this.root, news, traces);
    if (first.length) this.Plotly.restyle(this.root, { showlegend: true }, first);
    if (dense.length && !this.spec.mode) this.Plotly.restyle(this.root, { mode: "lines" }, dense);
  }

  remove() {
    this.observer?.disconnect();
    this.Plotly?.purge(this.root);
  }

  /** Markers of many points would run into each other. */
  mode({ length }) {
    return this.spec.mode ?? (length > DENSE ? "lines" : "lines+markers");
  }

  trace({ metric, name, colour: variable, dash, symbol }) {
    const { x, y } = this.points.get(metric);
    return {
      x: [...x], y: [...y], name: plain(name), showlegend: x.length > 0, type: "scatter", mode: this.mode(x),
      line: { color: colour(variable), width: 2, dash: dash ?? "solid" },
      marker: { size: symbol ? 8 : 5, symbol: symbol || "circle" }, cliponaxis: false,
      hovertemplate: `%{y:${this.spec.format ?? ".4~g"}}<extra>%{fullData.name}</extra>`,
    };
  }

  layout() {
    const many = this.spec.legend ?? this.spec.series.length > 1;
    return {
      ...this.theme(), height: this.spec.height, margin: { l: 48, r: 8, t: 12, b: 40 }, hovermode: "x unified", showlegend: many,
      legend: { orientation: "h", x: 1, xanchor: "right", y: 1, yanchor: "bottom", font: { size: 11 }, itemwidth: 30 }, uirevision: "run", dragmode: "zoom",
    };
  }

  theme() {
    const tones = ink();
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: colour("--font") || "sans-serif", size: 12, color: tones.text },
      hoverlabel: { bgcolor: colour("--block-background-fill"), bordercolor: tones.line, font: { color: tones.text } },
      xaxis: { ...axis(this.spec.across ?? playground.text("train.chart.step"), tones), ...(this.spec.across ? {} : { rangemode: "nonnegative" }) },
      // Ticks that are not seen keep the numbers clear of a point at step 0.
      yaxis: { ...axis(this.spec.unit, tones), ticks: "outside", ticklen: 6, tickcolor: "rgba(0,0,0,0)", ...(this.spec.zero ? { rangemode: "tozero" } : {}), exponentformat: "power" },
    };
  }
}
