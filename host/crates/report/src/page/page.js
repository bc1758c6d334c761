// Says the values under the pointer, in all charts at once. The page is whole without it.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const number = n => n.toLocaleString("en", { maximumFractionDigits: n < 10 ? 1 : 0 });
  const time = us => us < 1e3 ? `${number(us)} µs` : us < 1e6 ? `${(us / 1e3).toFixed(1)} ms` : `${(us / 1e6).toFixed(2)} s`;
  const shown = { rate: n => `${number(n)}/s`, count: number, time };
  const since = us => {
    const s = us / 1e6, two = n => String(Math.floor(n)).padStart(2, "0");
    return s < 60 ? `${number(s)} s` : s < 86400 ? `${Math.floor(s / 3600)}:${two(s / 60 % 60)}:${two(s % 60)}` : `${number(s / 86400)} d`;
  };
  const charts = data.charts.flatMap(chart => {
    const figure = document.getElementById(chart.id);
    if (!figure) return [];
    return [{
      ...chart,
      plot: figure.querySelector(".plot"),
      svg: figure.querySelector("svg.drawing"),
      cursor: figure.querySelector(".cursor"),
      values: figure.querySelectorAll(".legend b"),
      when: figure.querySelector(".when"),
    }];
  });
  const point = place => {
    for (const chart of charts) {
      const off = place === null;
      chart.cursor.style.opacity = off ? 0 : .6;
      chart.cursor.style.left = off ? 0 : `${(place + .5) / data.count * 100}%`;
      chart.when.textContent = off ? "" : `${since(place * data.width)} to ${since((place + 1) * data.width)}`;
      chart.values.forEach((value, number) => {
        const found = off ? null : chart.series[number][place];
        value.textContent = off ? "" : found === null || found === undefined ? "–" : shown[chart.unit](found);
      });
    }
  };
  for (const chart of charts) {
    const move = event => {
      const box = chart.svg.getBoundingClientRect();
      const place = Math.floor((event.clientX - box.left) / box.width * data.count);
      point(place >= 0 && place < data.count ? place : null);
    };
    chart.plot.addEventListener("pointermove", move);
    chart.plot.addEventListener("pointerdown", move);
    chart.plot.addEventListener("pointerleave", () => point(null));
  }
})();
