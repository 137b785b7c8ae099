// J and K move along the list; on a listing J opens the next suspect and U goes back to the list.
// Everything works without this file.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) {
    return;
  }
  const key = event.key.toLowerCase();
  const follow = (selector) => document.querySelector(selector)?.click();
  const items = [...document.querySelectorAll("[data-item]")];
  if (items.length > 0 && (key === "j" || key === "k")) {
    const at = items.indexOf(document.activeElement);
    const to = at < 0 ? 0 : at + (key === "j" ? 1 : -1);
    const item = items[Math.max(0, Math.min(items.length - 1, to))];
    item.focus();
    item.closest("li").scrollIntoView({ block: "nearest" });
    event.preventDefault();
  } else if (key === "j") {
    follow("[data-next]");
  } else if (key === "u") {
    follow("[data-back]");
  }
});
