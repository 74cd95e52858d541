// From hit to hit, through all documents.

function look() {
  const query = $("query").value.trim();
  if (query === search.query) return;
  search.query = query;
  search.hits = new Map();
  search.current = -1;
  if (query) {
    INDEX.documents.forEach((_, number) => {
      const hits = findHits(documentOf(number), query);
      if (hits.length) search.hits.set(number, hits);
    });
  }
  if (shown >= 0) show(shown);
  filterIndex();
  if (search.hits.has(shown)) goToHit(0);
  tellHits();
}

function tellHits() {
  const counts = [...search.hits.values()].map((hits) => hits.length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  let before = 0;
  for (const [number, hits] of search.hits) if (number < shown) before += hits.length;
  const now = search.current < 0 ? "–" : before + search.current + 1;
  let told = "";
  if (search.query && !total) told = word("noHits");
  else if (total && search.hits.size === 1 && search.hits.has(shown)) told = word("hits", now, total);
  else if (total) told = word("hitsIn", now, total, search.hits.size);
  $("found").textContent = told;
  $("previous").disabled = $("next").disabled = !total;
}

function goToHit(number) {
  search.current = number;
  for (const node of document.querySelectorAll(".hit.current")) node.classList.remove("current");
  const parts = [...document.querySelectorAll(`#text .hit[data-hit="${number}"]`)];
  for (const part of parts) part.classList.add("current");
  parts[0]?.scrollIntoView({ block: "center", behavior: "instant" });
}

function walkHits(step) {
  look();
  if (!search.hits.size) return;
  hideTip();
  const here = search.hits.get(shown) ?? [];
  if (search.current + step in here && !(search.current < 0 && step < 0)) {
    goToHit(search.current + step);
  } else {
    const numbers = [...search.hits.keys()]; // in order, for they were found so
    const next = step > 0 ? numbers.find((n) => n > shown) ?? numbers[0] : numbers.findLast((n) => n < shown) ?? numbers.at(-1);
    if (next !== shown) {
      history.replaceState(null, "", `#d${next}`);
      show(next);
    }
    goToHit(step > 0 ? 0 : search.hits.get(next).length - 1);
  }
  tellHits();
}
