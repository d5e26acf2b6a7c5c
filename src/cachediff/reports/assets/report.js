// Sorting, paging and filters for the table of packages, the builds behind each, and links to them.
// Whatever comes from data enters the page as text, never as markup.
"use strict";
(() => {
  const element = document.getElementById("_table");
  if (!element) return;

  const values = (text) => new Set(text.split(" "));
  const packages = Array.from(element.tBodies[0].rows, (row) => ({
    name: row.cells[0].textContent.toLowerCase(),
    kinds: values(row.dataset.kinds),
    stacks: values(row.dataset.stacks),
  }));
  const rowsById = new Map(Array.from(element.tBodies[0].rows, (row) => [row.id, row]));

  const table = new DataTable(element, {
    autoWidth: false,
    order: [],
    pageLength: 50,
    layout: { topStart: null, topEnd: null, bottomStart: "paging", bottomEnd: null },
    language: { zeroRecords: "No package is selected." },
  });

  const paging = document.querySelector(".dt-paging");
  table.on("draw", () => {
    paging.hidden = table.page.info().pages < 2;
  });

  // Filters.
  const form = document.getElementById("_filters");
  const [name, stack, kind] = ["_name", "_stack", "_kind"].map((id) => document.getElementById(id));
  const count = document.getElementById("_count");

  table.search.fixed("filters", (_text, _cells, index) => {
    const each = packages[index];
    return (
      each.name.includes(name.value.trim().toLowerCase()) &&
      (!stack.value || each.stacks.has(stack.value)) &&
      (!kind.value || each.kinds.has(kind.value))
    );
  });
  const filter = () => {
    table.draw();
    const shown = table.rows({ search: "applied" }).count().toLocaleString("en");
    const all = packages.length.toLocaleString("en");
    count.textContent = shown === all ? `${all} packages` : `${shown} of ${all} packages`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  const select = (chosen) => {
    name.value = stack.value = "";
    kind.value = chosen;
    filter();
  };
  document.getElementById("_clear").addEventListener("click", () => select(""));
  for (const link of document.querySelectorAll("a[data-kind]")) {
    link.addEventListener("click", () => select(link.dataset.kind));
  }
  document.getElementById("_static").remove();
  form.hidden = false;
  filter();

  // The builds behind a package, once it is unfolded.
  let builds = null;
  const make = (tag, className, ...content) => {
    const made = document.createElement(tag);
    made.className = className;
    made.append(...content);
    return made;
  };
  const hashes = (pairs) => {
    const list = make("span", "hashes");
    for (let place = 0; place < pairs.length; place += 2) {
      const [before, after] = [pairs[place], pairs[place + 1]];
      const text = before && after && before !== after ? `${before} → ${after}` : before || after;
      list.append(make("code", "", text), " ");
    }
    return list;
  };
  const showBuilds = (details) => {
    builds ??= JSON.parse(document.getElementById("_builds").textContent);
    const list = make("ul", "builds");
    for (const [what, build, differences, pairs] of builds.packages[details.dataset.builds]) {
      const said = differences.map((number) => builds.texts[number]).join("; ");
      list.append(
        make("li", "", `${builds.texts[what]} `, make("code", "", builds.texts[build]), " ",
          make("span", "said", said), " ", hashes(pairs)),
      );
    }
    details.append(make("p", "builds-title", "Builds"), list);
    delete details.dataset.builds;
  };
  // `toggle` does not bubble.
  element.addEventListener(
    "toggle",
    ({ target }) => {
      if (target.open && target.dataset.builds) showBuilds(target);
    },
    true,
  );

  // A link to a package turns to its page of the table, unfolds it and goes there.
  const reveal = () => {
    const row = rowsById.get(location.hash.slice(1));
    if (!row) return;
    const places = () => table.rows({ search: "applied", order: "applied" }).nodes().toArray();
    if (!places().includes(row)) select("");
    table.page(Math.floor(places().indexOf(row) / table.page.len())).draw("page");
    const details = row.querySelector("details");
    details.open = true;
    row.scrollIntoView({ block: "center" });
    details.querySelector("summary").focus({ preventScroll: true });
  };
  // A browser that follows a link to what takes no focus takes it from all others: that goes first.
  const revealNext = () => setTimeout(reveal);
  addEventListener("load", revealNext);
  addEventListener("hashchange", revealNext);
  document.addEventListener("click", ({ target }) => {
    const link = target.closest("a");
    // The same link again changes no hash, but its row may be on another page by now.
    if (link && link.hash === location.hash) revealNext();
  });

  // On paper there are no pages of a table.
  const length = table.page.len();
  addEventListener("beforeprint", () => table.page.len(-1).draw());
  addEventListener("afterprint", () => {
    table.page.len(length).draw();
  });
})();
