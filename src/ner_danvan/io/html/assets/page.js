// The page: which document is shown, its labels, the note beside a span, the index.

const $ = (id) => document.getElementById(id);
const KEY = "ner_danvan.report";
const settings = { language: "vi", theme: "auto", tags: false, letters: true };
const off = new Set(); // labels that are switched off
const search = { query: "", hits: new Map(), current: -1 };
let shown = -1; // number of the document that is shown
let floor = 0;

function remember() {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // a browser may refuse a page from a file its storage
  }
}

function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY)) ?? {};
    for (const key of Object.keys(settings)) if (typeof kept[key] === typeof settings[key]) settings[key] = kept[key];
  } catch {
    // nothing kept
  }
  if (!Object.hasOwn(WORDS, settings.language)) settings.language = "vi";
  if (!["auto", "light", "dark"].includes(settings.theme)) settings.theme = "auto";
  language = settings.language;
}

// --- one document ---------------------------------------------------------------------------

function show(number) {
  hideTip();
  shown = number;
  const doc = documentOf(number);
  $("text").replaceChildren(heading(doc), article(doc, search.hits.get(number) ?? []));
  $("tables").replaceChildren(peopleTable(doc, true), taskList(doc, true));
  drawLegend(doc);
  redress();
  markCurrent();
}

function heading(doc) {
  const head = element("div", "heading");
  const name = element("h2");
  put(name, doc.id);
  head.append(name);
  if (INDEX.documents.length > 1) {
    const walk = element("span", "walk");
    walk.append(
      stepButton("‹", "previousDocument", -1),
      element("span", "quiet", `${doc.number + 1}/${INDEX.documents.length}`),
      stepButton("›", "nextDocument", 1),
    );
    head.append(walk);
  }
  return head;
}

function stepButton(sign, name, step) {
  const button = element("button", "", sign);
  button.type = "button";
  button.setAttribute("aria-label", word(name));
  button.title = word(name);
  button.disabled = !(shown + step in INDEX.documents);
  button.addEventListener("click", () => turn(step));
  return button;
}

function turn(step) {
  if (shown + step in INDEX.documents) location.hash = `d${shown + step}`;
}

// --- labels and scores ----------------------------------------------------------------------

function drawLegend(doc) {
  const counts = new Map();
  for (const span of doc.spans) counts.set(span.label, (counts.get(span.label) ?? 0) + 1);
  const box = $("labels");
  const focused = LABELS.indexOf(document.activeElement?.dataset?.label);
  box.replaceChildren(box.querySelector("legend"));
  LABELS.forEach((label, i) => {
    const chip = element("label", "chip");
    const input = element("input");
    input.type = "checkbox";
    input.checked = !off.has(label);
    input.dataset.label = label;
    input.addEventListener("change", () => {
      if (input.checked) off.delete(label);
      else off.add(label);
      redress();
    });
    chip.append(input, element("span", `sample ${place(label)}`, labelName(label)), element("span", "quiet", counts.get(label) ?? 0));
    box.append(chip);
    if (i === focused) input.focus();
  });
}

// Switch labels off, dim what scores low, name the labels.
function dress(text = $("text").querySelector("article"), { spans } = documentOf(shown)) {
  text.classList.toggle("tagged", settings.tags);
  for (const node of text.querySelectorAll("mark")) {
    const span = spans[node.dataset.span];
    node.classList.toggle("off", off.has(span.label));
    node.classList.toggle("dim", span.score !== null && span.score < floor);
    node.dataset.name = labelName(span.label);
  }
}

function redress() {
  $("floor-value").textContent = figure(floor);
  if (shown >= 0) dress();
}

// --- the note beside a span -----------------------------------------------------------------

