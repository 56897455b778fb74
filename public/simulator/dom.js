export const byId = (id) => document.getElementById(id);

/** Text goes in as text: no part of the page is ever made from markup. */
export function element(tag, className, text = '') {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/** Writes only what differs, so that screen readers are not told the same thing twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const plural = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
