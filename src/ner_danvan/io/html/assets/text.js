// Documents, and their text on the screen. Whatever comes from a document becomes a text node, never markup.

// Control characters, and those that turn the direction of writing.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
const LONG = 40000; // characters from which the browser lays out only what is in view

const INDEX = JSON.parse(document.getElementById("index-data").textContent);
const LABELS = INDEX.labels;
const loaded = new Map();

// A document by number, read from its block the first time.
function documentOf(number) {
  if (!loaded.has(number)) {
    const record = JSON.parse(document.getElementById(`d${number}`).textContent);
    const starts = [0];
    for (const piece of record.pieces) starts.push(starts.at(-1) + piece.length);
    loaded.set(number, {
      number,
      id: record.id,
      text: record.pieces.join(""),
      spans: record.spans.map(([first, last, label, start, end, score], i) => ({
        i, label, start, end, score, from: starts[first], to: starts[last],
      })),
      people: record.people,
      tasks: record.tasks,
    });
  }
  return loaded.get(number);
}

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function picture(char) {
  const code = char.codePointAt(0);
  if (code < 32) return String.fromCodePoint(0x2400 + code);
  return code === 127 ? "\u2421" : "\ufffd";
}

// A string for where there can be no elements: titles, options.
function plain(text) {
  return text.replace(/[\r\n\t]/g, " ").replace(CONTROL, picture);
}

// Add text, with pictures for what would be invisible or turn the line around.
function put(parent, text) {
  let at = 0;
  for (const match of text.matchAll(CONTROL)) {
    if (match.index > at) parent.append(text.slice(at, match.index));
    const box = element("span", "control", picture(match[0]));
    box.title = "U+" + match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    parent.append(box);
    at = match.index + 1;
  }
  if (at < text.length) parent.append(text.slice(at));
}

// The text in one line, for tables.
function spanText(doc, span) {
  return doc.text.slice(span.from, span.to).split(/\s+/).filter(Boolean).join(" ");
}

function place(label) {
  return "c" + (LABELS.indexOf(label) % 8);
}

function spanId(doc, i) {
  return `d${doc.number}s${i}`;
}

// The document as an article: a paragraph a line, spans as nested marks, hits inside them.
function article(doc, hits) {
  const node = element("article", doc.text.length > LONG ? "text long" : "text");
  node.lang = "vi";
  const edges = doc.spans.flatMap((span) => [span.from, span.to]);
  for (const hit of hits) edges.push(hit.from, hit.to);
  const cuts = [...new Set(edges)].sort((a, b) => a - b);
  const state = { doc, hits, cuts, cut: 0, span: 0, hit: 0, open: [], begun: new Set() };
  let start = 0;
  while (start < doc.text.length) {
    let end = doc.text.indexOf("\n", start);
    if (end < 0) end = doc.text.length;
    const shown = end > start && doc.text[end - 1] === "\r" && end < doc.text.length ? end - 1 : end;
    const line = element("p");
    fill(line, state, start, shown);
    if (!line.hasChildNodes()) line.append(element("br"));
    node.append(line);
    start = end + 1;
  }
  const first = node.querySelector("mark");
  if (first) first.tabIndex = 0; // one stop on the way of the Tab key; arrows go on from there
  return node;
}

// Fill a paragraph with [start, end), going on where the last one ended.
function fill(line, state, start, end) {
  const { doc, hits, cuts } = state;
  const stack = []; // the marks that are open, outer first
  let at = start;
  while (at < end) {
    while (state.cut < cuts.length && cuts[state.cut] <= at) state.cut += 1;
    const next = Math.min(end, cuts[state.cut] ?? end);
    state.open = state.open.filter((span) => span.to > at);
    while (state.span < doc.spans.length && doc.spans[state.span].from <= at) {
      if (doc.spans[state.span].to > at) state.open.push(doc.spans[state.span]);
      state.span += 1;
    }
    let kept = 0;
    while (kept < stack.length && stack[kept].span === state.open[kept]) kept += 1;
    close(stack, kept);
    for (const span of state.open.slice(kept)) {
      const node = mark(doc, span, state.begun);
      (stack.at(-1)?.node ?? line).append(node);
      stack.push({ span, node, height: 0 });
    }
    while (state.hit < hits.length && hits[state.hit].to <= at) state.hit += 1;
    let parent = stack.at(-1)?.node ?? line;
    if (state.hit < hits.length && hits[state.hit].from <= at) {
      const hit = element("span", "hit");
      hit.dataset.hit = state.hit;
      parent.append(hit);
      parent = hit;
    }
    put(parent, doc.text.slice(at, next));
    for (const { span, node } of stack) if (span.to === next) node.classList.add("last");
    at = next;
  }
  close(stack, 0);
}

// Close marks down to `size`; an outer one draws its line below those inside it.
function close(stack, size) {
  while (stack.length > size) {
    const { node, height } = stack.pop();
    if (height) node.classList.add("h" + Math.min(height, 3));
    const outer = stack.at(-1);
    if (outer) outer.height = Math.max(outer.height, height + 1);
  }
}

// A span, or the part of it that stands in one line or outside another span that it crosses.
function mark(doc, span, begun) {
  const node = element("mark", place(span.label));
  node.tabIndex = -1;
  node.dataset.span = span.i;
  node.dataset.label = span.label;
  if (!begun.has(span)) {
    begun.add(span);
    node.id = spanId(doc, span.i);
    node.classList.add("first");
  }
  return node;
}
