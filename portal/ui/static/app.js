"use strict";
// Copy: the text of the named element, one line per list entry.
const said = document.getElementById("said");
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const from = document.getElementById(button.dataset.copy);
    const items = [...from.querySelectorAll("li")];
    await navigator.clipboard.writeText(items.length ? items.map((i) => i.textContent).join("\n") : from.textContent);
    button.textContent = "Copied";
    if (said) said.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; if (said) said.textContent = ""; }, 3000);
  });
}
// Filter: where all rows are on the page, hide those that lack a typed word.
for (const field of document.querySelectorAll("[data-filter=rows]")) {
  const rows = [...document.getElementById("rows").children];
  const texts = rows.map((row) => [...row.querySelectorAll("h2,.id,.env,b")].map((e) => e.textContent).join(" ").toLowerCase());
  const count = document.getElementById("count");
  const before = count.textContent;
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((w) => texts[i].includes(w));
      if (!row.hidden) shown++;
    });
    count.textContent = words.length ? `${shown} of ${rows.length} shown` : before;
  });
}
// Countdown, in the words that the server uses.
const ends = [...document.querySelectorAll("[data-until]")];
if (ends.length) setInterval(() => {
  for (const e of ends) {
    const m = Math.max(0, Math.ceil((Date.parse(e.dataset.until) - Date.now()) / 60000));
    const d = Math.floor(m / 1440), h = Math.floor(m / 60) % 24;
    e.textContent = d ? `${d} d${h ? ` ${h} h` : ""}` : h ? `${h} h${m % 60 ? ` ${m % 60} min` : ""}` : `${m} min`;
  }
}, 30000);