function showTip(node) {
  const doc = documentOf(shown);
  const tip = $("tip");
  tip.replaceChildren();
  for (let at = node; at; at = at.parentElement.closest("mark")) {
    const span = doc.spans[at.dataset.span];
    if (off.has(span.label)) continue;
    const line = element("div");
    const facts = [span.score === null ? "" : `${word("score")} ${figure(span.score)}`, `${span.start}–${span.end}`];
    line.append(
      element("span", `sample ${place(span.label)}`, labelName(span.label)),
      element("span", "", " " + facts.filter(Boolean).join(" · ")),
    );
    tip.append(line);
  }
  if (!tip.hasChildNodes()) return hideTip();
  tip.hidden = false;
  const box = node.getClientRects()[0] ?? node.getBoundingClientRect();
  const size = tip.getBoundingClientRect();
  const above = box.top - size.height - 8; // but not over the bar and the legend
  tip.style.left = `${Math.max(8, Math.min(box.left, document.documentElement.clientWidth - size.width - 8))}px`;
  tip.style.top = `${above > 120 ? above : box.bottom + 12}px`;
  node.setAttribute("aria-describedby", "tip");
  return undefined;
}

function hideTip() {
  $("tip").hidden = true;
  for (const node of document.querySelectorAll("[aria-describedby=tip]")) node.removeAttribute("aria-describedby");
}

function focusMark(node) {
  for (const other of document.querySelectorAll("mark[tabindex='0']")) other.tabIndex = -1;
  node.tabIndex = 0;
  node.focus({ preventScroll: true });
  node.scrollIntoView({ block: "center", behavior: "instant" });
  showTip(node);
}

function walkMarks(node, step) {
  const marks = [...document.querySelectorAll("#text mark.first:not(.off)")];
  const next = marks[marks.indexOf(node.closest("mark.first") ?? node) + step];
  if (next) focusMark(next);
}

// --- documents and places -------------------------------------------------------------------

// "#d3" is a document, "#d3s12" a span in it.
function follow() {
  const match = /^#d(\d+)(?:s(\d+))?$/.exec(location.hash);
  const number = match ? Number(match[1]) : shown < 0 ? 0 : -1;
  if (!(number in INDEX.documents)) return;
  if (number !== shown) {
    show(number);
    window.scrollTo(0, 0);
    if (!match?.[2]) $("status").textContent = word("shown", plain(INDEX.documents[number][0]));
  }
  if (match?.[2]) {
    const node = $(`d${number}s${match[2]}`);
    if (!node) return;
    focusMark(node);
    for (const part of document.querySelectorAll(`#text mark[data-span="${Number(match[2])}"]`)) flash(part);
  }
}

function flash(node) {
  node.classList.remove("flash");
  void node.offsetWidth; // so that the animation begins anew
  node.classList.add("flash");
}

function drawIndex() {
  const many = INDEX.documents.length > 1;
  $("index").hidden = !many;
  $("print-all").hidden = !many;
  document.body.classList.toggle("many", many);
  if (!many) return;
  const rows = INDEX.documents.map(([id, spans], number) => {
    const link = element("a");
    link.href = `#d${number}`;
    const name = element("span", "name");
    put(name, id);
    const count = element("span", "quiet", spans);
    count.title = word("spans", spans);
    link.append(name, count);
    const row = element("li");
    row.append(link);
    return row;
  });
  $("documents").replaceChildren(...rows);
  filterIndex();
}

// While something is looked for, the index shows the documents that have it.
function filterIndex() {
  const rows = $("documents").children;
  const wanted = fold(search.query).letters;
  let count = 0;
  INDEX.documents.forEach(([id, spans], number) => {
    if (!rows[number]) return;
    const hits = search.hits.get(number)?.length ?? 0;
    const stays = !search.query || hits > 0 || fold(id).letters.includes(wanted);
    rows[number].hidden = !stays;
    rows[number].querySelector(".quiet").textContent = search.query ? hits : spans;
    rows[number].querySelector("a").classList.toggle("found", Boolean(search.query));
    count += stays;
  });
  $("count").textContent = count === INDEX.documents.length ? `(${count})` : `(${count}/${INDEX.documents.length})`;
  $("none").hidden = count > 0;
}

function markCurrent() {
  for (const link of $("documents").querySelectorAll("[aria-current]")) link.removeAttribute("aria-current");
  const link = $("documents").children[shown]?.querySelector("a");
  link?.setAttribute("aria-current", "true");
  const list = $("index");
  if (link && list.scrollHeight > list.clientHeight) {
    const row = link.getBoundingClientRect();
    const box = list.getBoundingClientRect();
    if (row.top < box.top || row.bottom > box.bottom) list.scrollTop += row.top - box.top - box.height / 2;
  }
}
