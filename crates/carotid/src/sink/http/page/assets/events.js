// The page of events: they come one by one, already as the page shows them, and go on after the last one
// when the connection was lost.

import { localise } from "./times.js";

const MOST = 500;
let source = null;
let from = "";
let last = "";
let isPaused = false;
let waiting = [];
let again = 0;

export function follow() {
  const list = document.getElementById("events");
  const stream = list?.dataset.stream ?? "";
  const button = document.getElementById("pause");
  if (button) {
    button.hidden = false;
    button.onclick = pause;
  }
  if (stream === from) return;
  from = stream;
  last = "";
  waiting = [];
  open();
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
// A connection that nothing comes through looks like one on which nothing happens.
document.addEventListener("reconnect", open);

function close() {
  source?.close();
  source = null;
}

function open() {
  close();
  if (!from || isPaused || document.hidden) return;
  const url = new URL(from, location.href);
  if (last) url.searchParams.set("after", last);
  source = new EventSource(url);
  // A browser asks no second time where it was refused.
  source.onerror = () => {
    clearTimeout(again);
    if (source?.readyState === EventSource.CLOSED) again = setTimeout(open, 5000);
  };
  source.onmessage = ({ data, lastEventId }) => {
    last = lastEventId;
    if (!waiting.length) requestAnimationFrame(show);
    waiting.push(data);
  };
}

function show() {
  const list = document.getElementById("events");
  if (!list) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = waiting.reverse().join("");
  waiting = [];
  localise(fresh.content);
  for (const item of fresh.content.children) item.classList.add("fresh");
  list.prepend(fresh.content);
  while (list.children.length > MOST) list.lastElementChild.remove();
}

function pause({ currentTarget }) {
  isPaused = !isPaused;
  currentTarget.setAttribute("aria-pressed", String(isPaused));
  currentTarget.textContent = isPaused ? "Go on" : "Pause";
  const told = document.getElementById("paused");
  told.hidden = !isPaused;
  told.textContent = "Paused. What happens meanwhile is not lost: it comes when you go on.";
  if (isPaused) close();
  else open();
}
