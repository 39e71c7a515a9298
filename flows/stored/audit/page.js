"use strict";
const place = "restem-audit:" + document.title;
const articles = [...document.querySelectorAll("article")];
let kept = {};
try { kept = JSON.parse(localStorage.getItem(place) || "{}"); } catch { kept = {}; }

function show(article) {
  const word = kept[article.id] || {};
  article.classList.toggle("done", Boolean(word.label));
  for (const input of article.querySelectorAll("input[type=radio]")) input.checked = input.value === word.label;
  const done = articles.filter((one) => (kept[one.id] || {}).label).length;
  document.getElementById("progress").textContent = `$${done} of $${articles.length} labelled`;
}

function keep(article, change) {
  kept[article.id] = Object.assign(kept[article.id] || {}, change);
  try { localStorage.setItem(place, JSON.stringify(kept)); } catch { /* a browser that keeps nothing: they live until the page closes */ }
  show(article);
}

for (const article of articles) {
  for (const input of article.querySelectorAll("input[type=radio]"))
    input.addEventListener("change", () => keep(article, { label: input.value }));
  const note = article.querySelector("input[type=text]");
  note.value = (kept[article.id] || {}).note || "";
  note.addEventListener("input", () => keep(article, { note: note.value }));
  article.addEventListener("keydown", (event) => {
    const label = { 1: "right", 2: "wrong", 3: "unsure" }[event.key];
    if (!label || event.target === note) return;
    keep(article, { label });
    const next = articles[articles.indexOf(article) + 1];
    if (next) next.focus();
  });
  show(article);
}

document.getElementById("download").addEventListener("click", () => {
  const lines = articles.filter((one) => (kept[one.id] || {}).label).map((one) => JSON.stringify({
    problem: one.dataset.problem, text: one.dataset.text, label: kept[one.id].label, note: kept[one.id].note || "",
    run: one.dataset.run, place: one.dataset.place, index: Number(one.dataset.index),
  }));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([lines.map((line) => line + "\n").join("")], { type: "application/jsonl" }));
  link.download = "labels.jsonl";
  link.click();
});
