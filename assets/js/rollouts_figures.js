/** The charts of rollouts: how rewards are spread, how their mean settles, the plane of reward and divergence, the sweep. */

import { count, text as say } from "./distribution_page.js";
import { band, measured, node, padded, path, plot, short } from "./rollouts_chart.js";
import { histogram, running } from "./rollouts_statistics.js";

const HEIGHT = 250;
const PLANE_HEIGHT = 360;
const NAME_HEIGHT = 14;

/** Rewards of the rollouts as bars, and as an outline what π* makes of them. */
export function spread(width, { rewards, best }) {
  const bins = histogram(rewards, best.weights);
  const [from, to] = [bins[0].from, bins.at(-1).to];
  const highest = Math.max(...bins.flatMap(({ share, weight }) => [share, weight]));
  const label = say("rollouts.spread_label", { count: count(rewards.length), low: short(Math.min(...rewards)), high: short(Math.max(...rewards)) });
  const format = (value) => `${Math.round(value * 100)} %`;
  const chart = plot({ width, height: HEIGHT, label, x: { from, to, title: say("rollouts.reward") }, y: { from: 0, to: highest * 1.06, title: say("rollouts.share"), format } });
  const { X, Y, inside } = chart;
  for (const bin of bins) {
    const [left, right] = [X(bin.from) + 1, X(bin.to) - 1];
    const words = say("rollouts.bin", { from: short(bin.from), to: short(bin.to), count: bin.count, share: format(bin.share), weight: format(bin.weight) });
    const bar = node("rect", { x: left, width: Math.max(0.5, right - left), y: Y(bin.share), height: inside.bottom - Y(bin.share), fill: "var(--pgr-soft)" }, node("title", {}, words));
    const outline = path([[left, inside.bottom], [left, Y(bin.weight)], [right, Y(bin.weight)], [right, inside.bottom]], { stroke: "var(--pgr-orange)", "stroke-width": 2, "pointer-events": "none" });
    chart.add(bar, ...(bin.weight > 0.0005 ? [outline] : []));
  }
  const mean = running(rewards).means.at(-1);
  chart.add(...rule(chart, mean, "var(--pgr-blue)", "4 3"), ...rule(chart, best.reward, "var(--pgr-orange)", ""));
  return chart.svg;
}

function rule({ X, inside }, value, stroke, dashes) {
  return [node("line", { x1: X(value), x2: X(value), y1: inside.top, y2: inside.bottom, stroke, "stroke-width": 2, "stroke-dasharray": dashes || undefined })];
}

/** The mean of the first n rewards with one standard error to each side. */
export function settling(width, { rewards, point }) {
  const { means, errors } = running(rewards);
  const last = rewards.length;
  const seen = [...means].flatMap((mean, at) => (at ? [mean - errors[at], mean + errors[at]] : [mean]));
  const [from, to] = padded(seen);
  const label = say("rollouts.settling_label", { count: count(last), ...measured(means[last - 1], errors[last - 1]) });
  const chart = plot({ width, height: HEIGHT, label, x: { from: 1, to: Math.max(2, last), title: say("rollouts.number"), format: (value) => String(Math.round(value)) }, y: { from, to, title: say("rollouts.mean_reward") } });
  const { X, Y, inside } = chart;
  const side = (sign) => [...means].map((mean, at) => [X(at + 1), Y(mean + sign * (errors[at] || 0))]);
  chart.add(
    band(side(1), side(-1), { fill: "var(--pgr-blue)", "fill-opacity": 0.2 }),
    path([...means].map((mean, at) => [X(at + 1), Y(mean)]), { stroke: "var(--pgr-blue)", "stroke-width": 2 }),
    node("line", { x1: inside.left, x2: inside.right, y1: Y(means[last - 1]), y2: Y(means[last - 1]), stroke: "var(--quiet)", "stroke-dasharray": "3 3" }),
  );
  const cursor = node("circle", { r: 4, fill: "var(--pgr-blue)", visibility: "hidden" });
  chart.add(cursor);
  chart.svg.addEventListener("pointermove", (event) => {
    const { left, width: wide } = chart.svg.getBoundingClientRect();
    const place = ((event.clientX - left) * (width / wide) - inside.left) / (inside.right - inside.left);
    const at = Math.round(Math.min(1, Math.max(0, place)) * (Math.max(2, last) - 1));
    if (at >= last) return;
    cursor.setAttribute("cx", X(at + 1));
    cursor.setAttribute("cy", Y(means[at]));
    cursor.setAttribute("visibility", "visible");
    point(at + 1, means[at], errors[at]);
  });
  return chart.svg;
}

/**
 * Expected reward against divergence: the curve that no policy over these rollouts lies above, π* on it, best-of-n, and
 * whatever other policies are handed in as `series`: `{name, points: [{divergence, reward, label}]}`.
 * @param {{frontier: Object[], several: Object[], best: Object, beta: number, series: Object[]}} shown
 *   `frontier` from the smallest β on, `several` from n = 1 on
 */
