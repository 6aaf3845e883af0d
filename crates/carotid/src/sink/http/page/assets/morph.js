// Makes what is on the page like what has just been fetched, and touches nothing that is the same: focus,
// selection, open details and what somebody is typing stay as they are.

export function morph(old, fresh) {
  attributes(old, fresh);
  if (old instanceof HTMLInputElement || old instanceof HTMLSelectElement) {
    // What the reader has changed is the reader's.
    if (!(old instanceof HTMLSelectElement)) return;
  }
  const keyed = new Map();
  for (const child of old.children) {
    const key = keyOf(child);
    if (key) keyed.set(key, child);
  }
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = keyOf(wanted);
    const known = key && keyed.get(key);
    if (known) {
      keyed.delete(key);
      if (known === at) at = at.nextSibling;
      else old.insertBefore(known, at);
      morph(known, wanted);
    } else if (at && !key && !keyOf(at) && at.nodeName === wanted.nodeName) {
      if (at.nodeType === Node.ELEMENT_NODE) morph(at, wanted);
      else if (at.data !== wanted.data) at.data = wanted.data;
      at = at.nextSibling;
    } else {
      old.insertBefore(document.importNode(wanted, true), at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? node.id || node.dataset.key || "" : "";
}

function attributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    // A script's own, and whether details are open, are not for the server to say.
    if (fresh.hasAttribute(name) || name === "open" || name === "hidden" || name === "tabindex") continue;
    old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name === "hidden" || name === "open") continue;
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}
