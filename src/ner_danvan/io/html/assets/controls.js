// Controls and keys; the page begins here.

function applyTheme() {
  if (settings.theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = settings.theme;
}

function applyLanguage() {
  language = settings.language;
  translate();
  const rows = WORDS[language].help.flatMap(([keys, what]) => [element("dt", "", keys), element("dd", "", what)]);
  $("help-keys").replaceChildren(...rows);
  drawIndex();
  if (shown >= 0) show(shown);
  if (search.current >= 0) goToHit(search.current);
  tellHits();
}

function printAll() {
  $("text").replaceChildren(); // each id may stand in the page but once
  const legend = element("p", "samples");
  for (const label of LABELS) legend.append(element("span", `sample ${place(label)}`, labelName(label)));
  $("all").append(legend);
  INDEX.documents.forEach((_, number) => {
    const doc = documentOf(number);
    const name = element("h2");
    put(name, doc.id);
    const text = article(doc, []);
    dress(text, doc);
    const part = element("div", "document");
    part.append(name, text, peopleTable(doc, false), taskList(doc, false));
    $("all").append(part);
  });
  document.body.classList.add("all");
  window.addEventListener("afterprint", () => {
    document.body.classList.remove("all");
    $("all").replaceChildren();
    show(shown);
  }, { once: true });
  window.print();
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
  const target = event.target;
  if (event.key === "Escape") {
    if (!$("tip").hidden) return hideTip();
    if (search.query || target === $("query")) {
      $("query").value = "";
      look();
      $("text").focus({ preventScroll: true });
    }
    return undefined;
  }
  const typing = target.matches("input[type=search], select, textarea");
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step && target.matches("mark")) {
    event.preventDefault();
    return walkMarks(target, step);
  }
  if (typing || !settings.letters) return undefined;
  const actions = {
    "/": () => $("query").select(),
    n: () => walkHits(1),
    p: () => walkHits(-1),
    "[": () => turn(-1),
    "]": () => turn(1),
    "?": () => $("help").showModal(),
  };
  if (!Object.hasOwn(actions, event.key)) return undefined;
  event.preventDefault();
  return actions[event.key]();
}

function listen() {
  let waiting = 0;
  $("query").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 150);
  });
  $("query").addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      const fresh = $("query").value.trim() !== search.query;
      look(); // which goes to the first hit of the document that is shown
      if (!fresh || search.current < 0) walkHits(event.shiftKey ? -1 : 1);
    }
  });
  $("previous").addEventListener("click", () => walkHits(-1));
  $("next").addEventListener("click", () => walkHits(1));
  $("floor").addEventListener("input", () => {
    floor = Number($("floor").value);
    redress();
  });
  for (const name of ["tags", "letters"]) {
    $(name).checked = settings[name];
    $(name).addEventListener("change", () => {
      settings[name] = $(name).checked;
      remember();
      redress();
    });
  }
  $("theme").value = settings.theme;
  $("theme").addEventListener("change", () => {
    settings.theme = $("theme").value;
    applyTheme();
    remember();
  });
  $("language").addEventListener("click", () => {
    settings.language = settings.language === "vi" ? "en" : "vi";
    applyLanguage();
    remember();
  });
  $("print").addEventListener("click", () => window.print());
  $("print-all").addEventListener("click", printAll);
  $("keys").addEventListener("click", () => $("help").showModal());
  $("text").addEventListener("pointerover", (event) => {
    const node = event.target.closest("mark");
    if (node) showTip(node);
    else hideTip();
  });
  $("text").addEventListener("pointerleave", hideTip);
  $("text").addEventListener("focusin", (event) => event.target.matches("mark") && showTip(event.target));
  $("text").addEventListener("focusout", hideTip);
  window.addEventListener("scroll", () => {
    if ($("tip").hidden) return;
    if (document.activeElement?.matches("mark")) showTip(document.activeElement);
    else hideTip();
  }, { passive: true });
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (link && link.hash === location.hash) follow(); // no hashchange comes where nothing changes
  });
  window.addEventListener("hashchange", follow);
}

recall();
applyTheme();
applyLanguage();
listen();
if (window.matchMedia("(max-width: 760px)").matches) document.querySelector("#index details").open = false;
follow();
redress();
if (!INDEX.documents.length) $("text").append(element("p", "quiet", word("noDocuments")));
