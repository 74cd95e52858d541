// People and tasks, each linked to its place in the text.

function linkTo(doc, i) {
  const span = doc.spans[i];
  const link = element("a");
  link.href = "#" + spanId(doc, i);
  link.dataset.span = i;
  put(link, spanText(doc, span));
  return link;
}

function linksTo(doc, numbers) {
  const list = element("span", "links");
  numbers.forEach((i, at) => {
    if (at) list.append("; ");
    list.append(linkTo(doc, i));
  });
  return list;
}

// Headings are numbered by document: "print all" shows many.
function section(doc, name, main) {
  const part = element("section");
  const heading = element("h2", "", word(name));
  heading.id = main ? name : `${name}-${doc.number}`;
  if (main) heading.tabIndex = -1; // the skip link goes there
  part.setAttribute("aria-labelledby", heading.id);
  part.append(heading);
  return part;
}

function peopleTable(doc, main) {
  const part = section(doc, "people", main);
  if (!doc.people.length) {
    part.append(element("p", "quiet", word("noPeople")));
    return part;
  }
  const table = element("table");
  const head = element("tr");
  for (const name of ["person", "post", "body"]) {
    const cell = element("th", "", word(name));
    cell.scope = "col";
    head.append(cell);
  }
  table.createTHead().append(head);
  const body = table.createTBody();
  for (const [person, post, bodies, times] of doc.people) {
    const row = body.insertRow();
    const first = row.insertCell();
    if (person !== null) first.append(linkTo(doc, person));
    const second = row.insertCell();
    if (post !== null) second.append(linkTo(doc, post));
    row.insertCell().append(linksTo(doc, bodies));
    for (const cell of row.cells) if (!cell.textContent) cell.append(element("span", "quiet", "–"));
    if (times > 1) first.append(element("span", "quiet", `\u00a0×${times}`));
  }
  part.append(table);
  return part;
}

function taskList(doc, main) {
  const part = section(doc, "tasks", main);
  if (!doc.tasks.length) {
    part.append(element("p", "quiet", word("noTasks")));
    return part;
  }
  const list = element("ol", "tasks");
  for (const [task, addressees, bodies, dates] of doc.tasks) {
    const item = element("li");
    item.append(linkTo(doc, task));
    const facts = element("dl");
    for (const [name, numbers] of Object.entries({ addressees, bodies, dates })) {
      if (!numbers.length) continue;
      const fact = element("div");
      fact.append(element("dt", "", word(name)));
      const value = element("dd");
      value.append(linksTo(doc, numbers));
      fact.append(value);
      facts.append(fact);
    }
    if (facts.hasChildNodes()) item.append(facts);
    list.append(item);
  }
  part.append(list);
  return part;
}