export function plane(width, { frontier, several, best, beta, series }) {
  const others = series.flatMap(({ points }) => points);
  const widest = Math.max(0.1, ...frontier.map(({ divergence }) => divergence), ...several.slice(1).map(({ bound }) => bound), ...others.map(({ divergence }) => divergence));
  const [from, to] = padded([...frontier, ...others].map(({ reward }) => reward), 0.1);
  const label = say("rollouts.plane_label", { beta: short(beta), reward: short(best.reward), divergence: short(best.divergence) });
  const chart = plot({ width, height: PLANE_HEIGHT, label, x: { from: 0, to: widest * 1.04, title: say("rollouts.divergence_axis") }, y: { from, to, title: say("rollouts.expected_reward") } });
  const { X, Y, inside } = chart;
  const line = frontier.map(({ divergence, reward }) => [X(divergence), Y(reward)]).reverse();
  const above = [[X(0), inside.top], [inside.right, inside.top], [inside.right, line.at(-1)[1]]];
  chart.add(
    node("polygon", { points: [...above, ...[...line].reverse()].map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "), fill: "var(--line)", "fill-opacity": 0.45 }),
    path(line, { stroke: "var(--pgr-orange)", "stroke-width": 2.5 }),
  );
  for (const one of several) chart.add(...bestPoint(chart, one));
  const taken = []; // heights of the names so far
  series.forEach(({ name, points }, at) => chart.add(...otherPoints(chart, name, points, at, taken)));
  chart.add(
    node("circle", { cx: X(0), cy: Y(several[0].reward), r: 5, fill: "var(--card)", stroke: "var(--ink)", "stroke-width": 2 }, node("title", {}, "π_ref")),
    node("circle", { cx: X(best.divergence), cy: Y(best.reward), r: 7, fill: "var(--pgr-orange)", stroke: "var(--card)", "stroke-width": 2 }, node("title", {}, label)),
    node("text", { x: X(best.divergence) + 10, y: Y(best.reward) + 16, fill: "var(--ink)", "font-weight": 600 }, `π*, β = ${short(beta)}`),
  );
  return chart.svg;
}

/** Where best-of-n stands over these rollouts, and how far right it can stand at most. */
function bestPoint({ X, Y }, { draws: number, reward, divergence, bound }) {
  if (number === 1) return [];
  const words = say("rollouts.best_point", { n: number, reward: short(reward), divergence: short(divergence), bound: short(bound) });
  return [
    node("line", { x1: X(divergence), x2: X(bound), y1: Y(reward), y2: Y(reward), stroke: "var(--pgr-blue)", "stroke-dasharray": "2 2" }),
    node("path", { d: `M${X(bound)} ${Y(reward) - 5}v10`, stroke: "var(--pgr-blue)", "stroke-width": 2 }),
    node("rect", { x: X(divergence) - 4, y: Y(reward) - 4, width: 8, height: 8, fill: "var(--pgr-blue)", stroke: "var(--card)" }, node("title", {}, words)),
    node("text", { x: X(divergence) + 7, y: Y(reward) + 15, fill: "var(--pgr-blue)", "font-size": 11 }, String(number)),
  ];
}

function otherPoints({ X, Y }, name, points, at, taken) {
  const stroke = ["var(--pgr-green)", "var(--pgr-purple)"][at % 2];
  const marks = points.map(({ divergence, reward, label }) =>
    node("path", { d: `M${X(divergence) - 5} ${Y(reward) + 4}l5 -9l5 9z`, fill: stroke }, node("title", {}, `${name} ${label ?? ""}: ${short(reward)}, ${say("train.fact.nats", { value: short(divergence) })}`)),
  );
  const last = points.at(-1);
  if (last) taken.push(free(Y(last.reward) - 6, taken));
  const words = last ? [node("text", { x: X(last.divergence) + 8, y: taken.at(-1), fill: stroke, "font-weight": 600 }, name)] : [];
  return [path(points.map(({ divergence, reward }) => [X(divergence), Y(reward)]), { stroke, "stroke-width": 1.5 }), ...marks, ...words];
}

/** The height of a name that is to stand at `y` where no other one stands. */
function free(y, taken) {
  return taken.some((other) => Math.abs(other - y) < NAME_HEIGHT) ? free(y + NAME_HEIGHT, taken) : y;
}

/** Mean reward at each temperature, with one standard error to each side. */
export function sweepPicture(width, { points, lowest, highest }) {
  const [from, to] = padded(points.flatMap(({ mean, error }) => [mean - error, mean + error]), 0.12);
  const label = say("rollouts.sweep_label", { count: points.length });
  const air = (highest - lowest) * 0.04;
  const chart = plot({ width, height: HEIGHT + 30, label, x: { from: lowest - air, to: highest + air, title: say("rollouts.temperature") }, y: { from, to, title: say("rollouts.expected_reward") } });
  const { X, Y } = chart;
  chart.add(path(points.map(({ temperature, mean }) => [X(temperature), Y(mean)]), { stroke: "var(--pgr-blue)", "stroke-width": 1.5 }));
  for (const { temperature, mean, error, count: drawn, distinct } of points) {
    const x = X(temperature);
    const words = say("rollouts.sweep_point", { temperature: short(temperature), ...measured(mean, error), count: drawn, distinct });
    const whiskers = error > 0 ? [path([[x, Y(mean - error)], [x, Y(mean + error)]], { stroke: "var(--pgr-blue)", "stroke-width": 2 }), ...[-1, 1].map((sign) => path([[x - 4, Y(mean + sign * error)], [x + 4, Y(mean + sign * error)]], { stroke: "var(--pgr-blue)", "stroke-width": 2 }))] : [];
    chart.add(...whiskers, node("circle", { cx: x, cy: Y(mean), r: 5, fill: "var(--pgr-blue)", stroke: "var(--card)", "stroke-width": 1.5, "data-temperature": temperature }, node("title", {}, words)));
  }
  return chart.svg;
}
