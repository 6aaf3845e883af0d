// Keys: `/` searches, `g` and a letter goes to a page; arrows move within an uptime bar.

const PLACES = { h: "/", s: "/sessions", e: "/events" };
let isGoing = 0;

const isTyping = (target) => target.matches?.("input, select, textarea, [contenteditable]");

export function start() {
  for (const hint of document.querySelectorAll("footer .keys")) hint.hidden = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key, target } = event;
    if (isTyping(target)) {
      if (key === "Escape") target.blur();
      return;
    }
    const search = document.getElementById("search");
    if (key === "/" && search) {
      event.preventDefault();
      search.focus();
      search.select?.();
    } else if (Date.now() - isGoing < 1500 && PLACES[key]) {
      location.assign(PLACES[key]);
    } else if (key.startsWith("Arrow") && target.matches?.(".bar li")) {
      move(event);
    }
    isGoing = key === "g" ? Date.now() : 0;
  });
}

function move(event) {
  const step = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[event.key];
  const next = step && event.target[step];
  if (!next) return;
  event.preventDefault();
  next.tabIndex = 0;
  next.focus();
}
