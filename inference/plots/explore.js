// Interactive figures of draws: pairs of quantities, and the path of each chain. The draws are those that the page
// offers for saving: the table behind the link "draws", a compressed CSV file with a column for each quantity.
(async () => {
  "use strict";
  const area = document.getElementById("explore");
  const link = document.getElementById("draws");
  if (!area || !link || typeof DecompressionStream === "undefined") return;
  const { quantities, fits, pair, worst, chainColours } = JSON.parse(document.getElementById("explore-fits").textContent);

  const bytes = Uint8Array.from(atob(link.href.split(",")[1]), (letter) => letter.charCodeAt(0));
  const lines = (await decompress(bytes)).trimEnd().split("\n");
  // from the right, since names of fits and quantities may have commas: chain, draw and the quantities
  let end = lines.length;
  for (const fit of [...fits].reverse()) {
    fit.rows = lines.slice(end - fit.count, end).map((line) => line.split(",").slice(-quantities.length - 2).map(Number));
    end -= fit.count;
  }

  async function decompress(data) {
    const gzip = new DecompressionStream("gzip");
    const writer = gzip.writable.getWriter();
    writer.write(data);
    writer.close();
    const reader = gzip.readable.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return text + decoder.decode();
      text += decoder.decode(value, { stream: true });
    }
  }

  const MARGIN = { left: 62, right: 12, top: 12, bottom: 44 };
  const TAIL = 0.002; // of the draws on either side, which may lie outside of the axes

  function select(id, names, chosen, redraw) {
    const element = document.getElementById(id);
    names.forEach((name, i) => element.add(new Option(name, i, i === chosen, i === chosen)));
    element.addEventListener("change", redraw);
    return element;
  }

  // the range of estimates and of draws, without the most extreme ones on either side where some share is left out
  function range(shown, k, share) {
    const values = (some) => some.flatMap((fit) => fit.rows.map((row) => row[k + 2])).filter(Number.isFinite);
    const sorted = values(shown.filter((fit) => fit.kind !== "point")).sort((a, b) => a - b);
    const tail = Math.floor(sorted.length * share);
    const ends = sorted.length ? [sorted[tail], sorted[sorted.length - 1 - tail]] : [];
    const all = [...ends, ...values(shown.filter((fit) => fit.kind === "point"))];
    if (!all.length) return [0, 1];
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const space = high > low ? 0.04 * (high - low) : Math.abs(low) / 10 || 1;
    return [low - space, high + space];
  }

  function ticks([low, high], count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    const places = Math.max(0, -Math.floor(Math.log10(step)));
    const label = (v) => (Math.abs(v) < 1e6 && places < 7 ? v.toFixed(places) : String(Number(v.toPrecision(6))));
    const values = [];
    for (let i = Math.ceil(low / step); i * step <= high; i++) values.push([i * step, label(i * step)]);
    return values;
  }

  // a canvas with axes; returns its context and the pixels of a point
  function axes(canvas, height, xRange, yRange, xLabel, yLabel) {
    const width = canvas.clientWidth || 320;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const right = width - MARGIN.right;
    const bottom = height - MARGIN.bottom;
    const x = (v) => MARGIN.left + ((v - xRange[0]) / (xRange[1] - xRange[0])) * (right - MARGIN.left);
    const y = (v) => bottom - ((v - yRange[0]) / (yRange[1] - yRange[0])) * (bottom - MARGIN.top);
    context.font = "12px system-ui, sans-serif";
    context.fillStyle = context.strokeStyle = "#000";
    context.beginPath();
    context.moveTo(MARGIN.left, MARGIN.top);
    context.lineTo(MARGIN.left, bottom);
    context.lineTo(right, bottom);
    context.textAlign = "center";
    for (const [v, label] of ticks(xRange, Math.max(2, width / 110))) {
      context.moveTo(x(v), bottom);
      context.lineTo(x(v), bottom + 4);
      context.fillText(label, x(v), bottom + 17);
    }
    context.fillText(xLabel, (MARGIN.left + right) / 2, height - 6);
    context.textAlign = "right";
    for (const [v, label] of ticks(yRange, Math.max(2, height / 70))) {
      context.moveTo(MARGIN.left - 4, y(v));
      context.lineTo(MARGIN.left, y(v));
      context.fillText(label, MARGIN.left - 7, y(v) + 4);
    }
    context.stroke();
    context.save();
    context.translate(11, (MARGIN.top + bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.textAlign = "center";
    context.fillText(yLabel, 0, 0);
    context.restore();
    context.beginPath();
    context.rect(MARGIN.left, MARGIN.top, right - MARGIN.left, bottom - MARGIN.top);
    context.clip();
    return { context, x, y };
  }

  function drawPairs() {
    const [i, j] = [Number(horizontal.value), Number(vertical.value)];
    const isPoint = (fit) => fit.kind === "point";
    const shown = fits
      .filter((_, n) => document.getElementById(`pairs-fit-${n}`).checked)
      .sort((a, b) => isPoint(a) - isPoint(b)); // crosses on top
    const canvas = document.getElementById("pairs");
    const height = Math.min(480, Math.max(300, canvas.clientWidth * 0.62));
    const ranges = [i, j].map((k) => range(shown, k, TAIL));
    const { context, x, y } = axes(canvas, height, ...ranges, quantities[i], quantities[j]);
    for (const fit of shown) {
      context.fillStyle = fit.colour;
      for (const row of fit.rows) {
        const [u, v] = [x(row[i + 2]), y(row[j + 2])];
        if (!Number.isFinite(u + v)) continue;
        context.beginPath();
        if (!isPoint(fit)) {
          context.globalAlpha = 0.45;
          context.arc(u, v, 2, 0, 2 * Math.PI);
          context.fill();
          continue;
        }
        context.globalAlpha = 1;
        context.moveTo(u - 8, v);
        context.lineTo(u + 8, v);
        context.moveTo(u, v - 8);
        context.lineTo(u, v + 8);
        for (const [colour, lineWidth] of [["#fff", 7], [fit.colour, 3]]) {
          context.strokeStyle = colour;
          context.lineWidth = lineWidth;
          context.stroke();
        }
      }
    }
    canvas.setAttribute("aria-label", `Draws of ${quantities[j]} against ${quantities[i]}`);
  }

  function drawPath() {
    const fit = withChains[Number(chainsOf.value)];
    const k = Number(quantity.value);
    const canvas = document.getElementById("path");
    const draws = [0, fit.rows[fit.rows.length - 1][1]];
    const { context, x, y } = axes(canvas, 260, draws, range([fit], k, 0), "draw", quantities[k]);
    for (let chain = 0; chain <= fit.rows[fit.rows.length - 1][0]; chain++) {
      context.strokeStyle = chainColours[chain % chainColours.length];
      context.globalAlpha = 0.75;
      context.lineWidth = 0.8;
      context.beginPath();
      for (const row of fit.rows) {
        if (row[0] === chain && Number.isFinite(row[k + 2])) context.lineTo(x(row[1]), y(row[k + 2]));
      }
      context.stroke();
    }
    canvas.setAttribute("aria-label", `The path of ${quantities[k]} in each chain of ${fit.name}`);
  }

  area.hidden = false;
  document.getElementById("explore-off").hidden = true;
  const horizontal = select("pairs-x", quantities, pair[0], drawPairs);
  const vertical = select("pairs-y", quantities, pair[1], drawPairs);
  fits.forEach((_, n) => document.getElementById(`pairs-fit-${n}`).addEventListener("change", drawPairs));
  const withChains = fits.filter((fit) => fit.kind === "chains");
  const names = withChains.map((fit) => fit.name);
  const chainsOf = withChains.length && select("path-fit", names, 0, drawPath);
  const quantity = withChains.length && select("path-quantity", quantities, worst, drawPath);
  const draw = () => {
    drawPairs();
    if (withChains.length) drawPath();
  };
  addEventListener("resize", draw);
  draw();
})();
