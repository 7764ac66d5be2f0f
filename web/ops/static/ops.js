// Keeps the operators' page live: asks for it again, puts the new board in the old one's place, and
// draws what the counters have done since. Without it the page reloads itself.
"use strict";

const EVERY_MS = 2000;
const KEPT = 60; // samples of a rate: two minutes
const SVG = "http://www.w3.org/2000/svg";

const counters = new Map(); // name → {at, total} as last seen
const rates = new Map(); // name → rates a second, the latest last

function sample(board) {
  const now = performance.now();
  for (const element of board.querySelectorAll("[data-rate]")) {
    const name = element.dataset.rate;
    const total = Number(element.dataset.total);
    const before = counters.get(name);
    counters.set(name, { at: now, total });
    if (before === undefined || total < before.total) continue; // first seen, or started anew
    const seconds = Math.max((now - before.at) / 1000, 0.001);
    const history = rates.get(name) ?? [];
    history.push((total - before.total) / seconds);
    rates.set(name, history.slice(-KEPT));
  }
}

function show(board) {
  for (const element of board.querySelectorAll("[data-rate]")) {
    const history = rates.get(element.dataset.rate);
    if (history?.length) element.textContent = spelled(history[history.length - 1]);
  }
  for (const chart of board.querySelectorAll("[data-spark]")) draw(chart);
}

function spelled(rate) {
  return rate >= 10 || rate === 0 ? Math.round(rate).toLocaleString("en") : rate.toFixed(1);
}

function draw(chart) {
  const lines = ["accepted", "ended"].map((one) => [one, rates.get(`${chart.dataset.spark}-${one}`) ?? []]);
  const highest = Math.max(1, ...lines.flatMap(([, history]) => history));
  const { width, height } = chart.viewBox.baseVal;
  for (const [name, history] of lines) {
    const line = document.createElementNS(SVG, "polyline");
    const from = KEPT - history.length;
    const points = history.map((rate, place) => {
      const x = ((from + place) / (KEPT - 1)) * width;
      const y = height - 3 - (rate / highest) * (height - 6);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    line.setAttribute("points", points.join(" "));
    line.setAttribute("class", name);
    chart.append(line);
  }
}

async function refresh() {
  try {
    const answer = await fetch("/ops", { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const board = page.getElementById("board");
    sample(board);
    document.body.classList.remove("stale");
    if (!getSelection().isCollapsed) return; // somebody is copying a job's id
    show(board);
    document.getElementById("board").replaceWith(board);
    document.getElementById("live").textContent = "live,";
    document.title = page.title;
  } catch {
    document.body.classList.add("stale");
    document.getElementById("live").textContent = "no answer since";
  } finally {
    setTimeout(refresh, document.hidden ? 5 * EVERY_MS : EVERY_MS);
  }
}

sample(document);
setTimeout(refresh, EVERY_MS);
