// Draws a chart above each <table class="chart"> from what stands in it. Without this script the table is what there is.
//
//   <table class="chart">                          stacked bars; data-chart="line" for lines
//     <caption>…</caption>
//     <thead><tr><th scope="col">day</th><th scope="col">first series</th>…</tr></thead>
//     <tbody><tr><th scope="row">Mon</th><td>3</td>…</tr>…</tbody>
//   </table>
//
// Where every row's head holds a <time datetime="2026-11-29T10:30:00+08:00">, the horizontal axis is time, shown in
// Beijing time; else each row has its place in turn. An empty cell is a gap. Where the table stands in a <details>, the
// chart stands above that. Tables that come or change later are drawn (again) too, as are all when width or theme change.
"use strict";

(() => {
  const BEIJING = "Asia/Shanghai";
  const HEIGHT = 220;
  const LABEL = 64; // pixels that a label of the horizontal axis gets
  const TWO_DAYS = 2 * 86400;
  const drawn = new Map(); // table -> {text, box, plot}
  const dark = matchMedia("(prefers-color-scheme: dark)");

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function read(table) {
    const rows = [...table.tBodies[0].rows];
    const heads = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent.trim());
    const times = rows.map((row) => row.cells[0].querySelector("time"));
    const number = (cell) => (cell.textContent.trim() === "" ? null : Number(cell.textContent.replaceAll(",", "")));
    return {
      heads,
      labels: rows.map((row) => row.cells[0].textContent.trim()),
      at: rows.length && times.every(Boolean) ? times.map((time) => Date.parse(time.dateTime) / 1000) : null,
      series: heads.map((_, index) => rows.map((row) => number(row.cells[index + 1]))),
    };
  }

  // The first series stands on top of all others, so that each is painted over the one before it.
  const stacked = (series) =>
    series.map((_, from) => series[from].map((_, at) => series.slice(from).reduce((sum, one) => sum + (one[at] ?? 0), 0)));

  function clock(from, to) {
    const shown = to - from > TWO_DAYS ? { month: "2-digit", day: "2-digit" } : { hour: "2-digit", minute: "2-digit" };
    const format = new Intl.DateTimeFormat("zh-CN", { timeZone: BEIJING, hourCycle: "h23", ...shown });
    return (second) => format.format(new Date(second * 1000));
  }

  function horizontal(data, x) {
    if (data.at) {
      const gap = Math.min(...x.slice(1).map((second, at) => second - x[at]), 3600);
      const range = [x[0] - gap / 2, x.at(-1) + gap / 2];
      const label = clock(...range);
      return { scale: { time: true, range }, axis: { space: LABEL, values: (_, splits) => splits.map(label) } };
    }
    const splits = (plot) => {
      const step = Math.max(1, Math.ceil((x.length * LABEL) / plot.width));
      return x.filter((at) => at % step === 0);
    };
    return {
      scale: { time: false, range: [-0.5, x.length - 0.5] },
      axis: { splits, values: (_, shown) => shown.map((at) => data.labels[at]) },
    };
  }

  function options(table, data, x, width) {
    const isLine = table.dataset.chart === "line";
    const line = colour("--line"), soft = colour("--soft"), panel = colour("--panel");
    const across = horizontal(data, x);
    const look = { stroke: soft, font: "12px system-ui, sans-serif", grid: { stroke: line, width: 1 }, ticks: { show: false } };
    const series = data.heads.map((label, index) => {
      const paint = colour(`--chart-${(index % 6) + 1}`);
      return {
        label,
        stroke: isLine ? paint : panel,
        fill: isLine ? undefined : paint,
        width: isLine ? 2 : 1,
        points: { show: isLine && x.length < 60 },
        paths: isLine ? undefined : uPlot.paths.bars({ size: [0.72, 64] }),
      };
    });
    return {
      width,
      height: HEIGHT,
      tzDate: (second) => uPlot.tzDate(new Date(second * 1000), BEIJING),
      scales: { x: across.scale, y: { range: (_, __, most) => [0, Math.max(4, (most ?? 0) * 1.08)] } },
      axes: [
        { ...look, ...across.axis, grid: { show: false } },
        { ...look, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6] },
      ],
      series: [{}, ...series],
      legend: { live: false, markers: { fill: (_, index) => colour(`--chart-${((index - 1) % 6) + 1}`), stroke: () => "transparent" } },
      cursor: { show: false },
    };
  }

  function draw(table) {
    const data = read(table);
    if (!data.labels.length || !data.heads.length) return erase(table);
    const kept = drawn.get(table);
    const place = table.closest("details") ?? table;
    const box = kept?.box.isConnected ? kept.box : Object.assign(document.createElement("div"), { className: "plot" });
    box.setAttribute("aria-hidden", "true"); // readers have the table
    if (!box.isConnected) {
      place.before(box);
      widths.observe(box);
    }
    kept?.plot.destroy();
    const x = data.at ?? data.labels.map((_, at) => at);
    const values = table.dataset.chart === "line" ? data.series : stacked(data.series);
    const plot = new uPlot(options(table, data, x, box.clientWidth), [x, ...values], box);
    drawn.set(table, { text: table.innerHTML, box, plot });
  }

  function erase(table) {
    const kept = drawn.get(table);
    kept?.plot.destroy();
    kept?.box.remove();
    drawn.delete(table);
  }

  function look() {
    for (const table of [...drawn.keys()]) if (!table.isConnected) erase(table);
    for (const table of document.querySelectorAll("table.chart")) {
      const kept = drawn.get(table);
      if (!kept || !kept.box.isConnected || kept.text !== table.innerHTML) draw(table);
    }
  }

  const widths = new ResizeObserver((changes) => {
    for (const { plot, box } of drawn.values()) {
      const width = box.clientWidth;
      if (changes.some((change) => change.target === box) && width && width !== plot.width) {
        plot.setSize({ width, height: HEIGHT });
      }
    }
  });

  let waits = false;
  const soon = () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      look();
    });
  };

  dark.addEventListener("change", () => [...drawn.keys()].forEach(draw));
  new MutationObserver(soon).observe(document.body, { childList: true, subtree: true, characterData: true });
  look();
})();
