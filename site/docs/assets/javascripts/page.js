// Columns that sort: a heading becomes a button. Without scripts the tables stay in the order in which they were written.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const valueOf = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value === undefined ? cell.textContent.trim() : Number(cell.dataset.value);
  };
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const up = heading.getAttribute("aria-sort") === "descending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const order = (one, two) => (typeof one === "number" ? one - two : one.localeCompare(two, "en", { numeric: true }));
      const rows = [...body.rows].sort((one, two) => (up ? 1 : -1) * order(valueOf(one, column), valueOf(two, column)));
      body.append(...rows);
    });
  });
}

// Material gives its search dialog and the buttons on code no name, which screen readers would announce.
document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
const name = () => {
  let number = 0;
  for (const buttons of document.querySelectorAll("nav.md-code__nav")) buttons.setAttribute("aria-label", `Code block ${(number += 1)}`);
};
new MutationObserver(name).observe(document.querySelector("main"), { childList: true, subtree: true });
name();
