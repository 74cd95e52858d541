// Search that does not mind accents unless the query has some, nor where a tone mark stands (ủy, uỷ).

const foldedChars = new Map();
const foldedTexts = new Map();

function foldChar(char) {
  let letters = foldedChars.get(char);
  if (letters === undefined) {
    letters = /\s/.test(char) ? " " : char.toLowerCase().normalize("NFD").replace(/[\p{M}\p{Cf}]/gu, "").replace(/[đð]/g, "d");
    foldedChars.set(char, letters);
  }
  return letters;
}

// The text without accents, and for each of its characters where it stands in the text.
function fold(text) {
  const letters = [];
  const places = [];
  let at = 0;
  for (const char of text) {
    for (const letter of foldChar(char).split("")) {
      if (letter === " " && letters.at(-1) === " ") continue; // a line end with an indent is one space
      letters.push(letter);
      places.push(at);
    }
    at += char.length;
  }
  places.push(text.length);
  return { letters: letters.join(""), places: Uint32Array.from(places) };
}

// The accents alone, in order; đ counts as one.
function accents(text) {
  return (text.toLowerCase().normalize("NFD").match(/[\p{M}đð]/gu) ?? []).join("").replace(/ð/g, "đ");
}

// Every place of the query, from left to right, none inside another.
function findHits(doc, query) {
  const wanted = fold(query).letters;
  if (!wanted.trim()) return [];
  if (!foldedTexts.has(doc.number)) foldedTexts.set(doc.number, fold(doc.text));
  const { letters, places } = foldedTexts.get(doc.number);
  const exact = accents(query);
  const hits = [];
  let at = letters.indexOf(wanted);
  while (at >= 0) {
    const from = places[at];
    const to = places[at + wanted.length];
    const fits = to > from && (!exact || accents(doc.text.slice(from, to)) === exact);
    if (fits) hits.push({ from, to });
    at = letters.indexOf(wanted, at + (fits ? wanted.length : 1));
  }
  return hits;
}
