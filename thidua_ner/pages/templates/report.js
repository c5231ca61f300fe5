"use strict";
const marks = [...document.querySelectorAll("mark")];
const boxes = [...document.querySelectorAll(".bar input")];
const place = document.getElementById("place");
let current = null;

const chosen = (name) => new Set(boxes.filter((box) => box.name === name && box.checked).map((box) => box.value));
const shown = () => marks.filter((mark) => !mark.classList.contains("off"));
const errors = () => shown().filter((mark) => mark.classList.contains("error"));

function filter() {
  const labels = chosen("label"), kinds = chosen("kind");
  for (const mark of marks) {
    const on = mark.dataset.labels.split(" ").some((label) => labels.has(label))
      && mark.dataset.kinds.split(" ").some((kind) => kinds.has(kind));
    mark.classList.toggle("off", !on);
  }
  const left = errors().length;
  place.textContent = `${left} place${left === 1 ? "" : "s"} with errors shown`;
}

function select(mark, message) {
  current?.classList.remove("current");
  current = mark;
  mark.classList.add("current");
  mark.focus({ preventScroll: true });
  mark.scrollIntoView({ block: "center" });
  place.textContent = message;
}

function step(by) {
  const found = errors();
  if (!found.length) { place.textContent = "no error is shown"; return; }
  const at = found.indexOf(current);
  const next = at < 0 ? (by > 0 ? 0 : found.length - 1) : (at + by + found.length) % found.length;
  select(found[next], `place ${next + 1} of ${found.length}: ${found[next].title}`);
}

boxes.forEach((box) => box.addEventListener("change", filter));
document.getElementById("next").addEventListener("click", () => step(1));
document.getElementById("previous").addEventListener("click", () => step(-1));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "j") step(1);
  if (event.key === "k") step(-1);
});
for (const mark of marks) mark.addEventListener("click", () => select(mark, mark.title));
filter();
