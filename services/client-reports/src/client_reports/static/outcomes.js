/* Draws a chart from the table that stands behind it; without this script the table is open and says the same. */
(() => {
  "use strict";
  const colour = (name) => {  // of the theme that holds: a canvas knows no `light-dark()`
    const probe = document.documentElement.appendChild(document.createElement("i"));
    probe.style.color = `var(--${name})`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  // Times are UTC, as in the table, and written in the reader's language.
  const written = (options) => {
    const format = new Intl.DateTimeFormat(undefined, { ...options, timeZone: "UTC", hourCycle: "h23" });
    return (seconds) => format.format(new Date(seconds * 1000));
  };
  const day = written({ day: "numeric", month: "short" });
  const hour = written({ hour: "2-digit", minute: "2-digit" });
  const moment = written({ year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
  const isMidnight = (seconds) => seconds % 86400 === 0;
  const tickTexts = (_, ticks) => ticks.map((tick, at) => {
    if (isMidnight(tick)) return day(tick);
    return at === 0 ? `${hour(tick)}\n${day(tick)}` : hour(tick);
  });
  // They differ without their colours, too.
  const LINES = [{ dash: [], border: "solid" }, { dash: [8, 4], border: "dashed" }, { dash: [2, 3], border: "dotted" }];
  const draw = (target) => {
    const table = document.getElementById(target.dataset.chart);
    if (!table || typeof uPlot === "undefined") return;
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells].slice(1);
    const data = [rows.map((row) => Number(row.dataset.at)), ...heads.map((_, index) => rows.map((row) => Number(row.cells[index + 1].dataset.value)))];
    const soft = colour("ink-soft");
    const axis = { stroke: soft, grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
    const options = {
      width: target.clientWidth,
      height: 240,
      legend: { live: true, markers: { dash: (_, index) => LINES[index - 1]?.border ?? "solid" } },
      cursor: { points: { size: 6 } },
      scales: { y: { range: (_, low, high) => [0, Math.max(high, 1)] } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      axes: [{ ...axis, space: 64, values: tickTexts }, { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => Intl.NumberFormat(undefined, { notation: "compact" }).format(tick)) }],
      series: [{ label: table.tHead.rows[0].cells[0].textContent, value: (_, at) => (at === null ? "–" : moment(at)) }, ...heads.map((head, index) => ({ label: head.textContent, value: (_, count) => ((count ?? null) === null ? "–" : Intl.NumberFormat().format(count)), dash: LINES[index]?.dash, stroke: colour(head.dataset.series), fill: `color-mix(in srgb, ${colour(head.dataset.series)} 12%, transparent)`, width: 2, points: { show: false } }))],
    };
    target.replaceChildren();
    const chart = new uPlot(options, data, target);
    const details = table.closest("details");
    if (details && !details.dataset.touched) { details.open = false; details.dataset.touched = "1"; }
    return chart;
  };
  document.addEventListener("DOMContentLoaded", () => {
    for (const target of document.querySelectorAll("[data-chart]")) {
      let chart = draw(target);
      new ResizeObserver(() => { if (chart && target.clientWidth) chart.setSize({ width: target.clientWidth, height: 240 }); }).observe(target);
      const again = () => { chart?.destroy(); chart = draw(target); };
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
      new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    }
  });
})();
